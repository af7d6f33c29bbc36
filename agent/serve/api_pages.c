/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * api_pages.c - the pages below /api/v1/: JSON for whoever looks, the page at / first of all. Called by pages.c. Errors are JSON,
 * too, and repeat nothing of the request. What their answers cost is bounded (serve/api/budget.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/findings/findings.h"
#include "exporters/json/json.h"
#include "serve/answer.h"
#include "serve/api/asks.h"
#include "serve/api/query.h"
#include "serve/text/negotiate.h"

#define API_PREFIX "/api/v1/"
#define TYPE_JSON  "application/json"
/* A snapshot that is younger is answered once more: that is also the shortest time that rates are averaged over. */
#define FRESH_NS 1000000000ULL
#define KEYS_MAX 64

static const struct header never_stored[] = {{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"}, {}};

/* ---- errors ---- */

static enum MHD_Result error_answer(const struct asked *r, unsigned int status, const struct header *more,
				    const char *sentence)
{
	_cleanup_buf_ struct buf text = {};

	buf_printf(&text, "{\"error\":\"%s\"}\n", sentence);
	if (text.failed)
		return MHD_NO;
	return answer_queue(r, status, MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY),
			    TYPE_JSON, more);
}

static enum MHD_Result error_parameter(const struct asked *r, const char *sentence)
{
	return error_answer(r, MHD_HTTP_BAD_REQUEST, never_stored, sentence);
}

static enum MHD_Result error_busy(const struct asked *r, unsigned int seconds)
{
	char after[16];
	const struct header more[] = {
		{MHD_HTTP_HEADER_RETRY_AFTER, after}, {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"}, {}};

	snprintf(after, sizeof(after), "%u", seconds);
	return error_answer(r, MHD_HTTP_TOO_MANY_REQUESTS, more,
			    "there were more requests than sysscope spends its time on: ask again later, as "
			    "Retry-After says, and less often");
}

static enum MHD_Result error_unavailable(const struct asked *r, const char *sentence)
{
	return error_answer(r, MHD_HTTP_SERVICE_UNAVAILABLE, never_stored, sentence);
}

/* ---- parameters ---- */

static enum MHD_Result parameter_take(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
	(void)kind;
	return query_take(ctx, key, value) ? MHD_YES : MHD_NO;
}

static void parameters_read(const struct asked *r, struct query *q, const char *const *keys)
{
	query_init(q, keys);
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, parameter_take, q);
}

/* Cuts `list` into its words. Their number; -E2BIG. */
static int words_split(char *list, const char **words, size_t most)
{
	char *state = NULL;
	size_t n = 0;

	for (char *w = strtok_r(list, ",", &state); w; w = strtok_r(NULL, ",", &state)) {
		if (n == most)
			return -E2BIG;
		words[n++] = w;
	}
	return (int)n;
}

/* ---- texts ---- */

static void body_let_go(void *body)
{
	body_unref(body);
}

/* Takes ownership of the reference. */
static enum MHD_Result text_answer(const struct asked *r, struct body *body)
{
	bool gzip = accept_gzip(
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	const struct buf *text;
	struct MHD_Response *response;

	if (gzip && body_compress(body) < 0)
		gzip = false;
	body_meter(body, &r->http->budget.in_flight);
	text = gzip ? &body->gzip : &body->plain;
	response = MHD_create_response_from_buffer_with_free_callback_cls(text->len, text->data, body_let_go, body);
	if (!response) {
		body_unref(body);
		return MHD_NO;
	}
	return answer_queue(r, MHD_HTTP_OK, response, TYPE_JSON,
			    (const struct header[]){{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
						    {MHD_HTTP_HEADER_VARY, "Accept-Encoding"},
						    {gzip ? MHD_HTTP_HEADER_CONTENT_ENCODING : NULL, "gzip"},
						    {}});
}

static const struct snapshot *snapshot_recent(struct http *h, int *ret_error)
{
	const struct snapshot *s = h->latest;

	*ret_error = 0;
	if (h->source->judge)
		h->source->judge(h->source->ctx, true);
	if (h->source->loops)
		h->source->loops(h->source->ctx);
	if (!s || clock_boot_ns() - h->sampled_ns >= FRESH_NS)
		s = http_sample(h, ret_error);
	h->asked_ns = clock_boot_ns();
	return s;
}

/* The text of this page with these parameters, of the latest snapshot; NULL: it has to be made. */
static struct body *page_text_kept(const struct http *h, enum api_text which, const char *of)
{
	struct body *b = h->texts[which];

	return b && h->latest && b->sequence == h->latest->sequence && strcmp(h->texts_of[which], of) == 0 ? body_ref(b)
													   : NULL;
}

static void page_text_keep(struct http *h, enum api_text which, const char *of, struct body *b)
{
	char *copy = strdup(of);

	body_unref(h->texts[which]);
	free(h->texts_of[which]);
	h->texts[which] = copy ? body_ref(b) : NULL;
	h->texts_of[which] = copy;
}

void api_forget(struct http *h)
{
	for (size_t i = 0; i < API_TEXTS; i++) {
		body_unref(h->texts[i]);
		free(h->texts_of[i]);
		h->texts[i] = NULL;
		h->texts_of[i] = NULL;
	}
	h->latest = NULL;
}

/* `text` is taken over; `r` is what making it came to. */
static enum MHD_Result text_made(const struct asked *r, enum api_text which, const char *of, struct buf *text,
				 int error)
{
	struct body *b = NULL;

	if (error < 0 || body_of(&b, text) < 0)
		return error_unavailable(r, "no memory for the answer");
	b->sequence = r->http->latest->sequence;
	page_text_keep(r->http, which, of, b);
	return text_answer(r, b);
}

/* ---- the pages ---- */

/* NULL, or what is wrong with them. `list` is cut into the words that `o` points to. */
static const char *snapshot_options(struct json_options *o, const char *view, char *list, const char **words)
{
	int n = list ? words_split(list, words, KEYS_MAX) : 0;

	*o = (struct json_options){.view = view, .keys = words, .n_keys = n > 0 ? (size_t)n : 0};
	if (view && !json_view_known(view))
		return "there is no such view; docs/api.md lists those that there are";
	if (list && !n)
		return "keys= names no key";
	return n < 0 ? "there are more than 64 keys" : NULL;
}

static enum MHD_Result snapshot_answer(const struct asked *r, const struct json_options *o, const char *of)
{
	_cleanup_buf_ struct buf text = {};
	int error;
	const struct snapshot *s = snapshot_recent(r->http, &error);
	struct body *kept;

	if (!s)
		return error_unavailable(r, "no sample can be taken; the log of serve says why");
	kept = page_text_kept(r->http, API_SNAPSHOT, of);
	if (kept)
		return text_answer(r, kept);
	error = json_write_snapshot(&text, s, o);
	return text_made(r, API_SNAPSHOT, of, &text, error);
}

static enum MHD_Result page_snapshot(const struct asked *r)
{
	static const char *const parameters[] = {"view", "keys", NULL};
	_cleanup_buf_ struct buf of = {};
	_cleanup_free_ char *list = NULL;
	const char *words[KEYS_MAX], *view, *keys, *wrong;
	enum MHD_Result queued;
	struct json_options o;
	struct query q;

	parameters_read(r, &q, parameters);
	view = query_value(&q, "view");
	keys = query_value(&q, "keys");
	list = keys ? strdup(keys) : NULL;
	buf_printf(&of, "%s&%s", view ?: "", keys ?: "");
	wrong = q.wrong ?: snapshot_options(&o, view, list, words);
	if (wrong)
		queued = error_parameter(r, wrong);
	else if (of.failed || (keys && !list))
		queued = error_unavailable(r, "no memory for the answer");
	else
		queued = snapshot_answer(r, &o, of.data);
	query_free(&q);
	return queued;
}

static enum MHD_Result findings_live(const struct asked *r)
{
	_cleanup_buf_ struct buf text = {};
	const struct snapshot *s;
	struct body *kept;
	int error;

	if (!r->http->source->judge)
		return error_answer(r, MHD_HTTP_NOT_FOUND, never_stored,
				    "nothing is judged, as serve was started with --no-findings");
	s = snapshot_recent(r->http, &error);
	if (!s)
		return error_unavailable(r, "no sample can be taken; the log of serve says why");
	if (!s->findings)
		return error_unavailable(r, "no memory for findings");
	kept = page_text_kept(r->http, API_FINDINGS, "");
	if (kept)
		return text_answer(r, kept);
	error = findings_json(&text, s->findings, s);
	return text_made(r, API_FINDINGS, "", &text, error);
}

static enum MHD_Result page_findings(const struct asked *r)
{
	static const char *const keys[] = {NULL};
	enum MHD_Result queued;
	struct query q;

	parameters_read(r, &q, keys);
	queued = q.wrong ? error_parameter(r, q.wrong) : findings_live(r);
	query_free(&q);
	return queued;
}

/* ---- out of the recording ---- */

static enum MHD_Result range_answer(const struct asked *r)
{
	struct ask_job *job = r->client->job;
	struct range_answer *a = &job->answer;
	struct body *b = NULL;
	enum MHD_Result queued;

	r->client->job = NULL;
	budget_spend(&r->http->budget, a->cpu_ns);
	if (a->wrong)
		queued = error_answer(r, a->status, never_stored, a->wrong);
	else if (body_of(&b, &a->text) < 0)
		queued = error_unavailable(r, "no memory for the answer");
	else
		queued = text_answer(r, b);
	ask_job_free(job);
	return queued;
}

/* Suspends the connection; when it has been read the request comes once more. */
static enum MHD_Result page_range(const struct asked *r)
{
	struct client *c = r->client;
	struct range_ask ask;
	struct query q;
	const char *wrong;

	if (c->job)
		return range_answer(r);
	if (!r->http->asks)
		return error_answer(r, MHD_HTTP_NOT_FOUND, never_stored,
				    "nothing is recorded: serve was started without --record.path DIR");
	parameters_read(r, &q, range_parameters);
	wrong = range_ask_parse(&ask, &q);
	query_free(&q);
	if (wrong) {
		range_ask_free(&ask);
		return *wrong ? error_parameter(r, wrong) : error_unavailable(r, "no memory for the answer");
	}
	c->job = asks_add(r->http->asks, &ask, c);
	if (!c->job)
		return error_busy(r, 1);
	c->answered = false;
	c->waits = r->connection;
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

static void job_resume(const struct ask_job *job)
{
	struct client *c = job->who;
	struct MHD_Connection *connection = c->waits;

	c->waits = NULL;
	MHD_resume_connection(connection);
}

void api_turn(struct http *h)
{
	const struct ask_job *job;

	while (h->asks && (job = asks_done(h->asks)))
		job_resume(job);
}

void api_stop(struct http *h)
{
	const struct ask_job *job;

	if (!h->asks)
		return;
	asks_stop(h->asks);
	while ((job = asks_drop(h->asks)))
		job_resume(job);
}

static const struct api_page {
	const char *name;
	enum MHD_Result (*answer)(const struct asked *r);
} api_pages[] = {
	{"snapshot", page_snapshot},
	{"findings", page_findings},
	{"range", page_range},
};

bool api_path(const char *path)
{
	return strncmp(path, API_PREFIX, strlen(API_PREFIX)) == 0;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec t = {};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

enum MHD_Result api_answer(const struct asked *r, const char *path, bool allowed)
{
	static const struct header allow[] = {{MHD_HTTP_HEADER_ALLOW, "GET, HEAD"}, {}};
	struct budget *budget = &r->http->budget;
	const char *name = path + strlen(API_PREFIX);
	uint64_t before_ns = thread_cpu_ns();
	enum MHD_Result queued;
	unsigned int wait;

	if (!allowed)
		return error_answer(r, MHD_HTTP_METHOD_NOT_ALLOWED, allow, "only GET and HEAD");
	for (size_t i = 0; i < ARRAY_SIZE(api_pages); i++) {
		if (strcmp(name, api_pages[i].name) != 0)
			continue;
		/* What was read already is answered. */
		wait = r->client->job ? 0 : budget_ask(budget, clock_boot_ns());
		if (wait)
			return error_busy(r, wait);
		queued = api_pages[i].answer(r);
		budget_spend(budget, thread_cpu_ns() - before_ns);
		return queued;
	}
	return error_answer(r, MHD_HTTP_NOT_FOUND, never_stored,
			    "there is no such page; docs/api.md lists those that there are");
}
