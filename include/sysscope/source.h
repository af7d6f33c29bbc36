/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.h - where views get their snapshots from: the live pipeline, a replay, or a source around another one. */
#ifndef SYSSCOPE_SOURCE_H
#define SYSSCOPE_SOURCE_H

#include "sysscope/view.h"

/*
 * Where a view gets its snapshots: live (agent/pipeline.c) or replayed. `next` takes a sample and returns its snapshot,
 * valid until the next call; NULL at the end of a replay or on an error (then *ret_error is a negative errno, else 0).
 * `published`: the latest snapshot was delivered. `idle` does the work between samples; call it when `fd` (-1: none) is
 * readable and at least every ten seconds. If it had to take a sample, *latest is the new snapshot or NULL; else
 * *latest is unchanged. `rest` frees the latest snapshot and its memory until the next one; it may be called at any
 * time, repeatedly; NULL: there is nothing to free. `watch` asks for the rollup of this process in the snapshots that follow;
 * pid 0: of none; NULL: a replay has none. `judge` asks for findings in the snapshots that follow, or for none any more;
 * NULL: this source has none. `loops`: the snapshots of the next minutes show event loops, so they are to be watched; NULL: they
 * always are, or never. `look` says what somebody looks at, from now on: bits of enum source_look; NULL: this source has none of
 * it.
 */
enum source_look { LOOK_THREADS = 1, LOOK_EVENTS = 2 };

struct snapshot_source {
	const struct snapshot *(*next)(void *ctx, int *ret_error);
	void (*published)(void *ctx);
	void (*idle)(void *ctx, const struct snapshot **latest);
	void (*rest)(void *ctx);
	int fd;
	void *ctx;
	void (*watch)(void *ctx, uint32_t pid, uint64_t start_ns);
	void (*judge)(void *ctx, bool wanted);
	void (*loops)(void *ctx);
	void (*look)(void *ctx, uint32_t what);
};

#endif
