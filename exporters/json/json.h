/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - a snapshot as one JSON object on one line. Called by `top --json`. Keys come from metrics.def and are
 * stable; unknown is null.
 */
#ifndef SYSSCOPE_JSON_H
#define SYSSCOPE_JSON_H

#include <stdbool.h>

#include "sysscope/view.h"

struct buf;

struct json_options {
	const char *view;      /* only this list of rows: "containers", "processes", ...; NULL: all */
	const char *container; /* only rows of containers of this name; NULL: all */
};

/* Appends the object and a line feed to `out`. 0 or -ENOMEM (`out` is as before then). NULL for `o`: everything. */
int json_write_snapshot(struct buf *out, const struct snapshot *s, const struct json_options *o);

#endif
