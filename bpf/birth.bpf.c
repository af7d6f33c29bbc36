/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.bpf.c - owner of inet_sock_set_state, for one step of a container's birth: its first listening socket. The other
 * steps are noted by the owners of their hooks, see birth.bpf.h. Nothing here sends an event.
 */
#include "birth.bpf.h"

#define TCP_LISTEN 10

/* Comes a few times for every TCP connection of the machine; all but listen() end at the first test. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(birth_listen, const struct sock *sk, int before, int now)
{
	struct task_struct *task;
	struct ss_cgroup *entry;
	__u64 id;

	if (now != TCP_LISTEN)
		return 0;
	/* In listen(): the current task is the one that calls it. */
	task = bpf_get_current_task_btf();
	id = task_cgroup_id(task);
	entry = bpf_map_lookup_elem(&cgroups, &id);
	if (entry && entry->flags & SS_CGROUP_STARTING)
		birth_step(entry, SS_START_READY, SS_READY_LISTEN, birth_running(id));
	return 0;
}
