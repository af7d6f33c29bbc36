/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disks.h - what the machine's block devices have done. */
#ifndef SYSSCOPE_MACHINE_DISKS_H
#define SYSSCOPE_MACHINE_DISKS_H

#include <stdbool.h>

#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "base/list.h"
#include "sysscope/sample.h"

/* Devices that are read; the rest is left out. */
#define DEVICES_MAX 256

/* What /sys says about a device. Asked again when another device has its number, and now and then: names change. */
struct device_known {
	uint32_t device;
	char kernel_name[32];
	char name[64];
	bool partition, upon_others, flash;
	uint64_t asked_ns;
	UT_hash_handle hh;
};

struct devices {
	struct device_known *known;
	LIST(struct sample_device) list;
};

/* One line of /proc/diskstats, without newline; `kernel_name` has room for 32 bytes. 0 or -EINVAL. */
int diskstats_line_parse(const char *line, struct sample_device *ret, char *kernel_name);

/* `root` is "" for this machine; in tests a folder with proc/diskstats and sys/dev/block. 0 or negative errno. */
int devices_read(struct devices *d, const char *root, uint64_t now_ns);
void devices_free(struct devices *d);

#endif
