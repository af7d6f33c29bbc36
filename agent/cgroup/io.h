/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.h - io.stat of v2, and cgroups of the hierarchy that has the io controller. Used by reading.c, cgroupfs.c and tests. */
#ifndef SYSSCOPE_CGROUP_IO_H
#define SYSSCOPE_CGROUP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

struct cgroupfs;

/* The word is not terminated. Returns what follows the number, NULL if there is none. */
const char *cgroup_io_number(const char *p, const char *end, uint64_t *ret);
/* "8:16", and nothing behind it. */
bool cgroup_io_device(const char *p, const char *end, uint32_t *ret);

/*
 * Calls `fn` for each device in the text of io.stat, with cgroup_id 0. Lines of other forms are left out; a last line without
 * newline was cut and is not used. 0; -EINVAL: a number is malformed, in that line or one before; the first failure of `fn`.
 */
int cgroup_io_parse(const char *text, size_t length, int (*fn)(void *ctx, const struct sample_io *io), void *ctx);

/* Keeps the lines of the cgroup's io.stat for cgroupfs_ios(). */
int cgroup_io_take(struct cgroupfs *fs, uint64_t cgroup_id, const char *text, size_t length);
void cgroup_io_free(struct cgroupfs *fs);

#endif
