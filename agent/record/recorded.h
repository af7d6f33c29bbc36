/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recorded.h - a source whose snapshots are recorded as they pass by, and which takes one by itself whenever none has been asked
 * for during an interval: between two scrapes, mostly. Used by `sysscope serve`; one thread; never logs.
 *
 * All snapshots come from one pipeline, so the rates of each are those since the one before, whoever asked for that. A snapshot
 * that comes sooner than half an interval after a recorded one is not recorded.
 */
#ifndef SYSSCOPE_RECORD_RECORDED_H
#define SYSSCOPE_RECORD_RECORDED_H

#include "record/keeper.h"
#include "sysscope/source.h"

struct recorded_source {
	const struct snapshot_source *inner;
	struct snapshot_source outer;
	struct keeper *keeper;
	uint64_t interval_ns, due_ns, recorded_ns;
	const struct snapshot *latest; /* that it took by itself; NULL: none, or it is gone */
	uint64_t latest_ns;
	int timer, wake;   /* timerfd; what is readable when that or the inner source is */
	uint64_t quiet_ns; /* until then it is not woken by facts; 0: it is */
	/* Each snapshot before it is recorded; NULL: there is none any more. */
	void (*passed)(void *ctx, const struct snapshot *s);
	void (*noted)(void *ctx); /* after each attempt to record; NULL: nobody is told */
	void *ctx;
};

/* `r` must stay, and its passed, noted and ctx are set already. 0 or negative errno; &r->outer is the source. */
int recorded_source_open(struct recorded_source *r, const struct snapshot_source *inner, struct keeper *keeper,
			 double interval);
/* Records what is now, so that the recording goes up to the end. */
void recorded_source_last(struct recorded_source *r);
void recorded_source_close(struct recorded_source *r);

#endif
