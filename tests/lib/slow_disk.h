/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slow_disk.h - block devices for tests: a loop device on a file in memory, or on a file of a FUSE server in this program that
 * serves one request after the other and takes a set time for each. Everything is taken down at the end of the test.
 */
#ifndef SLOW_DISK_H
#define SLOW_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct test_disk {
	char path[32], name[16]; /* "/dev/loop0", "loop0" */
	uint32_t major, minor;
};

/* A loop device of this many bytes on a file in memory. False with a reason on standard output: there is none here. */
bool test_disk_make(struct test_disk *ret, uint64_t bytes);
/* The same on a file of a FUSE server that takes `us` for each read and write. Takes one such disk per test. */
bool test_disk_make_slow(struct test_disk *ret, uint64_t bytes, unsigned int us);

/* /sys/block/NAME/stat: reads, writes and the milliseconds that each took. */
struct test_disk_stat {
	uint64_t reads, read_sectors, read_ms, writes, write_sectors, write_ms;
};
struct test_disk_stat test_disk_stat(const struct test_disk *d);

#endif
