/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_internal.h - what the files of the loader share: loader.c (opening, loading, attaching), loader_ways.c (which way each
 * collector takes), loader_status.c (what came of it). Nobody else includes it.
 */
#ifndef SYSSCOPE_LOADER_INTERNAL_H
#define SYSSCOPE_LOADER_INTERNAL_H

#include <bpf/libbpf.h>

#include "kernel/collectors.h"
#include "kernel/loader.h"
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/task.h"
#include "sysscope.skel.h"

struct loader {
	struct sysscope_bpf *skeleton;
	const struct kernel *kernel;
	struct loader_options options;
	bool task_storage; /* the kernel has it, and the iterator that hands it out is loaded */
	struct {
		int way; /* index of the alternative in use, -1: none */
		char reason[512];
		struct buf tried; /* better ways, and why not, a line each */
		char programs[256];
		struct bpf_link *links[MAX_PROGRAMS];
	} state[COLLECTORS];
	/*
	 * The verifier's words on the program that failed last. Before 6.4 a log that does not fit makes every failure
	 * ENOSPC and hides the reason; untouched pages cost nothing.
	 */
	char log[4 << 20];
};

/* ---- loader.c ---- */
struct bpf_program *loader_program(const struct loader *l, const char *name); /* NULL: there is none */

/* ---- loader_ways.c ---- */
const struct alternative *loader_way(const struct loader *l, enum collector c); /* in use; NULL: none */

/* For tests: whether SYSSCOPE_TEST_BREAK_COLLECTOR names this collector and this way to break it. */
bool loader_breaks(const struct loader *l, enum collector c, const char *how);

/* The first alternative from `from` on that the kernel offers, -1 for none, with the reason of the last one. */
int loader_way_choose(struct loader *l, enum collector c, int from);

/* The way in use did not work, for the reason that stands there: it stays the reason when there is no other way. */
void loader_way_next(struct loader *l, enum collector c);

/* A way that lives by another collector goes with it. */
void loader_ways_review(struct loader *l);

#endif
