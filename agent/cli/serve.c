/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve.c - `sysscope serve`: opens the port, then the pipeline, and hands both to agent/serve/ until SIGTERM or SIGINT. Logs
 * what it does; knows nothing of HTTP.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cli/judged.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "serve/http.h"

_Static_assert(HTTP_LISTEN_MAX == OPTION_LIST_MAX, "one list is copied into the other");

struct serve {
	struct run *run;
	struct http_options http;
	struct option_list listen;
	struct http *server;
	struct source_tap tap;
	struct judged_source judged;
	bool no_findings;
	bool failing; /* the last sample failed */
};

static int serve_parse(struct run *run, struct serve *s)
{
	const struct option_row rows[] = {
		ROW_LIST("web.listen-address", 0, &s->listen, "ADDRESS",
			 "address to listen on: HOST:PORT, [IPV6]:PORT, or :PORT for all addresses"),
		ROW_STRING("web.telemetry-path", 0, &s->http.telemetry_path, "PATH", "path of the metrics"),
		ROW_U64("web.max-requests", 0, 0, 1000000, &s->http.max_requests, "N",
			"scrapes served at the same time, more are answered with 503; 0: no limit"),
		ROW_FLAG("web.disable-exporter-metrics", 0, &s->http.no_self,
			 "leave out what sysscope itself uses (process_*)"),
		ROW_FLAG("metrics.detail", 0, &s->http.detail,
			 "all families and all buckets of histograms: twice as much text"),
		ROW_FLAG("no-findings", 0, &s->no_findings,
			 "do not judge what is wrong at each scrape (sysscope_findings)"),
	};
	int r;

	s->listen = (struct option_list){.values = {HTTP_LISTEN_DEFAULT}, .n = 1};
	r = run_parse(run, rows, ARRAY_SIZE(rows));
	memcpy(s->http.listen, s->listen.values, sizeof(s->http.listen));
	s->http.n_listen = s->listen.n;
	return r;
}

/* One log line when samples begin to fail, and one when they work again. */
static void sample_taken(void *ctx, const struct snapshot *snapshot, int error)
{
	struct serve *s = ctx;

	if (!snapshot && !s->failing)
		log_error("cannot take samples: %s", error ? strerror(-error) : "the source has ended");
	if (snapshot && s->failing)
		log_info("samples can be taken again");
	s->failing = !snapshot;
}

/* After a signal. True: stop. */
static bool serve_wake(void *ctx)
{
	int sig = run_signal_next();

	(void)ctx;
	if (sig == SIGHUP)
		log_info("SIGHUP ignored: there is no configuration to reload");
	if (!sig || sig == SIGHUP)
		return false;
	log_info("stopping on %s", sig == SIGTERM ? "SIGTERM" : "SIGINT");
	return true;
}

static double serve_map_bytes(void *ctx)
{
	const struct serve *s = ctx;
	uint64_t bytes;

	return pipeline_map_memory(s->run->live, &bytes) < 0 ? VALUE_ABSENT : (double)bytes;
}

static int serve_open(struct serve *s)
{
	_cleanup_buf_ struct buf error = {};
	int r;

	s->http.wake_fd = run_signal_fd();
	s->http.wake = serve_wake;
	s->http.map_bytes = serve_map_bytes;
	s->http.ctx = s;
	/* The port first: if it is in use, nothing needs to be loaded into the kernel. */
	r = http_open(&s->server, &s->http, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	s->run->pipeline.keep_unpublished = true;
	return run_open(s->run);
}

static int serve_run(struct serve *s)
{
	const struct snapshot_source *source;
	int r;

	s->tap = (struct source_tap){.after = sample_taken, .ctx = s};
	for (size_t i = 0; http_address(s->server, i); i++)
		log_info("sysscope " SYSSCOPE_VERSION " listening on http://%s%s", http_address(s->server, i),
			 s->http.telemetry_path);
	run_cost_log(s->run);
	source = source_tap_open(&s->tap, s->run->source);
	if (!s->no_findings)
		source = judged_source_open(&s->judged, source, false);
	r = http_run(s->server, source);
	return run_end(r);
}

static int serve_body(struct run *run)
{
	struct serve s = {.run = run};
	int r;

	http_options_init(&s.http);
	r = serve_parse(run, &s);
	if (r == RUN_CONTINUE)
		r = serve_open(&s);
	if (r == RUN_CONTINUE)
		r = serve_run(&s);
	http_close(s.server);
	judged_source_close(&s.judged);
	return r;
}

const struct verb verb_serve = {
	.name = "serve",
	.summary = "metrics for Prometheus over HTTP",
	.about = "Serves metrics for Prometheus over HTTP until SIGTERM or SIGINT.",
	.examples = "  sysscope serve\n"
		    "  sysscope serve --web.listen-address :10435\n"
		    "  sysscope serve --web.listen-address 127.0.0.1:80 --web.listen-address [::1]:80\n"
		    "  curl -s http://127.0.0.1:10435/metrics\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS | VERB_DAEMON,
	.body = serve_body,
};
