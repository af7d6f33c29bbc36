/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reading.h - what cgroupfs.c, reading.c, values.c, io.c and io_limits.c share: a struct cgroupfs. Included by these only. */
#ifndef SYSSCOPE_CGROUP_READING_H
#define SYSSCOPE_CGROUP_READING_H

#include <uthash.h>

#include "base/list.h"
#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/files.h"
#include "cgroup/io_limits.h"
#include "cgroup/mounts.h"
#include "cgroup/values.h"

/* Fields of pressure in struct cgroup_counters, which stand together. */
#define PRESSURES                                                   \
	((offsetof(struct cgroup_counters, pressure_io_full_ns) -   \
	  offsetof(struct cgroup_counters, pressure_cpu_some_ns)) / \
		 sizeof(uint64_t) +                                 \
	 1)

/* Numbers of memory.stat that are kept. */
#define STAT_KEYS_MAX 24
/* So many reads must have said the same of one digest: see cgroup_stat_keep(). */
#define STAT_READS_ENOUGH 2

/* In place of a descriptor. */
enum file_state {
	FILE_CLOSED = -1,  /* opened when it is read */
	FILE_MISSING = -2, /* retried every CGROUPFS_RETRY_EVERY reads */
	FILE_NO_DIR = -3,  /* so is its directory, in another v1 hierarchy: retried every CGROUPFS_NO_DIR_EVERY reads */
	FILE_NEVER = -4,
};

struct open_cgroup {
	uint64_t id;
	uint32_t reads;
	bool in_table;
	int files[CGROUP_FILES_MAX];	/* descriptor or enum file_state; index as in cgroup_files() */
	bool printed[CGROUP_FILES_MAX]; /* the file was there, and could be read, when it was opened last */
	struct cgroup_counters limits;	/* as last read; other fields are SS_UNKNOWN */
	uint64_t limits_ns;		/* when that was */
	uint64_t pressure[PRESSURES];	/* as last read, in the order of struct cgroup_counters */
	uint64_t pressure_ns;		/* when that was */
	uint64_t pressure_usage_ns;	/* the CPU time that it had used by then */
	bool pressure_moved;		/* it was not what it had been before */
	cgroup_io_limit_list io_limits; /* as last read, of devices that have one */
	uint64_t io_limits_ns;		/* when that was */
	struct cgroup_values_place places[CGROUP_SLOTS];
	uint64_t stat[STAT_KEYS_MAX]; /* what memory.stat said when its digest was this */
	uint64_t stat_digest;
	uint8_t stat_reads; /* in a row that said the same, with the same digest before */
	UT_hash_handle hh;
};

struct cgroupfs {
	struct cgroup_mounts mounts;
	const struct cgroup_mount *carrying;
	enum cgroup_slot carrying_slot;
	struct cgroup_layout_info layout;
	struct buf mounts_text;

	const struct cgroup_file *table;
	/* Indices in `table` of the files that are read on this machine. */
	uint8_t limits[CGROUP_FILES_MAX], counters[CGROUP_FILES_MAX], pressures[CGROUP_FILES_MAX];
	uint8_t io_max[CGROUP_FILES_MAX];
	size_t n_limits, n_counters, n_pressures, n_io_max;

	struct open_cgroup *open; /* by id; see reading.c */
	uint64_t keep_max;	  /* descriptors */
	uint64_t now_ns;	  /* of cgroupfs_moment() */
	struct cgroupfs_stats stats;

	struct cgroup_values values; /* of the kernel half */

	LIST(struct sample_io) ios; /* read since cgroupfs_moment() */
	cgroup_io_limit_list io_limits;
	struct cgroup_io_known *known; /* io.c */
	int io_root;		       /* the root of the hierarchy that has the io controller, -1: not open */
};

/* Closes the files of all cgroups that were read. */
void readings_free(struct cgroupfs *fs);

#endif
