/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * task.bpf.h - a task: its task-local state and the cgroup that it is in. It charges nothing (gone.bpf.h) and
 * sends nothing (fact.bpf.h).
 *
 * The maps of this and of the other headers are defined weak in every object that includes them, and the linker merges
 * them: bpftool 7.1 places maps that are declared extern wrongly.
 */
#ifndef SYSSCOPE_TASK_BPF_H
#define SYSSCOPE_TASK_BPF_H

#include "sysscope.bpf.h"

/* Task storage: one entry per thread, which the kernel frees with the task. */
struct thread_state_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ss_thread_state);
};
struct thread_state_map thread_state SEC(".maps") __weak;

/* Of threads that were charged and live on. */
struct thread_charges_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ss_charges);
};
struct thread_charges_map thread_charges SEC(".maps") __weak;

/* Waits of a process's ended threads. Kept on its group leader, from the first end of another of its threads on. */
struct process_waits_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ss_waits);
};
struct process_waits_map process_waits SEC(".maps") __weak;

/* What is told of the thread has changed, though it may sleep. Before and after: see told_begin in told.bpf.h. */
static __always_inline void told_forget(struct ss_thread_state *state)
{
	*(volatile __u64 *)&state->told = 0;
}

static __always_inline bool task_is_leader(struct task_struct *task)
{
	return task->pid == task->tgid;
}

/* Its address as a number: the verifier lets no pointer to a task into a function that it goes through only once. */
static __always_inline __u64 task_number(struct task_struct *task)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &task);
	return number;
}

/*
 * What the task that `pid` belongs to is called in the agent's pid namespace; 0: it is not in there. Only asked where the agent
 * is not in the machine's own: else task->pid and task->tgid are it.
 */
static __always_inline __u32 pid_here(struct pid *pid)
{
	__u32 level = BPF_CORE_READ(pid, level), found = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 1; i <= MAX_PID_NS_LEVEL && i <= level; i++) {
		struct upid upid = {};

		/* Masked, because the verifier of 6.1 loses the bounds of the product. */
		bpf_probe_read_kernel(&upid, sizeof(upid),
				      (void *)pid + bpf_core_field_offset(pid->numbers) +
					      ((i * bpf_core_type_size(struct upid)) & 1023));
		if (BPF_CORE_READ(upid.ns, ns.inum) == cfg_pid_namespace)
			found = upid.nr;
	}
	return found;
}

static __always_inline __u32 process_here(struct task_struct *task)
{
	return cfg_pid_namespace ? pid_here(BPF_CORE_READ(task, group_leader, thread_pid)) : task->tgid;
}

/* kernfs id of the task's cgroup in the hierarchy that carries resources; SS_CGROUP_KERNEL for kernel threads. */
static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set;

	if (task->flags & PF_KTHREAD)
		return SS_CGROUP_KERNEL;
	if (!cfg_cgroup_v1)
		return task->cgroups->dfl_cgrp->kn->id;
	set = task->cgroups;
	/* The verifier refuses a variable index through a typed pointer. */
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) + cfg_cgroup_subsys * sizeof(css));
	return BPF_CORE_READ(css, cgroup, kn, id);
}

/*
 * The same for a pointer that the verifier does not know as a task: every field is read by a helper. Also for what happens
 * seldom. From 6.3 on, the verifier searches the kernel's type names, all of them and several times, for each path on which it
 * sees a pointer read through a typed one: half a millisecond or more, and a program has thousands of paths. So what runs often
 * reads such pointers early, before paths part, and what runs seldom reads them by helpers.
 */
static __always_inline __u64 task_cgroup_id_untyped(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return SS_CGROUP_KERNEL;
	if (!cfg_cgroup_v1)
		return BPF_CORE_READ(set, dfl_cgrp, kn, id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) + cfg_cgroup_subsys * sizeof(css));
	return BPF_CORE_READ(css, cgroup, kn, id);
}

#endif
