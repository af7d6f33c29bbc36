/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.c - which processes own listening sockets: an iterator over the open files of all processes that writes
 * one record per listening socket. The agent reads it rarely, because it visits every open file.
 */
#include "sysscope.bpf.h"
#include "compat.bpf.h"

/* If bpf_seq_write fails because the buffer is full, the kernel calls this again with the same file. */
SEC("?iter/task_file")
int socket_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct ss_socket_owner l = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || (socket->type != SOCK_STREAM && socket->type != SOCK_SEQPACKET))
		return 0;
	sk = socket->sk;
	if (!sk || sk->__sk_common.skc_state != TCP_LISTEN)
		return 0;
	l.family = sk->__sk_common.skc_family;
	if (l.family != AF_UNIX && l.family != AF_INET && l.family != AF_INET6)
		return 0;
	if (l.family != AF_UNIX)
		l.port = sk->__sk_common.skc_num;
	l.tgid = task->tgid;
	l.process_start_ns = task->group_leader->start_boottime;
	l.inode = file->f_inode->i_ino;
	l.nonblocking = !!(file->f_flags & O_NONBLOCK);
	bpf_seq_write(ctx->meta->seq, &l, sizeof(l));
	return 0;
}
