/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop_end.bpf.h - event loops end with their thread, with exec, and under a name that goes. Called by lifecycle.bpf.c. */
#ifndef SYSSCOPE_LOOP_END_BPF_H
#define SYSSCOPE_LOOP_END_BPF_H

#include "epoll.bpf.h"
#include "gone.bpf.h"

static __always_inline struct ss_loop *gone_loop_entry(const struct ss_gone_key *key)
{
	void *table = gone_in_use ? (void *)&gone_loops_b : (void *)&gone_loops_a;
	struct ss_loop *gone = bpf_map_lookup_elem(table, key);

	if (gone)
		return gone;
	bpf_map_update_elem(table, key, (const void *)&loop_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/*
 * A loop ends: moves its totals to the table of ended loops, under its cgroup and name, unless nobody waited behind it.
 * The iterator skips it from now on.
 */
static __noinline int loop_end(struct task_struct *task, struct ss_gone_key *key)
{
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, 0);
	struct ss_thread_state *state = NULL;
	__u64 *from, *to;
	struct ss_loop *gone;

	if (!l || !l->loop.mark || __sync_lock_test_and_set(&l->ended, 1))
		return 0;
	if (cfg_sched)
		state = bpf_task_storage_get(&thread_state, task, 0, 0);
	loop_close(task, l, state, loop_clock());
	/* What the iterator has looked at and found to serve nobody has been left out so far. */
	if (!l->looked)
		loop_look(task, l);
	if ((!l->loop.serves && !task_is_leader(task)) || serves_one_client(task_number(task)))
		return 0;
	gone = gone_loop_entry(key);
	if (!gone) {
		loss_count(SS_LOSS_LOOP_LOST);
		return 0;
	}
	from = (__u64 *)&l->loop;
	to = (__u64 *)gone;
#pragma unroll
	for (int i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
		if (from[i])
			__sync_fetch_and_add(&to[i], from[i]);
	return 0;
}

/* Called before task->comm changes: keeps the old name for loop_exec, because an exec changes the name first. */
static __always_inline void loop_rename(struct task_struct *task, const char *name)
{
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, 0);

	if (l)
		comm_copy(l->comm, name);
}

/* The thread executes another program: what the previous one did stays under the previous name. */
static __always_inline void loop_exec(struct task_struct *task, __u64 cgroup_id)
{
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, 0);
	struct ss_gone_key key = {.cgroup_id = cgroup_id};

	if (!l)
		return;
	comm_copy(key.comm, l->comm);
	loop_end(task, &key);
	bpf_task_storage_delete(&loops, task);
}

#endif
