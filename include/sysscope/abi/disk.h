/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/disk.h - the contract for what is counted per cgroup and block device (bpf/disk.bpf.c): completed requests with their
 * latency, and whose requests were at the device while others waited. abi/common.h has the rules.
 */
#ifndef SYSSCOPE_ABI_DISK_H
#define SYSSCOPE_ABI_DISK_H

#include "sysscope/abi/common.h"

/* A device is numbered as the kernel does: its major number << 20 | its first minor number. A partition is its disk. */
#define SS_DISK_MINOR_BITS 20

#define SS_DISK_OPERATION(ID, ...) SS_DISK_##ID,
enum ss_disk_operation { DISK_OPERATION_LIST(SS_DISK_OPERATION) SS_DISK_OPERATIONS };
#undef SS_DISK_OPERATION

#define SS_DISK_SLOTS 24 /* histogram of latencies: see SS_DELAY_SLOTS */

/* Key of the disk tables. The cgroup is the one that the kernel charges: of the hierarchy that has the io (blkio) controller. */
struct ss_disk_key {
	__u64 cgroup_id; /* kernfs id there; SS_CGROUP_NONE: the kernel charges none */
	__u32 device;
	__u32 operation; /* enum ss_disk_operation */
};
_Static_assert(sizeof(struct ss_disk_key) == 16, "ss_disk_key: no padding");

struct ss_disk {
	__u64 requests; /* that were completed, failed ones included */
	__u64 bytes;
	__u64 latency_ns; /* from request->start_time_ns, when the kernel took it up, to its completion */
	__u64 queued_ns;  /* the part of that before request->io_start_time_ns, when the driver got it */
	__u64 divided; /* requests whose queued_ns is known: the kernel does not always note when the driver got it */
	__u64 unmeasured;	    /* requests without latency: the device has queue/iostats off */
	__u64 slots[SS_DISK_SLOTS]; /* requests by latency */
};
#define SS_DISK_FIELDS (6 + SS_DISK_SLOTS)
_Static_assert(sizeof(struct ss_disk) == SS_DISK_FIELDS * 8, "ss_disk: no padding");

/* Key of the tables of disk neighbours. */
struct ss_disk_pair_key {
	__u64 waiter; /* the cgroup whose requests waited, */
	__u64 filler; /* and another whose requests were at the device meanwhile; SS_CGROUP_OTHERS: not kept apart */
	__u32 device;
	__u32 zero;
};
_Static_assert(sizeof(struct ss_disk_pair_key) == 24, "ss_disk_pair_key: no padding");

struct ss_disk_pair {
	__u64 wait_ns; /* the filler's share of the latencies: by the latencies of what the device completed meanwhile */
	__u64 requests; /* of the waiter, at the device together with the filler's */
};
_Static_assert(sizeof(struct ss_disk_pair) == 16, "ss_disk_pair: no padding");

#endif
