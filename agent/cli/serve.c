/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve.c - `sysscope serve`: opens the port, then the pipeline, and hands both to agent/serve/ until SIGTERM or SIGINT. Logs
 * what it does; knows nothing of HTTP.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "cli/judged.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "events/feed.h"
#include "events/kept.h"
#include "record/recorded.h"
#include "serve/http.h"

_Static_assert(HTTP_LISTEN_MAX == OPTION_LIST_MAX, "one list is copied into the other");

/* For a disk that does not answer at the end. */
#define RECORDING_END_NS (5 * 1000000000ULL)

/* Beside serving. */
struct serve_recording {
	const char *path; /* NULL: none */
	double interval, keep_seconds;
	uint64_t keep_bytes;
	bool no_events;
	struct event_feed *events; /* NULL: none are recorded */
	const struct run *run;
	struct utsname name;
	struct keeper *keeper;
	struct recorded_source source;
	bool refused;  /* and it was said */
	uint64_t lost; /* before that */
};

struct serve {
	struct run *run;
	struct http_options http;
	struct option_list listen;
	struct http *server;
	struct source_tap tap;
	struct judged_source judged;
	struct serve_recording recording;
	bool no_findings;
	bool reload;  /* a SIGHUP has come */
	bool failing; /* the last sample failed */
};

static int serve_parse(struct run *run, struct serve *s)
{
	struct serve_recording *rec = &s->recording;
	const struct option_row rows[] = {
		ROW_LIST("web.listen-address", 0, &s->listen, "ADDRESS",
			 "address to listen on: HOST:PORT, [IPV6]:PORT, or :PORT for all addresses"),
		ROW_FLAG("web.systemd-socket", 0, &s->http.systemd_sockets,
			 "listen on the sockets that systemd passes on, and on no other address"),
		ROW_STRING("web.telemetry-path", 0, &s->http.telemetry_path, "PATH", "path of the metrics"),
		ROW_STRING("web.config.file", 0, &s->http.web_config, "FILE",
			   "TLS, client certificates, users, headers: a file in the format of Prometheus's exporters"),
		ROW_U64("web.max-requests", 0, 0, 1000000, &s->http.max_requests, "N",
			"scrapes served at the same time, more are answered with 503; 0: no limit"),
		ROW_FLAG("web.disable-exporter-metrics", 0, &s->http.no_self,
			 "leave out what sysscope itself uses (process_*)"),
		ROW_FLAG("metrics.detail", 0, &s->http.detail,
			 "all families and all buckets of histograms: twice as much text"),
		ROW_FLAG("no-findings", 0, &s->no_findings,
			 "do not judge what is wrong at each scrape (sysscope_findings)"),
		ROW_STRING("record.path", 0, &rec->path, "DIR",
			   "also record what happens into this folder, for `sysscope top --replay`"),
		ROW_SECONDS("record.interval", 0, 0.1, 3600, &rec->interval, "SECONDS",
			    "time between two recorded samples"),
		ROW_SIZE("record.keep", 1 << 20, 1e15, &rec->keep_bytes, "how much is kept; the oldest goes first"),
		ROW_SPAN("record.keep-for", 60, 366.0 * 86400, &rec->keep_seconds, "for how long it is kept"),
		ROW_FLAG("no-record.events", 0, &rec->no_events, "do not record what `sysscope events` shows"),
	};
	int r;

	s->listen = (struct option_list){.values = {HTTP_LISTEN_DEFAULT}, .n = 1};
	r = run_parse(run, rows, ARRAY_SIZE(rows));
	memcpy(s->http.listen, s->listen.values, sizeof(s->http.listen));
	s->http.n_listen = s->listen.n;
	if (r == RUN_CONTINUE && !rec->path &&
	    (rec->interval != RECORD_INTERVAL || rec->keep_bytes != RECORD_KEEP_BYTES ||
	     rec->keep_seconds != RECORD_KEEP_SECONDS || rec->no_events)) {
		log_error("nothing is recorded without --record.path DIR");
		r = EXIT_USAGE;
	}
	return r;
}

/* ---- the recording ---- */

/* One log line when the disk begins to refuse, and one when it no longer does. */
static void recording_noted(void *ctx)
{
	struct serve_recording *r = ctx;
	struct keeper_state state;

	keeper_look(r->keeper, &state);
	if (state.refusal && !r->refused)
		log_error("cannot record into '%s': %s; serving goes on, and each sample is tried again", r->path,
			  state.refusal);
	if (!state.refusal && r->refused)
		log_info("recording again; %llu samples were lost", (unsigned long long)(state.counts.lost - r->lost));
	if (!state.refusal)
		r->lost = state.counts.lost;
	r->refused = state.refusal != NULL;
}

static bool serving_event(void *ctx, const struct event *e)
{
	const struct serve_recording *r = ctx;

	return keeper_fact(r->keeper, e) == 0;
}

static void recording_passed(void *ctx, const struct snapshot *s)
{
	const struct serve_recording *r = ctx;

	if (r->events)
		kept_events_snapshot(r->events, r->run->live, s);
}

static void recording_metrics(void *ctx, struct prometheus_recording *ret)
{
	const struct serve *s = ctx;
	struct keeper_state state;

	keeper_look(s->recording.keeper, &state);
	*ret = (struct prometheus_recording){
		.active = state.records,
		.samples = (double)state.counts.samples,
		.lost_samples = (double)state.counts.lost,
		.written_bytes = (double)state.counts.bytes,
		.kept_bytes = (double)state.counts.kept_bytes,
		.oldest_time = state.counts.oldest_ns ? (double)state.counts.oldest_ns / 1e9 : VALUE_ABSENT,
		.errors = (double)state.errors,
		.events = s->recording.events ? (double)state.counts.facts : VALUE_ABSENT,
		.lost_events = s->recording.events ? (double)kept_events_lost(s->recording.events, s->run->live)
						   : VALUE_ABSENT,
	};
}

/* A folder that will never do is an error; a disk that will not do now is one that may do later. */
static int recording_keep(struct serve *s)
{
	struct serve_recording *r = &s->recording;
	_cleanup_buf_ struct buf error = {};
	struct store_options o = {.path = r->path,
				  .interval = r->interval,
				  .keep_bytes = r->keep_bytes,
				  .keep_seconds = r->keep_seconds,
				  .host = r->name.nodename,
				  .kernel = r->name.release,
				  .fact_kinds = r->no_events ? 0 : kept_events_own_kinds()};
	int error_code;

	if (!r->path)
		return RUN_CONTINUE;
	uname(&r->name);
	/* A limit on the size of files is a disk that is full. */
	signal(SIGXFSZ, SIG_IGN);
	if (keeper_open(&r->keeper, &o, &error) < 0) {
		log_error("cannot record into %s", error.data ?: "it");
		return EXIT_FAILED;
	}
	if (error.len) {
		log_error("cannot record into %s; serving goes on, and each sample is tried again", error.data);
		r->refused = true;
	}
	r->run = s->run;
	error_code = r->no_events ? 0 : kept_events_open(&r->events, serving_event, r, &s->run->pipeline);
	if (error_code < 0)
		return run_end(error_code);
	return RUN_CONTINUE;
}

static void recording_end(struct serve_recording *r)
{
	struct keeper_state state;
	const struct store_counts *c = &state.counts;

	if (!r->keeper)
		return;
	if (r->source.inner)
		recorded_source_last(&r->source);
	recorded_source_close(&r->source);
	if (!keeper_close(r->keeper, RECORDING_END_NS, &state))
		log_warning("the disk does not answer: the end of the recording may be missing");
	log_info("recorded %llu samples in %.1f kB; %llu were lost", (unsigned long long)c->samples,
		 (double)c->bytes / 1e3, (unsigned long long)c->lost);
	if (r->events && r->run->live)
		log_info("recorded %llu events; %llu were lost", (unsigned long long)c->facts,
			 (unsigned long long)(kept_events_lost(r->events, r->run->live) + state.unwritten_events));
	r->keeper = NULL;
}

/* ---- serving ---- */

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

/* Once for each SIGHUP. */
static bool serve_reload(void *ctx)
{
	struct serve *s = ctx;
	bool reload = s->reload;

	s->reload = false;
	return reload;
}

static void serve_web_changed(void *ctx, const char *wrong)
{
	const struct serve *s = ctx;

	if (wrong)
		log_error("%s; the configuration before stays in force", wrong);
	else
		log_info("%s was read again", s->http.web_config);
}

/* After a signal. True: stop. */
static bool serve_wake(void *ctx)
{
	struct serve *s = ctx;
	int sig = run_signal_next();

	if (sig == SIGHUP && s->http.web_config)
		s->reload = true;
	else if (sig == SIGHUP)
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

static double serve_storage_bytes(void *ctx)
{
	const struct serve *s = ctx;
	uint64_t bytes;

	return pipeline_storage_memory(s->run->live, &bytes) < 0 ? VALUE_ABSENT : (double)bytes;
}

static int serve_open(struct serve *s)
{
	_cleanup_buf_ struct buf error = {};
	int r;

	s->http.wake_fd = run_signal_fd();
	s->http.wake = serve_wake;
	s->http.reload = serve_reload;
	s->http.web_changed = serve_web_changed;
	s->http.map_bytes = serve_map_bytes;
	s->http.storage_bytes = serve_storage_bytes;
	s->http.ctx = s;
	s->http.recording = s->recording.path ? recording_metrics : NULL;
	/* The port first: if it is in use, nothing needs to be loaded into the kernel. */
	r = http_open(&s->server, &s->http, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	r = recording_keep(s);
	if (r != RUN_CONTINUE)
		return r;
	s->run->pipeline.keep_unpublished = true;
	return run_open(s->run);
}

static void serve_addresses_log(const struct serve *s)
{
	bool open = false;

	for (size_t i = 0; http_address(s->server, i); i++) {
		log_info("sysscope " SYSSCOPE_VERSION " listening on %s://%s%s",
			 http_is_tls(s->server) ? "https" : "http", http_address(s->server, i), s->http.telemetry_path);
		open |= http_is_open(s->server, i);
	}
	if (open)
		log_warning("whoever reaches this machine can read the names of its containers and programs: "
			    "--web.config.file can ask for a password or a certificate");
}

static int serve_run(struct serve *s)
{
	struct serve_recording *rec = &s->recording;
	const struct snapshot_source *source;
	int r;

	s->tap = (struct source_tap){.after = sample_taken, .ctx = s};
	serve_addresses_log(s);
	run_cost_log(s->run);
	source = source_tap_open(&s->tap, s->run->source);
	if (rec->keeper) {
		rec->source.noted = recording_noted;
		rec->source.passed = recording_passed;
		rec->source.ctx = rec;
		r = recorded_source_open(&rec->source, source, rec->keeper, rec->interval);
		if (r < 0)
			return run_end(r);
		source = &rec->source.outer;
		if (!rec->refused)
			log_info("recording every %g s", rec->interval);
	}
	if (!s->no_findings)
		source = judged_source_open(&s->judged, source, false);
	r = http_run(s->server, source);
	return run_end(r);
}

static int serve_body(struct run *run)
{
	struct serve s = {.run = run,
			  .recording = {.interval = RECORD_INTERVAL,
					.keep_bytes = RECORD_KEEP_BYTES,
					.keep_seconds = RECORD_KEEP_SECONDS}};
	int r;

	http_options_init(&s.http);
	r = serve_parse(run, &s);
	if (r == RUN_CONTINUE)
		r = serve_open(&s);
	if (r == RUN_CONTINUE)
		r = serve_run(&s);
	recording_end(&s.recording);
	run_close(run);
	event_feed_free(s.recording.events);
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
		    "  sysscope serve --web.listen-address :10435 --web.config.file /etc/sysscope/web.yml\n"
		    "  sysscope serve --record.path /var/lib/sysscope\n"
		    "  sysscope serve --record.path /var/lib/sysscope --record.keep 500M --record.keep-for 12h\n"
		    "  curl -s http://127.0.0.1:10435/metrics\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS | VERB_DAEMON,
	.body = serve_body,
};
