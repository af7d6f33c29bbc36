/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_batch.h - `sysscope top` without a live screen: snapshots one after another as text, JSON or CSV. Called by top.c. */
#ifndef SYSSCOPE_TOP_BATCH_H
#define SYSSCOPE_TOP_BATCH_H

#include "cli/run.h"
#include "exporters/table/table.h"
#include "sysscope/source.h"

struct top_batch {
	const struct table_choice *choice; /* its containers are looked for in each snapshot by the caller */
	const char *sort;		   /* as the user gave it; NULL: not given */
	bool json, csv;
	bool replay;	      /* of a recording: nothing to wait for */
	uint64_t from_ns;     /* of a recording: what is earlier is judged, but not shown */
	bool view_only;	      /* JSON: only the chosen view, not the whole snapshot */
	uint64_t iterations;  /* 0: until a signal, or until nobody reads any more */
	double delay_seconds; /* between two of them */
};

/*
 * Appends one JSON object. --container, --filter and --containers-only choose rows of all its lists but that of the machine's
 * devices, --sort orders those that have the key, --reverse and --tree those with an order. Without any of them it is the whole
 * snapshot. 0 or -ENOMEM.
 */
int top_json_write(struct buf *out, const struct snapshot *s, const struct top_batch *b);

/* Returns the exit code. */
int top_batch_run(const struct run *run, const struct snapshot_source *source, const struct top_batch *b);

#endif
