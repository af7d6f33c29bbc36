/* SPDX-License-Identifier: GPL-2.0-or-later */
/* advice_io.h - what to do about disks, as advice.h; and durations as people read them. Used by the rules. */
#ifndef SYSSCOPE_DIAGNOSE_ADVICE_IO_H
#define SYSSCOPE_DIAGNOSE_ADVICE_IO_H

#include "diagnose/case/advice.h"

/* "84 ms", "1.5 s": valid as long as the run's findings. */
const char *advice_duration(struct judging *j, double seconds);

/* How to let others go first at a device: a lower weight for this container. */
const char *advice_disk_weight(struct judging *j, uint32_t container);

/* What an I/O limit is about; in this order all over advice_io.c. */
enum disk_limit { DISK_LIMIT_READ_BYTES, DISK_LIMIT_WRITE_BYTES, DISK_LIMIT_READS, DISK_LIMIT_WRITES, DISK_LIMITS };

/* How to give so much in a second to what is limited at the device of this row of the snapshot's disks. */
const char *advice_disk_limit_raise(struct judging *j, uint32_t row, enum disk_limit which, double value);

/* How to let a container use no more than this of a device, in each second. */
const char *advice_disk_limit(struct judging *j, uint32_t container, const char *device, double bytes, bool writes);

#endif
