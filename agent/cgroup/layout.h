/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_layout.h - which of the mounted hierarchies carries resources, and which of the others are read beside
 * it. Used by cgroupfs.c only. Pure: looks at what cgroup_mounts_detect() found, opens nothing.
 */
#ifndef SYSSCOPE_CGROUP_LAYOUT_H
#define SYSSCOPE_CGROUP_LAYOUT_H

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/mounts.h"

/*
 * v2 where it offers cpu or memory, else v1 cpu, else v1 memory, else a v2 tree without controllers. `text` keeps
 * what ret_info->mounts points to. 0, -ENODEV: nothing is mounted; -ENOMEM.
 */
int cgroup_layout_choose(const struct cgroup_mounts *mounts, enum cgroup_slot *ret_carrying,
			 struct cgroup_layout_info *ret_info, struct buf *text);

/* Whether files of this slot are read. Where v2 carries, a v1 hierarchy is, for the controllers that v2 lacks. */
bool cgroup_slot_read(const struct cgroup_mounts *mounts, enum cgroup_slot carrying, enum cgroup_slot slot);

#endif
