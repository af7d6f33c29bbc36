/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drained.h - the kernel half's tables that every sample reads as a whole: one row per table. The loader creates their
 * maps, the sampler reads them; neither knows a table by name. A new table is a row in drained.c, its arrays in
 * struct sample, and its maps in bpf/.
 */
#ifndef SYSSCOPE_DRAINED_H
#define SYSSCOPE_DRAINED_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/loader.h"

struct bpf_map;
struct sysscope_bpf;

enum drained {
	DRAINED_GONE,
	DRAINED_LOOPS,
	DRAINED_TRANSITIONS,
	DRAINED_PAIRS,
	DRAINED_CHECKS,
	DRAINED_DISKS,
	DRAINED_DISK_PAIRS,
	DRAINED_TCP,
	DRAINED_TABLES
};

/* An array of struct sample: offsets of the pointer to its rows and of their number. */
struct sample_array {
	size_t rows, n;
};

struct drained_table {
	enum collector collector; /* which one fills it: its maps are not created without that collector */
	bool needs_programs;	  /* nor if that collector has no programs of its own on this kernel */

	/*
	 * Offsets in struct sysscope_bpf. Two maps are written in turn: what the one at rest holds goes to `final` and is
	 * deleted from it, what the one in use holds goes to `open`. A single map is never emptied: it goes to `open`.
	 */
	size_t maps[2];
	unsigned int n_maps;

	size_t key_size, row_size; /* a row of the sample is the key, then the value */
	unsigned int cgroups;	   /* how many cgroup ids (__u64) the key begins with */
	bool (*keep)(const void *value);
	bool io_cgroups; /* they are ids of the hierarchy that has the io controller: the row gets the carrying one's */
	bool forgets_removed; /* entries of cgroups that were removed a while ago are deleted */
	struct sample_array final, open;
};
extern const struct drained_table drained_tables[DRAINED_TABLES];

struct bpf_map *drained_map(const struct sysscope_bpf *skeleton, const struct drained_table *d, unsigned int which);

#endif
