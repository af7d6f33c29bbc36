/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io_limits.h - limits at block devices, io.max of v2 and blkio.throttle.* of v1. Used by reading.c and tests. */
#ifndef SYSSCOPE_CGROUP_IO_LIMITS_H
#define SYSSCOPE_CGROUP_IO_LIMITS_H

#include "base/list.h"
#include "cgroup/files.h"

struct cgroupfs;
struct open_cgroup;

typedef LIST(struct sample_io_limit) cgroup_io_limit_list;

/*
 * Adds what the text of such a file (of others nothing) says, with cgroup_id 0, to what is in `list` of the same devices. A last
 * line without newline was cut and is not used. 0; -EINVAL: a line is malformed, the others are used; -ENOMEM.
 */
int cgroup_io_limits_parse(const struct cgroup_file *file, const char *text, size_t length, cgroup_io_limit_list *list);

/* Whether the files are read again: see CGROUPFS_IO_LIMITS_NS. */
bool cgroup_io_limits_due(const struct cgroupfs *fs, const struct open_cgroup *e);
/* Gives what was read last to cgroupfs_io_limits(). 0 or -ENOMEM. */
int cgroup_io_limits_give(struct cgroupfs *fs, const struct open_cgroup *e);

#endif
