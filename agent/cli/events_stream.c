/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events_stream.c - see events_stream.h. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/events_stream.h"
#include "view/match.h"

#define STALLS_EVERY_NS 500000000ULL   /* stalls are reported once a second */
#define SAMPLE_EVERY_NS 10000000000ULL /* keeps the kernel's tables small and names known */
#define LOST_EVERY_NS	1000000000ULL
#define FLUSH_MOST_NS	2000000000ULL /* at the end, for a reader who takes nothing */
#define FLUSH_TURN_MS	100
#define WRITES_AT_ONCE	64
/* A program that was running when facts were switched off has sent its fact after this time. */
#define SETTLE_US 20000
/*
 * The end of a process is reported at its last switch or when it is freed, which is after its parent knows of it. On a busy
 * machine it may wait for a CPU meanwhile.
 */
#define EXIT_SEEN_MOST_NS 2000000000ULL
#define EXIT_SEEN_TURN_US 10000
#define READER_GONE	  (POLLERR | POLLHUP | POLLNVAL)

/* The command gets the first signal, and what it still does is shown. A second one ends sysscope: true. */
static bool signal_ends(struct event_stream *s)
{
	int signal;

	if (!run_stopped())
		return false;
	if (!command_runs(&s->command))
		return true;
	if (s->passed) {
		s->gave_up = run_stopped();
		return true;
	}
	signal = run_stop_take();
	command_signal(&s->command, signal);
	s->passed = true;
	return false;
}

/* As much as the reader takes without waiting. */
static int lines_write(struct event_stream *s)
{
	struct event_queue *q = event_feed_queue(s->feed);

	for (int i = 0; i < WRITES_AT_ONCE && event_queue_waiting(q); i++) {
		struct pollfd fd = {.fd = s->out, .events = POLLOUT};
		int r;

		if (poll(&fd, 1, 0) <= 0)
			return 0;
		if (fd.revents & READER_GONE)
			return -EPIPE;
		r = event_queue_write(q, s->out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Until there is something to do or the time has come. -EPIPE: nobody reads any more. */
static int stream_wait(struct event_stream *s, uint64_t due_ns)
{
	struct pollfd fds[] = {
		{.fd = s->out, .events = event_queue_waiting(event_feed_queue(s->feed)) ? POLLOUT : 0},
		{.fd = command_runs(&s->command) ? s->command.ended_fd : -1, .events = POLLIN},
	};

	run_poll(s->run, fds, ARRAY_SIZE(fds), due_ns);
	return fds[0].revents & READER_GONE ? -EPIPE : 0;
}

static int snapshot_next(struct event_stream *s)
{
	const struct snapshot_source *source = s->run->source;
	int error = 0;

	/* The snapshot that the feed still has is overwritten by the next one. */
	event_feed_snapshot(s->feed, NULL);
	event_feed_snapshot(s->feed, source->next(source->ctx, &error));
	return error;
}

/* Loading takes seconds, and what happened meanwhile is not shown. A command is started when that is over. */
static void begin_log(const struct event_stream *s)
{
	const struct match_choice *c = s->containers;
	_cleanup_buf_ struct buf what = {};

	if (s->command.argv)
		return;
	if (s->pid)
		buf_printf(&what, "process %u", s->pid);
	if (s->pid && c->n)
		buf_str(&what, " in ");
	for (size_t i = 0; i < c->n; i++)
		buf_printf(&what, "%s%s", i ? ", " : c->n == 1 ? "container " : "containers ", c->wanted[i].text);
	log_info("watching %s", what.data && !what.failed ? what.data : "the whole machine");
	run_cost_log(s->run);
}

/* Whoever waits for a container that is not there must know it: says so once. -ENOTUNIQ: its name fits several. */
static int stream_look(struct event_stream *s)
{
	int r = event_feed_look(s->feed);

	if (!s->looked && r != -ENOTUNIQ)
		begin_log(s);
	if (r == -ENOTUNIQ)
		log_error("%s", s->containers->message.data);
	else if (r == -ENOENT && !s->looked)
		log_warning("%s yet: waiting", s->containers->message.data);
	s->looked = true;
	return r == -ENOTUNIQ ? r : 0;
}

/* Until the command has ended, a signal, or enough lines. */
static int stream_loop(struct event_stream *s)
{
	const struct snapshot_source *source = s->run->source;
	uint64_t every = s->stalls ? STALLS_EVERY_NS : SAMPLE_EVERY_NS;
	uint64_t sample_ns = 0, lost_ns = 0;
	const struct snapshot *latest; /* not used: idle takes the facts, and samples before tables are full */
	bool ended = false;
	int r = 0;

	while (r == 0 && !ended && !event_feed_full(s->feed) && !signal_ends(s)) {
		uint64_t now = clock_boot_ns();

		ended = command_ended(&s->command, false);
		event_feed_clock(s->feed);
		source->idle(source->ctx, &latest);
		if (now >= sample_ns) {
			r = snapshot_next(s) ?: stream_look(s);
			sample_ns = clock_boot_ns() + every;
			command_go(&s->command);
		}
		if (now >= lost_ns) {
			event_feed_lost(s->feed, s->run->live);
			lost_ns = now + LOST_EVERY_NS;
		}
		r = r ?: event_feed_error(s->feed) ?: lines_write(s);
		if (r == 0 && !ended)
			r = stream_wait(s, sample_ns < lost_ns ? sample_ns : lost_ns);
	}
	return r;
}

/* Until the end of the command is among the facts; if that fact was lost, for a while. */
static void command_exit_take(struct event_stream *s)
{
	const struct snapshot_source *source = s->run->source;
	uint64_t until = clock_boot_ns() + EXIT_SEEN_MOST_NS;
	const struct snapshot *latest;

	source->idle(source->ctx, &latest);
	while (event_feed_tree_has(s->feed, s->root) && clock_boot_ns() < until) {
		usleep(EXIT_SEEN_TURN_US);
		source->idle(source->ctx, &latest);
	}
}

/* Takes the facts that are still in the ring, until no more come. */
static void facts_drain(struct event_stream *s)
{
	const struct snapshot_source *source = s->run->source;
	struct event_sums sums, before;
	const struct snapshot *latest;

	if (s->root && !command_runs(&s->command))
		command_exit_take(s);
	pipeline_facts_end(s->run->live);
	usleep(SETTLE_US);
	event_feed_sums(s->feed, s->run->live, &sums);
	do {
		before = sums;
		source->idle(source->ctx, &latest);
		event_feed_sums(s->feed, s->run->live, &sums);
	} while (sums.told != before.told || sums.left_out != before.left_out || sums.unread != before.unread);
}

/* Writes what waits in the queue, as long as the reader takes some of it. */
static int lines_flush(struct event_stream *s)
{
	struct event_queue *q = event_feed_queue(s->feed);
	uint64_t progress_ns = clock_boot_ns(), waiting;
	int r = 0;

	while (r == 0 && (waiting = event_queue_waiting(q)) && clock_boot_ns() - progress_ns < FLUSH_MOST_NS) {
		struct pollfd fd = {.fd = s->out, .events = POLLOUT};

		poll(&fd, 1, FLUSH_TURN_MS);
		r = lines_write(s);
		/* The line about losses may have found the queue full until now. */
		event_feed_lost(s->feed, s->run->live);
		if (event_queue_waiting(q) != waiting)
			progress_ns = clock_boot_ns();
	}
	return r;
}

static int stream_end(struct event_stream *s)
{
	int last = 0, r;

	facts_drain(s);
	/* If this one fails, the lines that wait are written all the same. */
	if (s->stalls)
		last = snapshot_next(s);
	event_feed_lost(s->feed, s->run->live);
	r = lines_flush(s);
	return r ?: last;
}

/* Like a packet sniffer's summary: how much of what happened was shown. */
static void sums_log(struct event_stream *s)
{
	uint64_t unwritten = event_queue_lines_waiting(event_feed_queue(s->feed));
	_cleanup_buf_ struct buf text = {};
	struct event_sums sums;

	event_feed_sums(s->feed, s->run->live, &sums);
	event_sums_text(&text, &sums);
	if (!text.failed && text.data)
		log_info("%s", text.data);
	if (unwritten)
		log_warning("%llu line%s not written, because nobody read %s", (unsigned long long)unwritten,
			    unwritten == 1 ? " was" : "s were", unwritten == 1 ? "it" : "them");
}

int event_stream_run(struct event_stream *s)
{
	int r = 0;

	if (s->command.argv) {
		r = command_start(&s->command);
		s->root = r < 0 ? 0 : (uint32_t)s->command.pid;
		r = r ?: event_feed_tree(s->feed, s->root);
	}
	if (r >= 0)
		r = stream_loop(s);
	if (r >= 0)
		r = stream_end(s);
	if (r >= 0)
		sums_log(s);
	return r;
}

int event_stream_command_status(struct event_stream *s)
{
	command_cancel(&s->command);
	while (command_runs(&s->command) && !s->gave_up && !command_ended(&s->command, true) && errno == EINTR)
		if (signal_ends(s))
			break;
	return s->gave_up ? 128 + s->gave_up : s->command.status;
}
