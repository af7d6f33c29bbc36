/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve.c - `sysscope serve`: opens the port, then the pipeline, and hands both to agent/serve/http.c until SIGTERM
 * or SIGINT. Says on stderr what it does; knows nothing of HTTP.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/collector_options.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "pipeline.h"
#include "serve/http.h"

_Static_assert(HTTP_LISTEN_MAX == OPTION_LIST_MAX, "one list is copied into the other");

struct serve {
	struct http_options http;
	struct option_list listen;
	struct pipeline_options pipeline;
	struct collector_options collectors;
	struct http *server;
	struct pipeline *source;
	int signal_fd;

	/* The pipeline's source, and around it one that says when samples begin and cease to fail. */
	const struct snapshot_source *inner;
	struct snapshot_source outer;
	bool failing;
};

/* ---- options ---- */

static int serve_parse(struct serve *s, int argc, char **argv)
{
	static const struct verb verb = {
		.name = "serve",
		.summary = "metrics for Prometheus over HTTP",
		.examples = "  sysscope serve\n"
			    "  sysscope serve --web.listen-address :10435\n"
			    "  sysscope serve --web.listen-address 127.0.0.1:10435 --web.listen-address '[::1]:10435'\n"
			    "  curl -s http://127.0.0.1:10435/metrics\n",
	};
	const struct option_row web[] = {
		{.name = "web.listen-address",
		 .kind = OPTION_LIST,
		 .target = &s->listen,
		 .argument = "ADDRESS",
		 .help = "HOST:PORT, [IPV6]:PORT, or :PORT for all addresses"},
		{.name = "web.telemetry-path",
		 .kind = OPTION_STRING,
		 .target = &s->http.telemetry_path,
		 .argument = "PATH",
		 .help = "where the metrics are"},
		{.name = "web.max-requests",
		 .kind = OPTION_U64,
		 .max = 1000000,
		 .target = &s->http.max_requests,
		 .argument = "N",
		 .help = "scrapes at once, 503 beyond; 0: no limit"},
		{.name = "web.disable-exporter-metrics",
		 .kind = OPTION_FLAG,
		 .target = &s->http.no_self,
		 .help = "leave out what sysscope itself uses (process_*)"},
		{.name = "docker.data-root",
		 .kind = OPTION_STRING,
		 .target = &s->pipeline.docker_root,
		 .argument = "DIR",
		 .help = "a dockerd's --data-root, besides the usual one"},
	};
	struct option_row rows[ARRAY_SIZE(web) + COLLECTOR_OPTION_ROWS];
	size_t n = ARRAY_SIZE(web);
	int r;

	memcpy(rows, web, sizeof(web));
	n += collector_options_rows(&s->collectors, rows + n);
	s->listen = (struct option_list){.values = {HTTP_LISTEN_DEFAULT}, .n = 1};
	r = options_parse(&verb, rows, n, argc, argv, NULL);
	memcpy(s->http.listen, s->listen.values, sizeof(s->http.listen));
	s->http.n_listen = s->listen.n;
	collector_options_apply(&s->collectors, &s->pipeline);
	return r;
}

/* ---- the source, with a word in the log when it fails ---- */

static const struct snapshot *outer_next(void *ctx, int *ret_error)
{
	struct serve *s = ctx;
	const struct snapshot *snapshot = s->inner->next(s->inner->ctx, ret_error);

	if (!snapshot && !s->failing)
		log_error("no sample: %s", *ret_error ? strerror(-*ret_error) : "the source has ended");
	if (snapshot && s->failing)
		log_info("samples work again");
	s->failing = !snapshot;
	return snapshot;
}

static void outer_published(void *ctx)
{
	struct serve *s = ctx;

	s->inner->published(s->inner->ctx);
}

static void outer_idle(void *ctx, const struct snapshot **latest)
{
	struct serve *s = ctx;

	s->inner->idle(s->inner->ctx, latest);
}

static void outer_rest(void *ctx)
{
	struct serve *s = ctx;

	s->inner->rest(s->inner->ctx);
}

/* ---- signals ---- */

static int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before anything is opened: a signal that comes early waits until it can be answered by a clean end. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static bool serve_wake(void *ctx)
{
	struct serve *s = ctx;
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGHUP) {
		log_info("SIGHUP: there is no configuration to read again");
		return false;
	}
	log_info("stopping on %s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	return true;
}

/* ---- the verb ---- */

static double serve_map_bytes(void *ctx)
{
	const struct serve *s = ctx;
	uint64_t bytes;

	return pipeline_map_memory(s->source, &bytes) < 0 ? VALUE_ABSENT : (double)bytes;
}

/* A line each. */
static void log_lines(char *text)
{
	char *state = NULL;

	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		log_info("%s", line);
}

static int serve_open(struct serve *s)
{
	_cleanup_buf_ struct buf error = {};
	int r;

	s->signal_fd = signals_open();
	if (s->signal_fd < 0) {
		log_error("cannot take signals: %s", strerror(-s->signal_fd));
		return EXIT_FAILED;
	}
	s->http.wake_fd = s->signal_fd;
	s->http.wake = serve_wake;
	s->http.map_bytes = serve_map_bytes;
	s->http.ctx = s;
	/* The port first: that it is in use is known before anything is loaded into the kernel. */
	r = http_open(&s->server, &s->http, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	s->pipeline.keep_unpublished = true;
	s->pipeline.no_socket_owners = true;
	r = pipeline_open(&s->source, &s->pipeline, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return EXIT_CANNOT;
	}
	if (error.data)
		log_lines(error.data);
	return EXIT_DONE;
}

static int serve_run(struct serve *s)
{
	int r;

	s->inner = pipeline_source(s->source);
	s->outer = (struct snapshot_source){outer_next, outer_published, outer_idle, outer_rest, s->inner->fd, s};
	for (size_t i = 0; http_address(s->server, i); i++)
		log_info("sysscope " SYSSCOPE_VERSION " listening on http://%s%s", http_address(s->server, i),
			 s->http.telemetry_path);
	r = http_run(s->server, &s->outer);
	if (r < 0)
		log_error("the server cannot go on: %s", strerror(-r));
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {.signal_fd = -1};
	int r;

	http_options_init(&s.http);
	pipeline_options_init(&s.pipeline);
	r = serve_parse(&s, argc, argv);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	r = serve_open(&s);
	if (r == EXIT_DONE)
		r = serve_run(&s);
	http_close(s.server);
	pipeline_close(s.source);
	closep(&s.signal_fd);
	return r;
}
