/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_options.h - which collectors run and how, from the command line: the same rows for every command that opens a
 * pipeline.
 */
#ifndef SYSSCOPE_COLLECTOR_OPTIONS_H
#define SYSSCOPE_COLLECTOR_OPTIONS_H

#include "cli/options.h"
#include "kernel/loader.h"
#include "pipeline.h"

#define COLLECTOR_OPTION_ROWS (2 * COLLECTORS + 1)

struct collector_options {
	bool off[COLLECTORS];
	const char *epoll_hook;
	double stall_seconds;
	char names[COLLECTOR_OPTION_ROWS][48]; /* of the rows */
};

/* Adds at most COLLECTOR_OPTION_ROWS rows that point into `o`, which must stay. Returns how many. */
size_t collector_options_rows(struct collector_options *o, struct option_row *rows);
/* After the parsing. */
void collector_options_apply(const struct collector_options *o, struct pipeline_options *ret);

#endif
