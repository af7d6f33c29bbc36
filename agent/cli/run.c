/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - see run.h. Holds the only global variables of the agent besides those of log.c: the flag that asks to stop, and the
 * pipe through which the signal handlers wake poll(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "confine/confine.h"
#include "cli/run.h"

#define IDLE_EVERY_NS 5000000000ULL
/*
 * Facts may come one by one, each of which would wake a verb that waits for the time of its next sample. Not longer: the ring has
 * room for those of a storm, and a container that has just begun still has a name where it is asked for.
 */
#define FACTS_EVERY_NS 250000000ULL
#define GRACE_NS       2000000000ULL /* after a signal, for a reader who takes nothing */
#define GRACE_TURN_MS  100
/* A pipe that poll(2) calls writable takes so much without blocking. */
#define WRITE_BYTES 4096

static volatile sig_atomic_t stop;
static int wake_fds[2] = {-1, -1};

/* ---- signals ---- */

static void on_wake(int sig)
{
	int saved = errno;
	unsigned char number = (unsigned char)sig;

	/* When the pipe is full, poll wakes anyway. */
	if (write(wake_fds[1], &number, 1) < 0)
		errno = saved;
}

static void on_stop(int sig)
{
	stop = sig;
	on_wake(sig);
}

static bool hangup_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static int signals_take(bool daemon)
{
	const struct sigaction ends = {.sa_handler = on_stop}, wakes = {.sa_handler = on_wake};

	if (pipe2(wake_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &ends, NULL);
	sigaction(SIGINT, &ends, NULL);
	if (!daemon)
		sigaction(SIGQUIT, &ends, NULL);
	if (daemon)
		sigaction(SIGHUP, &wakes, NULL);
	else if (!hangup_ignored())
		sigaction(SIGHUP, &ends, NULL);
	return 0;
}

int run_stopped(void)
{
	return stop;
}

volatile sig_atomic_t *run_stop_flag(void)
{
	return &stop;
}

int run_signal_fd(void)
{
	return wake_fds[0];
}

int run_signal_next(void)
{
	unsigned char number;

	return read(wake_fds[0], &number, 1) == 1 ? number : 0;
}

int run_stop_take(void)
{
	int sig = stop;

	/* In this order: a signal that comes in between is seen the next time, or wakes poll for nothing. */
	while (run_signal_next())
		;
	stop = 0;
	return sig;
}

/* ---- parse, open, close ---- */

/* The verb's own rows, and behind them those that it shares. */
static int run_rows_make(struct run *run, const struct option_row *own, size_t n)
{
	unsigned int shares = run->verb->shares;

	run->rows = calloc(n + 2 + COLLECTOR_OPTION_ROWS, sizeof(*run->rows));
	if (!run->rows)
		return -ENOMEM;
	if (n)
		memcpy(run->rows, own, n * sizeof(*own));
	if (shares & VERB_CONFINED)
		run->rows[n++] = ROW_FLAG("no-seccomp", 0, &run->no_seccomp,
					  "do not filter the system calls that sysscope itself makes");
	if (shares & VERB_DOCKER_ROOTS)
		run->rows[n++] = ROW_LIST("docker.data-root", 0, &run->docker_roots, "DIR",
					  "data root of another dockerd, besides those that are found");
	if (shares & VERB_COLLECTORS)
		n += collector_options_rows(&run->collectors, run->rows + n);
	run->n_rows = n;
	return 0;
}

int run_parse_again(struct run *run, const struct option_row *own, size_t n, struct buf *error)
{
	int r = run_rows_make(run, own, n);

	return r < 0 ? r : options_again(run->verb, run->rows, run->n_rows, run->argc, run->argv, error);
}

int run_parse(struct run *run, const struct option_row *own, size_t n)
{
	unsigned int shares = run->verb->shares;
	int r = run_rows_make(run, own, n);

	if (r < 0)
		return run_end(r);
	run->rest = run->argc;
	r = options_parse(run->verb, run->rows, run->n_rows, run->argc, run->argv,
			  shares & VERB_ARGUMENTS ? &run->rest : NULL);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (shares & VERB_COLLECTORS)
		collector_options_apply(&run->collectors, &run->pipeline);
	run->pipeline.docker_roots = run->docker_roots.values;
	run->pipeline.n_docker_roots = run->docker_roots.n;
	r = signals_take(shares & VERB_DAEMON);
	if (r < 0) {
		log_error("cannot create a pipe for signals: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return RUN_CONTINUE;
}

void run_warn(struct buf *lines)
{
	char *state = NULL, *line = lines->data ? strtok_r(lines->data, "\n", &state) : NULL;

	for (; line; line = strtok_r(NULL, "\n", &state))
		log_warning("%s", line);
}

int run_open(struct run *run)
{
	_cleanup_buf_ struct buf said = {};
	int r = pipeline_open(&run->live, &run->pipeline, &said);

	if (run->before_log && (r < 0 || said.len))
		run->before_log(run->before_log_ctx);
	if (r < 0) {
		log_error("%s", said.data ? said.data : strerror(-r));
		return EXIT_CANNOT;
	}
	run_warn(&said);
	run->source = pipeline_source(run->live);
	return RUN_CONTINUE;
}

void run_confine(const struct run *run, const char *folder)
{
	_cleanup_buf_ struct buf kept = {}, why = {};
	bool filter = !run->no_seccomp;
	uint64_t keep = RIGHTS_SAMPLE | (folder && !confine_folder_is_ours(folder) ? RIGHT(DAC_OVERRIDE) : 0);

	if (confine_rights(keep) < 0)
		log_warning("rights that are not needed any more could not be given up");
	if (filter && confine_calls(&why) < 0) {
		log_warning("system calls are not filtered, as this kernel or who runs sysscope does not allow it: %s",
			    why.data ?: "");
		filter = false;
	}
	confine_rights_text(&kept);
	log_message(LOG_LEVEL_DEBUG, "rights that are kept: %s; system calls are %sfiltered", kept.data ?: "",
		    filter ? "" : "not ");
}

void run_cost_log(const struct run *run)
{
	const char *cost = pipeline_loops_cost(run->live);

	if (cost)
		log_info("%s", cost);
}

void run_close(struct run *run)
{
	pipeline_close(run->live);
	run->live = NULL;
	run->source = NULL;
}

int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct run run = {.verb = verb, .argc = argc, .argv = argv};
	int code;

	pipeline_options_init(&run.pipeline);
	code = verb->body(&run);
	run_close(&run);
	free(run.rows);
	return code;
}

/* ---- a source with something around next() ---- */

static const struct snapshot *tap_next(void *ctx, int *ret_error)
{
	struct source_tap *t = ctx;
	const struct snapshot *s;

	if (t->before)
		t->before(t->ctx);
	s = t->inner->next(t->inner->ctx, ret_error);
	if (t->after)
		t->after(t->ctx, s, *ret_error);
	return s;
}

static void tap_published(void *ctx)
{
	struct source_tap *t = ctx;

	t->inner->published(t->inner->ctx);
}

static void tap_idle(void *ctx, const struct snapshot **latest)
{
	struct source_tap *t = ctx;

	t->inner->idle(t->inner->ctx, latest);
}

static void tap_rest(void *ctx)
{
	struct source_tap *t = ctx;

	if (t->inner->rest)
		t->inner->rest(t->inner->ctx);
}

static void tap_watch(void *ctx, uint32_t pid, uint64_t start_ns)
{
	struct source_tap *t = ctx;

	if (t->inner->watch)
		t->inner->watch(t->inner->ctx, pid, start_ns);
}

static void tap_judge(void *ctx, bool wanted)
{
	struct source_tap *t = ctx;

	if (t->inner->judge)
		t->inner->judge(t->inner->ctx, wanted);
}

static void tap_loops(void *ctx)
{
	struct source_tap *t = ctx;

	if (t->inner->loops)
		t->inner->loops(t->inner->ctx);
}

static void tap_look(void *ctx, uint32_t what)
{
	struct source_tap *t = ctx;

	if (t->inner->look)
		t->inner->look(t->inner->ctx, what);
}

const struct snapshot_source *source_tap_open(struct source_tap *t, const struct snapshot_source *inner)
{
	t->inner = inner;
	t->outer = (struct snapshot_source){tap_next, tap_published, tap_idle,	tap_rest,  inner->fd,
					    t,	      tap_watch,     tap_judge, tap_loops, tap_look};
	return &t->outer;
}

/* ---- wait and write ---- */

static bool poll_until(int source_fd, struct pollfd *more, nfds_t n, uint64_t due_ns)
{
	struct pollfd fds[2 + RUN_POLL_MORE] = {
		{.fd = wake_fds[0], .events = POLLIN},
		{.fd = source_fd, .events = POLLIN},
	};
	uint64_t left_ms = (sub_sat(due_ns, clock_boot_ns()) + 999999) / 1000000;

	for (nfds_t i = 0; i < n; i++)
		fds[2 + i] = more[i];
	if (poll(fds, 2 + n, stop ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) < 0)
		return false;
	for (nfds_t i = 0; i < n; i++)
		more[i].revents = fds[2 + i].revents;
	/* A child that has not called exec(2) yet writes into the same pipe. */
	if (fds[0].revents && !stop)
		run_signal_next();
	return fds[1].revents;
}

bool run_poll(const struct run *run, struct pollfd *more, nfds_t n, uint64_t due_ns)
{
	return poll_until(run->source->fd, more, n, due_ns);
}

int run_idle(const struct run *run)
{
	static const struct snapshot none;
	const struct snapshot *latest = &none;

	run->source->idle(run->source->ctx, &latest);
	return latest == &none || !run->between ? 0 : run->between(run->between_ctx, run, latest);
}

int run_wait(const struct run *run, uint64_t due_ns)
{
	int error = 0;
	uint64_t now, idle_ns = clock_boot_ns(), quiet_ns = run->paced ? idle_ns + FACTS_EVERY_NS : 0;

	while (error == 0 && !stop && (now = clock_boot_ns()) < due_ns) {
		struct pollfd reader = {.fd = STDOUT_FILENO};
		uint64_t turn_ns = now + IDLE_EVERY_NS < due_ns ? now + IDLE_EVERY_NS : due_ns;
		bool quiet = now < quiet_ns, facts;

		if (quiet && quiet_ns < turn_ns)
			turn_ns = quiet_ns;
		facts = poll_until(quiet ? -1 : run->source->fd, &reader, 1, turn_ns);

		if (reader.revents & POLLERR)
			return -EPIPE;
		if (facts || clock_boot_ns() - idle_ns >= IDLE_EVERY_NS) {
			error = run_idle(run);
			idle_ns = clock_boot_ns();
			quiet_ns = run->paced ? idle_ns + FACTS_EVERY_NS : 0;
		}
	}
	return error;
}

/* False: a signal has come, and the reader has taken nothing for GRACE_NS since. */
static bool reader_ready(void)
{
	uint64_t stopped_ns = 0;

	for (;;) {
		struct pollfd fds[2] = {
			{.fd = STDOUT_FILENO, .events = POLLOUT},
			{.fd = stop ? -1 : wake_fds[0], .events = POLLIN},
		};

		if (stop && !stopped_ns)
			stopped_ns = clock_boot_ns();
		poll(fds, 2, stop ? GRACE_TURN_MS : -1);
		if (fds[0].revents) /* an error, too: write(2) tells which */
			return true;
		if (stopped_ns && clock_boot_ns() - stopped_ns >= GRACE_NS)
			return false;
		if (!stop) /* a daemon's SIGHUP */
			run_signal_next();
	}
}

int run_write(const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		size_t piece = text->len - done < WRITE_BYTES ? text->len - done : WRITE_BYTES;
		ssize_t n;

		if (!reader_ready()) {
			log_warning("the last %zu bytes of output were not written: nobody reads them",
				    text->len - done);
			return -ECANCELED;
		}
		n = write(STDOUT_FILENO, text->data + done, piece);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int run_end(int result)
{
	/* EIO is what a terminal that hung up answers. */
	if (result >= 0 || result == -EPIPE || result == -ECANCELED || (result == -EIO && stop))
		return EXIT_DONE;
	log_error("cannot continue: %s", strerror(-result));
	return EXIT_FAILED;
}
