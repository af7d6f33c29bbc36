/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fact.bpf.h - the ring: begins a fact, fills in the task that it is about, sends it. Called by every program that
 * reports a single event. Counters never depend on what is sent here: a program counts first and sends afterwards.
 */
#ifndef SYSSCOPE_FACT_BPF_H
#define SYSSCOPE_FACT_BPF_H

#include "name.bpf.h"

/*
 * A ring buffer, because the order of facts matters. The agent enlarges it before the load when a command wants many
 * facts.
 */
struct facts_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};
struct facts_map facts SEC(".maps") __weak;

static __always_inline bool fact_wanted(enum ss_fact_kind kind)
{
	return facts_wanted >> kind & 1;
}

/* Size of a fact that ends after this member of the union. */
#define FACT_SIZE(member) (offsetof(struct ss_fact, member) + sizeof(((struct ss_fact *)0)->member))

/*
 * Reserves a fact, zeroed except for its size, kind and time. NULL: the kind is not wanted, or the ring is full, which
 * is counted. `size` must be a constant. The caller ends the fact with fact_send().
 */
static __always_inline struct ss_fact *fact_begin(enum ss_fact_kind kind, __u64 size)
{
	struct ss_fact *fact;

	if (!fact_wanted(kind))
		return NULL;
	__sync_fetch_and_add(&facts_produced[kind], 1);
	fact = bpf_ringbuf_reserve(&facts, size, 0);
	if (!fact) {
		__sync_fetch_and_add(&facts_lost[kind], 1);
		loss_count(SS_LOSS_RING_FULL);
		return NULL;
	}
	/*
	 * clang expands no larger memset. Behind this part lie an exec's path and arguments, whose sizes the fact
	 * states.
	 */
	__builtin_memset(fact, 0, size < FACT_SIZE(exec.path) ? size : FACT_SIZE(exec.path));
	fact->size = size;
	fact->kind = kind;
	fact->time_ns = bpf_ktime_get_boot_ns();
	return fact;
}

/*
 * The name of the thread and that of its process, also on kernels without the state of name.bpf.h. A group leader that
 * has ended may have been freed, and its memory used again: then its pid is another one.
 */
static __always_inline void fact_names(struct ss_fact *fact, struct task_struct *task, __u32 tgid)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	BPF_CORE_READ_INTO(&fact->comm, task, comm);
	if ((__u32)BPF_CORE_READ(leader, pid) != tgid)
		return;
	BPF_CORE_READ_INTO(&fact->process, leader, comm);
	if (name_says_less(fact->process))
		name_by_file(fact->process, leader);
}

/*
 * Where the agent is in another pid namespace than the machine's own, the tasks outside of it have no numbers there: their
 * facts are not sent, except those about cgroups, whose tasks nobody asks for.
 */
static __noinline __attribute__((unused)) int task_is_elsewhere(struct task_struct *task)
{
	return !pid_here(BPF_CORE_READ(task, thread_pid));
}

static __noinline __attribute__((unused)) int fact_numbers_here(struct ss_fact *fact, struct task_struct *task)
{
	fact->tgid = pid_here(BPF_CORE_READ(task, group_leader, thread_pid));
	fact->tid = pid_here(BPF_CORE_READ(task, thread_pid));
	return 0;
}

/* The same, about a task. */
static __always_inline struct ss_fact *fact_reserve(enum ss_fact_kind kind, __u64 size, struct task_struct *task)
{
	struct ss_fact *fact;

	if (cfg_pid_namespace && kind != SS_FACT_CGROUP_ENTER && task_is_elsewhere(task))
		return NULL;
	fact = fact_begin(kind, size);
	if (!fact)
		return NULL;
	fact->cgroup_id = task_cgroup_id_untyped(task);
	fact->start_ns = task->start_boottime;
	fact->tgid = task->tgid;
	fact->tid = task->pid;
	fact_names(fact, task, task->tgid);
	if (cfg_pid_namespace)
		fact_numbers_here(fact, task);
	return fact;
}

/* The same, about the current task, also on kernels without bpf_get_current_task_btf (5.10). */
static __always_inline struct ss_fact *fact_reserve_current(enum ss_fact_kind kind, __u64 size)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct ss_fact *fact = fact_begin(kind, size);
	__u64 id = bpf_get_current_pid_tgid();

	if (!fact)
		return NULL;
	fact->cgroup_id = task_cgroup_id_untyped(task);
	fact->start_ns = BPF_CORE_READ(task, start_boottime);
	fact->tgid = id >> 32;
	fact->tid = id;
	fact_names(fact, task, id >> 32);
	if (cfg_pid_namespace)
		fact_numbers_here(fact, task);
	return fact;
}

/*
 * Of kinds that nobody is in a hurry for, each would wake the agent: they wait until it takes a sample, until a fact comes that is
 * urgent, or until they take so much of the ring that it might not hold the next burst. What waits already would keep the ring from
 * waking anybody by itself.
 */
static __always_inline __u64 fact_wakes(__u32 kind)
{
	if (!facts_unhurried)
		return 0;
	if (facts_unhurried >> (kind & 31) & 1 && bpf_ringbuf_query(&facts, BPF_RB_AVAIL_DATA) < facts_waiting_most)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void fact_send(struct ss_fact *fact)
{
	bpf_ringbuf_submit(fact, fact_wakes(fact->kind));
}

#endif
