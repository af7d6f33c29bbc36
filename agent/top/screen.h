/* SPDX-License-Identifier: GPL-2.0-or-later */
/* screen.h - the live screen of `sysscope top`. Called by agent/cli/top.c; reads snapshots only. */
#ifndef SYSSCOPE_TOP_SCREEN_H
#define SYSSCOPE_TOP_SCREEN_H

#include <signal.h>
#include <stdint.h>

#include "exporters/table/table.h"

struct top_options {
	struct table_choice choice;
	double delay_seconds;
	uint64_t iterations; /* 0: until the user quits */
	bool color;
	volatile sig_atomic_t *stop; /* set by a signal: restore the terminal and return */
};

/* 0 when the user quit or `stop` was set; negative errno (-ENOTTY: curses cannot use this terminal). */
int top_screen_run(const struct snapshot_source *source, const struct top_options *options);

#endif
