/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_options.h - which collectors run and how, from the command line: the same rows for every verb with
 * VERB_COLLECTORS. Called by run.c and doctor.c.
 */
#ifndef SYSSCOPE_COLLECTOR_OPTIONS_H
#define SYSSCOPE_COLLECTOR_OPTIONS_H

#include "options/options.h"
#include "kernel/loader.h"
#include "pipeline.h"

#define COLLECTOR_OPTION_ROWS (2 * COLLECTORS + 2)

struct collector_options {
	bool off[COLLECTORS];
	const char *epoll_hook;
	double stall_seconds, epoll_idle_seconds;
	char names[COLLECTOR_OPTION_ROWS][48]; /* of the rows */
};

/* Writes at most COLLECTOR_OPTION_ROWS rows, which point into `o`, and returns their number. Sets the defaults in `o`. */
size_t collector_options_rows(struct collector_options *o, struct option_row *rows);
/* After parsing: what the options say, in the pipeline's terms. */
void collector_options_apply(const struct collector_options *o, struct pipeline_options *ret);

#endif
