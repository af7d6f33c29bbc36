/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reclaim.bpf.c - owner of mm_vmscan_memcg_reclaim_begin and _end, mm_vmscan_direct_reclaim_begin and _end: how long tasks had to
 * take memory back themselves before they got some, because a memory limit was reached, or because the machine had none
 * free. Counted in the cgroup of the task, which is not always the one that is charged. Without arguments, whose order
 * changed in 7.1.
 *
 * These hooks run when memory is short, and then once for 32 pages or more; the work between them is a thousand times theirs.
 */
#include "cgroup.bpf.h"

#define RECLAIM_TASKS_MAX 4096

struct reclaim_begin {
	__u64 began_ns; /* CLOCK_MONOTONIC */
	__u64 cause;	/* enum ss_reclaim_cause */
};

/* Tasks that are at it. A preallocated hash instead of task storage, which 5.10 has not; each entry lives for milliseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RECLAIM_TASKS_MAX);
	__type(key, __u64);
	__type(value, struct reclaim_begin);
} reclaiming SEC(".maps");

/* Kernel threads take memory back for others: nobody waits for them here. */
static __always_inline void reclaim_begin(enum ss_reclaim_cause cause)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct reclaim_begin begin = {.began_ns = bpf_ktime_get_ns(), .cause = cause};
	__u64 id = bpf_get_current_pid_tgid();

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return;
	if (bpf_map_update_elem(&reclaiming, &id, &begin, BPF_ANY) < 0)
		loss_count(SS_LOSS_RECLAIM_LOST);
}

/* An end without its beginning was under way when the programs were attached. */
static __always_inline void reclaim_end(enum ss_reclaim_cause cause)
{
	__u64 id = bpf_get_current_pid_tgid(), ns;
	struct reclaim_begin *begin = bpf_map_lookup_elem(&reclaiming, &id);
	struct ss_cgroup *cgroup;

	if (!begin || begin->cause != cause)
		return;
	ns = bpf_ktime_get_ns() - begin->began_ns;
	bpf_map_delete_elem(&reclaiming, &id);
	cgroup = cgroup_entry(task_cgroup_id_untyped((void *)bpf_get_current_task()));
	if (!cgroup)
		return;
	__sync_fetch_and_add(&cgroup->reclaim[cause].ns, ns);
	__sync_fetch_and_add(&cgroup->reclaim[cause].stalls, 1);
}

SEC("?tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(reclaim_limit_begin)
{
	reclaim_begin(SS_RECLAIM_LIMIT);
	return 0;
}

SEC("?tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(reclaim_limit_end)
{
	reclaim_end(SS_RECLAIM_LIMIT);
	return 0;
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(reclaim_machine_begin)
{
	reclaim_begin(SS_RECLAIM_MACHINE);
	return 0;
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(reclaim_machine_end)
{
	reclaim_end(SS_RECLAIM_MACHINE);
	return 0;
}
