/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll.bpf.h - the state of event loops, kept by epoll.bpf.c, written out by the iterator, and charged when a thread ends.
 */
#ifndef SYSSCOPE_EPOLL_BPF_H
#define SYSSCOPE_EPOLL_BPF_H

#include "sysscope.bpf.h"
#include "sched.bpf.h"

#define EPOLLET_BIT (1U << 31)

/* A thread's loop and what is needed to go on with it. */
struct loop_state {
	struct ss_loop loop;
	struct ss_loop_begin begin;
	__u64 seen_mark; /* ss_thread_state.mark when they were copied: the same, and nothing has changed */
	__u64 fact_ns;	 /* of the last fact */
	__u64 suppressed;
	__u64 alone; /* the last wait returned one event, and nothing was accepted since */
	__u64 ended; /* its totals are in the gone table */
};

/* One entry per thread that has ever used epoll. */
struct loops_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct loop_state);
};
struct loops_map loops SEC(".maps") __weak;

/* Loops of ended threads, keyed and used in turn as the gone tables. */
struct gone_loops_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct ss_gone_key);
	__type(value, struct ss_loop);
};
struct gone_loops_map gone_loops_a SEC(".maps") __weak;
struct gone_loops_map gone_loops_b SEC(".maps") __weak;

static __always_inline __u64 waits_runqueue(const struct ss_waits *w)
{
	return w->wakeup_wait_ns + w->preempted_wait_ns;
}

static __always_inline __u64 instance_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files ? task->files->fdt : NULL;
	__u64 file = 0;

	if (table && fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), (void *)table->fd + (__u64)fd * sizeof(file));
	return file;
}

#define EDGE_DEPTH 8

/*
 * For the iterator: whether a loop that is in a wait, so that its instance stays, has an edge-triggered descriptor. Looks at
 * one way down the tree of its descriptors. Runtimes whose threads take turns (Go, Tokio) register theirs so, most others
 * do not; see agent/model_loop.c.
 */
static __always_inline void loop_edge(struct loop_state *l)
{
	struct file *file = (struct file *)l->loop.instance;
	struct eventpoll *ep;
	struct rb_node *node, *next;

	if (l->loop.edge || !file || (l->loop.mark & SS_LOOP_PHASE) != SS_LOOP_WAITING)
		return;
	ep = BPF_CORE_READ(file, private_data);
	node = BPF_CORE_READ(ep, rbr.rb_root.rb_node);
#pragma unroll
	for (int i = 0; i < EDGE_DEPTH; i++) {
		struct epitem *item = (void *)node - bpf_core_field_offset(struct epitem, rbn);

		if (!node)
			break;
		if (BPF_CORE_READ(item, event.events) & EPOLLET_BIT) {
			l->loop.edge = 1;
			break;
		}
		next = BPF_CORE_READ(node, rb_left);
		node = next ?: BPF_CORE_READ(node, rb_right);
	}
}

/*
 * For the iterator: a thread that is asleep in epoll since before there was anybody to see it go there. Its wait counts from
 * now, so that an idle loop is one, too.
 */
static __always_inline void loop_adopt(struct task_struct *task, struct ss_thread_state *state)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 fd = compat_syscall_argument(regs);
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!l || l->loop.mark)
		return;
	l->begin.switches = task->nvcsw;
	l->begin.runqueue_ns = waits_runqueue(&state->waits);
	l->seen_mark = state->mark;
	l->loop.instance = instance_of(task, fd);
	__sync_val_compare_and_swap(&l->loop.mark, 0, bpf_ktime_get_boot_ns() << SS_LOOP_SHIFT | SS_LOOP_WAITING);
}

static __always_inline struct ss_loop *gone_loop(const struct ss_gone_key *key)
{
	void *table = gone_in_use ? (void *)&gone_loops_b : (void *)&gone_loops_a;
	struct ss_loop *gone = bpf_map_lookup_elem(table, key);

	if (gone)
		return gone;
	bpf_map_update_elem(table, key, (const void *)&loop_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/* A thread ends: its loop's totals stay with its home and name. The iterator does not show them again. */
static __always_inline void loop_end(struct task_struct *task, struct ss_gone_key *key)
{
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, 0);
	__u64 *from, *to;
	struct ss_loop *gone;

	if (!l || !l->loop.waits || __sync_lock_test_and_set(&l->ended, 1))
		return;
	gone = gone_loop(key);
	if (!gone) {
		loss_count(SS_LOSS_LOOP_LOST);
		return;
	}
	from = (__u64 *)&l->loop;
	to = (__u64 *)gone;
#pragma unroll
	for (int i = 3; i < SS_LOOP_FIELDS; i++)
		if (from[i])
			__sync_fetch_and_add(&to[i], from[i]);
}

/* Another program begins in the same thread: what the one before did is not its own, nor is the iteration under way. */
static __always_inline void loop_exec(struct task_struct *task)
{
	struct ss_gone_key key = {.cgroup_id = task_cgroup_id(task)};

	BPF_CORE_READ_INTO(&key.comm, task, comm);
	loop_end(task, &key);
	bpf_task_storage_delete(&loops, task);
}

#endif
