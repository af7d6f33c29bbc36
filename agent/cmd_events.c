/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_events.c - `sysscope events`: what happens, a line each, until a signal or until nobody reads any more. Stalls of
 * event loops come from the snapshots, since only the model knows which thread is a loop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../exporters/events.h"
#include "../exporters/table.h"
#include "collector_options.h"
#include "commands.h"
#include "log.h"
#include "options.h"
#include "pipeline.h"

/* More often than a loop's stalls are told, which is once a second. */
#define SAMPLE_EVERY_NS 500000000ULL

struct events {
	bool json;
	const char *type, *container;
	uint64_t pid, count;
	struct pipeline_options pipeline;
	struct collector_options collectors;
	uint64_t written;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int events_parse(struct events *e, int argc, char **argv)
{
	static const struct verb verb = {
		.name = "events",
		.summary = "what happens, one line each, as it happens (loop_stall: an event loop was away\nfrom epoll "
			   "for too long)",
		.examples =
			"  sysscope events\n"
			"  sysscope events --container web-1\n"
			"  sysscope events --json --loop.stall-threshold 0.05 | jq 'select(.cause == \"blocked\")'\n",
	};
	const struct option_row own[] = {
		{.name = "json", .kind = OPTION_FLAG, .target = &e->json, .help = "a JSON object a line"},
		{.name = "type",
		 .kind = OPTION_CHOICE,
		 .choices = "loop_stall",
		 .target = &e->type,
		 .argument = "TYPE",
		 .help = "only this"},
		{.name = "container",
		 .kind = OPTION_STRING,
		 .target = &e->container,
		 .argument = "NAME",
		 .help = "only of this container: its name or the beginning of its id"},
		{.name = "pid",
		 .kind = OPTION_U64,
		 .max = 4194304,
		 .target = &e->pid,
		 .argument = "PID",
		 .help = "only of this process; 0: all"},
		{.name = "count",
		 .short_name = 'n',
		 .kind = OPTION_U64,
		 .max = 1e9,
		 .target = &e->count,
		 .argument = "N",
		 .help = "stop after N lines; 0: go on"},
	};
	struct option_row rows[ARRAY_SIZE(own) + COLLECTOR_OPTION_ROWS];
	size_t n = ARRAY_SIZE(own);
	int r;

	memcpy(rows, own, sizeof(own));
	n += collector_options_rows(&e->collectors, rows + n);
	r = options_parse(&verb, rows, n, argc, argv, NULL);
	collector_options_apply(&e->collectors, &e->pipeline);
	return r;
}

static bool is_wanted(const struct events *e, const struct snapshot *s, const struct loop_row *l)
{
	const struct process_row *p = &s->processes[l->process];

	if (!l->stalled || (e->pid && p->pid != e->pid))
		return false;
	return !e->container || table_container_matches(process_container(s, p), e->container);
}

static int snapshot_events(struct events *e, const struct snapshot *s, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < s->n_loops && (!e->count || e->written < e->count); i++) {
		int r;

		if (!is_wanted(e, s, &s->loops[i]))
			continue;
		r = e->json ? event_stall_json(out, s, &s->loops[i]) : event_stall_text(out, s, &s->loops[i]);
		if (r < 0)
			return r;
		e->written++;
	}
	for (size_t done = 0; done < out->len;) {
		ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Until the time has come or a signal. -EPIPE: nobody reads any more. */
static int wait_until(const struct snapshot_source *source, uint64_t due_ns)
{
	struct pollfd fds[2] = {{.fd = source->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	uint64_t now;

	while (!stop && (now = clock_boot_ns()) < due_ns) {
		poll(fds, 2, (int)((due_ns - now) / 1000000) + 1);
		if (fds[1].revents & POLLERR)
			return -EPIPE;
		if (fds[0].revents)
			source->idle(source->ctx);
	}
	return 0;
}

static int events_run(struct events *e, const struct snapshot_source *source)
{
	_cleanup_buf_ struct buf out = {};
	int r = 0;

	while (!stop && r == 0 && (!e->count || e->written < e->count)) {
		const struct snapshot *s = source->next(source->ctx, &r);

		if (s)
			r = snapshot_events(e, s, &out);
		if (r == 0)
			r = wait_until(source, clock_boot_ns() + SAMPLE_EVERY_NS);
	}
	return r == -EPIPE ? 0 : r;
}

int cmd_events(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	_cleanup_buf_ struct buf error = {};
	struct events e = {};
	struct pipeline *p;
	int r;

	pipeline_options_init(&e.pipeline);
	r = events_parse(&e, argc, argv);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	e.pipeline.no_listeners = true;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = pipeline_open(&p, &e.pipeline, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return EXIT_CANNOT;
	}
	for (char *state = NULL, *line = error.data ? strtok_r(error.data, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state))
		log_warning("%s", line);
	r = events_run(&e, pipeline_source(p));
	if (r < 0)
		log_error("cannot go on: %s", strerror(-r));
	pipeline_close(p);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
