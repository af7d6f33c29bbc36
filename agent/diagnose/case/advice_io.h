/* SPDX-License-Identifier: GPL-2.0-or-later */
/* advice_io.h - what to do about disks, as advice.h; and durations as people read them. Used by the rules. */
#ifndef SYSSCOPE_DIAGNOSE_ADVICE_IO_H
#define SYSSCOPE_DIAGNOSE_ADVICE_IO_H

#include "diagnose/case/advice.h"

/* "84 ms", "1.5 s": valid as long as the run's findings. */
const char *advice_duration(struct judging *j, double seconds);

/* How to let others go first at a device: a lower weight for this container. */
const char *advice_disk_weight(struct judging *j, uint32_t container);

/* How to let a container use no more than this of a device, in each second. */
const char *advice_disk_limit(struct judging *j, uint32_t container, const char *device, double bytes, bool writes);

#endif
