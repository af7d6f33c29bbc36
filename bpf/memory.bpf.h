/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.bpf.h - what each CPU has not added to a process's memory counters yet, so that the sums are exact. Called by the
 * iterator (snapshot.bpf.c), which owns the map.
 */
#ifndef SYSSCOPE_MEMORY_BPF_H
#define SYSSCOPE_MEMORY_BPF_H

#include "task.bpf.h"
#include "compat.bpf.h"

/* How long the parts of an idle process are taken for unchanged: others may take its pages away. 2^33 ns are 8.6 s. */
#define MEMORY_KEPT_BITS 33

/* For its address alone: how far the same memory of two CPUs is apart is the same for all memory per CPU. */
struct cpu_probe_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __u64);
};
struct cpu_probe_map cpu_probe SEC(".maps");

static volatile __u64 cpu_probe_address;
static bool cpu_offsets_known;

/*
 * Fills cpu_offsets. What CPUs beyond its end have not added to memory counters, up to twice their number in pages each, is
 * missing.
 */
static __noinline int cpu_offsets_find(void)
{
	__u64 base = 0;
	int zero = 0;

	/* By way of memory, where the verifier forgets that it is a pointer. */
	cpu_probe_address = (__u64)&cpu_probe;
	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)(cpu_probe_address + bpf_core_field_offset(struct bpf_array, pptrs)));
	if (!base)
		return 0;
	for (__u32 cpu = 0; cpu < SS_CPU_OFFSETS && cpu < cfg_cpus; cpu++) {
		void *there = bpf_map_lookup_percpu_elem(&cpu_probe, &zero, cpu);

		if (!there)
			continue;
		cpu_probe_address = (__u64)there;
		cpu_offsets[cpu] = cpu_probe_address - base;
	}
	return 0;
}

/* Addresses that name a process's four counters, each on all CPUs. */
struct memory_parts {
	__u64 at[MM_COUNTERS];
};

static __always_inline void memory_parts_add(struct memory_parts *parts, __s32 *rest, __u64 offset)
{
	__s32 part[MM_COUNTERS] = {};

	/* Since commit 14ef95be6f55 (6.6) they are one piece of memory. */
	if (parts->at[3] - parts->at[0] == 3 * sizeof(__s32)) {
		bpf_probe_read_kernel(part, sizeof(part), (void *)(parts->at[0] + offset));
	} else {
		for (int i = 0; i < MM_COUNTERS; i++)
			bpf_probe_read_kernel(&part[i], sizeof(part[i]), (void *)(parts->at[i] + offset));
	}
	for (int i = 0; i < MM_COUNTERS; i++)
		rest[i] += part[i];
}

/* Processes' periods begin at different times. */
static __always_inline __u32 memory_period_of(struct task_struct *task, __u64 now)
{
	return (now + ((__u64)task->pid << (MEMORY_KEPT_BITS - 7))) >> MEMORY_KEPT_BITS;
}

/*
 * Whether the process has run since its parts were read, or has lost pages meanwhile, as far as one thread tells: by how often it
 * was switched, its counters, and the period, in one number.
 */
static __always_inline bool memory_changed(struct task_struct *task, struct ss_thread_state *state, __u64 counts)
{
	__u64 period = memory_period_of(task, bpf_ktime_get_ns());
	__u32 seen = number_mix(number_mix(task->nvcsw + task->nivcsw) ^ counts ^ period << 48) >> 32;
	bool same = state->memory_seen == seen;

	state->memory_seen = seen;
	return !same || task->signal->nr_threads > 1 || !compat_task_state(task);
}

/*
 * Brings state->memory_rest up to date, of a group leader: what is to be added to each counter. Only for processes that ran since
 * the sample before, because it is one read for each CPU.
 */
static __noinline int memory_rest_read(struct task_struct *task, struct ss_thread_state *state)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct memory_parts parts;
	__s32 rest[MM_COUNTERS] = {};
	__u64 counts;

	if (!mm)
		return 0;
	counts = compat_mm_count(mm, MM_FILEPAGES) * 3 + compat_mm_count(mm, MM_ANONPAGES) * 5 +
		 compat_mm_count(mm, MM_SWAPENTS) * 7 + compat_mm_count(mm, MM_SHMEMPAGES) * 11;
	if (!memory_changed(task, state, counts))
		return 0;
	parts.at[0] = compat_mm_parts(mm, 0);
	parts.at[1] = compat_mm_parts(mm, 1);
	parts.at[2] = compat_mm_parts(mm, 2);
	parts.at[3] = compat_mm_parts(mm, 3);
	for (__u32 cpu = 0; cpu < SS_CPU_OFFSETS && cpu < cfg_cpus; cpu++)
		if (cpu_offsets[cpu])
			memory_parts_add(&parts, rest, cpu_offsets[cpu]);
	for (int i = 0; i < MM_COUNTERS; i++)
		state->memory_rest[i] = rest[i];
	return 0;
}

/* On kernels that count memory by CPU (6.2), all of which have bpf_map_lookup_percpu_elem (5.19). */
static __always_inline void memory_note(struct task_struct *task, struct ss_thread_state *state)
{
	if (!compat_mm_by_cpu() || !task_is_leader(task) || task->flags & PF_KTHREAD)
		return;
	if (!cpu_offsets_known) {
		cpu_offsets_find();
		cpu_offsets_known = true;
	}
	memory_rest_read(task, state);
}

#endif
