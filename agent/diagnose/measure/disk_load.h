/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disk_load.h - what the requests of a container to a device took in the window, and whether anybody waited. Used by disk.c. */
#ifndef SYSSCOPE_DIAGNOSE_DISK_LOAD_H
#define SYSSCOPE_DIAGNOSE_DISK_LOAD_H

#include "diagnose/case/finding.h"

/* What requests of a container to a device did in the window, in each second. */
struct disk_load {
	double reads, writes, flushes;		  /* requests */
	double read_time, write_time, flush_time; /* their latencies, summed up */
	double requests, time, mean;		  /* of all of these; seconds */
	double tail; /* more than 1 of 100 took longer than this; 0: not known, disk_tail */
	double read_bytes, write_bytes;
	double may_take; /* a request, on average, if the device is not full */
};

/* Of a row of the snapshot's disks. */
struct disk_load disk_load(const struct judging *j, uint32_t row);

/* .tail of a row, which takes longer to find than all the rest. */
double disk_tail(const struct judging *j, uint32_t row);

/* Time that the container's threads were blocked where a disk blocks them; absent: not known. */
double disk_blocked(const struct judging *j, uint32_t container);

/* Of that what this device can be the reason for. Without the hooks that know it: reads, for which somebody waits as a rule. */
double disk_waited(const struct judging *j, uint32_t container, const struct disk_load *l);

/* The row of a container and device. UINT32_MAX: there is none. */
uint32_t disk_row_find(const struct judging *j, uint32_t container, const char *device);

#endif
