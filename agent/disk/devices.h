/* SPDX-License-Identifier: GPL-2.0-or-later */
/* devices.h - the block devices of the machine, by number: their names, and their rows. */
#ifndef SYSSCOPE_DISK_DEVICES_H
#define SYSSCOPE_DISK_DEVICES_H

#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "base/list.h"
#include "homes/moment.h"
#include "sysscope/sample.h"
#include "sysscope/view.h"

/* Kept as long as it was in the latest sample, or a container's row refers to it. */
struct disk_device {
	uint32_t number;
	char name[64]; /* "8:0" until a sample has named it */
	bool upon_others, flash;
	uint64_t seen; /* number of the last update that had it, or a row of it */
	struct sample_device now, before;
	bool sampled, before_known;
	UT_hash_handle hh;
};

struct disk_devices {
	struct disk_device *all;
	LIST(struct device_row) rows;
};

/* Takes the sample's devices, forgets those that nobody has used in this update or the one before. 0 or -ENOMEM. */
int disk_devices_take(struct disk_devices *d, const struct moment *now, const struct sample *s);
/* The device of this number, made if there is none; NULL: no memory. */
struct disk_device *disk_device_get(struct disk_devices *d, const struct moment *now, uint32_t number);
int device_rows_fill(struct disk_devices *d, const struct moment *now, struct snapshot *snapshot);
void disk_devices_free(struct disk_devices *d);

#endif
