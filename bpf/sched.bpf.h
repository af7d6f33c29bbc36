/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched.bpf.h - what the scheduler hooks and the iterator share: the run queue's clock, how long a thread has been
 * waiting, what for, and what its run queue was throttled.
 */
#ifndef SYSSCOPE_SCHED_BPF_H
#define SYSSCOPE_SCHED_BPF_H

#include "sysscope.bpf.h"
#include "compat.bpf.h"
#include "syscalls.bpf.h"

#define PF_IO_WORKER	     0x00000010
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_DEAD	     0x0080
#define TASK_WAKING	     0x0200
#define TASK_NOLOAD	     0x0400
#define TASK_RTLOCK_WAIT     0x1000 /* since 5.15 */
#define TASK_FROZEN	     0x8000 /* since 6.1; of the v1 freezer (docker pause) */
#define ANON_INODE_FS_MAGIC  0x09041934

/*
 * The clock of the run queue on which the task is or was last: what the kernel stamps sched_info with. It stands still
 * between the scheduler's calls on that CPU, and is brought up to date before sched_switch and sched_wakeup.
 */
static __always_inline __u64 task_queue_clock(struct task_struct *task)
{
	return task->se.cfs_rq->rq->clock;
}

/* How long ago it was marked. The marks lack the clock's highest byte, so the difference does, too. */
static __always_inline __u64 mark_age(__u64 mark, __u64 clock)
{
	__s64 age = (__s64)((clock << SS_MARK_SHIFT) - (mark & ~0xffULL));

	/* Clocks of two CPUs may differ by a little. */
	return age > 0 ? (__u64)age >> SS_MARK_SHIFT : 0;
}

static __always_inline __u32 mark_class(__u64 mark)
{
	return mark >> SS_MARK_CLASS_SHIFT & 15;
}

/* floor(log2(microseconds)), within SS_DELAY_SLOTS, which is SS_LOOP_SLOTS. */
static __always_inline __u32 time_slot(__u64 ns)
{
	__u64 us = ns >> 41 ? ~0U : ns * 4294968 >> 32; /* a division costs ten times as much */
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

/* Reads of stat->i_mode, include/uapi/linux/stat.h */
static __always_inline __u32 descriptor_class(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files ? task->files->fdt : NULL;
	struct file *file = NULL;
	struct inode *inode;

	if (!table || fd >= table->max_fds)
		return SS_WAIT_OTHER;
	/* The verifier takes no variable index into a typed pointer. */
	bpf_probe_read_kernel(&file, sizeof(file), (void *)table->fd + (__u64)fd * sizeof(file));
	if (!file)
		return SS_WAIT_OTHER;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & 0170000) {
	case 0100000:
		/* eventfd and its like say since 6.16 that they are regular files. */
		if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC)
			return SS_WAIT_OTHER;
		return SS_WAIT_FILE;
	case 0040000:
	case 0060000:
		return SS_WAIT_FILE;
	case 0140000:
		return SS_WAIT_NETWORK;
	case 0010000:
		return SS_WAIT_PIPE;
	}
	return SS_WAIT_OTHER;
}

/*
 * What a sleeping thread waits for. Its user registers lie on its kernel stack until it returns from the system call, so
 * this can be asked when it goes to sleep and while it sleeps.
 */
static __always_inline __u32 task_wait_class(struct task_struct *task, bool iowait)
{
	struct pt_regs *regs;
	__u32 class, arg;
	long number;

	if (task->flags & PF_KTHREAD)
		return SS_WAIT_KERNEL;
	if (task->flags & PF_IO_WORKER)
		return SS_WAIT_IO_URING;
	if (compat_is_32_bit(task))
		return SS_WAIT_OTHER;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	number = compat_syscall_number(regs);
	if (number < 0)
		return SS_WAIT_FAULT;
	if (number >= SYSCALLS)
		return SS_WAIT_OTHER;
	class = syscall_waits[number];
	if (!class)
		return SS_WAIT_OTHER;
	class --;
	if (class < BY_DESCRIPTOR)
		return class;
	/* sendfile to a socket, but asleep for the disk. */
	if (iowait)
		return SS_WAIT_FILE;
	arg = compat_syscall_argument(regs);
	return descriptor_class(task, arg);
}

/* The mark of a thread that is asleep, without its time. */
static __always_inline __u64 mark_blocked(struct task_struct *task, __u32 task_state)
{
	bool iowait = BPF_CORE_READ_BITFIELD(task, in_iowait);
	__u64 mark = SS_MARK_BLOCKED;

	/* TASK_IDLE is no uninterruptible sleep to anybody who looks. */
	if ((task_state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE)
		mark |= SS_MARK_UNINTERRUPTIBLE;
	if (iowait)
		mark |= SS_MARK_IOWAIT;
	return mark | (__u64)task_wait_class(task, iowait) << SS_MARK_CLASS_SHIFT;
}

/* How long the task, whose state has this mark, has been runnable since it left the CPU, as far as `clock`; 0 while it sleeps. */
static __always_inline __u64 task_waited(struct task_struct *task, struct ss_thread_state *state, __u64 mark,
					 __u64 clock)
{
	__u64 queued = task->sched_info.last_queued, wait = 0;

	/* What it waited on other run queues before it was moved to this one; of a thread not seen before, all of its life. */
	if (mark)
		wait = task->sched_info.run_delay - state->run_delay_seen;
	if (queued && clock > queued)
		wait += clock - queued;
	return wait;
}

/* How long of the time since the task left its CPU, or was woken, its cgroup, or one above it, was out of quota. */
static __always_inline __u64 task_throttled_since(struct task_struct *task, struct ss_thread_state *state, __u64 clock)
{
	struct cfs_rq *queue = task->se.cfs_rq;
	__u64 total = compat_throttled_ns(queue, clock);
	__s64 part = (__s64)(total - state->throttled_seen);

	/* Most have never been throttled: the first test is all that they cost. */
	if ((!total && !state->throttled_seen) || (__u32)queue->rq->cpu != state->throttled_cpu)
		return 0;
	return part > 0 ? (__u64)part : 0;
}

/* The same of a wait that lasts `wait` until now. */
static __always_inline __u64 task_throttled(struct task_struct *task, struct ss_thread_state *state, __u64 clock,
					    __u64 wait)
{
	__u64 part = task_throttled_since(task, state, clock);

	return part < wait ? part : wait;
}

#endif
