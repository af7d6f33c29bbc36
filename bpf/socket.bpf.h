/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.h - whether a thread waits at a listening socket, and whether a process serves a single client. Which descriptors
 * listen is noted by socket.bpf.c, which visits all open files but rarely; the iterator (snapshot.bpf.c) asks at each sample what
 * the thread waits at, and event loops (epoll.bpf.h) ask whom they serve when they stall or end, and which of their descriptors
 * others reach them by.
 */
#ifndef SYSSCOPE_SOCKET_BPF_H
#define SYSSCOPE_SOCKET_BPF_H

#include "task.bpf.h"
#include "compat.bpf.h"

/* Entries of one socket's wait queue that are looked at. Where more wait, none is missed by whoever asks for an idle worker. */
#define WAITERS_MAX 128

/*
 * A process's open files. All fields are read by helpers: the verifier looks up the type of each field that is not, by name
 * among all types of the kernel, and in loops that took seconds.
 */
struct open_files {
	__u64 files; /* array of pointers */
	__u32 n;
};

static __always_inline struct open_files open_files_of(struct task_struct *task)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);

	return (struct open_files){.files = (__u64)BPF_CORE_READ(table, fd), .n = BPF_CORE_READ(table, max_fds)};
}

/* The file of a descriptor; NULL: none. */
static __always_inline struct file *descriptor_file(const struct open_files *open, __u32 fd)
{
	struct file *file = NULL;

	if (fd < open->n)
		bpf_probe_read_kernel(&file, sizeof(file), (void *)(open->files + fd * sizeof(file)));
	return file;
}

/* The socket behind a file; NULL: it is none. */
static __always_inline struct sock *file_sock(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The wait queue of the listening socket behind a file; 0: it is none. */
static __always_inline __u64 listening_queue(struct file *file)
{
	struct sock *sk = file_sock(file);

	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	return (__u64)BPF_CORE_READ(sk, sk_wq);
}

/*
 * Whether a thread or an instance, `wanted`, waits in the queue. An entry of poll and select points to the call's memory, which
 * names the thread; one of epoll points to nothing and is part of what names its instance. Both names are two reads away, at
 * distances that do not change: from where the entry is in its list, and from where that points to. Garbage, where the entry is
 * of the other kind, is nobody's address.
 *
 * Nothing holds the queue still, and entries of poll lie on the stacks of those who wait: each is read by a helper that may
 * fail, and an entry that goes away meanwhile ends the walk. A global function of numbers, as `listens` is: the verifier goes
 * through such a one once for each program, not for each call; and without branches, as it goes through each round of a loop.
 */
__weak __noinline int waits_in_queue(__u64 queue, __u64 wanted, int epoll)
{
	__u64 head = queue + bpf_core_field_offset(struct socket_wq, wait.head), at = 0, to, name;
	__u64 first = -(__u64)bpf_core_field_offset(struct wait_queue_entry, entry), second;
	__u32 found = 0;

	if (epoll) {
		first += bpf_core_field_offset(struct eppoll_entry, base);
		first -= bpf_core_field_offset(struct eppoll_entry, wait);
		second = bpf_core_field_offset(struct epitem, ep);
	} else {
		first += bpf_core_field_offset(struct wait_queue_entry, private);
		second = bpf_core_field_offset(struct poll_wqueues, polling_task);
	}
	bpf_probe_read_kernel(&at, sizeof(at), (void *)head);
	for (int i = 0; i < WAITERS_MAX && at && at != head; i++) {
		bpf_probe_read_kernel(&to, sizeof(to), (void *)(at + first));
		bpf_probe_read_kernel(&name, sizeof(name), (void *)(to + second));
		found |= 1 ^ differs(name, wanted);
		bpf_probe_read_kernel(&at, sizeof(at), (void *)at);
	}
	return found;
}

/*
 * Whether a UNIX socket is one that others come to. The one that listens has an address, which accepted ones share; the end that
 * called connect has none. Both ends of a pair name the process that made the pair: if that is another one, it is at the other end.
 */
static __always_inline bool unix_serves(struct unix_sock *sk, __u32 tgid)
{
	struct sock *peer = BPF_CORE_READ(sk, peer);
	struct pid *maker = BPF_CORE_READ(sk, sk.sk_peer_pid);

	if (BPF_CORE_READ(sk, addr))
		return true;
	return peer && maker && BPF_CORE_READ(peer, sk_peer_pid) == maker &&
	       (__u32)BPF_CORE_READ(maker, numbers[0].nr) != tgid;
}

/*
 * Whether a TCP socket was accepted: it shares the port of the one that listens, which a program has bound. The port of a socket
 * that called connect was chosen by the kernel, which notes that as -1.
 */
static __always_inline bool tcp_serves(struct sock *sk)
{
	struct inet_bind_bucket *port = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash);

	return port && BPF_CORE_READ(port, fastreuse) >= 0;
}

/* Whether others reach the process by this socket: it listens, was accepted, or is bound and takes packets from anybody. */
static __always_inline bool socket_serves(struct sock *sk, __u32 tgid)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 type = BPF_CORE_READ(sk, sk_type);

	if (state == TCP_LISTEN)
		return true;
	if (family == AF_UNIX)
		return unix_serves((struct unix_sock *)sk, tgid);
	if (family != AF_INET && family != AF_INET6)
		return false;
	if (type == SOCK_DGRAM)
		return state != TCP_ESTABLISHED && BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
	return type == SOCK_STREAM && tcp_serves(sk);
}

/* Of a thread that is asleep in poll or select (`epoll` 0) or in epoll, by the descriptors of its process. */
static __noinline __attribute__((unused)) int waits_at_listener(struct task_struct *task,
								struct ss_thread_state *leader, int epoll)
{
	struct open_files open = open_files_of(task);
	__u64 wanted = 0, queue;

	if (epoll) {
		__u32 fd = compat_syscall_argument((struct pt_regs *)bpf_task_pt_regs(task));

		wanted = (__u64)BPF_CORE_READ(descriptor_file(&open, fd), private_data);
	} else {
		wanted = task_number(task);
	}
	if (!wanted)
		return 0;
	for (int i = 0; i < SS_LISTENING; i++) {
		if (!leader->listening[i])
			continue;
		queue = listening_queue(descriptor_file(&open, leader->listening[i] - 1));
		if (queue && waits_in_queue(queue, wanted, epoll))
			return 1;
	}
	return 0;
}

static __always_inline bool has_name_of(struct task_struct *task, struct task_struct *other)
{
	char a[SS_COMM_LEN], b[SS_COMM_LEN];

	BPF_CORE_READ_INTO(&a, task, comm);
	BPF_CORE_READ_INTO(&b, other, comm);
	return *(__u64 *)a == *(__u64 *)b && *(__u64 *)(a + 8) == *(__u64 *)(b + 8);
}

/* Descriptors among which a listening socket is looked for: servers open them at their start. */
#define LISTENING_BELOW 32

/* Of a process's open files: 0: no listening socket is among the first; 2: one in which a thread can sleep; 1: another one. */
__weak __noinline int listens(__u64 files, __u32 n)
{
	struct file *file = NULL;
	struct socket *socket;

	for (__u32 fd = 0; fd < LISTENING_BELOW && fd < n; fd++) {
		bpf_probe_read_kernel(&file, sizeof(file), (void *)(files + fd * sizeof(file)));
		/* Of no file everything is read as 0. */
		if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
			continue;
		socket = BPF_CORE_READ(file, private_data);
		if (BPF_CORE_READ(socket, sk, __sk_common.skc_state) == TCP_LISTEN)
			return BPF_CORE_READ(file, f_flags) & O_NONBLOCK ? 1 : 2;
	}
	return 0;
}

/*
 * Whether this process is one of many that serve one connection each (the model's verdict prefork): a child of its parent's name
 * and with one thread, whose parent alone listens, or whose own listening socket is one in which it can sleep. Nobody else waits
 * behind it, so it is no event loop, even if it lives in epoll.
 */
__weak __noinline int serves_one_client(__u64 address)
{
	struct task_struct *task = (void *)address, *parent = BPF_CORE_READ(task, real_parent);
	struct open_files open;
	int own;

	if (!parent || BPF_CORE_READ(task, signal, nr_threads) > 1 || !has_name_of(task, parent))
		return 0;
	open = open_files_of(task);
	own = listens(open.files, open.n);
	if (own)
		return own == 2;
	open = open_files_of(parent);
	return !!listens(open.files, open.n);
}

#endif
