/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - which of the mounted hierarchies carries resources, and which of the others are read, too. Used by
 * cgroupfs.c only. Pure: works on the result of cgroup_mounts_detect(), opens nothing.
 */
#ifndef SYSSCOPE_CGROUP_LAYOUT_H
#define SYSSCOPE_CGROUP_LAYOUT_H

#include "base/util.h"
#include "cgroup/census.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/mounts.h"

/* Whether there is a choice, so that a census is worth its time. */
bool cgroup_layout_open(const struct cgroup_mounts *mounts);

/*
 * The hierarchy that puts processes into the most cgroups, other than the root: on hybrid hosts all of a machine's services
 * may be in the root of one and apart in another. Of equal ones v2 if it has the cpu or the memory controller, else v1 cpu,
 * memory, pids, cpuacct, cpuset. A v2 tree without controllers only if it has twice as many cgroups as any of v1: some
 * runtimes put containers into v1 hierarchies alone.
 * `text` holds what ret_info->mounts points to. 0, -ENODEV: nothing is mounted; -ENOMEM.
 */
int cgroup_layout_choose(const struct cgroup_mounts *mounts, const struct cgroup_census *census,
			 enum cgroup_slot *ret_carrying, struct cgroup_layout_info *ret_info, struct buf *text);

/* Whether files of this slot are read. If v2 carries resources, v1 hierarchies are read for controllers that it lacks. */
bool cgroup_slot_read(const struct cgroup_mounts *mounts, enum cgroup_slot carrying, enum cgroup_slot slot);

#endif
