/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start.bpf.c - one step of a container's start, its first listening socket, where tcp.bpf.c, the owner of
 * inet_sock_set_state, is not loaded. The owners of the other hooks note the other steps, see start.bpf.h. Sends no fact.
 */
#include "start.bpf.h"

/* Called a few times per TCP connection of the machine: all calls except those from listen() end at the first test. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(start_listen, const struct sock *sk, int before, int now)
{
	if (now == TCP_LISTEN)
		start_listened();
	return 0;
}
