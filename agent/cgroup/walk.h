/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.h - the walk behind cgroupfs_walk(), over one mount. Used by cgroupfs.c only.
 */
#ifndef SYSSCOPE_CGROUP_WALK_H
#define SYSSCOPE_CGROUP_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroup/mounts.h"

typedef int cgroup_walk_fn(void *ctx, uint64_t id, uint64_t parent_id, const char *path);

/* As cgroupfs_walk(). */
int cgroup_walk(const struct cgroup_mount *m, cgroup_walk_fn *fn, void *ctx, bool *ret_truncated);

#endif
