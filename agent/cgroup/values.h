/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.h - counters that the kernel half noted (abi/values.h), in place of the files that print them. Used by reading.c; the
 * sampler gives them through cgroupfs.h.
 */
#ifndef SYSSCOPE_CGROUP_VALUES_H
#define SYSSCOPE_CGROUP_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "cgroup/files.h"
#include "cgroup/mounts.h"
#include "sysscope/abi/values.h"

struct cgroupfs;
struct open_cgroup;

/* Where a cgroup's values were in the latest list of a hierarchy: they are mostly there again. */
struct cgroup_values_place {
	uint64_t id; /* of the cgroup in this hierarchy, 0: not known */
	size_t at;
};

struct cgroup_values_key {
	uint64_t id;
	size_t at;
};

struct cgroup_values {
	struct cgroup_values_list {
		int root;			      /* of the mount: belongs to it */
		LIST(struct ss_values) noted;	      /* by the latest pass */
		LIST(struct cgroup_values_key) index; /* by id; made when one is not in its place */
		uint64_t names;			      /* differs if a cgroup was renamed, made or removed */
	} lists[CGROUP_SLOTS];
	unsigned int n_lists, of[CGROUP_SLOTS]; /* of a slot: its list, CGROUP_SLOTS: none */
	bool names_changed;			/* in the carrying hierarchy, since the pass before */
	int stat; /* memory.stat of the root: reading it makes the kernel sum up. -1: closed */
};

void cgroup_values_open(struct cgroupfs *fs);
void cgroup_values_close(struct cgroupfs *fs);

/* What the latest pass noted of the cgroup at `path` in the hierarchy of the slot; NULL: nothing. */
const struct ss_values *cgroup_values_find(struct cgroupfs *fs, enum cgroup_slot slot, const char *path,
					   struct cgroup_values_place *place);

/* Whether `values` has all that such a file says. */
bool cgroup_value_has(const struct ss_values *values, enum cgroup_value value);

/* Sets the fields of such a file, as its parser would. Not for CGROUP_VALUE_MEMORY_STAT. */
void cgroup_value_take(const struct ss_values *values, enum cgroup_value value, struct cgroup_counters *c);

/*
 * Whether what the kernel half noted is in `c` now, in place of file i of the cgroup. Only a file that was read before is replaced:
 * a kernel has counters that it does not print, and does not keep.
 */
bool cgroup_file_replaced(struct cgroupfs *fs, struct open_cgroup *e, const char *path, size_t i,
			  struct cgroup_counters *c);

/*
 * After memory.stat was read: what it said holds as long as the kernel half notes the same digest. The digest is some milliseconds
 * older than the text, so that it holds only once two reads have said the same under one digest.
 */
void cgroup_stat_keep(struct cgroupfs *fs, struct open_cgroup *e, const char *path, const struct cgroup_file *file,
		      struct cgroup_counters *c);

#endif
