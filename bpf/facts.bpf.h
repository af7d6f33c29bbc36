/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.bpf.h - facts about processes: births, execs, exits. Called by the owners of the hooks (lifecycle.bpf.c,
 * sched.bpf.c), which count first and send afterwards; no count depends on what is sent here.
 */
#ifndef SYSSCOPE_FACTS_BPF_H
#define SYSSCOPE_FACTS_BPF_H

#include "sysscope.bpf.h"

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

/* The first task in a cgroup that was made under our eyes. Two at once may both be: whoever listens takes the first. */
static __always_inline void enter_report(struct task_struct *task, struct ss_cgroup *cgroup, __u64 id)
{
	struct ss_fact *fact;

	if (!fact_wanted(SS_FACT_CGROUP_ENTER) ||
	    (cgroup->flags & (SS_CGROUP_SEEN_CREATED | SS_CGROUP_ENTERED)) != SS_CGROUP_SEEN_CREATED)
		return;
	cgroup->flags |= SS_CGROUP_ENTERED;
	fact = fact_reserve(SS_FACT_CGROUP_ENTER, FACT_SIZE(cgroup.parent_id), task);
	if (!fact)
		return;
	fact->cgroup.id = id;
	fact_send(fact);
}

static __always_inline void birth_report(struct task_struct *task, __u64 clone_flags)
{
	__u64 parent = bpf_get_current_pid_tgid();
	struct ss_fact *fact;

	if (clone_flags & CLONE_THREAD)
		fact = fact_reserve(SS_FACT_THREAD_START, FACT_SIZE(birth), task);
	else
		fact = fact_reserve(SS_FACT_PROCESS_START, FACT_SIZE(birth), task);
	if (!fact)
		return;
	fact->birth.clone_flags = clone_flags;
	fact->birth.parent_tgid = parent >> 32;
	fact->birth.parent_tid = parent;
	fact_send(fact);
}

/* In exec, when the new memory is in place: current is the task. */
static __always_inline void exec_arguments(struct task_struct *task, struct ss_fact *fact)
{
	struct mm_struct *mm = task->mm;
	__u64 from, size, most;

	if (!mm)
		return;
	from = mm->arg_start;
	size = mm->arg_end - from;
	fact->exec.arguments_size = size;
	most = size < SS_ARGUMENTS_LEN ? size : SS_ARGUMENTS_LEN;
	/* The bound has to be in the register that the verifier looks at. */
	asm volatile("" : "+r"(most));
	if (most > SS_ARGUMENTS_LEN)
		return;
	/* execve has written this just now: it is in memory, but on a machine that swaps it out at once. */
	if (bpf_probe_read_user(fact->exec.arguments, most, (void *)from) == 0)
		fact->exec.arguments_bytes = most;
}

static __always_inline void exec_path(struct ss_fact *fact, const char *path)
{
	long n = bpf_probe_read_kernel_str(fact->exec.path, sizeof(fact->exec.path), path);

	fact->exec.path_bytes = n > 0 ? n : 0;
}

static __noinline __attribute__((unused)) int exec_report_arguments(struct task_struct *task, const char *path)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.arguments), task);

	if (!fact)
		return 0;
	exec_path(fact, path);
	exec_arguments(task, fact);
	fact_send(fact);
	return 0;
}

static __noinline __attribute__((unused)) int exec_report_path(struct task_struct *task, const char *path)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.path), task);

	if (!fact)
		return 0;
	exec_path(fact, path);
	fact_send(fact);
	return 0;
}

/* task->comm is the new one already. The sizes are in functions of their own, or clang makes one variable of them. */
static __noinline __attribute__((unused)) int exec_report(struct task_struct *task, const char *path)
{
	__u64 beginning[SS_EXEC_PATH_MOST / 8]; /* words, or it would be copied byte by byte */
	struct ss_fact *fact;
	long n;

	if (!fact_wanted(SS_FACT_EXEC))
		return 0;
	if (facts_arguments)
		return exec_report_arguments(task, path);
	n = bpf_probe_read_kernel_str(beginning, sizeof(beginning), path);
	if (n == sizeof(beginning))
		return exec_report_path(task, path);
	fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.path) - SS_EXEC_PATH_LEN + SS_EXEC_PATH_MOST, task);
	if (!fact)
		return 0;
	__builtin_memcpy(fact->exec.path, beginning, sizeof(beginning));
	fact->exec.path_bytes = n > 0 ? n : 0;
	fact_send(fact);
	return 0;
}

/*
 * A process has ended, and `task` was the last of its threads: its leader, or another one whose leader is a zombie. What
 * the ended threads used is in `signal`; the leader's own is not until it is reaped, which may be soon.
 */
static __noinline __attribute__((unused)) int exit_report(struct task_struct *task, bool cpu_complete)
{
	struct task_struct *leader = task->group_leader;
	struct signal_struct *signal = task->signal;
	bool alone = task->pid == task->tgid;
	struct ss_fact *fact;

	if (!fact_wanted(SS_FACT_EXIT))
		return 0;
	fact = fact_reserve(SS_FACT_EXIT, FACT_SIZE(exit), task);
	if (!fact)
		return 0;
	/* After that of another thread the leader's memory may be somebody else's. */
	if (!alone && leader->pid == task->tgid) {
		fact->tid = leader->pid;
		fact->start_ns = leader->start_boottime;
		BPF_CORE_READ_INTO(&fact->comm, leader, comm);
	}
	/* The kernel adds up a thread's time when it releases it, which most do themselves, before their last slice ends. */
	fact->exit.cpu_complete = cpu_complete && !signal->sum_sched_runtime;
	fact->exit.status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader->exit_code;
	fact->exit.lifetime_ns = fact->time_ns - fact->start_ns;
	fact->exit.peak_rss_bytes = signal->maxrss * cfg_page_size;
	fact->exit.cpu_ns = signal->sum_sched_runtime;
	fact->exit.voluntary_switches = signal->nvcsw;
	fact->exit.involuntary_switches = signal->nivcsw;
	fact->exit.minor_faults = signal->min_flt;
	fact->exit.major_faults = signal->maj_flt;
#define ADD(thread)                                                  \
	do {                                                         \
		fact->exit.cpu_ns += (thread)->se.sum_exec_runtime;  \
		fact->exit.voluntary_switches += (thread)->nvcsw;    \
		fact->exit.involuntary_switches += (thread)->nivcsw; \
		fact->exit.minor_faults += (thread)->min_flt;        \
		fact->exit.major_faults += (thread)->maj_flt;        \
	} while (0)
	/* Whoever was released (exit.c, __exit_signal) is in the sums, and has no sighand any more. */
	if (task->sighand)
		ADD(task);
	if (!alone && leader->pid == task->tgid && leader->sighand)
		ADD(leader);
#undef ADD
	fact_send(fact);
	return 0;
}

#endif
