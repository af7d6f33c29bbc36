/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_serve.c - what the server answers: pages, headers, encodings, errors, requests that are not as they should be.
 * Deadlines, crowds and stopping are in test_serve_slow.c.
 */
#include "lib/serve_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <time.h>
#include <zlib.h>

#include "exporters/prometheus/prometheus.h"
#include "serve/http_internal.h"
#include "serve/listen.h"
#include "serve/self.h"

static void assert_metrics(const struct buf *text)
{
	assert_true(text->len > 0 && text->data[text->len - 1] == '\n');
	assert_non_null(strstr(text->data, "\nsysscope_build_info{"));
	assert_non_null(strstr(text->data, "container-000002"));
	assert_non_null(strstr(text->data, "\nprocess_start_time_seconds "));
}

static void test_metrics(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	client_get(s, "/metrics", "", &a);
	assert_int_equal(a.status, 200);
	assert_header(&a, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	assert_header(&a, "X-Content-Type-Options", "nosniff");
	assert_header(&a, "Vary", "Accept, Accept-Encoding");
	assert_header(&a, "Content-Encoding", NULL);
	assert_header(&a, "Connection", NULL);
	assert_metrics(&a.body);
}

/* By negotiation, also of one sample in both formats at once. */
static void test_openmetrics_asked(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer open = {}, plain = {}, escaped = {};

	s->options.share_ms = 60000;
	server_start(s);
	client_get(s, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n", &open);
	client_get(s, "/metrics", "Accept: */*\r\n", &plain);
	client_get(s, "/metrics", "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8\r\n",
		   &escaped);
	assert_header(&open, "Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_header(&plain, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	assert_header(&escaped, "Content-Type",
		      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
	assert_non_null(strstr(open.body.data, "\n# TYPE container_cpu_usage_seconds counter\n"));
	assert_non_null(strstr(open.body.data, "\n# EOF\n"));
	assert_non_null(strstr(plain.body.data, "\n# TYPE container_cpu_usage_seconds_total counter\n"));
	assert_null(strstr(plain.body.data, "# EOF"));
}

static bool has_family(const struct answer *a, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "\n# TYPE %s ", name);
	return strstr(a->body.data, type) != NULL;
}

/* Some collectors' families only; those of sysscope itself are always there. */
static void test_parts(void **state)
{
	static const struct {
		const char *query;
		bool has_cpu, has_waits, has_forks;
	} rows[] = {
		{"", true, true, true},
		{"?collect[]=tcp", false, false, false},
		{"?collect[]=cgroupfs&collect[]=sched", true, true, false},
		{"?collect%5b%5d=cgroupfs", true, false, false},
		{"?exclude[]=cgroupfs", false, true, true},
		{"?exclude[]=sched&exclude%5B%5D=tcp&other=1", true, false, true},
	};
	struct server *s = *state;

	s->options.share_ms = 60000;
	server_start(s);
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			_cleanup_answer_ struct answer a = {};
			char path[128];

			snprintf(path, sizeof(path), "/metrics%s", rows[i].query);
			client_get(s, path, "", &a);
			assert_int_equal(a.status, 200);
			if (has_family(&a, "container_cpu_usage_seconds_total") != rows[i].has_cpu ||
			    has_family(&a, "sysscope_blocked_seconds_total") != rows[i].has_waits ||
			    has_family(&a, "sysscope_container_forks_total") != rows[i].has_forks)
				fail_msg("'%s'", rows[i].query);
			assert_true(strstr(a.body.data, "# TYPE sysscope_build_info ") != NULL);
		}
	assert_int_equal(client_status(s, "/metrics?collect[]=nothing"), 400);
	assert_int_equal(client_status(s, "/metrics?collect[]"), 400);
	assert_int_equal(client_status(s, "/metrics?collect[]=sched&exclude[]=host"), 400);
}

static void gunzip(const struct buf *in, struct buf *out)
{
	z_stream z = {.next_in = (unsigned char *)in->data, .avail_in = (uInt)in->len};
	unsigned char chunk[4096];
	int r;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		r = inflate(&z, Z_NO_FLUSH);
		buf_add(out, chunk, sizeof(chunk) - z.avail_out);
	} while (r == Z_OK);
	inflateEnd(&z);
	assert_int_equal(r, Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
}

/* The body is made as the first of them asks for it, and turned into the other form for the second. */
static void gzip_and_plain(struct server *s, bool plain_first)
{
	_cleanup_answer_ struct answer packed = {}, plain = {}, refused = {};
	_cleanup_buf_ struct buf text = {};

	s->options.share_ms = 60000; /* so that all three are of one sample */
	server_start(s);
	if (plain_first)
		client_get(s, "/metrics", "", &plain);
	client_get(s, "/metrics", "Accept-Encoding: gzip\r\n", &packed);
	if (!plain_first)
		client_get(s, "/metrics", "", &plain);
	client_get(s, "/metrics", "Accept-Encoding: gzip;q=0\r\n", &refused);
	assert_int_equal(packed.status, 200);
	assert_header(&packed, "Content-Encoding", "gzip");
	assert_header(&packed, "Vary", "Accept, Accept-Encoding");
	assert_header(&packed, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	gunzip(&packed.body, &text);
	assert_metrics(&text);
	assert_true(packed.body.len < text.len / 2);
	assert_int_equal(text.len, plain.body.len);
	assert_memory_equal(text.data, plain.body.data, text.len);
	assert_header(&refused, "Content-Encoding", NULL);
	assert_int_equal(refused.body.len, plain.body.len);
}

static void test_gzip(void **state)
{
	gzip_and_plain(*state, false);
}

static void test_gzip_after_plain(void **state)
{
	gzip_and_plain(*state, true);
}

/* Findings cost something, so they are asked for by a scrape, and by nothing else. */
static void test_judged_if_scraped(void **state)
{
	static const char *const others[] = {"/", "/-/healthy", "/-/ready", "/nothing", "/metrics?collect[]=x"};
	struct server *s = *state;

	s->options.share_ms = 0;
	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_answer_ struct answer a = {};

		client_get(s, others[i], "", &a);
	}
	assert_int_equal(atomic_load(&s->fake.judges), 0);
	for (int i = 1; i < 3; i++) {
		_cleanup_answer_ struct answer a = {};

		client_get(s, "/metrics", "", &a);
		assert_int_equal(atomic_load(&s->fake.judges), i);
	}
}

static void test_head(void **state)
{
	static const char *const paths[] = {"/metrics", "/", "/-/healthy", "/nothing"};
	struct server *s = *state;

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_answer_ struct answer a = {};
		_cleanup_buf_ struct buf text = {};
		int fd = client_connect(s);
		char byte;

		buf_printf(&text, "HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", paths[i]);
		client_send(fd, text.data, text.len);
		client_receive(fd, &a, true);
		assert_int_equal(a.status, i < 3 ? 200 : 404);
		assert_true(atoi(answer_header(&a, "Content-Length")) > 0);
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		close(fd);
	}
	assert_int_equal(atomic_load(&s->fake.published), 0);
}

/* Whole request, its status, and the header that its answer must have. */
struct request_row {
	const char *text;
	int status;
	const char *header, *value;
};
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n"
static const struct request_row request_rows[] = {
	{GET("/") "\r\n", 200, "Cache-Control", "no-cache"},
	{GET("/") "\r\n", 200, "Content-Type", "text/html; charset=utf-8"},
	{GET("/-/healthy") "\r\n", 200, "Content-Type", "text/plain; charset=utf-8"},
	{GET("/healthz") "\r\n", 200, "X-Content-Type-Options", "nosniff"},
	{GET("/-/ready") "\r\n", 200, NULL, NULL},
	{GET("/readyz") "\r\n", 200, NULL, NULL},
	{GET("/metrics?x=1") "\r\n", 200, NULL, NULL},
	{"GET /metrics HTTP/1.0\r\n\r\n", 200, NULL, NULL},
	{GET("http://x/metrics") "\r\n", 200, "Content-Type", PROMETHEUS_CONTENT_TYPE},
	{GET("http://x:9101/metrics?x=1") "\r\n", 200, "Content-Type", PROMETHEUS_CONTENT_TYPE},
	{GET("HTTPS://[::1]:9101/healthz") "\r\n", 200, NULL, NULL},
	{GET("http://x") "\r\n", 200, "Content-Type", "text/html; charset=utf-8"},
	{GET("http://x?x=1") "\r\n", 200, "Content-Type", "text/html; charset=utf-8"},
	{"GET http://x/metrics HTTP/1.0\r\n\r\n", 200, NULL, NULL},

	{GET("/evil") "\r\n", 404, "Content-Type", "text/plain; charset=utf-8"},
	{GET("/evil") "\r\n", 404, "X-Content-Type-Options", "nosniff"},
	{GET("/metrics/") "\r\n", 404, NULL, NULL},
	{GET("/METRICS") "\r\n", 404, NULL, NULL},
	{GET("//metrics") "\r\n", 404, NULL, NULL},
	{GET("/metrics%00evil") "\r\n", 404, NULL, NULL},
	{GET("/%6detrics") "\r\n", 404, NULL, NULL},
	{GET("/../../etc/passwd") "\r\n", 404, NULL, NULL},
	{GET("/..%2f..%2fetc/passwd") "\r\n", 404, NULL, NULL},
	{GET("http:///metrics") "\r\n", 404, NULL, NULL},
	{GET("http://x//metrics") "\r\n", 404, NULL, NULL},
	{GET("http://x/evil") "\r\n", 404, NULL, NULL},
	{GET("ftp://x/metrics") "\r\n", 404, NULL, NULL},
	{GET("x/metrics") "\r\n", 404, NULL, NULL},
	{GET("/metrics?collect[]=<script>evil") "\r\n", 400, "Content-Type", "text/plain; charset=utf-8"},
	{GET("/metrics?a&collect%5B%5D=evil") "\r\n", 400, "X-Content-Type-Options", "nosniff"},
	{GET("/metrics?exclude[]=evil") "\r\n", 400, NULL, NULL},

	{"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "Allow", "GET, HEAD"},
	{"POST /evil HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nevil!", 405, "Connection", "close"},
	{"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow", "GET, HEAD"},
	{"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Content-Type", "text/plain; charset=utf-8"},
	{"get / HTTP/1.1\r\nHost: x\r\n\r\n", 405, NULL, NULL},
	{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405, NULL, NULL},
	{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", 405, "Connection", "close"},

	{GET("/healthz") "Content-Length: 5\r\n\r\nevil!", 200, "Connection", "close"},
	{GET("/healthz") "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "Connection", "close"},
	{GET("/healthz") "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 200, "Connection",
	 "close"},
	{GET("/healthz") "Content-Length: -1\r\n\r\n", 400, NULL, NULL},
	{GET("/healthz") "Content-Length: 99999999999999999999999999\r\n\r\n", 413, NULL, NULL},

	{"GET /metrics HTTP/1.1\r\n\r\n", 400, NULL, NULL},
	{"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", 505, NULL, NULL},
	{"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 evil\r\n\r\n", 400, NULL, NULL},

	{GET("/metrics") "Accept: */*;q=x\r\n\r\n", 200, "Content-Type", PROMETHEUS_CONTENT_TYPE},
	{GET("/metrics") "Accept: ,;=;q=;;,/\r\n\r\n", 200, "Content-Type", PROMETHEUS_CONTENT_TYPE},
	{GET("/metrics") "Accept: application/vnd.google.protobuf;encoding=delimited\r\n\r\n", 200, "Content-Type",
	 PROMETHEUS_CONTENT_TYPE},
	{GET("/metrics") "Accept: application/openmetrics-text;version=1.0.0;escaping=evil,*/*;q=0.1\r\n\r\n", 200,
	 "Content-Type", OPENMETRICS_CONTENT_TYPE "; escaping=underscores"},
};

static void test_requests(void **state)
{
	struct server *s = *state;

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(request_rows); i++) {
		const struct request_row *r = &request_rows[i];
		_cleanup_answer_ struct answer a = {};

		client_ask(s, r->text, strlen(r->text), &a);
		if (a.status != r->status)
			fail_msg("%s\nstatus %d, not %d", r->text, a.status, r->status);
		if (r->header)
			assert_header(&a, r->header, r->value);
		/* Nothing of what the client sent comes back. */
		assert_null(strstr(a.head.data, "evil"));
		assert_null(a.body.data ? strstr(a.body.data, "evil") : NULL);
	}
}

/* No second request is taken out of what came as the body of the first. */
static void test_body_is_no_request(void **state)
{
	static const char *const firsts[] = {
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
		GET("/") "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		GET("/") "Content-Length: 1\r\n\r\n",
	};
	struct server *s = *state;

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
		_cleanup_answer_ struct answer a = {};
		int fd = client_connect(s);

		client_say(fd, firsts[i]);
		client_say(fd, GET("/metrics") "\r\n");
		client_receive(fd, &a, false);
		assert_true(a.status == 405 || a.status == 200);
		assert_true(client_closed_within(fd, 3000));
		close(fd);
	}
	assert_int_equal(atomic_load(&s->fake.samples), 1); /* that of the start */
}

static void test_too_long(void **state)
{
	struct server *s = *state;
	static const struct {
		const char *begin;
		size_t n;
		const char *end;
		int status[2];
	} rows[] = {
		{GET("/healthz") "X: ", 65536, "\r\n\r\n", {431, 431}},
		{GET("/metrics") "Accept-Encoding: ", 65536, "\r\n\r\n", {431, 431}},
		{"GET /", 65536, " HTTP/1.1\r\nHost: x\r\n\r\n", {414, 431}},
	};

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_answer_ struct answer a = {};
		_cleanup_buf_ struct buf text = {};
		int fd = client_connect(s);

		buf_str(&text, rows[i].begin);
		for (size_t k = 0; k < rows[i].n; k++)
			buf_char(&text, 'a');
		buf_str(&text, rows[i].end);
		client_send(fd, text.data, text.len);
		client_receive(fd, &a, false);
		/* What was not read makes the kernel reset the connection, mostly after the answer. */
		if (a.status ? a.status != rows[i].status[0] && a.status != rows[i].status[1] : !a.closed)
			fail_msg("row %zu: status %d", i, a.status);
		close(fd);
	}
	assert_int_equal(client_status(s, "/healthz"), 200);
}

/* Just over the limit, so that all of it was read and the answer is certain to arrive. */
static void test_headers_too_large(void **state)
{
	struct server *s = *state;
	_cleanup_buf_ struct buf text = {};
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	buf_str(&text, GET("/healthz"));
	while (text.len < 16400)
		buf_printf(&text, "X%zu: y\r\n", text.len);
	client_ask(s, text.data, text.len, &a);
	assert_int_equal(a.status, 431);
	assert_int_equal(client_status(s, "/healthz"), 200);
}

/* libmicrohttpd takes the path to end there: what is served is a page of ours or nothing, and the tail is not repeated. */
static void test_nul_in_path(void **state)
{
	static const char text[] = "GET /healthz\0evil HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	client_ask(s, text, sizeof(text) - 1, &a);
	assert_true(a.status == 200 || a.status == 400 || a.status == 404);
	assert_null(a.body.data ? strstr(a.body.data, "evil") : NULL);
}

static void test_keep_alive(void **state)
{
	struct server *s = *state;
	int fd;

	server_start(s);
	fd = client_connect(s);
	for (int i = 0; i < 3; i++) {
		_cleanup_answer_ struct answer a = {};

		client_say(fd, i == 1 ? GET("/metrics") "\r\n" : GET("/healthz") "\r\n");
		client_receive(fd, &a, false);
		assert_int_equal(a.status, 200);
		assert_header(&a, "Connection", NULL);
	}
	close(fd);
}

static void test_landing(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	s->options.telemetry_path = "/probe/m-1";
	server_start(s);
	client_get(s, "/", "", &a);
	assert_non_null(strstr(a.body.data, "<a href=\"probe/m-1\">"));
	assert_non_null(strstr(a.body.data, SYSSCOPE_VERSION));
	assert_int_equal(client_status(s, "/probe/m-1"), 200);
	assert_int_equal(client_status(s, "/metrics"), 404);
}

/* Each with its type and the policy; the HTML has no mark left in it. */
static void test_page_files(void **state)
{
	static const char *const files[][2] = {{"/", "text/html; charset=utf-8"},
					       {"/page.css", "text/css; charset=utf-8"},
					       {"/page.js", "text/javascript; charset=utf-8"}};
	struct server *s = *state;

	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_answer_ struct answer a = {};

		client_get(s, files[i][0], "", &a);
		assert_int_equal(a.status, 200);
		assert_header(&a, "Content-Type", files[i][1]);
		assert_header(&a, "X-Content-Type-Options", "nosniff");
		assert_non_null(strstr(answer_header(&a, "Content-Security-Policy"),
				       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
				       "img-src 'self' data:; "
				       "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"));
		assert_true(strlen(a.body.data) == a.body.len && a.body.len > 1000);
		assert_true(i > 0 || strchr(a.body.data, '@') == NULL);
		assert_false(telemetry_path_valid(files[i][0]));
	}
	assert_int_equal(client_status(s, "/index.html"), 404);
	assert_int_equal(client_status(s, "/page.js/"), 404);
}

static void test_source_error(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	s->options.share_ms = 0;
	atomic_store(&s->fake.error, -EACCES);
	server_start(s);
	assert_int_equal(client_status(s, "/-/ready"), 503);
	assert_int_equal(client_status(s, "/readyz"), 503);
	assert_int_equal(client_status(s, "/-/healthy"), 200);
	client_get(s, "/metrics", "", &a);
	assert_int_equal(a.status, 503);
	assert_header(&a, "Content-Type", "text/plain; charset=utf-8");
	assert_string_equal(a.body.data, "no sample: Permission denied\n");
	assert_int_equal(atomic_load(&s->fake.published), 0);

	atomic_store(&s->fake.error, 0);
	assert_int_equal(client_status(s, "/metrics"), 200);
	assert_int_equal(client_status(s, "/-/ready"), 200);
	atomic_store(&s->fake.error, -EIO);
	assert_int_equal(client_status(s, "/metrics"), 503);
	assert_int_equal(client_status(s, "/-/ready"), 200);
}

static void test_no_self(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	s->options.no_self = true;
	server_start(s);
	client_get(s, "/metrics", "", &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.body.data, "process_start_time_seconds"));
}

/* ---- what needs no server ---- */
static void test_listen(void **state)
{
	static const char *const wrong[] = {
		"",	"10435",  "host",  ":",	      "127.0.0.1:", "127.0.0.1:x", ":65536",	     ":-1",
		": 80", "::1:80", "[::1]", "[::1]80", "[]:80",	    "[::1:80",	   "127.0.0.1:0x50", ":80 "};
	static const char *const right[] = {"127.0.0.1:0", ":0", "localhost:0"};
	_cleanup_buf_ struct buf error = {}, address = {};
	int fd, second;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		buf_reset(&error);
		if (listen_open(wrong[i], &error) != -EINVAL)
			fail_msg("'%s'", wrong[i]);
		assert_non_null(strstr(error.data, "HOST:PORT"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		fd = listen_open(right[i], &error);
		if (fd < 0)
			fail_msg("'%s': %s", right[i], error.data);
		close(fd);
	}
	fd = listen_open("127.0.0.1:0", &error);
	assert_true(fd >= 0);
	listen_address(fd, &address);
	buf_reset(&error);
	second = listen_open(address.data, &error);
	assert_int_equal(second, -EADDRINUSE);
	assert_non_null(strstr(error.data, address.data));
	assert_non_null(strstr(error.data, "in use"));
	close(fd);
	assert_true(listen_open("192.0.2.1:0", &error) < 0); /* nobody's: TEST-NET-1 */
}

/* :PORT takes IPv4 as well, whatever net.ipv6.bindv6only says. */
static void test_all_addresses(void **state)
{
	struct server *s = *state;

	s->options.listen[0] = ":0";
	server_start(s);
	assert_int_equal(client_status(s, "/healthz"), 200);
}

static int status_at(const struct server *s, size_t i)
{
	struct server other = *s;
	uint64_t port;

	assert_int_equal(parse_u64(strrchr(http_address(s->http, i), ':') + 1, 1, 65535, &port), 0);
	other.port = (uint16_t)port;
	return client_status(&other, "/metrics");
}

/* Several addresses are one server: each answers, in any order, and all are closed at the end. */
static void test_several_addresses(void **state)
{
	struct server *s = *state;
	char ports[3][64];

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		s->options.listen[i] = i == 1 ? ":0" : "127.0.0.1:0";
	s->options.n_listen = ARRAY_SIZE(ports);
	server_start(s);
	assert_null(http_address(s->http, ARRAY_SIZE(ports)));
	for (size_t turn = 0; turn < 4; turn++)
		for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
			assert_int_equal(status_at(s, (i + turn) % ARRAY_SIZE(ports)), 200);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		snprintf(ports[i], sizeof(ports[i]), "127.0.0.1%s", strrchr(http_address(s->http, i), ':'));
	server_tell_stop(s);
	server_join(s);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		_cleanup_buf_ struct buf error = {};
		_cleanup_close_ int fd = listen_open(ports[i], &error);

		if (fd < 0)
			fail_msg("%s is not free: %s", ports[i], error.data);
	}
}

/* All of them or none: when the second is taken the first one is given back. */
static void test_address_taken(void **state)
{
	_cleanup_buf_ struct buf error = {}, taken = {}, unused = {};
	struct server *s = *state;
	int fd = listen_open("127.0.0.1:0", &error), other = listen_open("127.0.0.1:0", &error);

	assert_true(fd >= 0 && other >= 0);
	listen_address(fd, &taken);
	listen_address(other, &unused);
	close(other);
	s->options.listen[0] = unused.data;
	s->options.listen[1] = taken.data;
	s->options.n_listen = 2;
	assert_int_equal(http_open(&s->http, &s->options, &error), -EADDRINUSE);
	assert_non_null(strstr(error.data, taken.data));
	other = listen_open(unused.data, &error);
	assert_true(other >= 0);
	close(other);
	close(fd);
	s->options.n_listen = 0;
	buf_reset(&error);
	assert_int_equal(http_open(&s->http, &s->options, &error), -EINVAL);
}

static void test_telemetry_path(void **state)
{
	static const char *const wrong[] = {"",	    "/",     "metrics",	   "/a b",    "/a?b",	  "/a\"b",
					    "/<b>", "/a%20", "/-/healthy", "/readyz", "/\xc3\xa4"};
	struct server *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_buf_ struct buf error = {};

		s->options.telemetry_path = wrong[i];
		if (http_open(&s->http, &s->options, &error) != -EINVAL || !error.len)
			fail_msg("'%s'", wrong[i]);
	}
}

/* Memory that is mapped and never touched is in the address space and nowhere else. */
static void test_self_virtual(void **state)
{
	const size_t bytes = (size_t)256 << 20;
	struct prometheus_self first, second;
	void *p;

	(void)state;
	self_read(&first);
	p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	self_read(&second);
	munmap(p, bytes);
	assert_true(second.virtual_bytes - first.virtual_bytes >= (double)bytes);
	assert_true(second.virtual_bytes - first.virtual_bytes < 1.5 * (double)bytes);
	assert_true(second.resident_bytes - first.resident_bytes < (double)bytes / 2);
}

/* Every family that Prometheus' own client libraries have, once, and of what sort. */
static void test_self_families(void **state)
{
	static const char *const families[] = {
		"process_cpu_seconds_total counter",
		"process_resident_memory_bytes gauge",
		"process_virtual_memory_bytes gauge",
		"process_virtual_memory_max_bytes gauge",
		"process_open_fds gauge",
		"process_max_fds gauge",
		"process_start_time_seconds gauge",
	};
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	client_get(s, "/metrics", "", &a);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		char type[96], sample[96];
		const char *at;

		snprintf(type, sizeof(type), "\n# TYPE %s\n", families[i]);
		snprintf(sample, sizeof(sample), "\n%.*s ", (int)strcspn(families[i], " "), families[i]);
		at = strstr(a.body.data, sample);
		if (!strstr(a.body.data, type) || !at || atof(at + strlen(sample)) <= 0 || strstr(at + 1, sample))
			fail_msg("%s", families[i]);
	}
}

/* ---- users ---- */

/* bcrypt of "right", cost 4. */
#define USERS_TEXT "basic_auth_users:\n  alice: $2y$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC\n"

static void users_write(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, USERS_TEXT, strlen(USERS_TEXT)), 0);
	close(fd);
}

/* Over one connection, which is suspended while a password is checked. */
static void test_users(void **state)
{
	struct server *s = *state;
	char path[] = "/tmp/sysscope-serve-users-XXXXXX";
	static const struct {
		const char *header;
		int want;
	} rows[] = {
		{"", 401},
		{"Authorization: Basic YWxpY2U6cmlnaHQ=\r\n", 200}, /* alice:right */
		{"Authorization: Basic YWxpY2U6cmlnaHQ=\r\n", 200},
		{"Authorization: Basic YWxpY2U6d3Jvbmc=\r\n", 401}, /* alice:wrong */
		{"Authorization: Basic Ym9iOnJpZ2h0\r\n", 401},	    /* bob:right */
		{"Authorization: Basic YWxpY2U=\r\n", 401},	    /* alice */
		{"Authorization: Basic ====\r\n", 401},
		{"Authorization: Bearer YWxpY2U6cmlnaHQ=\r\n", 401},
		{"Authorization: Basic YWxpY2U6cmlnaHQ=\r\n", 200},
	};
	int fd;

	users_write(path);
	s->options.web_config = path;
	server_start(s);
	fd = client_connect(s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_answer_ struct answer a = {};
		char text[256];

		snprintf(text, sizeof(text), "GET /metrics HTTP/1.1\r\nHost: x\r\n%s\r\n", rows[i].header);
		client_say(fd, text);
		client_receive(fd, &a, false);
		assert_int_equal(a.status, rows[i].want);
	}
	close(fd);
	unlink(path);
}

/* Clients whose password is being checked when the server stops, and some that have gone meanwhile. */
static void test_users_at_the_end(void **state)
{
	struct server *s = *state;
	char path[] = "/tmp/sysscope-serve-users-XXXXXX", text[256];
	int fds[12];

	users_write(path);
	s->options.web_config = path;
	s->options.drain_ms = 0;
	server_start(s);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(s);
		/* "alice:0A", ...: each is another one. */
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6M%c==\r\n\r\n",
			 (char)('A' + i));
		client_say(fds[i], text);
		if (i % 3 == 0)
			close(fds[i]);
	}
	server_tell_stop(s);
	server_join(s);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (i % 3 != 0)
			close(fds[i]);
	unlink(path);
}

static void test_self(void **state)
{
	struct prometheus_self first, second;
	double start = self_start_time(), now = (double)time(NULL);
	volatile unsigned int turns = 0;
	int fd;

	(void)state;
	self_read(&first);
	assert_true(start > now - 300 && start < now + 2);
	assert_true(first.resident_bytes > 100 * 1024 && first.resident_bytes < 4e9);
	assert_true(first.virtual_bytes >= first.resident_bytes);
	assert_true(first.open_fds >= 3 && first.open_fds < first.max_fds);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	do {
		turns++;
		self_read(&second);
	} while (second.cpu_seconds <= first.cpu_seconds && turns < 100000);
	close(fd);
	assert_true(second.cpu_seconds > first.cpu_seconds);
	assert_int_equal((int)second.open_fds, (int)first.open_fds + 1);
	assert_true(second.virtual_max_bytes >= second.virtual_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		server_test(test_metrics),
		server_test(test_openmetrics_asked),
		server_test(test_parts),
		server_test(test_gzip),
		server_test(test_gzip_after_plain),
		server_test(test_judged_if_scraped),
		server_test(test_head),
		server_test(test_requests),
		server_test(test_body_is_no_request),
		server_test(test_too_long),
		server_test(test_headers_too_large),
		server_test(test_nul_in_path),
		server_test(test_keep_alive),
		server_test(test_landing),
		server_test(test_page_files),
		server_test(test_source_error),
		server_test(test_no_self),
		cmocka_unit_test(test_listen),
		server_test(test_all_addresses),
		server_test(test_several_addresses),
		server_test(test_address_taken),
		server_test(test_telemetry_path),
		server_test(test_users),
		server_test(test_users_at_the_end),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_self_virtual),
		server_test(test_self_families),
	};

	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
