/* SPDX-License-Identifier: GPL-2.0-or-later */
/* screen.h - the live screen of `sysscope top`. Called by agent/cli/top.c; reads snapshots only. */
#ifndef SYSSCOPE_TOP_SCREEN_H
#define SYSSCOPE_TOP_SCREEN_H

#include <signal.h>
#include <stdint.h>

#include "exporters/table/table.h"
#include "sysscope/source.h"
#include "top/past/past.h"

struct top_options {
	struct table_choice choice;
	double delay_seconds;
	uint64_t iterations; /* 0: until the user quits */
	bool color, mouse;
	const char *terminal;	     /* its type; NULL: as TERM says */
	volatile sig_atomic_t *stop; /* set by a signal: restore the terminal and return */
	struct past *past;	     /* the recording that `j` leads to; it may be there or not */
};

struct screen;

/* Takes the terminal and draws a frame without rows. 0 or negative errno; -ENOTTY: curses does not know this terminal. */
int top_screen_open(struct screen **ret, const struct top_options *options);

/*
 * `live`: the present; NULL: there is only the recording, which is open and was moved to a moment. `recorded`: of options->past.
 * 0 when the user quit or `stop` was set; negative errno.
 */
int top_screen_run(struct screen *s, const struct snapshot_source *live, const struct snapshot_source *recorded);

/* Gives the terminal back, so that somebody else can write to it, until top_screen_run or for good. */
void top_screen_leave(struct screen *s);
void top_screen_close(struct screen *s); /* NULL: nothing to do */

#endif
