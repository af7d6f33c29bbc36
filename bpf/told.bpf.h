/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * told.bpf.h - whether the task iterator would tell the same of a thread as it did last: then it tells only that. Everything
 * that can change while the thread sleeps becomes one number, which is kept with the thread. Called by snapshot.bpf.c.
 *
 * A thread that did not run since has neither another mark nor another number of switches. What it alone can change has not
 * changed then: what it has used and waited, its credentials and namespaces, its program. What others can change is part of the
 * number: its name, state, parent and cgroup; of a leader also how many threads the process has, what ended ones have used, what
 * it does with signals, its memory. What others change in its task-local state clears what was told (told_forget): charges, and
 * the waits of the process's ended threads.
 */
#ifndef SYSSCOPE_TOLD_BPF_H
#define SYSSCOPE_TOLD_BPF_H

#include "compat.bpf.h"
#include "gone.bpf.h"
#include "memory.bpf.h"

/* In ss_thread_state.told, 1: it was told. 0 while it is being told: whoever changes something meanwhile clears it all. */
#define TOLD 1

/* Each x gives another number; h mixes in what came before. */
static __always_inline __u64 told_mix(__u64 h, __u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/*
 * 1 unless x is 0. Without a branch, and hidden from the compiler so that it makes none: the verifier of 6.1 would
 * follow every combination of the flags that are computed with it.
 */
static __always_inline __u32 nonzero(__u64 x)
{
	asm volatile("" : "+r"(x));
	return (x | -x) >> 63;
}

/* 1 if the process has a handler for SIGSTKFLT, SIGURG and SIGIO: one that is neither SIG_DFL (0) nor SIG_IGN (1). */
static __always_inline __u32 catches_all(struct sighand_struct *hand)
{
	return nonzero((__u64)hand->action[SIGSTKFLT - 1].sa.sa_handler >> 1) &
	       nonzero((__u64)hand->action[SIGURG - 1].sa.sa_handler >> 1) &
	       nonzero((__u64)hand->action[SIGIO - 1].sa.sa_handler >> 1);
}

static __always_inline __u64 told_name(__u64 h, struct task_struct *task)
{
	const volatile __u64 *comm = (const void *)&task->comm;

	return told_mix(told_mix(h, comm[0]), comm[1]);
}

/* What ended threads of its process have used, and how the living ones take signals. Others than the leader change these. */
static __always_inline __u64 told_threads(__u64 h, struct task_struct *task, struct signal_struct *signal)
{
	h = told_mix(h, signal->sum_sched_runtime);
	h = told_mix(h, signal->utime);
	h = told_mix(h, signal->stime);
	h = told_mix(h, signal->nvcsw);
	h = told_mix(h, signal->nivcsw);
	h = told_mix(h, signal->min_flt);
	h = told_mix(h, signal->maj_flt);
	if (compat_counts_io()) {
		h = told_mix(h, signal->ioac.read_bytes);
		h = told_mix(h, signal->ioac.write_bytes);
	}
	return told_mix(h, catches_all(task->sighand));
}

static __always_inline __u64 told_memory(__u64 h, struct mm_struct *mm)
{
	h = told_mix(h, compat_mm_count_typed(mm, MM_ANONPAGES));
	h = told_mix(h, compat_mm_count_typed(mm, MM_FILEPAGES));
	h = told_mix(h, compat_mm_count_typed(mm, MM_SHMEMPAGES));
	h = told_mix(h, compat_mm_count_typed(mm, MM_SWAPENTS));
	h = told_mix(h, mm->hiwater_rss);
	return told_mix(h, compat_mm_hugetlb_typed(mm));
}

/* Off its CPU, with all it used there accounted, and neither woken nor about to end. */
static __always_inline bool task_sleeps(struct task_struct *task)
{
	return compat_task_state_typed(task) && !task->exit_state && !task->sched_info.last_queued &&
	       !compat_on_cpu_typed(task);
}

/*
 * What would be told of the thread as a number that is not 0; 0: it may change at any moment. Threads with an event loop are
 * told in full, because others change what a sleeping loop waits for. Read before what is told: a change in between differs.
 */
static __noinline __u64 told_number(struct task_struct *task, struct ss_thread_state *state, __u64 cgroup_id,
				    __u32 ppid)
{
	__u64 mark = state->mark, h;

	if (!task_sleeps(task))
		return 0;
	if (cfg_sched && ss_mark_state(mark) != SS_MARK_BLOCKED)
		return 0;
	if (cfg_epoll && ss_mark_class(mark) == SS_WAIT_EPOLL)
		return 0;
	h = told_mix(told_epoch, mark);
	h = told_mix(h, task->nvcsw + task->nivcsw);
	h = told_mix(h, task->se.nr_migrations);
	h = told_mix(h, (__u64)compat_task_state_typed(task) << 32 | task->flags);
	h = told_mix(h, task->jobctl);
	h = told_mix(h, ppid);
	h = told_mix(h, cgroup_id);
	h = told_name(h, task);
	if (task_is_leader(task)) {
		struct signal_struct *signal = task->signal;
		struct mm_struct *mm = task->mm;

		h = told_mix(h, signal->nr_threads);
		if (signal->nr_threads > 1)
			h = told_threads(h, task, signal);
		if (mm)
			h = told_memory(h, mm);
	}
	return h | TOLD;
}

/* The thread is about to be told in full; 0: it may change meanwhile anyway. */
static __always_inline void told_begin(struct ss_thread_state *state, __u64 number)
{
	/* Exchanged, so that what is told is read after this. */
	if (number)
		__sync_lock_test_and_set(&state->told, number & ~(__u64)TOLD);
	else
		state->told = 0;
}

/* It was told, and nobody has changed its state meanwhile. */
static __always_inline void told_end(struct ss_thread_state *state, __u64 number)
{
	__sync_val_compare_and_swap(&state->told, number & ~(__u64)TOLD, number);
}

#endif
