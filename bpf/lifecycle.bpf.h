/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lifecycle.bpf.h - facts about processes: births, execs, exits. Called by lifecycle.bpf.c and, for exits, by
 * sched.bpf.c. They count first and send afterwards; no count depends on what is sent here.
 */
#ifndef SYSSCOPE_LIFECYCLE_BPF_H
#define SYSSCOPE_LIFECYCLE_BPF_H

#include "fact.bpf.h"

static __noinline __attribute__((unused)) int birth_parent_here(struct ss_fact *fact)
{
	struct task_struct *parent = (void *)bpf_get_current_task();

	fact->birth.parent_tgid = pid_here(BPF_CORE_READ(parent, group_leader, thread_pid));
	fact->birth.parent_tid = pid_here(BPF_CORE_READ(parent, thread_pid));
	return 0;
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
	if (cfg_pid_namespace)
		birth_parent_here(fact);
	fact_send(fact);
}

/* Called in exec, by the task itself, when its new memory is in place. */
static __always_inline void exec_arguments(struct task_struct *task, struct ss_fact *fact)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 from, size, most;

	if (!mm)
		return;
	from = BPF_CORE_READ(mm, arg_start);
	size = BPF_CORE_READ(mm, arg_end) - from;
	fact->exec.arguments_size = size;
	most = size < SS_ARGUMENTS_LEN ? size : SS_ARGUMENTS_LEN;
	/* Keeps the bound in the register that the verifier checks. */
	asm volatile("" : "+r"(most));
	if (most > SS_ARGUMENTS_LEN)
		return;
	/* execve has just written these pages, so they are present unless the machine swapped them out at once. */
	if (bpf_probe_read_user(fact->exec.arguments, most, (void *)from) == 0)
		fact->exec.arguments_bytes = most;
}

/* The name by which the process was executed: of a file in memory, fact_reserve does not know it. */
static __always_inline void exec_name(struct ss_fact *fact, struct ss_thread_state *state)
{
	if (state && state->by_program)
		comm_copy(fact->process, state->program);
}

static __always_inline void exec_path(struct ss_fact *fact, const char *path)
{
	long n = bpf_probe_read_kernel_str(fact->exec.path, sizeof(fact->exec.path), path);

	fact->exec.path_bytes = n > 0 ? n : 0;
}

static __noinline __attribute__((unused)) int exec_report_arguments(struct task_struct *task,
								    struct ss_thread_state *state, const char *path)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.arguments), task);

	if (!fact)
		return 0;
	exec_name(fact, state);
	exec_path(fact, path);
	exec_arguments(task, fact);
	fact_send(fact);
	return 0;
}

static __noinline __attribute__((unused)) int exec_report_path(struct task_struct *task, struct ss_thread_state *state,
							       const char *path)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.path), task);

	if (!fact)
		return 0;
	exec_name(fact, state);
	exec_path(fact, path);
	fact_send(fact);
	return 0;
}

/*
 * task->comm is the new name already. Each size of record has a function of its own: in one function, clang would make
 * the size a variable, which bpf_ringbuf_reserve does not take.
 */
static __noinline __attribute__((unused)) int exec_report(struct task_struct *task, struct ss_thread_state *state,
							  const char *path)
{
	__u64 beginning[SS_EXEC_PATH_MOST / 8]; /* words: an array of bytes would be copied byte by byte */
	struct ss_fact *fact;
	long n;

	if (!fact_wanted(SS_FACT_EXEC))
		return 0;
	if (facts_arguments)
		return exec_report_arguments(task, state, path);
	n = bpf_probe_read_kernel_str(beginning, sizeof(beginning), path);
	if (n == sizeof(beginning))
		return exec_report_path(task, state, path);
	fact = fact_reserve(SS_FACT_EXEC, FACT_SIZE(exec.path) - SS_EXEC_PATH_LEN + SS_EXEC_PATH_MOST, task);
	if (!fact)
		return 0;
	exec_name(fact, state);
	__builtin_memcpy(fact->exec.path, beginning, sizeof(beginning));
	fact->exec.path_bytes = n > 0 ? n : 0;
	fact_send(fact);
	return 0;
}

/*
 * A process has ended. `task` was its last thread: the leader, or another thread while the leader is a zombie. What the
 * threads that ended before have used is in `signal`; what the leader has used is added there only when it is reaped.
 */
static __noinline __attribute__((unused)) int exit_report(struct task_struct *task, struct ss_thread_state *state,
							  bool cpu_complete)
{
	struct task_struct *leader;
	struct signal_struct *signal;
	struct ss_fact *fact;
	bool lasting;

	if (!fact_wanted(SS_FACT_EXIT))
		return 0;
	fact = fact_reserve(SS_FACT_EXIT, FACT_SIZE(exit), task);
	if (!fact)
		return 0;
	/* By helpers: see task_cgroup_id_untyped. */
	leader = BPF_CORE_READ(task, group_leader);
	signal = BPF_CORE_READ(task, signal);
	/* If the leader has been freed and its memory reused, its pid is another one. */
	lasting = task->pid != task->tgid && BPF_CORE_READ(leader, pid) == task->tgid;
	if (lasting) {
		fact->tid = cfg_pid_namespace ? fact->tgid : (__u32)BPF_CORE_READ(leader, pid);
		fact->start_ns = BPF_CORE_READ(leader, start_boottime);
		BPF_CORE_READ_INTO(&fact->comm, leader, comm);
	}
	/* The program's file is not known any more. */
	if (state && state->program[0])
		comm_copy(fact->process, state->program);
	/*
	 * The kernel adds a thread's CPU time to the sum when it releases the thread. Most threads release themselves,
	 * before their last time slice is accounted.
	 */
	fact->exit.cpu_ns = BPF_CORE_READ(signal, sum_sched_runtime);
	fact->exit.cpu_complete = cpu_complete && !fact->exit.cpu_ns;
	fact->exit.status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(signal, group_exit_code)
									     : BPF_CORE_READ(leader, exit_code);
	fact->exit.lifetime_ns = fact->time_ns - fact->start_ns;
	fact->exit.peak_rss_bytes = BPF_CORE_READ(signal, maxrss) * cfg_page_size;
	fact->exit.voluntary_switches = BPF_CORE_READ(signal, nvcsw);
	fact->exit.involuntary_switches = BPF_CORE_READ(signal, nivcsw);
	fact->exit.minor_faults = BPF_CORE_READ(signal, min_flt);
	fact->exit.major_faults = BPF_CORE_READ(signal, maj_flt);
#define ADD(thread)                                                               \
	do {                                                                      \
		fact->exit.cpu_ns += BPF_CORE_READ(thread, se.sum_exec_runtime);  \
		fact->exit.voluntary_switches += BPF_CORE_READ(thread, nvcsw);    \
		fact->exit.involuntary_switches += BPF_CORE_READ(thread, nivcsw); \
		fact->exit.minor_faults += BPF_CORE_READ(thread, min_flt);        \
		fact->exit.major_faults += BPF_CORE_READ(thread, maj_flt);        \
	} while (0)
	/* A thread that was released (__exit_signal in kernel/exit.c) is in the sums, and has no sighand any more. */
	if (BPF_CORE_READ(task, sighand))
		ADD(task);
	if (lasting && BPF_CORE_READ(leader, sighand))
		ADD(leader);
#undef ADD
	fact_send(fact);
	return 0;
}

#endif
