/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start.bpf.c - owner of inet_sock_set_state, for one step of a container's start: its first listening socket. The
 * owners of the other hooks note the other steps, see start.bpf.h. Sends no fact.
 */
#include "start.bpf.h"

/* Called a few times per TCP connection of the machine: all calls except those from listen() end at the first test. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(start_listen, const struct sock *sk, int before, int now)
{
	struct task_struct *task;
	struct ss_cgroup *entry;
	__u64 id;

	if (now != TCP_LISTEN)
		return 0;
	/* listen() runs in the task that called it. */
	task = bpf_get_current_task_btf();
	id = task_cgroup_id(task);
	entry = bpf_map_lookup_elem(&cgroups, &id);
	if (entry && entry->flags & SS_CGROUP_STARTING)
		start_step(entry, SS_START_READY, SS_READY_LISTEN, start_running(id));
	return 0;
}
