/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - `sysscope events`: what happens, a line each, until a signal, until nobody reads any more or until the
 * command that was given has ended. One thread takes facts from the kernel half and hands lines to whoever reads, and waits
 * for neither: what cannot be handed on in time is counted, and said.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/collector_options.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "events/child.h"
#include "events/feed.h"
#include "events/redact.h"

/* More often than a loop's stalls are told, which is once a second. */
#define STALLS_EVERY_NS 500000000ULL
#define SAMPLE_EVERY_NS 10000000000ULL /* so that tables stay small and names are known */
#define LOST_EVERY_NS	1000000000ULL
#define FLUSH_MOST_NS	2000000000ULL /* at the end, with somebody who does not read */
#define WRITES_AT_ONCE	64
#define SETTLE_US	20000 /* programs that saw a fact wanted have sent it */
#define EXIT_SEEN_US	50000 /* a process's end is told at its last switch, or when it is freed: after its parent knows */
#define GONE		(POLLERR | POLLHUP | POLLNVAL)

/* On unless there are thousands a second of them; the rest is when one asks for a part of the machine. */
#define TYPES_DEFAULT                                                                       \
	(1u << EVENT_NAMESPACE | 1u << EVENT_CONTAINER_START | 1u << EVENT_CONTAINER_EXIT | \
	 1u << EVENT_CGROUP_CREATE | 1u << EVENT_CGROUP_REMOVE | 1u << EVENT_OOM_KILL | 1u << EVENT_LOOP_STALL)
#define TYPES_PROCESS (1u << EVENT_PROCESS_START | 1u << EVENT_EXEC | 1u << EVENT_EXIT)

struct events {
	bool json, arguments;
	const char *types, *container, *output;
	uint64_t pid, count;
	struct option_list patterns;
	struct pipeline_options pipeline;
	struct collector_options collectors;
	struct event_choice choice;
	struct command command;
	int out;
	struct event_feed *feed;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = sig;
}

/* ---- command line ---- */

static const char types_help[] =
	"only these, separated by commas, or all: process_start, thread_start, exec, exit, namespace, container_start, "
	"container_exit, cgroup_create, cgroup_remove, oom_kill, loop_stall, capability_denied. Without it: all but "
	"thread_start and capability_denied; process_start, exec and exit only with --container, --pid or a COMMAND";

static int types_parse(const char *list, uint32_t *ret)
{
	uint32_t types = 0;

	for (const char *p = list, *end; p; p = *end ? end + 1 : NULL) {
		size_t length = strcspn(p, ",");
		bool found = length == 3 && strncmp(p, "all", 3) == 0;

		end = p + length;
		if (found)
			types |= (1u << EVENT_LOST) - 1;
		for (int t = 0; t < EVENT_LOST; t++)
			if (strlen(event_type_names[t]) == length && strncmp(event_type_names[t], p, length) == 0) {
				types |= 1u << t;
				found = true;
			}
		if (!found) {
			log_error("--type: there is no event '%.*s'; see `sysscope events --help`",
				  (int)(length < 40 ? length : 40), p);
			return -EINVAL;
		}
	}
	*ret = types;
	return 0;
}

/* What follows from the options. */
static int events_choose(struct events *e)
{
	bool narrow = e->container || e->pid || e->command.argv;
	_cleanup_buf_ struct buf error = {};
	struct redactor *redactor;
	int r;

	e->choice = (struct event_choice){
		.types = TYPES_DEFAULT | (narrow ? TYPES_PROCESS : 0),
		.container = e->container,
		.pid = (uint32_t)e->pid,
		.tree = e->command.argv != NULL,
		.json = e->json,
		.count = e->count,
	};
	if (e->types && types_parse(e->types, &e->choice.types) < 0)
		return -EINVAL;
	if (e->patterns.n && !e->arguments) {
		log_error("--redact hides parts of arguments, and needs --args");
		return -EINVAL;
	}
	if (!e->arguments)
		return 0;
	r = redactor_open(&redactor, e->patterns.values, e->patterns.n, &error);
	if (r < 0)
		log_error("--redact: %s", error.len ? error.data : strerror(-r));
	else
		e->choice.redactor = redactor;
	return r;
}

static int events_parse(struct events *e, int argc, char **argv)
{
	static const struct verb verb = {
		.name = "events",
		.summary = "what happens, one line each, as it happens; a COMMAND is run, what comes of\n"
			   "it is told, and its exit status is that of sysscope",
		.rest = "[-- COMMAND...]",
		.examples =
			"  sysscope events\n"
			"  sysscope events --container web-1\n"
			"  sysscope events --type exec,exit --args\n"
			"  sysscope events --output build.log -- make\n"
			"  sysscope events --json --loop.stall-threshold 0.05 | jq 'select(.cause == \"blocked\")'\n",
	};
	const struct option_row own[] = {
		{.name = "json", .kind = OPTION_FLAG, .target = &e->json, .help = "a JSON object a line"},
		{.name = "type", .kind = OPTION_STRING, .target = &e->types, .argument = "LIST", .help = types_help},
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
		 .help = "only of this process, and the births of its children; 0: all"},
		{.name = "args",
		 .kind = OPTION_FLAG,
		 .target = &e->arguments,
		 .help = "exec with its arguments; what looks like a secret is hidden"},
		{.name = "redact",
		 .kind = OPTION_LIST,
		 .target = &e->patterns,
		 .argument = "PATTERN",
		 .help = "hide in arguments also what matches this extended regular expression"},
		{.name = "output",
		 .short_name = 'o',
		 .kind = OPTION_STRING,
		 .target = &e->output,
		 .argument = "FILE",
		 .help = "write there, not to standard output, which a COMMAND may use"},
		{.name = "count",
		 .short_name = 'n',
		 .kind = OPTION_U64,
		 .max = 1e9,
		 .target = &e->count,
		 .argument = "N",
		 .help = "stop after N lines; 0: go on"},
		{.name = "docker.data-root",
		 .kind = OPTION_STRING,
		 .target = &e->pipeline.docker_root,
		 .argument = "DIR",
		 .help = "a dockerd's --data-root, besides the usual one"},
	};
	struct option_row rows[ARRAY_SIZE(own) + COLLECTOR_OPTION_ROWS];
	size_t n = ARRAY_SIZE(own);
	int r, rest = 0;

	memcpy(rows, own, sizeof(own));
	n += collector_options_rows(&e->collectors, rows + n);
	r = options_parse(&verb, rows, n, argc, argv, &rest);
	if (r)
		return r;
	if (rest && rest < argc && strcmp(argv[rest - 1], "--") != 0) {
		log_error("unexpected '%s': a command to run goes behind --", argv[rest]);
		return -EINVAL;
	}
	if (rest && rest < argc)
		e->command.argv = argv + rest;
	collector_options_apply(&e->collectors, &e->pipeline);
	return events_choose(e);
}

/* ---- the command ---- */

/* The first signal that ends us is the command's; a second one is ours. */
static void signal_pass(struct events *e)
{
	command_signal(&e->command, stop);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	stop = 0;
}

/* Nobody looks any more; the command goes on to its end. */
static void command_finish(struct events *e)
{
	command_cancel(&e->command);
	while (command_runs(&e->command) && !command_ended(&e->command, true) && errno == EINTR)
		if (stop)
			signal_pass(e);
}

/* ---- the stream ---- */

/* As much as the reader takes without waiting. */
static int lines_write(struct events *e)
{
	struct event_queue *q = event_feed_queue(e->feed);

	for (int i = 0; i < WRITES_AT_ONCE && event_queue_waiting(q); i++) {
		struct pollfd fd = {.fd = e->out, .events = POLLOUT};
		int r;

		if (poll(&fd, 1, 0) <= 0)
			return 0;
		if (fd.revents & GONE)
			return -EPIPE;
		r = event_queue_write(q, e->out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Until there is something to do or the time has come. -EPIPE: nobody reads any more. */
static int stream_wait(struct events *e, const struct snapshot_source *source, uint64_t due_ns)
{
	struct pollfd fds[3] = {
		{.fd = source->fd, .events = POLLIN},
		{.fd = e->out, .events = event_queue_waiting(event_feed_queue(e->feed)) ? POLLOUT : 0},
		{.fd = command_runs(&e->command) ? e->command.ended_fd : -1, .events = POLLIN},
	};
	uint64_t now = clock_boot_ns();

	if (!stop && now < due_ns)
		poll(fds, 3, (int)((due_ns - now) / 1000000) + 1);
	return fds[1].revents & GONE ? -EPIPE : 0;
}

static int snapshot_next(struct events *e, const struct snapshot_source *source)
{
	int error = 0;

	/* What the last one told lies where the next will be. */
	event_feed_snapshot(e->feed, NULL);
	event_feed_snapshot(e->feed, source->next(source->ctx, &error));
	return error;
}

/* To the end of the command, or until it is enough. */
static int stream_run(struct events *e, struct pipeline *p)
{
	const struct snapshot_source *source = pipeline_source(p);
	uint64_t every = e->choice.types >> EVENT_LOOP_STALL & 1 ? STALLS_EVERY_NS : SAMPLE_EVERY_NS;
	uint64_t sample_ns = 0, lost_ns = 0;
	const struct snapshot *latest; /* is never older than the tables can wait */
	bool ended = false;
	int r = 0;

	while (r == 0 && !ended && !event_feed_full(e->feed)) {
		uint64_t now = clock_boot_ns();

		if (stop && !command_runs(&e->command))
			break;
		if (stop) /* what the command still does is seen */
			signal_pass(e);
		ended = command_ended(&e->command, false);
		event_feed_clock(e->feed);
		source->idle(source->ctx, &latest);
		if (now >= sample_ns) {
			r = snapshot_next(e, source);
			sample_ns = clock_boot_ns() + every;
			command_go(&e->command);
		}
		if (now >= lost_ns) {
			event_feed_lost(e->feed, p);
			lost_ns = now + LOST_EVERY_NS;
		}
		r = r ?: event_feed_error(e->feed) ?: lines_write(e);
		if (r == 0 && !ended)
			r = stream_wait(e, source, sample_ns < lost_ns ? sample_ns : lost_ns);
	}
	return r;
}

/* What is on its way is told; then, as long as somebody reads, written. */
static int stream_end(struct events *e, struct pipeline *p)
{
	const struct snapshot_source *source = pipeline_source(p);
	struct event_queue *q = event_feed_queue(e->feed);
	struct event_sums sums, before;
	const struct snapshot *latest;
	uint64_t progress_ns, waiting;
	int r = 0, last = 0;

	if (e->command.argv && !command_runs(&e->command))
		usleep(EXIT_SEEN_US);
	pipeline_facts_end(p);
	usleep(SETTLE_US);
	event_feed_sums(e->feed, p, &sums);
	do {
		before = sums;
		source->idle(source->ctx, &latest);
		event_feed_sums(e->feed, p, &sums);
	} while (sums.told != before.told || sums.left_out != before.left_out || sums.unread != before.unread);
	/* Without it what waits is written all the same. */
	if (e->choice.types >> EVENT_LOOP_STALL & 1)
		last = snapshot_next(e, source);
	event_feed_lost(e->feed, p);
	progress_ns = clock_boot_ns();
	while (r == 0 && (waiting = event_queue_waiting(q)) && clock_boot_ns() - progress_ns < FLUSH_MOST_NS) {
		struct pollfd fd = {.fd = e->out, .events = POLLOUT};

		poll(&fd, 1, 100);
		r = lines_write(e);
		/* A full queue has room for it only now. */
		event_feed_lost(e->feed, p);
		if (event_queue_waiting(q) != waiting)
			progress_ns = clock_boot_ns();
	}
	return r ?: last;
}

/* As packet sniffers do: how much of it one has seen. Silent where nothing is missing and nobody asked for the rest. */
static void sums_say(struct events *e, struct pipeline *p)
{
	uint64_t unwritten = event_queue_lines_waiting(event_feed_queue(e->feed));
	struct event_sums s;

	event_feed_sums(e->feed, p, &s);
	log_info("%llu facts: %llu told, %llu left out, %llu lost in the kernel's ring, %llu lost since nobody read",
		 (unsigned long long)s.produced, (unsigned long long)s.told, (unsigned long long)s.left_out,
		 (unsigned long long)s.lost_ring, (unsigned long long)s.unread);
	if (unwritten)
		log_warning("%llu lines were not written, since nobody read them", (unsigned long long)unwritten);
}

static void events_close(struct events *e)
{
	event_feed_free(e->feed);
	redactor_close((struct redactor *)e->choice.redactor);
	command_close(&e->command);
	if (e->out > STDERR_FILENO)
		close(e->out);
}

static int events_run(struct events *e)
{
	_cleanup_buf_ struct buf error = {};
	struct pipeline *p;
	int r, end = 0;

	r = event_feed_new(&e->feed, &e->choice);
	if (r < 0)
		return r;
	event_feed_options(&e->choice, &e->pipeline);
	e->pipeline.subscriber = (struct fact_subscriber){.take = event_feed_take, .ctx = e->feed};
	r = pipeline_open(&p, &e->pipeline, &error);
	if (r < 0) {
		log_error("%s", error.data ? error.data : strerror(-r));
		return EXIT_CANNOT;
	}
	for (char *state = NULL, *line = error.data ? strtok_r(error.data, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state))
		log_warning("%s", line);
	if (e->command.argv)
		r = command_start(&e->command) ?: event_feed_tree(e->feed, (uint32_t)e->command.pid);
	if (r >= 0)
		r = stream_run(e, p);
	if (r >= 0)
		end = stream_end(e, p);
	if (r >= 0 && end >= 0)
		sums_say(e, p);
	pipeline_close(p);
	return end < 0 ? end : r;
}

int cmd_events(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct events e = {.command = {.ended_fd = -1, .go_fd = -1}, .out = STDOUT_FILENO};
	int r;

	pipeline_options_init(&e.pipeline);
	r = events_parse(&e, argc, argv);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (e.output) {
		e.out = open(e.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (e.out < 0) {
			log_error("cannot write %s: %s", e.output, strerror(errno));
			return EXIT_FAILED;
		}
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = events_run(&e);
	command_finish(&e);
	events_close(&e);
	/* Nobody reads any more: that is how one ends it (`| head -1`). */
	if (r == -EPIPE || r == 0)
		return e.command.status;
	if (r < 0)
		log_error("cannot go on: %s", strerror(-r));
	return r < 0 ? EXIT_FAILED : r;
}
