/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - what all verbs do alike: parse the command line, take signals, open the pipeline and log its warnings, wait, write
 * to standard output, turn the result into an exit code. A verb is one row (struct verb) and one body, which calls these
 * functions in this order. Called by main.c and by the bodies; never prints anything of a verb's own.
 */
#ifndef SYSSCOPE_RUN_H
#define SYSSCOPE_RUN_H

#include <poll.h>
#include <signal.h>

#include "cli/collector_options.h"
#include "options/options.h"
#include "pipeline.h"

struct run {
	const struct verb *verb;
	int argc; /* argv[0] is the verb */
	char **argv;
	int rest;		 /* index of the first argument behind the options; argc if there is none */
	struct option_row *rows; /* after run_parse: the verb's own and those that it shares */
	size_t n_rows;
	struct collector_options collectors;
	struct option_list docker_roots;
	struct pipeline_options pipeline; /* a body changes it before run_open */
	/* Called before run_open logs: a live screen has the terminal. NULL: nothing to do. */
	void (*before_log)(void *ctx);
	void *before_log_ctx;
	/* A snapshot that was taken while the verb waits (run_wait, run_idle). Negative errno ends the wait. NULL: it is dropped. */
	int (*between)(void *ctx, const struct run *run, const struct snapshot *s);
	void *between_ctx;
	bool no_seccomp;       /* of a verb that confines itself */
	bool paced;	       /* run_wait takes facts four times a second at most; else as they come */
	struct pipeline *live; /* NULL before run_open and after run_close */
	const struct snapshot_source *source;
};

/* What run_parse and run_open return when the body shall continue; anything else is the exit code to return. */
#define RUN_CONTINUE (-1)

/* Runs the body and releases everything; returns the exit code. */
int run_verb(const struct verb *verb, int argc, char **argv);

/* Parses the verb's own rows and the shared ones that verb->shares names, and takes signals from here on. */
int run_parse(struct run *run, const struct option_row *own, size_t n);
/*
 * For a file of a ROW_CONF that may have changed: the same into another `run` with the same verb, argc and argv. 0, or negative
 * errno with one line in `error`. Its rows are those of the other one, one by one; free them.
 */
int run_parse_again(struct run *run, const struct option_row *own, size_t n, struct buf *error);

/* Opens the pipeline. Each of its warnings is logged once. */
int run_open(struct run *run);
/*
 * Once all is open and no more is loaded: gives up the rights that samples do not need, and, unless --no-seccomp, filters system
 * calls. `folder`: where this thread writes; NULL: nowhere. Warns where that cannot be, and goes on.
 */
void run_confine(const struct run *run, const char *folder);
/* For a verb that runs until it is told to end: logs what that costs others, if anything. */
void run_cost_log(const struct run *run);
void run_close(struct run *run); /* may be called twice */

/* Logs a text of several lines, one warning per line. */
void run_warn(struct buf *lines);

/*
 * SIGINT, SIGTERM, SIGQUIT and SIGHUP ask the verb to end: it writes what it has and exits with 0. A second signal does not
 * cut that short; it is bounded anyway (run_write). A daemon (VERB_DAEMON) continues on SIGHUP, and SIGQUIT has its default
 * effect. SIGHUP stays ignored if it was ignored at the start (nohup). SIGPIPE is ignored: a write tells.
 */
int run_stopped(void);			    /* the signal; 0: none */
int run_stop_take(void);		    /* the same, and forgets it */
volatile sig_atomic_t *run_stop_flag(void); /* non-zero after such a signal */
int run_signal_fd(void);		    /* readable after a signal */
int run_signal_next(void); /* takes one from run_signal_fd: its number, also SIGHUP of a daemon; 0: none */

/* A source that does as `inner` does, and calls `before` and `after` (NULL: neither) around each next(). */
struct source_tap {
	const struct snapshot_source *inner;
	struct snapshot_source outer;
	void (*before)(void *ctx);
	void (*after)(void *ctx, const struct snapshot *s, int error);
	void *ctx;
};
/* `t` must stay; its callbacks and ctx are set already. Returns &t->outer. */
const struct snapshot_source *source_tap_open(struct source_tap *t, const struct snapshot_source *inner);

/*
 * Waits once, until `due_ns` (CLOCK_BOOTTIME) at the latest: for a signal, a fact, or one of at most RUN_POLL_MORE `more`.
 * True: the source has facts to take.
 */
#define RUN_POLL_MORE 2
bool run_poll(const struct run *run, struct pollfd *more, nfds_t n, uint64_t due_ns);

/*
 * Waits until `due_ns` or a signal and lets the source take its facts meanwhile. 0, or -EPIPE as soon as nobody reads
 * standard output any more.
 */
int run_wait(const struct run *run, uint64_t due_ns);
/* Takes the facts that are there. 0, or what `between` returned. */
int run_idle(const struct run *run);

/*
 * Writes all of it to standard output. After a signal a reader who takes nothing for two seconds is given up with
 * -ECANCELED and a warning. Negative errno.
 */
int run_write(const struct buf *text);

/* The exit code for what a body ended with, 0 or negative errno. That nobody reads any more is no failure (| head -1). */
int run_end(int result);

#endif
