/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reading.h - what cgroupfs.c and reading.c share: a struct cgroupfs. Included by these two only. */
#ifndef SYSSCOPE_CGROUP_READING_H
#define SYSSCOPE_CGROUP_READING_H

#include "base/list.h"
#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/files.h"
#include "cgroup/mounts.h"

struct cgroupfs {
	struct cgroup_mounts mounts;
	const struct cgroup_mount *carrying;
	enum cgroup_slot carrying_slot;
	struct cgroup_layout_info layout;
	struct buf mounts_text;

	const struct cgroup_file *table;
	/* Indices in `table` of the files that are read on this machine. */
	uint8_t limits[CGROUP_FILES_MAX], counters[CGROUP_FILES_MAX], pressures[CGROUP_FILES_MAX];
	size_t n_limits, n_counters, n_pressures;

	struct open_cgroup *open; /* by id; see reading.c */
	uint64_t keep_max;	  /* descriptors */
	uint64_t now_ns;	  /* of cgroupfs_moment() */
	struct cgroupfs_stats stats;

	LIST(struct sample_io) ios;    /* read since cgroupfs_moment() */
	struct cgroup_io_known *known; /* io.c */
	int io_root;		       /* the root of the hierarchy that has the io controller, -1: not open */
};

/* Closes the files of all cgroups that were read. */
void readings_free(struct cgroupfs *fs);

#endif
