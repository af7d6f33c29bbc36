/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.bpf.h - to which cgroup a socket belongs. The kernel notes it with the socket, but for the v2 hierarchy only: where
 * another one carries resources, it is kept in socket-local state. That is made when a process opens a socket (network.bpf.c);
 * the pass over open files (socket.bpf.c) makes it for sockets that are older than the agent.
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

/* A socket that is open in a process, and that no program saw being opened. */
static __always_inline void network_owner_find(struct sock *sk, struct task_struct *task)
{
	struct ss_socket *state, made = {};

	if (bpf_sk_storage_get(&socket_cgroups, sk, 0, 0))
		return;
	made.cgroup_id = task_cgroup_id_untyped(task);
	state = bpf_sk_storage_get(&socket_cgroups, sk, &made, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		loss_count(SS_LOSS_SOCKET_UNOWNED);
}

#endif
