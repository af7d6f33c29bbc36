/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_table.h - every cgroup that the sampler knows, by kernfs id: its path, whose it is, whether it is alive. Fed by
 * a walk of the tree at start and by the kernel half afterwards; the ring only makes it sooner.
 */
#ifndef SYSSCOPE_CGROUP_TABLE_H
#define SYSSCOPE_CGROUP_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "sysscope/sample.h"

/* How long a removed cgroup is remembered: until the last of its dead must have come (RCU, late readers). */
#define CGROUP_FORGET_AFTER_NS (90 * 1000000000ULL)

struct cgroupfs;
struct identities;
struct cgroup_table;

struct cgroup_entry {
	uint64_t id, parent_id;
	char *path;
	const struct identity *who;
	struct ss_cgroup counts;
	struct ss_gone other_taken; /* how much of counts.other the samples have had */
	bool home_root, alive;
	bool in_kernel;	   /* has an entry in the kernel half's table */
	uint64_t inner_id; /* the cgroup below that holds its limits, 0: it holds them itself */
	uint64_t dead_ns;  /* CLOCK_BOOTTIME when its removal was noticed */
	uint64_t seen;	   /* number of the last walk that found it */
	uint64_t used;	   /* number of the last sample with a task or with dead of it */
	UT_hash_handle hh;
};

struct cgroup_table *cgroup_table_new(struct cgroupfs *fs, struct identities *ids);
void cgroup_table_free(struct cgroup_table *t);

struct cgroup_entry *cgroup_table_find(struct cgroup_table *t, uint64_t id);
struct cgroup_entry *cgroup_table_first(struct cgroup_table *t); /* then ->hh.next */
size_t cgroup_table_count(const struct cgroup_table *t);

/* Brings the table in line with the tree. 0 or negative errno. */
int cgroup_table_walk(struct cgroup_table *t, uint64_t now_ns);

/* A cgroup was made: its path is its parent's and its name. -ENOENT: the parent is not known, walk. */
int cgroup_table_born(struct cgroup_table *t, uint64_t id, uint64_t parent_id, const char *name, uint64_t now_ns);
void cgroup_table_removed(struct cgroup_table *t, uint64_t id, uint64_t now_ns);

/* An id without a cgroup that could be found: it was removed before anybody could ask. Goes under the path "/(gone)". */
struct cgroup_entry *cgroup_table_unknown(struct cgroup_table *t, uint64_t id, uint64_t now_ns);

/* Forgets what has been dead for long and was in none of the last samples; `dropped` is told each id. */
void cgroup_table_sweep(struct cgroup_table *t, uint64_t now_ns, uint64_t sample,
			void (*dropped)(void *ctx, uint64_t id), void *ctx);

#endif
