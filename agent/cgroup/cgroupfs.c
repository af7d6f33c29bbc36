/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroupfs.c - finds the hierarchies and the files that are read on this machine, and looks cgroups up. What is in the files
 * is reading.c's. It knows no containers, never writes to a cgroup and never logs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/io.h"
#include "cgroup/layout.h"
#include "cgroup/pressure.h"
#include "cgroup/reading.h"
#include "cgroup/walk.h"

/* ---- opening ---- */

static bool huge_pages_there(const char *root, uint32_t kib)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/sys/kernel/mm/hugepages/hugepages-%ukB", root, kib);
	return !path.failed && access(path.data, F_OK) == 0;
}

static void files_choose(struct cgroupfs *fs, const char *root)
{
	size_t n;

	fs->table = cgroup_files(&n);
	for (size_t i = 0; i < n; i++) {
		if (!cgroup_slot_read(&fs->mounts, fs->carrying_slot, fs->table[i].slot))
			continue;
		if (fs->table[i].huge_kib && !huge_pages_there(root, fs->table[i].huge_kib))
			continue;
		if (fs->table[i].limit)
			fs->limits[fs->n_limits++] = (uint8_t)i;
		else if (fs->table[i].kind == CGROUP_FILE_PRESSURE)
			fs->pressures[fs->n_pressures++] = (uint8_t)i;
		else if (fs->table[i].kind == CGROUP_FILE_IO_MAX || fs->table[i].kind == CGROUP_FILE_IO_LIMIT)
			fs->io_max[fs->n_io_max++] = (uint8_t)i;
		else
			fs->counters[fs->n_counters++] = (uint8_t)i;
	}
}

/* Raises the soft limit of open files to the hard one. Returns how many descriptors may be kept. */
static uint64_t file_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	limit.rlim_cur = sub_sat(limit.rlim_cur, CGROUPFS_RESERVED_FILES);
	return limit.rlim_cur < CGROUPFS_KEPT_FILES_MAX ? limit.rlim_cur : CGROUPFS_KEPT_FILES_MAX;
}

int cgroupfs_open(struct cgroupfs **ret, const char *root)
{
	cleanup(cgroupfs_closep) struct cgroupfs *fs = calloc(1, sizeof(*fs));
	struct cgroup_census census = {};
	int r;

	if (!fs)
		return -ENOMEM;
	fs->io_root = fs->values.stat = -1;
	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		fs->mounts.slots[slot].fd = -1;
	r = cgroup_mounts_detect(root, &fs->mounts);
	/* What it could not count is as if no process were there. */
	if (r == 0 && cgroup_layout_open(&fs->mounts))
		cgroup_census_take(root, &census);
	if (r == 0)
		r = cgroup_layout_choose(&fs->mounts, &census, &fs->carrying_slot, &fs->layout, &fs->mounts_text);
	if (r < 0)
		return r;
	fs->carrying = &fs->mounts.slots[fs->carrying_slot];
	fs->layout.carrying_root = fs->carrying->point;
	fs->layout.pressure_reason = pressure_reason(root, fs->layout.carrying_v2);
	files_choose(fs, root);
	fs->keep_max = file_limit_raise();
	cgroup_values_open(fs);
	*ret = fs;
	fs = NULL;
	return 0;
}

void cgroupfs_close(struct cgroupfs *fs)
{
	if (!fs)
		return;
	readings_free(fs);
	cgroup_values_close(fs);
	cgroup_io_free(fs);
	cgroup_mounts_free(&fs->mounts);
	buf_free(&fs->mounts_text);
	free(fs);
}

void cgroupfs_closep(struct cgroupfs **fs)
{
	cgroupfs_close(*fs);
}

const struct cgroup_layout_info *cgroupfs_layout(const struct cgroupfs *fs)
{
	return &fs->layout;
}

void cgroupfs_stats(const struct cgroupfs *fs, struct cgroupfs_stats *ret)
{
	*ret = fs->stats;
}

int cgroupfs_walk(struct cgroupfs *fs, int (*fn)(void *ctx, uint64_t id, uint64_t parent_id, const char *path),
		  void *ctx, bool *ret_truncated)
{
	return cgroup_walk(fs->carrying, fn, ctx, ret_truncated);
}

int cgroupfs_id(struct cgroupfs *fs, const char *path, uint64_t *ret_id)
{
	struct stat st;
	int r;

	r = cgroup_mount_stat(fs->carrying, path, &st);
	if (r < 0)
		return r;
	if (!S_ISDIR(st.st_mode))
		return -ENOENT;
	*ret_id = st.st_ino;
	return 0;
}

bool cgroupfs_only_root(struct cgroupfs *fs, const char *path, size_t len)
{
	_cleanup_free_ char *copy = strndup(path, len);
	struct stat st;

	return copy && cgroup_mount_stat(fs->carrying, copy, &st) == 0 && st.st_uid == 0 &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}
