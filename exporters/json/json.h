/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - a snapshot as one JSON object on one line. Called by `top --json` and `serve`. Keys come from metrics.def and are
 * stable; unknown is null.
 */
#ifndef SYSSCOPE_JSON_H
#define SYSSCOPE_JSON_H

#include <stdbool.h>

#include "sysscope/view.h"

struct buf;

/* Which rows of a list to write, by index into the snapshot's, and in which order. */
struct json_list {
	const char *key; /* "containers", "processes", ... */
	const uint32_t *rows;
	size_t n;
};

struct json_options {
	const char *view; /* only this list of rows: "containers", "processes", ...; NULL: all */
	const struct json_list *lists;
	size_t n_lists;		 /* lists that are not named here are written whole */
	const char *const *keys; /* only these of each row; names that no row has do nothing */
	size_t n_keys;		 /* 0: all */
};

#define JSON_NO_ROWS "host" /* as a view: none of the lists */

/* Whether there is a list of rows of this name, apart from those that are made only while somebody looks; or it is "host". */
bool json_view_known(const char *view);

/* Appends the object and a line feed to `out`. 0 or -ENOMEM (`out` is as before then). NULL for `o`: everything. */
int json_write_snapshot(struct buf *out, const struct snapshot *s, const struct json_options *o);

#endif
