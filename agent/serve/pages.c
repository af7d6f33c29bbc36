/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.c - the response to each path: metrics, health, errors. The page's files are in page_files.c, the API in api_pages.c.
 * Called by http.c when a request's headers are complete. Never opens a file for a path, never repeats what the client sent,
 * never logs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/answer.h"
#include "serve/text/negotiate.h"
#include "serve/self.h"

#define TELEMETRY_PATH_MAX 128

struct page {
	const char *path;
	enum MHD_Result (*answer)(const struct asked *r);
};

/* ---- small pages ---- */

/* The response itself shows that the loop runs. */
static enum MHD_Result answer_healthy(const struct asked *r)
{
	return answer_text(r, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result answer_ready(const struct asked *r)
{
	return r->http->ready ? answer_text(r, MHD_HTTP_OK, "ready\n")
			      : answer_text(r, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready: no sample yet\n");
}

static enum MHD_Result answer_wrong_method(const struct asked *r)
{
	static const struct header more[] = {{MHD_HTTP_HEADER_ALLOW, "GET, HEAD"}, {}};

	return answer_text_with(r, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n", more);
}

enum MHD_Result page_refuse(struct http *h, struct client *c, struct MHD_Connection *connection, bool busy)
{
	static const struct header who[] = {{MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"sysscope\""}, {}};
	static const struct header later[] = {{MHD_HTTP_HEADER_RETRY_AFTER, "1"}, {}};
	const struct asked r = {h, c, connection, false};

	if (busy)
		return answer_text_with(&r, MHD_HTTP_TOO_MANY_REQUESTS, "too many passwords are being checked\n",
					later);
	return answer_text_with(&r, MHD_HTTP_UNAUTHORIZED, "a user and a password are needed\n", who);
}

/* ---- metrics ---- */

const struct snapshot *http_sample(struct http *h, int *ret_error)
{
	const struct snapshot *s;

	*ret_error = 0;
	h->latest = NULL;
	s = h->source->next(h->source->ctx, ret_error);
	if (!s) {
		if (!*ret_error)
			*ret_error = -ENODATA;
		return NULL;
	}
	h->latest = s;
	h->sequence = s->sequence;
	h->sampled_ns = clock_boot_ns();
	h->ready = true;
	return s;
}

/*
 * A scrape takes a sample of its own. Those that arrive within share_ms of the latest sample get its text: fifty at once cost
 * one sample for each format, and none gets data that is older than share_ms. The last two: how this one wants it.
 */
static int scrape(struct http *h, bool openmetrics, uint32_t without, bool gzip, struct body **ret)
{
	struct prometheus_recording recording;
	struct prometheus_config config;
	bool configured = h->o.config && h->o.config(h->o.ctx, &config);
	const struct prometheus_options po = {.process_metrics = true,
					      .named = h->o.named,
					      .openmetrics = openmetrics,
					      .without = without,
					      .self = h->o.no_self ? NULL : &h->self,
					      .recording = h->o.recording ? &recording : NULL,
					      .config = configured ? &config : NULL};
	const struct snapshot *s;
	struct body *body, **shared;
	int r;

	shared = &h->bodies[without ? 2 : openmetrics];
	if (*shared && (*shared)->openmetrics == openmetrics && (*shared)->without == without &&
	    clock_boot_ns() - (*shared)->made_ns < h->o.share_ms * NS_PER_MS) {
		*ret = body_ref(*shared);
		return 0;
	}
	body_unref(*shared);
	*shared = NULL;
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
	r = body_new(&body, h->prometheus, s, &po, gzip && !without ? &h->packs[openmetrics] : NULL);
	if (r < 0)
		return r;
	*shared = body_ref(body);
	*ret = body;
	return 0;
}

static enum MHD_Result answer_no_sample(const struct asked *r, int error)
{
	_cleanup_buf_ struct buf text = {};

	buf_printf(&text, "no sample: %s\n", strerror(-error));
	if (text.failed)
		return MHD_NO;
	return answer_queue(r, MHD_HTTP_SERVICE_UNAVAILABLE,
			    MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY), TYPE_TEXT,
			    NULL);
}

static void body_release(void *body)
{
	body_unref(body);
}

/* Takes ownership of the reference. */
static enum MHD_Result answer_body(const struct asked *r, struct body *body, const char *type, bool gzip)
{
	const struct buf *text = gzip ? &body->gzip : &body->plain;
	const struct header more[] = {{MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding"},
				      {gzip ? MHD_HTTP_HEADER_CONTENT_ENCODING : NULL, "gzip"},
				      {}};
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback_cls(text->len, text->data, body_release, body);

	if (!response) {
		body_unref(body);
		return MHD_NO;
	}
	return answer_queue(r, MHD_HTTP_OK, response, type, more);
}

/* Which families a query asks for, as node_exporter's does: ?collect[]=NAME..., or ?exclude[]=NAME..., and not both. */
struct chosen_parts {
	uint32_t collect, exclude;
	bool unknown;
};

static enum MHD_Result part_take(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct chosen_parts *c = ctx;
	bool collect = strcmp(key, "collect[]") == 0 || strcasecmp(key, "collect%5B%5D") == 0;
	uint32_t bit = value ? prometheus_collector(value, strlen(value)) : 0;

	(void)kind;
	if (!collect && strcmp(key, "exclude[]") != 0 && strcasecmp(key, "exclude%5B%5D") != 0)
		return MHD_YES;
	c->unknown |= !bit;
	*(collect ? &c->collect : &c->exclude) |= bit;
	return MHD_YES;
}

/* NULL, or what is wrong with the query; *ret_without: the collectors whose families are not wanted. */
static const char *parts_chosen(struct MHD_Connection *connection, uint32_t *ret_without)
{
	struct chosen_parts c = {};

	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, part_take, &c);
	*ret_without = c.collect ? ~c.collect : c.exclude;
	if (c.unknown)
		return "no such collector; docs/metrics.md has the collector of each family\n";
	return c.collect && c.exclude ? "collect[] and exclude[] exclude each other\n" : NULL;
}

static enum MHD_Result answer_metrics(const struct asked *q)
{
	struct http *h = q->http;
	const char *encodings =
		MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	bool gzip = accept_gzip(encodings), escaping;
	bool openmetrics = accept_openmetrics(
		MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT), &escaping);
	const char *type = !openmetrics ? PROMETHEUS_CONTENT_TYPE
			   : escaping	? OPENMETRICS_CONTENT_TYPE "; escaping=underscores"
					: OPENMETRICS_CONTENT_TYPE;
	struct body *body = NULL;
	uint64_t sequence;
	uint32_t without;
	const char *wrong = parts_chosen(q->connection, &without);
	enum MHD_Result queued;
	int r;

	if (wrong)
		return answer_text(q, MHD_HTTP_BAD_REQUEST, wrong);
	if (h->o.max_requests && h->scrapes >= h->o.max_requests)
		return answer_text(q, MHD_HTTP_SERVICE_UNAVAILABLE, "too many scrapes at once\n");
	r = scrape(h, openmetrics, without, gzip, &body);
	if (r < 0 || !body)
		return answer_no_sample(q, r);
	if (gzip && body_compress(body) < 0)
		gzip = false;
	r = gzip ? 0 : body_expand(body);
	if (r < 0) {
		body_unref(body);
		return answer_no_sample(q, r);
	}
	sequence = body->sequence;
	queued = answer_body(q, body, type, gzip);
	if (queued == MHD_YES) {
		q->client->scrape = true;
		/* Who did not get all of it has not seen who has ended. */
		q->client->sequence = q->head || without ? SEQUENCE_NONE : sequence;
		h->scrapes++;
	}
	return queued;
}

/* ---- paths ---- */

static const struct page pages[] = {
	{"/-/healthy", answer_healthy},
	{"/healthz", answer_healthy},
	{"/-/ready", answer_ready},
	{"/readyz", answer_ready},
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
	const struct asked r = {h, c, connection, strcmp(method, MHD_HTTP_METHOD_HEAD) == 0};
	const char *path = target_path(target);

	if (api_path(path))
		return api_answer(&r, path, r.head || strcmp(method, MHD_HTTP_METHOD_GET) == 0);
	if (!r.head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_wrong_method(&r);
	if (strcmp(path, h->o.telemetry_path) == 0)
		return answer_metrics(&r);
	if (page_file_there(path))
		return page_file_answer(&r, path);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (strcmp(path, pages[i].path) == 0)
			return pages[i].answer(&r);
	return answer_text(&r, MHD_HTTP_NOT_FOUND, "not found\n");
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
	return !api_path(path) && !page_file_there(path);
}
