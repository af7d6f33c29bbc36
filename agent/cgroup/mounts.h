/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.h - finds the mount points of the cgroup hierarchies, and opens cgroup directories below them. Used by
 * cgroupfs.c, layout.c and walk.c only. Reads mountinfo, never mounts anything.
 */
#ifndef SYSSCOPE_CGROUP_MOUNTS_H
#define SYSSCOPE_CGROUP_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* One per hierarchy that is read; v1 controllers that are mounted together have a slot each. */
enum cgroup_slot {
	CGROUP_SLOT_V2,
	CGROUP_SLOT_CPU,
	CGROUP_SLOT_CPUACCT,
	CGROUP_SLOT_MEMORY,
	CGROUP_SLOT_PIDS,
	CGROUP_SLOT_CPUSET,
	CGROUP_SLOT_HUGETLB,
	CGROUP_SLOT_IO, /* v1's blkio: read for its paths only */
	CGROUP_SLOTS
};
const char *cgroup_slot_name(enum cgroup_slot slot); /* "v2", "cpu", ... */

struct cgroup_mount {
	int fd;		       /* O_PATH, -1: not mounted */
	bool whole;	       /* it is the true root of the hierarchy */
	uint32_t hierarchy_id; /* 0 on v2 and when not known */
	char *point;	       /* mount point, raw */
	char *prefix; /* path of the mounted part in the hierarchy, "" for its root: the beginning of every path */
	size_t prefix_length;
};

struct cgroup_mounts {
	struct cgroup_mount slots[CGROUP_SLOTS];
	bool v2_controls[CGROUP_SLOTS]; /* the v2 root has this controller */
};

/* One line of mountinfo, split in place. */
struct cgroup_mount_line {
	char *root, *point;  /* unescaped */
	const char *options; /* of the superblock, among them v1's controllers */
	bool v2;
};

/* 0; -EINVAL: malformed; -ENOMSG: another file system. `line` has no newline, and is modified. */
int cgroup_mount_line_parse(char *line, struct cgroup_mount_line *ret);

/* Whether `word` is one of the comma-separated words of `list`. */
bool cgroup_list_has(const char *list, const char *word);

/* 0, -ENOMEM, or an error from reading mountinfo. To be freed after success only. */
int cgroup_mounts_detect(const char *root, struct cgroup_mounts *ret);
void cgroup_mounts_free(struct cgroup_mounts *m);

/* The directory of the cgroup at `path`: an O_PATH descriptor, or its stat. -ENOENT: missing, or outside of the mount. */
int cgroup_mount_open(const struct cgroup_mount *m, const char *path);
int cgroup_mount_stat(const struct cgroup_mount *m, const char *path, struct stat *ret);

#endif
