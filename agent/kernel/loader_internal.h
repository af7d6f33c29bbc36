/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_internal.h - what the files of the loader share: loader.c (opening, loading, attaching), loader_ways.c (the choice
 * between alternatives), loader_status.c (the result). No other file includes it.
 */
#ifndef SYSSCOPE_LOADER_INTERNAL_H
#define SYSSCOPE_LOADER_INTERNAL_H

#include <bpf/libbpf.h>

#include "kernel/collectors.h"
#include "kernel/loader.h"
#include "kernel/needed_types.h"
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/task.h"
#include "sysscope/abi/tcp.h"
#include "sysscope.skel.h"

struct loader {
	struct sysscope_bpf *skeleton;
	const struct kernel *kernel;
	struct loader_options options;
	bool task_storage; /* the kernel has it, and the iterator that creates it is loaded */
	/*
	 * The root of tracefs, if a collector needs it, for as long as it may be attached again: to mount it takes rights that are
	 * given up. 0: nobody has asked; negative: it could not be had.
	 */
	int tracefs;
	int types; /* descriptor of a file with the types that the programs need; negative: there is none */
	char types_path[NEEDED_TYPES_PATH];
	struct {
		int way; /* index of the alternative in use, -1: none */
		char reason[512];
		struct buf tried; /* better alternatives and why they are unavailable, a line each */
		char programs[256];
		struct bpf_link *links[MAX_PROGRAMS];
	} state[COLLECTORS];
	/*
	 * The verifier's log of the program that failed last. Before 6.4 a log that does not fit turns every failure
	 * into ENOSPC and hides the reason, so it is large; untouched pages cost nothing.
	 */
	char log[4 << 20];
};

/* ---- loader.c ---- */
struct bpf_program *loader_program(const struct loader *l, const char *name); /* NULL: there is none */

/* ---- loader_attach.c ---- */
void types_make(struct loader *l); /* the file of types; for tests, "types" as what is to break leaves it out */
void types_drop(struct loader *l); /* once all is loaded */
void epoll_target_choose(struct loader *l); /* before the object is loaded */
void collector_detach(struct loader *l, enum collector c);
void tracefs_need(struct loader *l, const struct alternative *w); /* opens it if this one's programs need it */
int collector_attach(struct loader *l, enum collector c); /* a negative errno: none of its programs is attached */

/* ---- loader_ways.c ---- */
const struct alternative *loader_way(const struct loader *l, enum collector c); /* in use; NULL: none */

/* For tests: whether SYSSCOPE_TEST_BREAK_COLLECTOR names this collector and this kind of failure. */
bool loader_breaks(const struct loader *l, enum collector c, const char *how);

/* The first alternative from `from` on that the kernel supports; -1 for none, with the last reason in `reason`. */
int loader_way_choose(struct loader *l, enum collector c, int from);

/* Moves to the next alternative after a failure, whose reason is in `reason`; it stays there if none is left. */
void loader_way_next(struct loader *l, enum collector c);

/* If a collector was dropped, drops the alternatives that depend on it. */
void loader_ways_review(struct loader *l);

#endif
