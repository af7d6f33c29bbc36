/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.h - whether a thread waits at a listening socket. Which descriptors listen is noted by socket.bpf.c, which visits
 * all open files but rarely; the iterator (snapshot.bpf.c) asks at each sample what the thread waits at.
 */
#ifndef SYSSCOPE_SOCKET_BPF_H
#define SYSSCOPE_SOCKET_BPF_H

#include "task.bpf.h"
#include "compat.bpf.h"

/* Entries of one socket's wait queue that are looked at. Where more wait, none is missed by whoever asks for an idle worker. */
#define WAITERS_MAX 128

/* The file of a descriptor; NULL: none. */
static __always_inline struct file *descriptor_file(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files ? task->files->fdt : NULL;
	struct file *file = NULL;

	/* The verifier refuses a variable index through a typed pointer. */
	if (table && fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), (void *)table->fd + (__u64)fd * sizeof(file));
	return file;
}

/* The wait queue of the listening socket behind a file; 0: it is none. */
static __always_inline __u64 listening_queue(struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	return (__u64)BPF_CORE_READ(sk, sk_wq);
}

/*
 * Whether the entry is the thread's. An entry of poll and select points to the call's memory, which names the thread; one of
 * epoll points to nothing and is part of what names its instance.
 */
static __always_inline bool waiter_is(struct wait_queue_entry *entry, struct task_struct *task,
				      struct eventpoll *instance)
{
	void *private = BPF_CORE_READ(entry, private);
	struct eppoll_entry *item;

	if (private)
		return !instance && BPF_CORE_READ((struct poll_wqueues *)private, polling_task) == task;
	item = (void *)entry - bpf_core_field_offset(struct eppoll_entry, wait);
	return instance && BPF_CORE_READ(item, base, ep) == instance;
}

/*
 * Nothing holds the queue still, and entries of poll lie on the stacks of those who wait: each is read by a helper that may
 * fail, and an entry that goes away meanwhile ends the walk.
 */
static __noinline int waits_in_queue(struct task_struct *task, __u64 queue, __u64 instance)
{
	struct list_head *head = (void *)queue + bpf_core_field_offset(struct socket_wq, wait.head), *at;

	at = BPF_CORE_READ(head, next);
	for (int i = 0; i < WAITERS_MAX; i++) {
		if (!at || at == head)
			return 0;
		if (waiter_is((void *)at - bpf_core_field_offset(struct wait_queue_entry, entry), task,
			      (void *)instance))
			return 1;
		at = BPF_CORE_READ(at, next);
	}
	return 0;
}

/* Of a thread that is asleep in poll or select (`epoll` 0) or in epoll, by the descriptors of its process. */
static __noinline int waits_at_listener(struct task_struct *task, struct ss_thread_state *leader, int epoll)
{
	__u64 instance = 0, queue;

	if (!task || !leader)
		return 0;
	if (epoll) {
		__u32 fd = compat_syscall_argument((struct pt_regs *)bpf_task_pt_regs(task));

		instance = (__u64)BPF_CORE_READ(descriptor_file(task, fd), private_data);
		if (!instance)
			return 0;
	}
	for (int i = 0; i < SS_LISTENING; i++) {
		if (!leader->listening[i])
			continue;
		queue = listening_queue(descriptor_file(task, leader->listening[i] - 1));
		if (queue && waits_in_queue(task, queue, instance))
			return 1;
	}
	return 0;
}

#endif
