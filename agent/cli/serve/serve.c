/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve.c - `sysscope serve`: opens the port, then the pipeline, and hands both to agent/serve/ until SIGTERM or SIGINT. Logs
 * what it does; knows nothing of HTTP.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/judged.h"
#include "cli/run.h"
#include "cli/serve/recording.h"
#include "cli/verbs.h"
#include "config/conf.h"
#include "events/feed.h"
#include "serve/http.h"

_Static_assert(HTTP_LISTEN_MAX == OPTION_LIST_MAX, "one list is copied into the other");

struct serve {
	struct run *run;
	struct http_options http;
	struct option_list listen, chosen;
	const char *labels; /* profile */
	struct http *server;
	struct source_tap tap;
	struct judged_source judged;
	struct serve_recording recording;
	bool no_findings, check;
	bool failing; /* the last sample failed */

	struct option_conf conf; /* its tree has values of the start that stay in use */
	struct conf *later;	 /* and this those that a reload has brought; NULL: none did */
	bool reload;		 /* a SIGHUP has come */
	bool same;		 /* and the file says what it said before */
	bool conf_wrong;	 /* it cannot be used, as it is now */
	double conf_time;	 /* when a file of configuration was taken last, seconds since 1970 */
};

/* What may change while it serves, besides --log.level and --log.format. */
static const char *const live_options[] = {"web.max-requests", "web.disable-exporter-metrics"};

static void serve_defaults(struct serve *s)
{
	*s = (struct serve){.listen = {.values = {HTTP_LISTEN_DEFAULT}, .n = 1},
			    .labels = "cadvisor",
			    .recording = {.interval = RECORD_INTERVAL,
					  .keep_bytes = RECORD_KEEP_BYTES,
					  .keep_seconds = RECORD_KEEP_SECONDS}};
	http_options_init(&s->http);
}

#define SERVE_ROWS_MAX 24

static size_t serve_rows(struct serve *s, struct option_row *ret)
{
	struct serve_recording *rec = &s->recording;
	const struct option_row rows[] = {
		ROW_CONF("config.file", &s->conf,
			 "a file in YAML that can say all of this: docs/configuration.md; SIGHUP reads it again"),
		ROW_ASK("config.check", 0, &s->check,
			"only say whether options, environment and files of configuration are right"),
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
		ROW_CHOICE(
			"metrics.labels", 0, "cadvisor|minimal", &s->labels, "PROFILE",
			"labels of containers: cadvisor, those of cAdvisor and the kubelet; minimal, id and name, and "
			"sysscope_container_info has the others"),
		ROW_LIST("metrics.container-label", 0, &s->chosen, "NAME",
			 "publish this label of containers as container_label_NAME; up to eight times"),
		ROW_FLAG("metrics.namedprocess", 0, &s->http.named,
			 "also process-exporter's families, namedprocess_namegroup_*, by name of process"),
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

	_Static_assert(ARRAY_SIZE(rows) <= SERVE_ROWS_MAX, "room for all of them");
	memcpy(ret, rows, sizeof(rows));
	return ARRAY_SIZE(rows);
}

/* What no single option can be blamed for; NULL: nothing. */
static const char *serve_wrong(const struct serve *s)
{
	const struct serve_recording *rec = &s->recording;

	if (!rec->path && (rec->interval != RECORD_INTERVAL || rec->keep_bytes != RECORD_KEEP_BYTES ||
			   rec->keep_seconds != RECORD_KEEP_SECONDS || rec->no_events))
		return "nothing is recorded without --record.path DIR";
	return NULL;
}

static void serve_lists_take(struct serve *s)
{
	memcpy(s->http.listen, s->listen.values, sizeof(s->http.listen));
	s->http.n_listen = s->listen.n;
	s->http.minimal = strcmp(s->labels, "minimal") == 0;
	s->http.chosen = s->chosen.values;
	s->http.n_chosen = s->chosen.n;
}

static int serve_check(const struct serve *s)
{
	_cleanup_buf_ struct buf error = {};
	int r = http_check(&s->http, &error);

	if (r < 0)
		log_error("%s", error.data ?: strerror(-r));
	else
		printf("sysscope serve: the configuration is right\n");
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}

static int serve_parse(struct run *run, struct serve *s)
{
	struct option_row rows[SERVE_ROWS_MAX];
	int r = run_parse(run, rows, serve_rows(s, rows));

	if (r != RUN_CONTINUE)
		return r;
	serve_lists_take(s);
	if (serve_wrong(s)) {
		log_error("%s", serve_wrong(s));
		return EXIT_USAGE;
	}
	s->conf_time = (double)clock_wall_ns() / 1e9;
	return s->check ? serve_check(s) : RUN_CONTINUE;
}

/* ---- SIGHUP ---- */

static bool option_is_live(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(live_options); i++)
		if (strcmp(name, live_options[i]) == 0)
			return true;
	return false;
}

static void option_note(struct buf *list, const char *name)
{
	buf_printf(list, "%s%s", list->len ? ", " : "", name);
}

/* What a right file says now. Takes the tree, and what can be changed. */
static void conf_take(struct serve *s, struct serve *next, const struct run *again)
{
	_cleanup_buf_ struct buf live = {}, later = {}, path = {};

	for (size_t i = 0; i < again->n_rows; i++)
		if (!option_value_same(&s->run->rows[i], &again->rows[i]))
			option_note(option_is_live(again->rows[i].name) ? &live : &later, option_key(&again->rows[i]));
	if (strcmp(s->conf.log_level, next->conf.log_level) != 0)
		option_note(&live, "log.level");
	if (strcmp(s->conf.log_format, next->conf.log_format) != 0)
		option_note(&live, "log.format");
	s->http.max_requests = next->http.max_requests;
	s->http.no_self = next->http.no_self;
	s->conf.log_level = next->conf.log_level;
	s->conf.log_format = next->conf.log_format;
	conf_free(s->later);
	s->later = next->conf.tree;
	next->conf.tree = NULL;
	http_change(s->server, s->http.max_requests, s->http.no_self);
	log_setup(s->conf.log_level, s->conf.log_format);
	s->same = !live.len && !later.len;
	if (live.len)
		log_info("%s was read again; in force now: %s", s->conf.path, live.data);
	if (later.len)
		log_warning("%s: what it says now of %s needs a restart", s->conf.path, later.data);
}

static void conf_again(struct serve *s)
{
	_cleanup_free_ struct serve *next = malloc(sizeof(*next));
	struct run again = {.verb = s->run->verb, .argc = s->run->argc, .argv = s->run->argv};
	struct option_row rows[SERVE_ROWS_MAX];
	_cleanup_buf_ struct buf error = {};
	const char *wrong;
	int r;

	if (!next)
		return;
	serve_defaults(next);
	r = run_parse_again(&again, rows, serve_rows(next, rows), &error);
	if (r < 0)
		wrong = error.data ?: strerror(-r);
	else
		wrong = serve_wrong(next);
	s->conf_wrong = wrong != NULL;
	if (wrong) {
		log_error("%s; the configuration before stays in force", wrong);
	} else {
		s->conf_time = (double)clock_wall_ns() / 1e9;
		conf_take(s, next, &again);
	}
	conf_free(next->conf.tree);
	free(again.rows);
}

/* Once for each SIGHUP; serve_web_looked follows. */
static bool serve_reload(void *ctx)
{
	struct serve *s = ctx;
	bool reload = s->reload;

	s->reload = false;
	s->same = true;
	if (reload && s->conf.path)
		conf_again(s);
	return reload;
}

static void serve_web_looked(void *ctx, int result, const char *wrong)
{
	struct serve *s = ctx;

	if (result < 0)
		log_error("%s; the configuration before stays in force", wrong);
	if (result > 0)
		log_info("%s was read again", s->http.web_config);
	if (result > 0)
		s->conf_time = (double)clock_wall_ns() / 1e9;
	if (!result && s->same && !s->conf_wrong)
		log_info("SIGHUP: no file of configuration has changed");
}

static bool serve_config(void *ctx, struct prometheus_config *ret)
{
	const struct serve *s = ctx;

	*ret = (struct prometheus_config){!s->conf_wrong && !http_web_is_wrong(s->server), s->conf_time};
	return s->conf.path || s->http.web_config;
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

/* After a signal. True: stop. */
static bool serve_wake(void *ctx)
{
	struct serve *s = ctx;
	int sig = run_signal_next();

	if (sig == SIGHUP && (s->conf.path || s->http.web_config))
		s->reload = true;
	else if (sig == SIGHUP)
		log_info("SIGHUP ignored: there is no file of configuration to read again");
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

static void serve_recording_metrics(void *ctx, struct prometheus_recording *ret)
{
	struct serve *s = ctx;

	recording_metrics(&s->recording, ret);
}

static int serve_open(struct serve *s)
{
	_cleanup_buf_ struct buf error = {};
	int r;

	s->http.wake_fd = run_signal_fd();
	s->http.wake = serve_wake;
	s->http.reload = serve_reload;
	s->http.web_looked = serve_web_looked;
	s->http.config = serve_config;
	s->http.map_bytes = serve_map_bytes;
	s->http.storage_bytes = serve_storage_bytes;
	s->http.ctx = s;
	s->http.record_path = s->recording.path;
	s->http.recording = s->recording.path ? serve_recording_metrics : NULL;
	/* The port first: if it is in use, nothing needs to be loaded into the kernel. */
	r = http_open(&s->server, &s->http, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	r = recording_keep(&s->recording, s->run);
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
		source = recording_source(rec, source, &r);
		if (!source)
			return run_end(r);
	}
	if (!s->no_findings)
		source = judged_source_open(&s->judged, source, false);
	run_confine(s->run, NULL);
	r = http_run(s->server, source);
	return run_end(r);
}

static int serve_body(struct run *run)
{
	struct serve s;
	int r;

	serve_defaults(&s);
	s.run = run;
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
	conf_free(s.later);
	conf_free(s.conf.tree);
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
		    "  sysscope serve --config.file /etc/sysscope/sysscope.yml --config.check\n"
		    "  sysscope serve --record.path /var/lib/sysscope\n"
		    "  sysscope serve --record.path /var/lib/sysscope --record.keep 500M --record.keep-for 12h\n"
		    "  curl -s http://127.0.0.1:10435/metrics\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS | VERB_DAEMON | VERB_CONFINED,
	.body = serve_body,
};
