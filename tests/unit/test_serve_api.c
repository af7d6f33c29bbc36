/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_serve_api.c - what /api/v1/ answers, with made-up snapshots: the JSON contract, narrowing, errors, and its limits. */
#include "lib/serve_server.h"

#include <jansson.h>
#include <zlib.h>

#include "exporters/findings/findings.h"
#include "exporters/json/json.h"
#include "serve/http_internal.h"
#include "sysscope/findings.h"

static json_t *answer_json(const struct answer *a)
{
	json_error_t error;
	json_t *o;

	assert_header(a, "Content-Type", "application/json");
	assert_header(a, "X-Content-Type-Options", "nosniff");
	o = json_loads(a->body.data, 0, &error);
	if (!o)
		fail_msg("%s in %s", error.text, a->body.data);
	return o;
}

static json_t *client_json(const struct server *s, const char *path, int status)
{
	_cleanup_answer_ struct answer a = {};

	client_get(s, path, "", &a);
	if (a.status != status)
		fail_msg("%s: %d, not %d: %s", path, a.status, status, a.body.data ? a.body.data : "");
	return answer_json(&a);
}

/* Byte by byte what the exporter writes, for the whole and for one view. */
static void test_contract(void **state)
{
	struct server *s = *state;
	static const struct {
		const char *path, *view;
	} rows[] = {{"/api/v1/snapshot", NULL},
		    {"/api/v1/snapshot?view=containers", "containers"},
		    {"/api/v1/snapshot?view=host", "host"}};

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_answer_ struct answer a = {};
		_cleanup_buf_ struct buf want = {};
		const struct json_options o = {.view = rows[i].view};

		client_get(s, rows[i].path, "", &a);
		assert_int_equal(a.status, 200);
		assert_header(&a, "Cache-Control", "no-store");
		assert_int_equal(json_write_snapshot(&want, &s->fake.snapshot, &o), 0);
		assert_string_equal(a.body.data, want.data);
	}
}

static void test_keys(void **state)
{
	struct server *s = *state;
	json_t *o, *rows, *row;

	server_start(s);
	o = client_json(s, "/api/v1/snapshot?view=containers&keys=name%2ccpu_cores,nothing", 200);
	rows = json_object_get(o, "containers");
	assert_int_equal(json_array_size(rows), 3);
	row = json_array_get(rows, 2);
	assert_int_equal(json_object_size(row), 2);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "container-000002");
	assert_true(json_is_number(json_object_get(row, "cpu_cores")));
	assert_non_null(json_object_get(o, "host"));
	json_decref(o);
}

static void test_gzip(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer packed = {}, plain = {};
	unsigned char text[65536];
	z_stream z = {.next_out = text, .avail_out = sizeof(text)};

	server_start(s);
	client_get(s, "/api/v1/snapshot", "Accept-Encoding: gzip\r\n", &packed);
	client_get(s, "/api/v1/snapshot", "", &plain);
	assert_header(&packed, "Content-Encoding", "gzip");
	assert_header(&packed, "Vary", "Accept-Encoding");
	assert_header(&plain, "Content-Encoding", NULL);
	z.next_in = (unsigned char *)packed.body.data;
	z.avail_in = (uInt)packed.body.len;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_int_equal(z.total_out, plain.body.len);
	assert_memory_equal(text, plain.body.data, plain.body.len);
}

/* One sample serves all who ask within a second, /metrics too; it counts as no delivery to Prometheus. */
static void test_shared(void **state)
{
	struct server *s = *state;
	int before;

	server_start(s);
	assert_int_equal(client_status(s, "/metrics"), 200);
	before = atomic_load(&s->fake.samples);
	for (int i = 0; i < 5; i++)
		json_decref(client_json(s, i % 2 ? "/api/v1/snapshot" : "/api/v1/snapshot?view=loops", 200));
	/* On a machine that stops for a second between them, one more for each. */
	assert_in_range(atomic_load(&s->fake.samples), before, before + 5);
	assert_true(s->http->latest != NULL);
	assert_int_equal(atomic_load(&s->fake.published), 1);
}

static void test_findings(void **state)
{
	struct server *s = *state;
	static const struct finding one = {.rule = "throttled",
					   .severity = FINDING_CRITICAL,
					   .container = "<b>\x1b",
					   .container_cgroup = "/x",
					   .comm = "",
					   .culprit_container = "",
					   .culprit_cgroup = "",
					   .culprit_process = "",
					   .headline = "it is throttled"};
	const struct findings found = {.time = 5, .watched_seconds = 10, .all = &one, .n = 1, .containers = 3};
	_cleanup_answer_ struct answer a = {};
	_cleanup_buf_ struct buf want = {};

	s->fake.snapshot.findings = &found;
	server_start(s);
	client_get(s, "/api/v1/findings", "", &a);
	assert_int_equal(a.status, 200);
	assert_true(atomic_load(&s->fake.judges) > 0);
	assert_int_equal(findings_json(&want, &found, &s->fake.snapshot), 0);
	assert_string_equal(a.body.data, want.data);
	s->fake.snapshot.findings = NULL;
}

static void test_findings_none(void **state)
{
	struct server *s = *state;
	json_t *o;

	s->fake.source.judge = NULL;
	server_start(s);
	o = client_json(s, "/api/v1/findings", 404);
	assert_non_null(strstr(json_string_value(json_object_get(o, "error")), "--no-findings"));
	json_decref(o);
}

/* A sentence, and nothing of what was sent. */
static void test_wrong(void **state)
{
	struct server *s = *state;
	static const struct {
		const char *path;
		int status;
	} rows[] = {
		{"/api/v1/", 404},
		{"/api/v1/marker", 404},
		{"/api/v1/snapshot/marker", 404},
		{"/api/v1/snapshot?marker=1", 400},
		{"/api/v1/snapshot?view=marker", 400},
		{"/api/v1/snapshot?view=<script>marker", 400},
		{"/api/v1/snapshot?view=threads", 400},
		{"/api/v1/snapshot?view=", 400},
		{"/api/v1/snapshot?view", 400},
		{"/api/v1/snapshot?view=loops&view=loops", 400},
		{"/api/v1/snapshot?view=%00marker", 400},
		{"/api/v1/snapshot?view=%zzmarker", 400},
		{"/api/v1/snapshot?keys=,,,", 400},
		{"/api/v1/"
		 "snapshot?keys=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
		 "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
		 400},
		{"/api/v1/findings?marker=1", 400},
	};

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *o = client_json(s, rows[i].path, rows[i].status);
		const char *sentence = json_string_value(json_object_get(o, "error"));

		assert_non_null(sentence);
		assert_null(strstr(sentence, "marker"));
		json_decref(o);
	}
	assert_int_equal(client_status(s, "/api/v1"), 404);
	assert_int_equal(client_status(s, "/api/v1%2fsnapshot"), 404);
}

static void test_methods(void **state)
{
	static const char post[] = "POST /api/v1/snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
	static const char head[] = "HEAD /api/v1/snapshot HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	_cleanup_answer_ struct answer posted = {}, headed = {};

	server_start(s);
	client_ask(s, post, strlen(post), &posted);
	assert_int_equal(posted.status, 405);
	assert_header(&posted, "Allow", "GET, HEAD");
	json_decref(answer_json(&posted));
	client_ask(s, head, strlen(head), &headed);
	assert_int_equal(headed.status, 200);
	assert_int_equal(headed.body.len, 0);
}

static void test_no_sample(void **state)
{
	struct server *s = *state;

	atomic_store(&s->fake.error, -EIO);
	server_start(s);
	json_decref(client_json(s, "/api/v1/snapshot", 503));
	atomic_store(&s->fake.error, 0);
	json_decref(client_json(s, "/api/v1/snapshot", 200));
}

/* What is spent is spent for the API only. */
static void test_budget_spent(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	json_decref(client_json(s, "/api/v1/snapshot", 200));
	budget_spend(&s->http->budget, 3000000000ULL);
	client_get(s, "/api/v1/snapshot", "", &a);
	assert_int_equal(a.status, 429);
	assert_true(answer_header(&a, "Retry-After") && atoi(answer_header(&a, "Retry-After")) >= 1);
	json_decref(answer_json(&a));
	assert_int_equal(client_status(s, "/metrics"), 200);
}

/* A body that nobody reads counts until its client is gone; those that are sent leave nothing. */
static void test_in_flight(void **state)
{
	struct server *s = *state;
	size_t kept;

	server_start(s);
	json_decref(client_json(s, "/api/v1/snapshot?view=host", 200));
	kept = s->http->budget.in_flight;
	assert_true(kept > 0 && kept < 65536);
	for (int i = 0; i < 20; i++)
		json_decref(client_json(s, i % 2 ? "/api/v1/snapshot?view=loops" : "/api/v1/snapshot?view=host", 200));
	server_tell_stop(s);
	server_join(s);
	assert_in_range(s->http->budget.in_flight, 1, 65536);
	api_forget(s->http);
	assert_int_equal(s->http->budget.in_flight, 0);
}

/* Through the thread that reads: many at once, each with an answer, and the others are told to come again. */
static void test_range_waits(void **state)
{
	static const char ask[] = "GET /api/v1/range?metric=cpu_cores HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	int fds[30];

	s->options.record_path = "/nowhere/at/all";
	server_start(s);
	json_decref(client_json(s, "/api/v1/range", 400));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(s);
		client_say(fds[i], ask);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		_cleanup_answer_ struct answer a = {};

		client_receive(fds[i], &a, false);
		assert_true(a.status == 503 || a.status == 429);
		json_decref(answer_json(&a));
		/* The connection goes on. */
		client_say(fds[i], "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
		answer_free(&a);
		client_receive(fds[i], &a, false);
		assert_int_equal(a.status, 200);
		close(fds[i]);
	}
}

/* Those that wait when it ends, and those that went away, leave nothing behind; ASan looks. */
static void test_range_stopped(void **state)
{
	static const char ask[] = "GET /api/v1/range?metric=cpu_cores&container=x HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	int fds[8];

	s->options.record_path = "/nowhere/at/all";
	s->options.drain_ms = 0;
	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(s);
		client_say(fds[i], ask);
		if (i % 2) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
	server_tell_stop(s);
	server_join(s);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		closep(&fds[i]);
}

static void test_range_unrecorded(void **state)
{
	struct server *s = *state;
	json_t *o;

	server_start(s);
	o = client_json(s, "/api/v1/range?metric=cpu_cores", 404);
	assert_non_null(strstr(json_string_value(json_object_get(o, "error")), "--record.path"));
	json_decref(o);
}

static void test_telemetry_path(void **state)
{
	(void)state;
	assert_false(telemetry_path_valid("/api/v1/snapshot"));
	assert_false(telemetry_path_valid("/api/v1/metrics"));
	assert_true(telemetry_path_valid("/api/metrics"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		server_test(test_contract),
		server_test(test_keys),
		server_test(test_gzip),
		server_test(test_shared),
		server_test(test_findings),
		server_test(test_findings_none),
		server_test(test_wrong),
		server_test(test_methods),
		server_test(test_no_sample),
		server_test(test_in_flight),
		server_test(test_budget_spent),
		server_test(test_range_waits),
		server_test(test_range_stopped),
		server_test(test_range_unrecorded),
		cmocka_unit_test(test_telemetry_path),
	};

	return cmocka_run_group_tests_name("serve_api", tests, NULL, NULL);
}
