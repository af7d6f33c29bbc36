/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pressure.h - the kernel's pressure stall information: the text of its files, and why cgroups have none. Used by parse.c,
 * cgroupfs.c and, for the machine's own, by the sampler.
 */
#ifndef SYSSCOPE_CGROUP_PRESSURE_H
#define SYSSCOPE_CGROUP_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull ...\n": the totals, as nanoseconds. A line that is not there leaves
 * its value as it is: cpu.pressure has no "full" before 5.13. 0; -EINVAL or -ERANGE: a line is not in the kernel's format.
 */
int pressure_parse(const char *text, size_t length, uint64_t *ret_some_ns, uint64_t *ret_full_ns);

/* Why no cgroup has pressure, for people; NULL: they have it, unless it is turned off for one. `root` as in cgroupfs_open(). */
const char *pressure_reason(const char *root, bool carrying_v2);

#endif
