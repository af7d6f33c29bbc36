/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.bpf.c - the cgroup iterator (6.1; hierarchies of v1 from 6.2 on): notes the counters that the kernel keeps for each
 * cgroup below the one at which it is attached, in place of the files that print them. The agent runs it once per hierarchy and
 * sample. It holds the kernel's lock of cgroups, so no cgroup is made or removed meanwhile, and only one pass runs at a time.
 *
 * An iterator over cgroups can write no more than 32 KiB, so what it finds goes into an array that the agent maps.
 */
#include "compat.bpf.h"
#include "sysscope/abi/values.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SS_VALUES_MAX);
	__type(key, __u32);
	__type(value, struct ss_values);
} values SEC(".maps");

/* What memory.stat is made of. */
#define STAT_WORDS 128

static __u64 stat_words[2 * STAT_WORDS];

static __always_inline void *css_of(struct cgroup *cgroup, __u64 index)
{
	void *css = NULL;

	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)cgroup + bpf_core_field_offset(cgroup->subsys) + index * sizeof(css));
	return css;
}

/* The css of a controller that this kernel has; NULL: the cgroup has none of its own. */
#define CSS_OF(cgroup, which)                                                                  \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, which##_cgrp_id)                    \
		 ? css_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, which##_cgrp_id)) \
		 : NULL)

static __always_inline void cpu_note(struct ss_values *v, struct task_group *group)
{
	if (!group || !compat_has_bandwidth())
		return;
	v->quota_ns = BPF_CORE_READ(group, cfs_bandwidth.quota);
	v->period_ns = BPF_CORE_READ(group, cfs_bandwidth.period);
	/* Of int, which files print as negative numbers in the end. */
	v->periods = (__u32)BPF_CORE_READ(group, cfs_bandwidth.nr_periods);
	v->throttled_periods = (__u32)BPF_CORE_READ(group, cfs_bandwidth.nr_throttled);
	v->throttled_ns = BPF_CORE_READ(group, cfs_bandwidth.throttled_time);
	v->bursts = v->burst_ns = ~0ULL;
	if (compat_has_bursts()) {
		v->bursts = (__u32)BPF_CORE_READ(group, cfs_bandwidth.nr_burst);
		v->burst_ns = BPF_CORE_READ(group, cfs_bandwidth.burst_time);
	}
	v->shares = BPF_CORE_READ(group, shares);
	v->has |= SS_VALUES_CPU;
}

static __always_inline void cpuacct_note(struct ss_values *v, struct cpuacct *group)
{
	__u64 usage, times;

	if (!group || !compat_cpuacct_is_one_number())
		return;
	usage = (__u64)BPF_CORE_READ(group, cpuusage);
	times = (__u64)BPF_CORE_READ(group, cpustat) +
		bpf_core_field_offset(((struct kernel_cpustat___array *)0)->cpustat);
	v->usage_ns = v->user_ns = v->system_ns = 0;
	for (__u32 cpu = 0; cpu < SS_CPU_OFFSETS && cpu < cfg_cpus; cpu++) {
		__u64 offset = cpu_offsets[cpu], ns = 0, of[CPUTIME_IRQ + 1] = {};

		/* The task iterator finds the offsets. */
		if (!offset)
			return;
		bpf_probe_read_kernel(&ns, sizeof(ns), (void *)(usage + offset));
		bpf_probe_read_kernel(of, sizeof(of), (void *)(times + offset));
		v->usage_ns += ns;
		v->user_ns += of[CPUTIME_USER] + of[CPUTIME_NICE];
		v->system_ns += of[CPUTIME_SYSTEM] + of[CPUTIME_SOFTIRQ] + of[CPUTIME_IRQ];
	}
	if (cfg_cpus <= SS_CPU_OFFSETS)
		v->has |= SS_VALUES_CPUACCT;
}

/* The kernel sums up the parts of its CPUs before it prints memory.stat; the agent makes it do so before each pass. */
static __always_inline void memory_stat_note(struct ss_values *v, struct mem_cgroup *group)
{
	struct memcg_vmstats___sized *stats = NULL;
	__u64 digest = 0;

	if (!compat_memory_stats_apart() || bpf_core_field_size(stats->state) > STAT_WORDS * 8 ||
	    bpf_core_field_size(stats->events) > STAT_WORDS * 8)
		return;
	stats = (void *)BPF_CORE_READ(group, vmstats);
	if (bpf_probe_read_kernel(stat_words, bpf_core_field_size(stats->state),
				  (void *)stats + bpf_core_field_offset(stats->state)) ||
	    bpf_probe_read_kernel(stat_words + STAT_WORDS, bpf_core_field_size(stats->events),
				  (void *)stats + bpf_core_field_offset(stats->events)))
		return;
	for (int i = 0; i < 2 * STAT_WORDS; i++) {
		digest = (digest ^ stat_words[i]) * 0x9e3779b97f4a7c15ULL;
		digest ^= digest >> 32;
	}
	v->memory_stat = digest;
	v->has |= SS_VALUES_MEMORY_STAT;
}

static __always_inline void memcg_note(struct ss_values *v, struct mem_cgroup *group)
{
	if (!group || !compat_memory_events_in_order())
		return;
	v->memory = BPF_CORE_READ(group, memory.usage.counter);
	v->memory_peak = BPF_CORE_READ(group, memory.watermark);
	v->memory_max = BPF_CORE_READ(group, memory.max);
	v->memory_failed = BPF_CORE_READ(group, memory.failcnt);
	v->memory_min = BPF_CORE_READ(group, memory.min);
	v->memory_low = BPF_CORE_READ(group, memory.low);
	v->memory_high = BPF_CORE_READ(group, memory.high);
	v->swap = BPF_CORE_READ(group, swap.usage.counter);
	v->swap_max = BPF_CORE_READ(group, swap.max);
	v->swap_high = BPF_CORE_READ(group, swap.high);
	bpf_probe_read_kernel(v->events, sizeof(v->events),
			      (void *)group + bpf_core_field_offset(group->memory_events));
	v->has |= SS_VALUES_MEMORY;
	memory_stat_note(v, group);
	if (!compat_memory_has_v1())
		return;
	v->kernel_memory = BPF_CORE_READ(group, kmem.usage.counter);
	v->soft_limit = BPF_CORE_READ(group, soft_limit);
	v->oom_kill_disabled = BPF_CORE_READ(group, oom_kill_disable);
	v->under_oom = BPF_CORE_READ(group, under_oom);
	v->has |= SS_VALUES_MEMORY_V1;
}

static __always_inline void pids_note(struct ss_values *v, struct pids_cgroup *group)
{
	if (!group || !compat_has_pids())
		return;
	v->pids = BPF_CORE_READ(group, counter.counter);
	v->pids_max = BPF_CORE_READ(group, limit.counter);
	v->has |= SS_VALUES_PIDS;
}

/* The root's files say something else than its counters: nothing is noted of it. */
SEC("?iter/cgroup")
int cgroup_values(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;
	__u32 at = values_noted;
	struct ss_values *v;

	if (!cgroup || !BPF_CORE_READ(cgroup, level))
		return 0;
	v = bpf_map_lookup_elem(&values, &at);
	if (!v)
		return 0;
	values_noted = at + 1;
	v->id = BPF_CORE_READ(cgroup, kn, id);
	v->name = BPF_CORE_READ(cgroup, kn, hash);
	v->has = 0;
	cpu_note(v, CSS_OF(cgroup, cpu));
	cpuacct_note(v, CSS_OF(cgroup, cpuacct));
	memcg_note(v, CSS_OF(cgroup, memory));
	pids_note(v, CSS_OF(cgroup, pids));
	return 0;
}
