/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/values.h - the contract for what the cgroup iterator (bpf/values.bpf.c) notes of each cgroup: the kernel's own counters, as
 * they are. What they mean in a hierarchy is the agent's matter (agent/cgroup/values.c). abi/common.h has the rules.
 */
#ifndef SYSSCOPE_ABI_VALUES_H
#define SYSSCOPE_ABI_VALUES_H

#include "sysscope/abi/common.h"

/* At most so many cgroups of a hierarchy are noted in one pass; the files of the others are read. */
#define SS_VALUES_MAX 8192

/* Bits of ss_values.has: which groups of fields are known. */
enum ss_values_group {
	SS_VALUES_CPU = 1 << 0,		/* quota, periods, shares */
	SS_VALUES_CPUACCT = 1 << 1,	/* v1's CPU time */
	SS_VALUES_MEMORY = 1 << 2,	/* pages */
	SS_VALUES_MEMORY_V1 = 1 << 3,	/* those that the kernel has for v1 only */
	SS_VALUES_MEMORY_STAT = 1 << 4, /* memory_stat */
	SS_VALUES_PIDS = 1 << 5,
};

/* In the order of the kernel's enum memcg_memory_event. */
enum ss_memory_event {
	SS_MEMORY_LOW,
	SS_MEMORY_HIGH,
	SS_MEMORY_MAX,
	SS_MEMORY_OOM,
	SS_MEMORY_OOM_KILL,
	SS_MEMORY_OOM_GROUP_KILL,
	SS_MEMORY_EVENTS
};

struct ss_values {
	__u64 id;   /* kernfs id */
	__u32 name; /* the kernel's hash of its name: changes when it is renamed */
	__u32 has;  /* enum ss_values_group */
	/* SS_VALUES_CPU */
	__u64 quota_ns; /* ~0: none */
	__u64 period_ns;
	__u64 shares;
	__u64 periods, throttled_periods, throttled_ns;
	__u64 bursts, burst_ns; /* ~0: this kernel has none */
	/* SS_VALUES_CPUACCT: sums of all CPUs */
	__u64 usage_ns, user_ns, system_ns;
	/* SS_VALUES_MEMORY: pages; "swap" is memory and swap together on v1 */
	__u64 memory, memory_peak, memory_max, memory_failed;
	__u64 memory_min, memory_low, memory_high;
	__u64 swap, swap_max, swap_high;
	__u64 events[SS_MEMORY_EVENTS];
	/* SS_VALUES_MEMORY_V1 */
	__u64 kernel_memory, soft_limit;
	__u32 oom_kill_disabled, under_oom;
	/* SS_VALUES_MEMORY_STAT: a digest of all numbers of which memory.stat is made; equal ones make equal files */
	__u64 memory_stat;
	/* SS_VALUES_PIDS */
	__u64 pids, pids_max;
};
_Static_assert(sizeof(struct ss_values) == 16 + 8 * (8 + 3 + 10 + SS_MEMORY_EVENTS + 2 + 1 + 1 + 2),
	       "ss_values: no padding");

#endif
