/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events_stream.h - `sysscope events` while it runs: takes facts from the kernel half and hands lines to the reader, and waits
 * for neither. Lines that cannot be handed on in time are counted, and reported. Called by events.c; one thread.
 */
#ifndef SYSSCOPE_EVENTS_STREAM_H
#define SYSSCOPE_EVENTS_STREAM_H

#include "cli/run.h"
#include "events/child.h"
#include "events/feed.h"

struct event_stream {
	struct run *run; /* open */
	struct event_feed *feed;
	struct command command;		       /* argv NULL: none */
	uint32_t root;			       /* its pid, also after its end; 0: none */
	const struct match_choice *containers; /* the feed's choice */
	uint32_t pid;			       /* the feed's choice; 0: all */
	bool looked;			       /* for these, in a snapshot */
	bool stalls;			       /* stalls of event loops are among the chosen types */
	int out;			       /* where lines are written */
	bool passed;			       /* the command was sent a signal */
	int gave_up;			       /* the signal after which the command is not waited for; 0: none */
};

/*
 * Starts the command and runs until it has ended, until a signal, until there are enough lines, or until nobody reads any
 * more; then writes what is left and logs how many facts there were. 0 or negative errno; -ENOTUNIQ: one of the containers is
 * ambiguous, and an error has been logged.
 */
int event_stream_run(struct event_stream *s);

/* Waits for the command, which nobody watches any more. Returns the exit code that it gives to sysscope. */
int event_stream_command_status(struct event_stream *s);

#endif
