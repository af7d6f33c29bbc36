/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - `sysscope events`: the options, and what they mean for the feed of facts. events_stream.c does the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/events_stream.h"
#include "cli/verbs.h"
#include "events/redact.h"
#include "events/replayed.h"
#include "record/when.h"
#include "view/match.h"

struct events {
	bool json, arguments;
	const char *types, *output;
	const char *replay, *from, *to; /* a recording, and of which time */
	uint64_t pid, count;
	struct option_list patterns, names;
	struct match_choice containers;
	struct event_choice choice;
	struct redactor *redactor;
	struct event_stream stream;
};

/* ---- command line ---- */

static const char types_help[] =
	"event types, separated by commas, or all: process_start, thread_start, exec, exit, namespace, "
	"container_start, "
	"container_exit, cgroup_create, cgroup_remove, oom_kill, loop_stall, capability_denied. Default: all but "
	"thread_start and capability_denied; process_start, exec and exit only with --container, --pid or a COMMAND";

static int events_parse(struct run *run, struct events *e)
{
	const struct option_row rows[] = {
		ROW_FLAG("json", 0, &e->json, "one JSON object per line"),
		ROW_STRING("type", 0, &e->types, "LIST", types_help),
		ROW_LIST("container", 0, &e->names, "NAME",
			 "only events of this container: its name or the beginning of its id"),
		ROW_U64("pid", 0, 0, 4194304, &e->pid, "PID",
			"only events of this process, and the starts of its children; 0: all processes"),
		ROW_FLAG("args", 0, &e->arguments,
			 "show the arguments of exec; those that look like secrets are hidden"),
		ROW_LIST("redact", 0, &e->patterns, "PATTERN",
			 "also hide arguments that match this extended regular expression"),
		ROW_STRING("output", 'o', &e->output, "FILE",
			   "write to this file; standard output may be used by a COMMAND"),
		ROW_U64("count", 'n', 0, 1e9, &e->count, "N", "stop after N lines; 0: never"),
		ROW_STRING("replay", 0, &e->replay, "DIR",
			   "show the events of a recording: of `sysscope record` or of serve --record.path"),
		ROW_STRING("from", 0, &e->from, "TIME", "with --replay: from then on; " WHEN_FORMS),
		ROW_STRING("to", 0, &e->to, "TIME", "with --replay: until then"),
	};
	int r = run_parse(run, rows, ARRAY_SIZE(rows));

	if (r == RUN_CONTINUE && run->rest < run->argc)
		e->stream.command.argv = run->argv + run->rest;
	return r;
}

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
			log_error("--type: unknown event type '%.*s'; see sysscope events --help",
				  (int)(length < 40 ? length : 40), p);
			return -EINVAL;
		}
	}
	*ret = types;
	return 0;
}

static int patterns_compile(struct events *e)
{
	_cleanup_buf_ struct buf error = {};
	int r;

	if (e->patterns.n && !e->arguments) {
		log_error("--redact hides arguments, and needs --args");
		return -EINVAL;
	}
	if (!e->arguments)
		return 0;
	r = redactor_open(&e->redactor, e->patterns.values, e->patterns.n, &error);
	if (r < 0)
		log_error("--redact: %s", error.len ? error.data : strerror(-r));
	return r;
}

/* From the options to the feed's choice. 0, or negative errno with a line on stderr. */
static int events_choose(struct events *e)
{
	bool narrow = e->names.n || e->pid || e->stream.command.argv;
	uint32_t types = event_types_shown(narrow);
	int r = e->types ? types_parse(e->types, &types) : 0;

	if (r == 0)
		r = patterns_compile(e);
	if (r < 0)
		return r;
	match_choice_init(&e->containers, e->names.values, e->names.n);
	e->choice = (struct event_choice){
		.types = types,
		.containers = &e->containers,
		.pid = (uint32_t)e->pid,
		.tree = e->stream.command.argv != NULL,
		.json = e->json,
		.redactor = e->redactor,
		.count = e->count,
	};
	e->stream.containers = &e->containers;
	e->stream.pid = (uint32_t)e->pid;
	e->stream.stalls = types >> EVENT_LOOP_STALL & 1;
	return 0;
}

/* A process that has ended does not come back: a later one with its PID is another one. False, with a line on stderr. */
static bool process_is_there(uint32_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno == ESRCH)
		log_error("there is no process %u", pid);
	else if (errno == EINVAL || errno == ENOENT) /* which one depends on the kernel */
		log_error("%u is a thread of a process: --pid takes the PID of the process", pid);
	else
		return true; /* not allowed to ask, or no descriptor left */
	return false;
}

/* ---- of a recording ---- */

/* What has no meaning there is refused. */
static bool replay_fits(const struct events *e)
{
	const char *wrong = e->stream.command.argv ? "a COMMAND" : e->arguments ? "--args" : NULL;

	if (!e->replay && (e->from || e->to)) {
		log_error("--from and --to are times of a recording: they need --replay DIR");
		return false;
	}
	if (e->replay && wrong)
		log_error("--replay goes without %s: %s", wrong,
			  e->arguments ? "arguments of programs are not recorded" : "it shows what has been");
	return !e->replay || !wrong;
}

static int replay_time_refuse(const char *option, const char *text)
{
	_cleanup_buf_ struct buf safe = {};

	option_printable(&safe, text);
	log_error("--%s: '%s' is no time such as %s", option, safe.data ?: "", WHEN_FORMS);
	return EXIT_USAGE;
}

/* To the file, or as run_write(). */
static int replay_write(const struct events *e, const struct buf *lines)
{
	return e->output ? write_all(e->stream.out, lines->data, lines->len) : run_write(lines);
}

static int replay_lines(const struct events *e, struct event_replay *r)
{
	_cleanup_buf_ struct buf lines = {};
	int more, error = 0;

	while (error == 0 && !run_stopped() && (more = event_replay_next(r, &lines))) {
		error = more < 0 ? more : replay_write(e, &lines);
		buf_reset(&lines);
	}
	return error;
}

static int replay_range(const struct events *e, struct event_replay *r)
{
	uint64_t first_ns, last_ns, from_ns = 0, to_ns = 0;
	_cleanup_buf_ struct buf first = {}, last = {};

	event_replay_times(r, &first_ns, &last_ns);
	if (e->from && when_parse(e->from, first_ns, last_ns, &from_ns) < 0)
		return replay_time_refuse("from", e->from);
	if (e->to && when_parse_end(e->to, from_ns, first_ns, last_ns, &to_ns) < 0)
		return replay_time_refuse("to", e->to);
	event_replay_range(r, from_ns, to_ns);
	if ((!from_ns || from_ns <= last_ns) && (!to_ns || to_ns >= first_ns))
		return RUN_CONTINUE;
	when_text(&first, first_ns);
	when_text(&last, last_ns);
	log_warning("the recording is from %s to %s: nothing of it is shown", first.data ?: "", last.data ?: "");
	return RUN_CONTINUE;
}

static int events_replay(struct events *e)
{
	_cleanup_buf_ struct buf error = {}, missing = {}, passed = {};
	struct event_replay *r = NULL;
	int code;

	if (event_replay_open(&r, e->replay, &e->choice, &error) < 0) {
		log_error("cannot replay %s", error.data ?: "it");
		return EXIT_FAILED;
	}
	code = replay_range(e, r);
	if (code == RUN_CONTINUE)
		code = run_end(replay_lines(e, r));
	if (code != EXIT_USAGE && event_replay_missing(r, &missing))
		run_warn(&missing);
	/* Who has named types knows that there are others. */
	if (code == EXIT_DONE && !e->types && event_replay_passed(r, &passed))
		log_info("%s", passed.data ?: "");
	event_replay_close(r);
	return code;
}

/* ---- the verb ---- */

static int output_open(struct events *e)
{
	if (!e->output)
		return RUN_CONTINUE;
	e->stream.out = open(e->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (e->stream.out >= 0)
		return RUN_CONTINUE;
	log_error("cannot write %s: %s", e->output, strerror(errno));
	return EXIT_FAILED;
}

static int events_open(struct run *run, struct events *e)
{
	int r;

	if (e->pid && !process_is_there((uint32_t)e->pid))
		return EXIT_FAILED;
	r = output_open(e);
	if (r != RUN_CONTINUE)
		return r;
	r = event_feed_new(&e->stream.feed, &e->choice);
	if (r < 0)
		return run_end(r);
	event_feed_options(&e->choice, &run->pipeline);
	run->pipeline.loops_wanted = e->stream.stalls;
	run->pipeline.subscriber = (struct fact_subscriber){.take = event_feed_take, .ctx = e->stream.feed};
	return run_open(run);
}

static int events_run(struct run *run, struct events *e)
{
	int r = !replay_fits(e) || events_choose(e) < 0 ? EXIT_USAGE : RUN_CONTINUE, status;

	if (r == RUN_CONTINUE && e->replay) {
		r = output_open(e);
		return r == RUN_CONTINUE ? events_replay(e) : r;
	}
	if (r == RUN_CONTINUE)
		r = events_open(run, e);
	if (r != RUN_CONTINUE)
		return r;
	r = event_stream_run(&e->stream);
	/* Nothing stays in the kernel while the command ends. */
	run_close(run);
	status = event_stream_command_status(&e->stream);
	if (r == -ENOTUNIQ)
		return EXIT_FAILED;
	r = run_end(r);
	return r == EXIT_DONE ? status : r;
}

static int events_body(struct run *run)
{
	struct events e = {.stream = {.run = run, .command = {.ended_fd = -1, .go_fd = -1}, .out = STDOUT_FILENO}};
	int r = events_parse(run, &e);

	if (r != RUN_CONTINUE)
		return r;
	r = events_run(run, &e);
	run_close(run);
	event_feed_free(e.stream.feed);
	match_choice_free(&e.containers);
	redactor_close(e.redactor);
	command_close(&e.stream.command);
	if (e.stream.out > STDERR_FILENO)
		close(e.stream.out);
	return r;
}

const struct verb verb_events = {
	.name = "events",
	.summary = "processes, containers, OOM kills, stalls: one line each",
	.about = "Prints what happens on this machine, one line per event. With a COMMAND: runs it, prints "
		 "only events of it and its children, and exits with its exit status.",
	.rest = "[-- COMMAND...]",
	.examples = "  sysscope events\n"
		    "  sysscope events --container web-1 --type exec,exit --args\n"
		    "  sysscope events --output build.log -- make\n"
		    "  sysscope events --replay /var/lib/sysscope --from 10:40 --to 10:45\n"
		    "  sysscope events --json --type loop_stall | jq 'select(.cause == \"blocked\")'\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS | VERB_ARGUMENTS,
	.body = events_body,
};
