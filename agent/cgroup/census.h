/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * census.h - how finely each hierarchy tells processes apart, from /proc/PID/cgroup. Used by cgroupfs.c and layout.c only.
 * Opens no cgroup.
 */
#ifndef SYSSCOPE_CGROUP_CENSUS_H
#define SYSSCOPE_CGROUP_CENSUS_H

#include "cgroup/mounts.h"

/* Of more processes every second, third, ... is asked, so that no more are than these: one file takes 10 us. */
#define CENSUS_PROCESSES 1024

/* In how many cgroups other than the root its processes are, for each slot. */
struct cgroup_census {
	uint64_t cgroups[CGROUP_SLOTS];
};

/* One line of /proc/PID/cgroup, split in place. */
struct cgroup_membership {
	bool slots[CGROUP_SLOTS]; /* hierarchies that it speaks of */
	const char *path;
};

/* 0; -EINVAL: malformed; -ENOMSG: of no slot, or of a cgroup that cannot be seen from here. `line` has no newline. */
int cgroup_membership_parse(char *line, struct cgroup_membership *ret);

/* 0, -ENOMEM or an error of opening ROOT/proc; *ret has what was read until then. */
int cgroup_census_take(const char *root, struct cgroup_census *ret);

#endif
