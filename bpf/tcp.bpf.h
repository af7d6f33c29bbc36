/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.bpf.h - a TCP socket: whose it is, who began its connection, and what the kernel knows of it. tcp.bpf.c counts its
 * events; the pass over open files (socket.bpf.c) describes each that it comes to. Fields are read by helpers, because the
 * verifier does not know every one of these pointers.
 */
#ifndef SYSSCOPE_TCP_BPF_H
#define SYSSCOPE_TCP_BPF_H

#include "network.bpf.h"
#include "socket.bpf.h"

/* `sk` as the verifier knows it: a socket, not an address. SS_CGROUP_NONE: not known. */
static __always_inline __u64 tcp_owner(const struct sock *sk)
{
	struct ss_socket *state;

	if (!cfg_socket_state)
		return compat_sock_cgroup_id(sk);
	state = bpf_sk_storage_get(&socket_cgroups, (void *)sk, 0, 0);
	return state ? state->cgroup_id : SS_CGROUP_NONE;
}

/* Whether this is a whole TCP socket: requests and sockets in TIME_WAIT have their first fields only. */
static __always_inline bool tcp_is_whole(const struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state && state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/*
 * An accepted socket has the queue limit of the one that listened, which is a copy; one that called connect has none. If the
 * limit is 0 (listen(fd, 0)), an accepted socket shares its port and was not bound itself.
 */
static __always_inline __u32 tcp_direction(const struct sock *sk)
{
	if (BPF_CORE_READ(sk, sk_max_ack_backlog) || BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		return SS_TCP_FROM;
	return tcp_serves((struct sock *)sk) && !(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) &
						  (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK))
		       ? SS_TCP_FROM
		       : SS_TCP_TO;
}

static __always_inline __u32 tcp_port(const struct sock *sk, __u32 direction)
{
	__u16 port = direction == SS_TCP_TO ? BPF_CORE_READ(sk, __sk_common.skc_dport)
					    : BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);

	return bpf_ntohs(port);
}

/*
 * Whether this side sent the last data. The kernel's times of it are ticks: within one it was this side if something of it is not
 * acknowledged, or if the last that the other side sent was an acknowledgement without data (snd_wl1: where that began).
 */
static __always_inline bool tcp_spoke_last(const struct tcp_sock *tp)
{
	__u32 sent = BPF_CORE_READ(tp, lsndtime);
	__u32 received = BPF_CORE_READ((const struct inet_connection_sock *)tp, icsk_ack.lrcvtime);

	if (sent != received)
		return (__s32)(sent - received) > 0;
	return BPF_CORE_READ(tp, write_seq) != BPF_CORE_READ(tp, snd_una) ||
	       BPF_CORE_READ(tp, snd_wl1) == BPF_CORE_READ(tp, rcv_nxt);
}

/* What the pass over open files says of a socket, apart from whose it is. False: nothing. */
static __always_inline bool tcp_describe(struct sock *sk, struct ss_tcp_socket *r)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (!tcp_is_whole(sk))
		return false;
	r->kind = SS_SOCKET_TCP;
	r->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	r->key.direction = tcp_direction(sk);
	r->key.port = tcp_port(sk, r->key.direction);
	/* Its address as a number. */
	bpf_probe_read_kernel(&r->socket, sizeof(r->socket), &sk);
	if (r->state == TCP_LISTEN) {
		r->queue = BPF_CORE_READ(sk, sk_ack_backlog);
		r->queue_limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
		r->drops = (__u32)BPF_CORE_READ(sk, sk_drops.counter);
		return true;
	}
	if (r->state != TCP_ESTABLISHED && r->state != TCP_SYN_SENT && r->state != TCP_CLOSE_WAIT)
		return false;
	r->rtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	if (r->state == TCP_SYN_SENT)
		return true;
	r->unsent_bytes = BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_una);
	r->unread_bytes = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);
	r->spoke_last = tcp_spoke_last(tp);
	/* The end of the stream takes a sequence number, and nobody reads it. */
	if (r->state == TCP_CLOSE_WAIT && r->unread_bytes)
		r->unread_bytes--;
	return true;
}

/* Describes the socket of an open file. `sk` as the verifier knows it: its owner was looked for before. */
static __always_inline void tcp_write(struct seq_file *seq, struct task_struct *task, struct sock *sk)
{
	struct ss_tcp_socket r = {};

	if (!tcp_describe(sk, &r))
		return;
	r.tgid = process_here(task);
	r.key.cgroup_id = tcp_owner(sk);
	if (r.key.cgroup_id == SS_CGROUP_NONE)
		r.key.cgroup_id = task_cgroup_id(task);
	bpf_seq_write(seq, &r, sizeof(r));
}

#endif
