/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.c - the response to each path: metrics, landing page, health, errors. Called by http.c when a request's headers are
 * complete. Never opens a file for a path, never repeats what the client sent, never logs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/http_internal.h"
#include "serve/negotiate.h"
#include "serve/self.h"

#define TYPE_TEXT	   "text/plain; charset=utf-8"
#define TYPE_HTML	   "text/html; charset=utf-8"
#define TELEMETRY_PATH_MAX 128

struct page {
	const char *path;
	enum MHD_Result (*answer)(struct http *h, struct MHD_Connection *connection);
};

/* ---- answers ---- */

bool request_has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* `header` and `value`: one more header; NULL: none. Takes ownership of the response, which may be NULL. */
static enum MHD_Result answer_queue(struct MHD_Connection *connection, unsigned int status,
				    struct MHD_Response *response, const char *type, const char *header,
				    const char *value)
{
	enum MHD_Result r = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	    (!header || MHD_add_response_header(response, header, value) == MHD_YES) &&
	    (!request_has_body(connection) ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES))
		r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

/* `text` must outlive the connection. */
static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	return answer_queue(
		connection, status,
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT),
		TYPE_TEXT, NULL, NULL);
}

static enum MHD_Result answer_healthy(struct http *h, struct MHD_Connection *connection)
{
	(void)h; /* the response itself shows that the loop runs */
	return answer_text(connection, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result answer_ready(struct http *h, struct MHD_Connection *connection)
{
	return h->ready ? answer_text(connection, MHD_HTTP_OK, "ready\n")
			: answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready: no sample yet\n");
}

static enum MHD_Result answer_landing(struct http *h, struct MHD_Connection *connection)
{
	return answer_queue(connection, MHD_HTTP_OK,
			    MHD_create_response_from_buffer(h->landing.len, h->landing.data, MHD_RESPMEM_PERSISTENT),
			    TYPE_HTML, "Content-Security-Policy", "default-src 'none'");
}

static enum MHD_Result answer_wrong_method(struct MHD_Connection *connection)
{
	static const char text[] = "only GET and HEAD\n";

	return answer_queue(
		connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		MHD_create_response_from_buffer(sizeof(text) - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT),
		TYPE_TEXT, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

/* ---- metrics ---- */

const struct snapshot *http_sample(struct http *h, int *ret_error)
{
	const struct snapshot *s;

	*ret_error = 0;
	s = h->source->next(h->source->ctx, ret_error);
	if (!s) {
		if (!*ret_error)
			*ret_error = -ENODATA;
		return NULL;
	}
	h->sequence = s->sequence;
	h->sampled_ns = clock_boot_ns();
	h->ready = true;
	return s;
}

/*
 * A scrape takes a sample of its own. Those that arrive within share_ms of the latest sample get its text: fifty at once cost
 * one sample, and none gets data that is older than share_ms. `gzip`: how this one wants it.
 */
static int scrape(struct http *h, bool gzip, struct body **ret)
{
	struct prometheus_recording recording;
	const struct prometheus_options po = {.process_metrics = true,
					      .self = h->o.no_self ? NULL : &h->self,
					      .recording = h->o.recording ? &recording : NULL};
	const struct snapshot *s;
	struct body *body;
	int r;

	if (h->body && clock_boot_ns() - h->body->made_ns < h->o.share_ms * NS_PER_MS) {
		*ret = body_ref(h->body);
		return 0;
	}
	body_unref(h->body);
	h->body = NULL;
	if (h->source->judge)
		h->source->judge(h->source->ctx, true);
	if (h->source->loops)
		h->source->loops(h->source->ctx);
	s = http_sample(h, &r);
	if (!s)
		return r;
	h->asked_ns = h->sampled_ns;
	if (!h->o.no_self)
		self_read(&h->self);
	h->self.storage_bytes = h->o.storage_bytes && !h->o.no_self ? h->o.storage_bytes(h->o.ctx) : VALUE_ABSENT;
	h->self.map_bytes = h->o.map_bytes && !h->o.no_self ? h->o.map_bytes(h->o.ctx) : VALUE_ABSENT;
	if (h->o.recording)
		h->o.recording(h->o.ctx, &recording);
	r = body_new(&body, h->prometheus, s, &po, gzip ? &h->pack : NULL);
	if (r < 0)
		return r;
	h->body = body;
	*ret = body_ref(body);
	return 0;
}

static enum MHD_Result answer_no_sample(struct MHD_Connection *connection, int error)
{
	_cleanup_buf_ struct buf text = {};

	buf_printf(&text, "no sample: %s\n", strerror(-error));
	if (text.failed)
		return MHD_NO;
	return answer_queue(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			    MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY), TYPE_TEXT,
			    NULL, NULL);
}

static void body_release(void *body)
{
	body_unref(body);
}

/* Takes ownership of the reference. */
static enum MHD_Result answer_body(struct MHD_Connection *connection, struct body *body, bool gzip)
{
	const struct buf *text = gzip ? &body->gzip : &body->plain;
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback_cls(text->len, text->data, body_release, body);

	if (!response) {
		body_unref(body);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING) != MHD_YES) {
		MHD_destroy_response(response);
		return MHD_NO;
	}
	return answer_queue(connection, MHD_HTTP_OK, response, PROMETHEUS_CONTENT_TYPE,
			    gzip ? MHD_HTTP_HEADER_CONTENT_ENCODING : NULL, "gzip");
}

/* A client that asks for some collectors must not get all of them instead. */
static bool asks_for_part(struct MHD_Connection *connection)
{
	static const char *const keys[] = {"collect[]", "collect%5B%5D", "exclude[]", "exclude%5B%5D"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, keys[i], strlen(keys[i]), NULL,
						  NULL) == MHD_YES)
			return true;
	return false;
}

static enum MHD_Result answer_metrics(struct http *h, struct client *c, struct MHD_Connection *connection, bool head)
{
	const char *encodings =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	bool gzip = accept_gzip(encodings);
	struct body *body = NULL;
	uint64_t sequence;
	enum MHD_Result queued;
	int r;

	if (asks_for_part(connection))
		return answer_text(connection, MHD_HTTP_BAD_REQUEST, "collectors cannot be chosen by a query\n");
	if (h->o.max_requests && h->scrapes >= h->o.max_requests)
		return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many scrapes at once\n");
	r = scrape(h, gzip, &body);
	if (r < 0 || !body)
		return answer_no_sample(connection, r);
	if (gzip && body_compress(body) < 0)
		gzip = false;
	r = gzip ? 0 : body_expand(body);
	if (r < 0) {
		body_unref(body);
		return answer_no_sample(connection, r);
	}
	sequence = body->sequence;
	queued = answer_body(connection, body, gzip);
	if (queued == MHD_YES) {
		c->scrape = true;
		c->sequence = head ? SEQUENCE_NONE : sequence;
		h->scrapes++;
	}
	return queued;
}

/* ---- paths ---- */

static const struct page pages[] = {
	{"/", answer_landing},	    {"/-/healthy", answer_healthy}, {"/healthz", answer_healthy},
	{"/-/ready", answer_ready}, {"/readyz", answer_ready},
};

/*
 * The path of a request target, which may be a whole URI (absolute-form, RFC 9112 3.2.2: a server must accept it; some
 * proxies send it). The query has been cut off. Without an authority it is no path of ours, and stays as it is.
 */
static const char *target_path(const char *target)
{
	size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
	size_t authority = scheme ? strcspn(target + scheme, "/") : 0;

	if (!authority)
		return target;
	return target[scheme + authority] ? target + scheme + authority : "/";
}

enum MHD_Result page_answer(struct http *h, struct client *c, struct MHD_Connection *connection, const char *target,
			    const char *method)
{
	const char *path = target_path(target);
	bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;

	if (!head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_wrong_method(connection);
	if (strcmp(path, h->o.telemetry_path) == 0)
		return answer_metrics(h, c, connection, head);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (strcmp(path, pages[i].path) == 0)
			return pages[i].answer(h, connection);
	return answer_text(connection, MHD_HTTP_NOT_FOUND, "not found\n");
}

bool telemetry_path_valid(const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	size_t len = strlen(path);

	if (path[0] != '/' || len > TELEMETRY_PATH_MAX || strspn(path, allowed) != len)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (strcmp(path, pages[i].path) == 0)
			return false;
	return true;
}

int landing_write(struct buf *out, const char *telemetry_path)
{
	/* Nothing needs escaping: telemetry_path_valid has checked the path. */
	buf_printf(out,
		   "<!DOCTYPE html>\n"
		   "<html lang=\"en\">\n"
		   "<head><meta charset=\"utf-8\"><title>sysscope</title></head>\n"
		   "<body>\n"
		   "<h1>sysscope</h1>\n"
		   "<p>Which container and which process uses this machine.</p>\n"
		   "<p>Version " SYSSCOPE_VERSION " (revision " SYSSCOPE_REVISION ")</p>\n"
		   "<ul>\n"
		   "<li><a href=\"%s\">Metrics</a></li>\n"
		   "<li><a href=\"/-/healthy\">Healthy</a></li>\n"
		   "<li><a href=\"/-/ready\">Ready</a></li>\n"
		   "</ul>\n"
		   "</body>\n"
		   "</html>\n",
		   telemetry_path);
	return out->failed ? -ENOMEM : 0;
}
