/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_table.h - every cgroup that the sampler knows, by kernfs id: its path, its identity, whether it is alive. Filled
 * by a walk of the tree at the start, then by the kernel half's table; facts of the ring only make it faster.
 */
#ifndef SYSSCOPE_CGROUP_TABLE_H
#define SYSSCOPE_CGROUP_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "sysscope/sample.h"

/* A removed cgroup is kept this long: until its last ended threads were counted (RCU, late readers). */
#define CGROUP_FORGET_AFTER_NS (90 * 1000000000ULL)

struct cgroupfs;
struct identities;
struct cgroup_table;

struct cgroup_entry {
	uint64_t id, parent_id;
	char *path;
	const struct identity *who;
	struct ss_cgroup counts;
	struct ss_network network;
	struct ss_gone other_taken; /* the part of counts.other that samples have had */
	bool home_root, alive;
	bool in_kernel;	   /* a table of the kernel half has it */
	uint64_t above;	   /* number of the last sample in which it was above a living home's cgroup */
	uint64_t inner_id; /* the cgroup below that has its limits, 0: it has them itself */
	uint64_t dead_ns;  /* CLOCK_BOOTTIME when its removal was noticed */
	uint64_t seen;	   /* number of the last walk that found it */
	uint64_t used;	   /* number of the last sample that named it */
	UT_hash_handle hh;
};

struct cgroup_table *cgroup_table_new(struct cgroupfs *fs, struct identities *ids);
void cgroup_table_free(struct cgroup_table *t);

struct cgroup_entry *cgroup_table_find(struct cgroup_table *t, uint64_t id);
struct cgroup_entry *cgroup_table_first(struct cgroup_table *t); /* then ->hh.next */
size_t cgroup_table_count(const struct cgroup_table *t);

/* Updates the table from the tree. 0 or negative errno. */
int cgroup_table_walk(struct cgroup_table *t, uint64_t now_ns);

/* A cgroup was created; its path is its parent's plus its name. -ENOENT: the parent is not known, a walk is needed. */
int cgroup_table_born(struct cgroup_table *t, uint64_t id, uint64_t parent_id, const char *name, uint64_t now_ns);
void cgroup_table_removed(struct cgroup_table *t, uint64_t id, uint64_t now_ns);

/* Adds a cgroup that was removed before it could be looked up, with the path "/(gone)". NULL: out of memory. */
struct cgroup_entry *cgroup_table_unknown(struct cgroup_table *t, uint64_t id, uint64_t now_ns);

/* Forgets cgroups that were removed long ago and are in none of the latest samples; calls `dropped` for each id. */
void cgroup_table_sweep(struct cgroup_table *t, uint64_t now_ns, uint64_t sample,
			void (*dropped)(void *ctx, uint64_t id), void *ctx);

#endif
