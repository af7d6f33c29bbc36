/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.bpf.h - socket-local state: to which cgroup a socket belongs, and how much of its traffic is counted. It is made when
 * a process opens a socket (network.bpf.c); the pass over open files (socket.bpf.c) makes it for sockets that are older than the
 * agent. On the v2 hierarchy the kernel itself notes the cgroup with the socket.
 */
#ifndef SYSSCOPE_NETWORK_BPF_H
#define SYSSCOPE_NETWORK_BPF_H

#include "task.bpf.h"

/* An accepted socket is given what the one that listens has: BPF_F_CLONE. The kernel frees the entry with the socket. */
struct socket_cgroup_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct ss_socket);
};
struct socket_cgroup_map socket_cgroups SEC(".maps") __weak;

/* Counters of TCP, as the kernel keeps them: of segments 32 bits. */
static __always_inline void tcp_counters(const struct sock *sk, struct ss_network *ret)
{
	const struct tcp_sock *tp = (const void *)sk;

	/* The end of the stream has a number in its sequence, and counts as a byte. */
	ret->receive_bytes =
		BPF_CORE_READ(tp, bytes_received) - (BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1);
	ret->receive_packets = BPF_CORE_READ(tp, segs_in);
	ret->transmit_bytes = BPF_CORE_READ(tp, bytes_sent);
	ret->transmit_packets = BPF_CORE_READ(tp, segs_out);
}

/*
 * A socket that is open in a process, and that no program saw being opened. What it has sent and received so far is not
 * counted. What a listening socket has is that of no connection.
 */
static __always_inline void network_owner_find(struct sock *sk, struct task_struct *task)
{
	struct ss_socket *state, made = {};

	if (bpf_sk_storage_get(&socket_cgroups, sk, 0, 0))
		return;
	made.cgroup_id = task_cgroup_id_untyped(task);
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP && BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		tcp_counters(sk, &made.charged);
	state = bpf_sk_storage_get(&socket_cgroups, sk, &made, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		loss_count(SS_LOSS_SOCKET_UNOWNED);
}

#endif
