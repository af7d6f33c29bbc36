/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.c - which processes own listening sockets: an iterator over the open files of all processes that writes
 * one record per listening socket, and a few of connected ones; and one per TCP socket (tcp.bpf.h). The agent reads it rarely,
 * because it visits every open file.
 */
#include <bpf/bpf_endian.h>
#include "tcp.bpf.h"

/* The address that a UNIX socket is bound to: an accepted socket shares that of the one that listens. */
static __always_inline __u64 unix_address_of(struct sock *sk)
{
	return (__u64)BPF_CORE_READ((struct unix_sock *)sk, addr);
}

/* Notes the descriptor with the process. Descriptors in a row have places of their own; two of one place: the later one counts. */
static __always_inline void listening_note(struct task_struct *task, __u32 fd)
{
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);

	if (!state || fd >= 0xffff || state->listening[fd % SS_LISTENING] == fd + 1)
		return;
	state->listening[fd % SS_LISTENING] = fd + 1;
	listeners_noted++;
}

/* How many connections of the process this pass has written; SS_CONNECTIONS: no more. */
static __always_inline __u32 connections_written(struct ss_thread_state *state, __u64 session)
{
	__u32 pass = (__u32)session << SS_CONNECTIONS_BITS, mask = (1 << SS_CONNECTIONS_BITS) - 1;

	if (!state)
		return SS_CONNECTIONS;
	if ((state->connections & ~mask) != pass)
		state->connections = pass;
	return state->connections & mask;
}

static __always_inline void socket_own(struct socket *socket, struct task_struct *task)
{
	struct sock *sk = socket->sk;

	if (sk && (sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6))
		network_owner_find(sk, task);
}

static __always_inline void owner_write(struct bpf_iter__task_file *ctx, struct task_struct *task, struct file *file,
					struct sock *sk, __u16 family)
{
	struct ss_socket_owner l = {.kind = SS_SOCKET_OWNER, .family = family};
	struct ss_thread_state *state = NULL;

	l.connected = sk->__sk_common.skc_state != TCP_LISTEN;
	if (l.family == AF_UNIX)
		l.address = unix_address_of(sk);
	else
		l.port = sk->__sk_common.skc_num;
	if (l.connected) {
		/* A worker that was made for its connection has its parent's name: of others it is not asked. */
		/* The end of a UNIX connection that called connect has no address. */
		if ((l.family == AF_UNIX && !l.address) || !has_name_of(task, task->real_parent))
			return;
		state = bpf_task_storage_get(&thread_state, task, 0, 0);
		if (connections_written(state, ctx->meta->session_id) >= SS_CONNECTIONS)
			return;
	} else {
		listening_note(task, ctx->fd);
	}
	l.tgid = process_here(task);
	l.process_start_ns = task->group_leader->start_boottime;
	l.inode = file->f_inode->i_ino;
	l.nonblocking = !!(file->f_flags & O_NONBLOCK);
	if (bpf_seq_write(ctx->meta->seq, &l, sizeof(l)) == 0 && state)
		state->connections++;
}

/* If bpf_seq_write fails because the buffer is full, the kernel calls this again with the same file. */
SEC("?iter/task_file")
int socket_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (cfg_socket_state && socket)
		socket_own(socket, task);
	if (!socket || (socket->type != SOCK_STREAM && socket->type != SOCK_SEQPACKET))
		return 0;
	sk = socket->sk;
	if (!sk || sk->__sk_common.skc_state == TCP_CLOSE)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
		return 0;
	if (cfg_tcp && family != AF_UNIX)
		tcp_write(ctx->meta->seq, task, sk);
	owner_write(ctx, task, file, sk, family);
	return 0;
}

/* The same without task-local state and bpf_sock_from_file (5.10): TCP sockets only. */
SEC("?iter/task_file")
int socket_tcp(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct ss_tcp_socket r = {};
	struct sock *sk;
	__u16 family;

	if (!task || !file)
		return 0;
	sk = file_sock(file);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (!sk || (family != AF_INET && family != AF_INET6) || !tcp_describe(sk, &r))
		return 0;
	r.tgid = process_here(task);
	r.key.cgroup_id = cfg_cgroup_v1 ? task_cgroup_id(task) : compat_sock_cgroup_id(sk);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
