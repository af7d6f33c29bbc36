/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_replay.h - the recording of `sysscope top`: what --replay shows, or what the live screen leads to. Called by top.c. */
#ifndef SYSSCOPE_CLI_TOP_REPLAY_H
#define SYSSCOPE_CLI_TOP_REPLAY_H

#include "cli/run.h"
#include "cli/top_batch.h"
#include "record/replay.h"
#include "top/past/past.h"

struct top_replay {
	const char *path;      /* of --replay; NULL: the present is shown */
	const char *at;	       /* of --at, or NULL */
	const char *beside;    /* what the present leads to */
	struct replay *replay; /* for plain output */
	struct past *past;     /* for the live screen, also of the present */
};

/*
 * One of the two. RUN_CONTINUE or the exit code, with a line about it on stderr. Plain: one sample after the other, run->source has
 * them; also where there turned out to be no screen.
 */
int top_replay_plain(struct top_replay *t, struct run *run, struct top_batch *plain);
int top_replay_screen(struct top_replay *t);

/* Says what could not be read, and frees. Returns the exit code: `code`, unless nothing could be read at all. */
int top_replay_end(struct top_replay *t, int code);

/* The host that was recorded; NULL: the present is shown. */
const char *top_replay_host(const struct top_replay *t);

#endif
