/* SPDX-License-Identifier: GPL-2.0-or-later */
/* screen.h - the live screen of `sysscope top`. Called by agent/cli/top.c; sees snapshots and nothing behind them. */
#ifndef SYSSCOPE_TOP_SCREEN_H
#define SYSSCOPE_TOP_SCREEN_H

#include <signal.h>
#include <stdint.h>

#include "exporters/table/table.h"

struct top_options {
	struct table_choice choice;
	double delay_seconds;
	uint64_t iterations; /* 0: until told to quit */
	bool color;
	volatile sig_atomic_t *stop; /* set by a signal: leave, and leave the terminal as it was */
};

/* 0 when the person quit or `stop` was set; negative errno (-ENOTTY: no terminal that curses can use). */
int top_screen_run(const struct snapshot_source *source, const struct top_options *options);

#endif
