/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.c - the table of cgroup files, for v2 and v1. Used by reading.c for every cgroup at every sample. Opens nothing; the
 * parsers of their text are in parse.c.
 */
#include "base/util.h"
#include "cgroup/files.h"

#define OFFSET(field) offsetof(struct cgroup_counters, field)
#define KEY(name, field, times)                                                                      \
	{                                                                                            \
		.key = (name), .length = sizeof(name) - 1, .offset = OFFSET(field), .scale = (times) \
	}
/* cpuacct.stat counts in USER_HZ, which is 100 on every supported architecture. */
#define NS_PER_TICK 10000000

static const struct cgroup_key v2_cpu_stat[] = {
	KEY("usage_usec", cpu_usage_ns, 1000),
	KEY("user_usec", cpu_user_ns, 1000),
	KEY("system_usec", cpu_system_ns, 1000),
	KEY("nr_periods", periods, 1),
	KEY("nr_throttled", throttled_periods, 1),
	KEY("throttled_usec", throttled_ns, 1000),
	KEY("nr_bursts", bursts, 1),
	KEY("burst_usec", burst_ns, 1000),
};

static const struct cgroup_key v2_memory_stat[] = {
	KEY("anon", memory_rss, 1),
	KEY("file", memory_cache, 1),
	KEY("kernel", memory_kernel, 1),
	KEY("shmem", memory_shmem, 1),
	KEY("file_mapped", memory_mapped, 1),
	KEY("file_dirty", memory_dirty, 1),
	KEY("file_writeback", memory_writeback, 1),
	KEY("anon_thp", memory_thp, 1),
	KEY("inactive_file", memory_inactive_file, 1),
	KEY("active_file", memory_active_file, 1),
	KEY("slab_reclaimable", slab_reclaimable, 1),
	KEY("slab_unreclaimable", slab_unreclaimable, 1),
	KEY("workingset_refault_anon", refaults_anon, 1),
	KEY("workingset_refault_file", refaults_file, 1),
	KEY("pgscan", pages_scanned, 1),
	KEY("pgsteal", pages_reclaimed, 1),
	KEY("pgfault", page_faults, 1),
	KEY("pgmajfault", major_page_faults, 1),
};

static const struct cgroup_key v2_memory_events[] = {
	KEY("low", events_low, 1), KEY("high", events_high, 1),	  KEY("max", memory_failcnt, 1),
	KEY("oom", events_oom, 1), KEY("oom_kill", oom_kills, 1), KEY("oom_group_kill", events_oom_group, 1),
};

static const struct cgroup_key v1_cpu_stat[] = {
	KEY("nr_periods", periods, 1),		KEY("nr_throttled", throttled_periods, 1),
	KEY("throttled_time", throttled_ns, 1), KEY("nr_bursts", bursts, 1),
	KEY("burst_time", burst_ns, 1),
};

static const struct cgroup_key v1_cpuacct_stat[] = {
	KEY("user", cpu_user_ns, NS_PER_TICK),
	KEY("system", cpu_system_ns, NS_PER_TICK),
};

/* The total_ keys include descendants; "swap" comes before total_swap, which replaces it. */
static const struct cgroup_key v1_memory_stat[] = {
	KEY("swap", memory_swap, 1),
	KEY("total_cache", memory_cache, 1),
	KEY("total_rss", memory_rss, 1),
	KEY("total_rss_huge", memory_thp, 1),
	KEY("total_shmem", memory_shmem, 1),
	KEY("total_mapped_file", memory_mapped, 1),
	KEY("total_dirty", memory_dirty, 1),
	KEY("total_writeback", memory_writeback, 1),
	KEY("total_workingset_refault_anon", refaults_anon, 1),
	KEY("total_workingset_refault_file", refaults_file, 1),
	KEY("total_swap", memory_swap, 1),
	KEY("total_pgfault", page_faults, 1),
	KEY("total_pgmajfault", major_page_faults, 1),
	KEY("total_inactive_file", memory_inactive_file, 1),
	KEY("total_active_file", memory_active_file, 1),
};

/* On v1 of this cgroup alone: the kernel does not add the kills of its descendants. */
static const struct cgroup_key v1_oom_control[] = {
	KEY("oom_kill_disable", oom_kill_disabled, 1),
	KEY("under_oom", under_oom, 1),
	KEY("oom_kill", oom_kills, 1),
};

#define HUGE_EVENTS(index, size, key_, kib) {KEY("max", hugetlb_failcnt[index], 1)},
static const struct cgroup_key v2_hugetlb_events[][1] = {HUGE_PAGE_LIST(HUGE_EVENTS)};

#define STAT(where, file, table, by)                                                        \
	{                                                                                   \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_STAT, .keys = (table), \
		.n_keys = ARRAY_SIZE(table), .value = CGROUP_VALUE_##by                     \
	}
#define COUNTER(where, file, field, by)                                                               \
	{                                                                                             \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .offset = OFFSET(field), \
		.value = CGROUP_VALUE_##by                                                            \
	}
/* Also read of a cgroup above a home's that has a quota, a memory limit, a limit of processes. */
#define STAT_ABOVE(where, file, table, when, by)                                                             \
	{                                                                                                    \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_STAT, .above = (when), .keys = (table), \
		.n_keys = ARRAY_SIZE(table), .value = CGROUP_VALUE_##by                                      \
	}
#define COUNTER_ABOVE(where, file, field, when, by)                                                                    \
	{                                                                                                              \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .above = (when), .offset = OFFSET(field), \
		.value = CGROUP_VALUE_##by                                                                             \
	}
#define LIMIT(where, file, how, field, by)                                                              \
	{                                                                                               \
		.slot = (where), .name = (file), .kind = (how), .offset = OFFSET(field), .limit = true, \
		.value = CGROUP_VALUE_##by                                                              \
	}

#define PRESSURE(file, field)                                                                                 \
	{                                                                                                     \
		.slot = CGROUP_SLOT_V2, .name = (file), .kind = CGROUP_FILE_PRESSURE, .offset = OFFSET(field) \
	}

#define IO_LIMIT(file, field)                                                         \
	{                                                                             \
		.slot = CGROUP_SLOT_IO, .name = (file), .kind = CGROUP_FILE_IO_LIMIT, \
		.offset = offsetof(struct sample_io_limit, field)                     \
	}

#define HUGE_LIMIT(where, file, field, kib)                                                                         \
	{                                                                                                           \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_LIMIT, .offset = OFFSET(field), .limit = true, \
		.huge_kib = (kib)                                                                                   \
	}
#define HUGE_COUNTER(where, file, field, kib)                                                         \
	{                                                                                             \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .offset = OFFSET(field), \
		.huge_kib = (kib)                                                                     \
	}
#define HUGE_V2_LIMITS(index, size, key_, kib) \
	HUGE_LIMIT(CGROUP_SLOT_V2, "hugetlb." #size ".max", hugetlb_limit[index], kib),
#define HUGE_V2(index, size, key_, kib)                                                 \
	HUGE_COUNTER(CGROUP_SLOT_V2, "hugetlb." #size ".current", hugetlb[index], kib), \
		{                                                                       \
			.slot = CGROUP_SLOT_V2,                                         \
			.name = "hugetlb." #size ".events",                             \
			.huge_kib = (kib),                                              \
			.kind = CGROUP_FILE_STAT,                                       \
			.keys = v2_hugetlb_events[index],                               \
			.n_keys = 1,                                                    \
		},
#define HUGE_V1_LIMITS(index, size, key_, kib) \
	HUGE_LIMIT(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".limit_in_bytes", hugetlb_limit[index], kib),
#define HUGE_V1(index, size, key_, kib)                                                                              \
	HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".usage_in_bytes", hugetlb[index], kib),                  \
		HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".max_usage_in_bytes", hugetlb_peak[index], kib), \
		HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".failcnt", hugetlb_failcnt[index], kib),

static const struct cgroup_file file_table[] = {
	LIMIT(CGROUP_SLOT_V2, "cpu.max", CGROUP_FILE_CPU_MAX, cpu_quota_us, CPU_MAX),
	LIMIT(CGROUP_SLOT_V2, "cpu.weight", CGROUP_FILE_NUMBER, cpu_weight, NONE),
	LIMIT(CGROUP_SLOT_V2, "memory.max", CGROUP_FILE_LIMIT, memory_limit, MEMORY_MAX),
	LIMIT(CGROUP_SLOT_V2, "memory.min", CGROUP_FILE_LIMIT, memory_min, MEMORY_MIN),
	LIMIT(CGROUP_SLOT_V2, "memory.low", CGROUP_FILE_LIMIT, memory_reservation, MEMORY_LOW),
	LIMIT(CGROUP_SLOT_V2, "memory.high", CGROUP_FILE_LIMIT, memory_high, MEMORY_HIGH),
	LIMIT(CGROUP_SLOT_V2, "memory.swap.max", CGROUP_FILE_LIMIT, swap_limit, SWAP_MAX),
	LIMIT(CGROUP_SLOT_V2, "memory.swap.high", CGROUP_FILE_LIMIT, swap_high, SWAP_HIGH),
	LIMIT(CGROUP_SLOT_V2, "pids.max", CGROUP_FILE_LIMIT, pids_limit, PIDS_MAX),
	LIMIT(CGROUP_SLOT_V2, "cpuset.cpus.effective", CGROUP_FILE_CPUS, cpuset_cpus, NONE),
	HUGE_PAGE_LIST(HUGE_V2_LIMITS) STAT_ABOVE(CGROUP_SLOT_V2, "cpu.stat", v2_cpu_stat, CGROUP_ABOVE_QUOTA, NONE),
	COUNTER_ABOVE(CGROUP_SLOT_V2, "memory.current", memory_usage, CGROUP_ABOVE_MEMORY, MEMORY),
	COUNTER(CGROUP_SLOT_V2, "memory.peak", memory_peak, MEMORY_PEAK),
	COUNTER(CGROUP_SLOT_V2, "memory.swap.current", memory_swap, SWAP),
	STAT_ABOVE(CGROUP_SLOT_V2, "memory.stat", v2_memory_stat, CGROUP_ABOVE_MEMORY, MEMORY_STAT),
	STAT(CGROUP_SLOT_V2, "memory.events", v2_memory_events, EVENTS),
	COUNTER_ABOVE(CGROUP_SLOT_V2, "pids.current", pids, CGROUP_ABOVE_PIDS, PIDS),
	{
		.slot = CGROUP_SLOT_V2,
		.name = "io.stat",
		.kind = CGROUP_FILE_IO,
		.never_root = true,
		.offset = OFFSET(io_charged),
	},
	{.slot = CGROUP_SLOT_V2, .name = "io.max", .kind = CGROUP_FILE_IO_MAX},
	PRESSURE("cpu.pressure", pressure_cpu_some_ns),
	PRESSURE("memory.pressure", pressure_memory_some_ns),
	PRESSURE("io.pressure", pressure_io_some_ns),
	HUGE_PAGE_LIST(HUGE_V2)

		LIMIT(CGROUP_SLOT_CPU, "cpu.cfs_quota_us", CGROUP_FILE_QUOTA, cpu_quota_us, QUOTA),
	LIMIT(CGROUP_SLOT_CPU, "cpu.cfs_period_us", CGROUP_FILE_NUMBER, cpu_period_us, PERIOD),
	LIMIT(CGROUP_SLOT_CPU, "cpu.shares", CGROUP_FILE_NUMBER, cpu_shares, SHARES),
	STAT_ABOVE(CGROUP_SLOT_CPU, "cpu.stat", v1_cpu_stat, CGROUP_ABOVE_QUOTA, PERIODS),

	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage", cpu_usage_ns, USAGE),
	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage_user", cpu_user_ns, USER),
	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage_sys", cpu_system_ns, SYSTEM),
	{
		.slot = CGROUP_SLOT_CPUACCT,
		.name = "cpuacct.stat",
		.kind = CGROUP_FILE_STAT,
		.cpu_backup = true,
		.keys = v1_cpuacct_stat,
		.n_keys = ARRAY_SIZE(v1_cpuacct_stat),
	},

	LIMIT(CGROUP_SLOT_MEMORY, "memory.limit_in_bytes", CGROUP_FILE_LIMIT, memory_limit, MEMORY_MAX),
	LIMIT(CGROUP_SLOT_MEMORY, "memory.soft_limit_in_bytes", CGROUP_FILE_LIMIT, memory_reservation, SOFT_LIMIT),
	LIMIT(CGROUP_SLOT_MEMORY, "memory.memsw.limit_in_bytes", CGROUP_FILE_LIMIT, swap_limit, SWAP_MAX),
	COUNTER_ABOVE(CGROUP_SLOT_MEMORY, "memory.usage_in_bytes", memory_usage, CGROUP_ABOVE_MEMORY, MEMORY),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.max_usage_in_bytes", memory_peak, MEMORY_PEAK),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.kmem.usage_in_bytes", memory_kernel, KERNEL_MEMORY),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.failcnt", memory_failcnt, MEMORY_FAILED),
	{
		.slot = CGROUP_SLOT_MEMORY,
		.name = "memory.stat",
		.kind = CGROUP_FILE_STAT,
		.value = CGROUP_VALUE_MEMORY_STAT,
		.never_root = true,
		.above = CGROUP_ABOVE_MEMORY,
		.keys = v1_memory_stat,
		.n_keys = ARRAY_SIZE(v1_memory_stat),
	},
	STAT(CGROUP_SLOT_MEMORY, "memory.oom_control", v1_oom_control, OOM_CONTROL),

	LIMIT(CGROUP_SLOT_PIDS, "pids.max", CGROUP_FILE_LIMIT, pids_limit, PIDS_MAX),
	COUNTER_ABOVE(CGROUP_SLOT_PIDS, "pids.current", pids, CGROUP_ABOVE_PIDS, PIDS),

	LIMIT(CGROUP_SLOT_CPUSET, "cpuset.effective_cpus", CGROUP_FILE_CPUS, cpuset_cpus, NONE),

	/* A file that is as good as any other: it says that the cgroup is there. */
	LIMIT(CGROUP_SLOT_IO, "notify_on_release", CGROUP_FILE_NUMBER, io_charged, NONE),

	IO_LIMIT("blkio.throttle.read_bps_device", read_bytes),
	IO_LIMIT("blkio.throttle.write_bps_device", write_bytes),
	IO_LIMIT("blkio.throttle.read_iops_device", reads),
	IO_LIMIT("blkio.throttle.write_iops_device", writes),

	HUGE_PAGE_LIST(HUGE_V1_LIMITS) HUGE_PAGE_LIST(HUGE_V1)};
_Static_assert(ARRAY_SIZE(file_table) <= CGROUP_FILES_MAX, "room for every file");

const struct cgroup_file *cgroup_files(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(file_table);
	return file_table;
}
