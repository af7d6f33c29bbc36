/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.c - who listens: a pass over the open files of all processes that writes one record for each that is a
 * listening socket, and nothing else. Read seldom by agent/sampler.c, since it costs a visit of every open file.
 */
#include "sysscope.bpf.h"
#include "compat.bpf.h"

#define SOCK_STREAM	    1
#define SOCK_SEQPACKET	    5
#define AF_UNIX		    1
#define AF_INET		    2
#define AF_INET6	    10
#define SOCKET_STATE_LISTEN 10 /* TCP_LISTEN, include/net/tcp_states.h; af_unix uses the same */
#define FILE_NONBLOCK	    04000

/* bpf_seq_write fails when the buffer is full; the kernel then comes back with the same file. */
SEC("?iter/task_file")
int socket_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct ss_listener l = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || (socket->type != SOCK_STREAM && socket->type != SOCK_SEQPACKET))
		return 0;
	sk = socket->sk;
	if (!sk || sk->__sk_common.skc_state != SOCKET_STATE_LISTEN)
		return 0;
	l.family = sk->__sk_common.skc_family;
	if (l.family != AF_UNIX && l.family != AF_INET && l.family != AF_INET6)
		return 0;
	if (l.family != AF_UNIX)
		l.port = sk->__sk_common.skc_num;
	l.tgid = task->tgid;
	l.process_start_ns = task->group_leader->start_boottime;
	l.inode = file->f_inode->i_ino;
	l.nonblocking = !!(file->f_flags & FILE_NONBLOCK);
	bpf_seq_write(ctx->meta->seq, &l, sizeof(l));
	return 0;
}
