/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched.bpf.h - reads the scheduler's own view of a task: the run queue's clock, how long the task has been runnable,
 * what it sleeps for, how long a CPU quota has kept it from running. Shared by the scheduler hooks (sched.bpf.c), the
 * iterator (snapshot.bpf.c) and the event loops (epoll.bpf.h); it changes no state.
 */
#ifndef SYSSCOPE_SCHED_BPF_H
#define SYSSCOPE_SCHED_BPF_H

#include "task.bpf.h"
#include "compat.bpf.h"
#include "syscalls.bpf.h"

/* Histogram slot of a time: floor(log2(microseconds)), below SS_DELAY_SLOTS, which equals SS_LOOP_SLOTS. */
static __always_inline __u32 time_slot(__u64 ns)
{
	/* ns / 1000 by a multiplication, because a division costs ten times as much; from 2^41 ns on, the last slot. */
	__u64 us = ns >> 41 ? ~0U : ns * 4294968 >> 32;
	__u32 slot = 0;

	if (us >> 16) {
		us >>= 16;
		slot += 16;
	}
	if (us >> 8) {
		us >>= 8;
		slot += 8;
	}
	if (us >> 4) {
		us >>= 4;
		slot += 4;
	}
	if (us >> 2) {
		us >>= 2;
		slot += 2;
	}
	slot += us >> 1;
	return slot < SS_DELAY_SLOTS ? slot : SS_DELAY_SLOTS - 1;
}

/* The wait class of a system call on this descriptor, by the type of the file. */
static __always_inline __u32 descriptor_class(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files ? task->files->fdt : NULL;
	struct file *file = NULL;
	struct inode *inode;

	if (!table || fd >= table->max_fds)
		return SS_WAIT_OTHER;
	/* The verifier refuses a variable index through a typed pointer. */
	bpf_probe_read_kernel(&file, sizeof(file), (void *)table->fd + (__u64)fd * sizeof(file));
	if (!file)
		return SS_WAIT_OTHER;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFREG:
		/* Since 6.16 eventfd and other anonymous inodes have the type of a regular file. */
		if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC)
			return SS_WAIT_OTHER;
		return SS_WAIT_FILE;
	case S_IFDIR:
	case S_IFBLK:
		return SS_WAIT_FILE;
	case S_IFSOCK:
		return SS_WAIT_NETWORK;
	case S_IFIFO:
		return SS_WAIT_PIPE;
	}
	return SS_WAIT_OTHER;
}

/*
 * Whether a thread that is asleep was stopped by a signal, is held by a debugger, or is frozen. The v1 freezer and
 * suspend have a state of their own (before 6.1: a flag, for which the caller tests). The v2 freezer lets the thread
 * sleep interruptibly (do_freezer_trap): it is there once it is both asked to freeze and counted as frozen. A parent in
 * vfork is counted as frozen without being asked.
 */
static __always_inline bool task_is_stopped(struct task_struct *task, __u32 task_state)
{
	if (task_state & (__TASK_STOPPED | __TASK_TRACED | TASK_FROZEN))
		return true;
	return task->jobctl & JOBCTL_TRAP_FREEZE && BPF_CORE_READ_BITFIELD(task, frozen);
}

/*
 * What a sleeping thread waits for. Its user registers stay on its kernel stack until it returns from the system call,
 * so this can be asked when the thread goes to sleep and at any time while it sleeps.
 */
static __always_inline __u32 task_wait_class(struct task_struct *task, __u32 task_state, bool iowait)
{
	__u32 entry, arg, flags = task->flags;
	struct pt_regs *regs;
	long number;

	if (flags & (PF_KTHREAD | PF_IO_WORKER | PF_FROZEN)) {
		if (flags & PF_KTHREAD)
			return SS_WAIT_KERNEL;
		return flags & PF_FROZEN || task_is_stopped(task, task_state) ? SS_WAIT_STOPPED : SS_WAIT_IO_URING;
	}
	if (task_is_stopped(task, task_state))
		return SS_WAIT_STOPPED;
	if (compat_is_32_bit(task))
		return SS_WAIT_OTHER;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	number = compat_syscall_number(regs);
	if (number < 0)
		return SS_WAIT_FAULT;
	if (number >= SYSCALLS)
		return SS_WAIT_OTHER;
	entry = syscall_waits[number];
	if (!entry)
		return SS_WAIT_OTHER;
	if (entry - 1 < WAIT_BY_DESCRIPTOR)
		return entry - 1;
	/* For example sendfile to a socket that waits for the disk. */
	if (iowait)
		return SS_WAIT_FILE;
	arg = compat_syscall_argument(regs);
	return descriptor_class(task, arg);
}

/* The state part of the mark of a thread that is asleep. */
static __always_inline __u64 task_blocked_mark(struct task_struct *task, __u32 task_state)
{
	bool iowait = BPF_CORE_READ_BITFIELD(task, in_iowait);
	__u64 state = SS_MARK_BLOCKED;

	/* A task in TASK_IDLE is shown as idle, not as in an uninterruptible sleep. */
	if ((task_state & TASK_IDLE) == TASK_UNINTERRUPTIBLE)
		state |= SS_MARK_UNINTERRUPTIBLE;
	if (iowait)
		state |= SS_MARK_IOWAIT;
	return ss_mark_with_class(state, task_wait_class(task, task_state, iowait));
}

/*
 * How long the task has been runnable since it left the CPU, until `clock`; 0 while it sleeps. `mark` is its mark since
 * then.
 */
static __always_inline __u64 task_waited(struct task_struct *task, struct ss_thread_state *state, __u64 mark,
					 __u64 clock)
{
	__u64 queued = task->sched_info.last_queued, wait = 0;

	/*
	 * Its wait on other run queues, before it was moved to this one. Without a mark it would be that of all its
	 * life.
	 */
	if (mark)
		wait = task->sched_info.run_delay - state->run_delay_seen;
	if (queued && clock > queued)
		wait += clock - queued;
	return wait;
}

/*
 * How long its cgroup, or one above it, has been out of CPU quota since the task left its CPU or was woken. `queue` is that of the
 * task.
 */
static __always_inline __u64 task_throttled_since(struct cfs_rq *queue, struct ss_thread_state *state, __u64 clock)
{
	__u64 total = compat_throttled_ns(queue, clock);
	__s64 part = (__s64)(total - state->throttled_seen);

	/* Most tasks have never been throttled: they cost this first test only. */
	if ((!total && !state->throttled_seen) || (__u32)queue->rq->cpu != state->waits.throttled_cpu)
		return 0;
	return part > 0 ? (__u64)part : 0;
}

/* The throttled part of a wait that has lasted for `wait` ns until `clock`. */
static __always_inline __u64 task_throttled(struct cfs_rq *queue, struct ss_thread_state *state, __u64 clock,
					    __u64 wait)
{
	__u64 part = task_throttled_since(queue, state, clock);

	return part < wait ? part : wait;
}

#endif
