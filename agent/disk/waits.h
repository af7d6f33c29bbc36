/* SPDX-License-Identifier: GPL-2.0-or-later */
/* waits.h - disk neighbours: which home waited at a device that served which other home, and for how long. */
#ifndef SYSSCOPE_DISK_WAITS_H
#define SYSSCOPE_DISK_WAITS_H

#include "disk/uses.h"

struct disk_wait {
	struct {
		struct home *waiter, *filler; /* filler NULL: not kept apart, or not known */
		uint64_t device;
	} key;
	struct ss_disk_pair carried, now, held; /* held: as last published */
	double latency_before_ns;		/* of the waiter's requests to the device */
	UT_hash_handle hh;
};

struct disk_waits {
	struct disk_wait *all;
	uint64_t folded; /* lines of the kernel's table for which there was no room of their own */
	LIST(struct disk_neighbour_row) rows;
};

/* Before homes_settle. 0 or -ENOMEM. */
int disk_waits_take(struct disk_waits *waits, const struct homes *homes, const struct sample *s);
/* After disk_rows_fill. 0 or -ENOMEM. */
int disk_wait_rows_fill(struct disk_waits *waits, const struct disk_uses *uses, struct disk_devices *devices,
			const struct moment *now, struct snapshot *snapshot);
void disk_waits_free(struct disk_waits *waits);

#endif
