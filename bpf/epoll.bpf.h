/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll.bpf.h - the state of an event loop: a thread that waits in epoll. epoll.bpf.c keeps it at both ends of each
 * wait, the iterator (snapshot.bpf.c) writes it out, lifecycle.bpf.c moves it to the table of ended loops when the
 * thread exits, executes another program, or changes its name.
 */
#ifndef SYSSCOPE_EPOLL_BPF_H
#define SYSSCOPE_EPOLL_BPF_H

#include "fact.bpf.h"
#include "sched.bpf.h"
#include "socket.bpf.h"

/* At most one fact about stalls per loop in this time; the counters have all stalls. */
#define STALL_EVERY_NS 1000000000ULL

/* Task-local: a thread's loop, and what the hooks need to continue it. */
struct loop_state {
	struct ss_loop loop;
	struct ss_loop_begin begin;
	__u64 seen_mark;  /* ss_thread_state.mark when `begin` was copied; if it is the same, waits are unchanged */
	__u64 fact_ns;	  /* loop_clock() at the last fact about a stall */
	__u64 suppressed; /* stalls since then */
	__u64 alone;	  /* 1: the last wait returned one event, and the thread has not called accept since */
	__u64 adopted;	  /* 1: the wait under way began before the hooks were loaded; its end may not be seen either */
	__u64 ended;	  /* 1: its totals are in the table of ended loops */
	__u64 looked;	  /* 1: the iterator has looked at its descriptors */
	char comm[SS_COMM_LEN]; /* the name of the thread's process before its latest change */
};

/* Task storage: one entry per thread that has used epoll. */
struct loops_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct loop_state);
};
struct loops_map loops SEC(".maps") __weak;

/* Loops of ended threads, keyed as the gone tables are, and used in turn as they are. */
struct gone_loops_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct ss_gone_key);
	__type(value, struct ss_loop);
};
struct gone_loops_map gone_loops_a SEC(".maps") __weak;
struct gone_loops_map gone_loops_b SEC(".maps") __weak;

/*
 * The clock of loops. It stands still while the machine is suspended, as the scheduler's clock does: no iteration is
 * long because of that.
 */
static __always_inline __u64 loop_clock(void)
{
	return bpf_ktime_get_ns();
}

static __always_inline __u64 waits_runqueue(const struct ss_thread_waits *w)
{
	return w->wakeup_wait_ns + w->preempted_wait_ns;
}

/* The address of the struct file of a descriptor, mostly an epoll instance's; 0: not known. */
static __always_inline __u64 loop_instance(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files ? task->files->fdt : NULL;
	__u64 file = 0;

	if (table && fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), (void *)table->fd + (__u64)fd * sizeof(file));
	return file;
}

static __always_inline void loop_enter_instance(struct loop_state *l, __u64 instance, __u64 now)
{
	if (l->loop.instance == instance)
		return;
	l->loop.instance = instance;
	l->loop.instance_ns = now;
}

/* Copies the scheduler's totals as they are now. No wait is under way that they lack, since the thread is on a CPU. */
static __always_inline void loop_begin_copy(struct loop_state *l, struct ss_thread_state *state)
{
	if (!state || l->seen_mark == state->mark)
		return;
	l->seen_mark = state->mark;
	l->begin.runqueue_ns = waits_runqueue(&state->waits);
	l->begin.throttled_ns = state->waits.throttled_ns;
#pragma unroll
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		l->begin.blocked_ns[i] = state->waits.blocked_ns[i];
}

/* The parts of one iteration, in ns; what is left of `wall` was spent on a CPU. */
struct loop_split {
	__u64 wall, runqueue, throttled, blocked_sum, blocked[SS_WAIT_CLASSES];
};

static __always_inline __u32 stall_cause(const struct loop_split *s)
{
	__u64 contention = s->runqueue - s->throttled, off = s->runqueue + s->blocked_sum;
	__u64 oncpu = s->wall > off ? s->wall - off : 0, most = oncpu;
	__u32 cause = SS_STALL_ONCPU;

	if (contention > most) {
		most = contention;
		cause = SS_STALL_RUNQUEUE;
	}
	if (s->throttled > most) {
		most = s->throttled;
		cause = SS_STALL_THROTTLED;
	}
	if (s->blocked_sum > most)
		cause = SS_STALL_BLOCKED;
	return cause;
}

static __noinline int stall_send(struct task_struct *task, struct loop_state *l, struct ss_thread_state *state,
				 struct loop_split *s)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_LOOP_STALL, FACT_SIZE(stall), task);

	if (!fact)
		return 0;
	fact->stall.wall_ns = s->wall;
	fact->stall.runqueue_ns = s->runqueue;
	fact->stall.throttled_ns = s->throttled;
	__builtin_memcpy(fact->stall.blocked_ns, s->blocked, sizeof(s->blocked));
	fact->stall.runner = state ? state->longest_wait_runner : SS_CGROUP_NONE;
	fact->stall.suppressed = l->suppressed;
	fact->stall.cause = stall_cause(s);
	l->suppressed = 0;
	fact_send(fact);
	return 0;
}

static __always_inline void stall_count(struct task_struct *task, struct loop_state *l, struct ss_thread_state *state,
					struct loop_split *s, __u64 now)
{
	__u32 cause = stall_cause(s) & 3;

	if (serves_one_client(task_number(task)))
		return;
	l->loop.stalls[cause]++;
	l->loop.stall_ns[cause] += s->wall;
	if (l->fact_ns && now - l->fact_ns < STALL_EVERY_NS) {
		l->suppressed++;
		return;
	}
	l->fact_ns = now;
	stall_send(task, l, state, s);
}

static __always_inline void loop_end_iteration(struct task_struct *task, struct loop_state *l,
					       struct ss_thread_state *state, __u64 now)
{
	__u64 began = ss_loop_mark_began(l->loop.mark), stopped;
	struct loop_split s = {.wall = now > began ? now - began : 0};

	if (state && state->mark != l->seen_mark) {
		s.runqueue = waits_runqueue(&state->waits) - l->begin.runqueue_ns;
		s.throttled = state->waits.throttled_ns - l->begin.throttled_ns;
		l->loop.runqueue_ns += s.runqueue;
		l->loop.throttled_ns += s.throttled;
		/*
		 * No iteration sleeps in epoll. A sleep there is part of the wait before, counted late: arrival_unseen.
		 */
#pragma unroll
		for (int i = SS_WAIT_EPOLL + 1; i < SS_WAIT_STOPPED; i++) {
			s.blocked[i] = state->waits.blocked_ns[i] - l->begin.blocked_ns[i];
			s.blocked_sum += s.blocked[i];
			l->loop.blocked_ns[i] += s.blocked[i];
		}
		/* A loop that is stopped in a wait leaves that first, so each stop is within an iteration. */
		stopped = state->waits.blocked_ns[SS_WAIT_STOPPED] - l->begin.blocked_ns[SS_WAIT_STOPPED];
		l->loop.blocked_ns[SS_WAIT_STOPPED] += stopped;
		s.wall = s.wall > stopped ? s.wall - stopped : 0;
	}
	l->loop.iterations++;
	l->loop.iteration_ns += s.wall;
	l->loop.slots[time_slot(s.wall)]++;
	if (s.wall > l->loop.longest_ns)
		l->loop.longest_ns = s.wall;
	if (s.wall >= cfg_stall_ns)
		stall_count(task, l, state, &s, now);
}

/*
 * Ends what is under way: an iteration when a wait begins, anything when the thread ends. A wait or a poll is under way
 * only if its return was not seen. Such a wait counts for as long as the scheduler says that the thread slept, and the
 * rest is in no total; everything else ends now.
 */
static __always_inline void loop_close(struct task_struct *task, struct loop_state *l, struct ss_thread_state *state,
				       __u64 now)
{
	__u64 began = ss_loop_mark_began(l->loop.mark), since = now > began ? now - began : 0, slept = since;

	switch (ss_loop_mark_phase(l->loop.mark)) {
	case SS_LOOP_WAITING:
		if (state)
			slept = state->waits.blocked_ns[SS_WAIT_EPOLL] - l->begin.blocked_ns[SS_WAIT_EPOLL];
		l->loop.wait_ns += slept < since ? slept : since;
		break;
	case SS_LOOP_POLLING:
		l->loop.poll_ns += since;
		break;
	case SS_LOOP_ITERATING:
		loop_end_iteration(task, l, state, now);
		break;
	}
}

/* Descriptors of an instance that loop_edge looks at. */
#define EDGE_DEPTH 8

/*
 * Called by the iterator: notes whether a loop has an edge-triggered descriptor. Only for a loop that is in a wait, so
 * that its instance cannot be freed. Looks at the descriptors on one path down the instance's tree. Runtimes whose
 * threads take turns (Go, Tokio) register their descriptors edge-triggered, most others do not; the model uses that to
 * tell them apart.
 */
static __always_inline void loop_edge(struct loop_state *l)
{
	struct file *file = (struct file *)l->loop.instance;
	struct eventpoll *ep;
	struct rb_node *node, *next;

	if (l->loop.edge || !file || ss_loop_mark_phase(l->loop.mark) != SS_LOOP_WAITING)
		return;
	ep = BPF_CORE_READ(file, private_data);
	node = BPF_CORE_READ(ep, rbr.rb_root.rb_node);
#pragma unroll
	for (int i = 0; i < EDGE_DEPTH; i++) {
		struct epitem *item = (void *)node - bpf_core_field_offset(struct epitem, rbn);

		if (!node)
			break;
		if (BPF_CORE_READ(item, event.events) & EPOLLET) {
			l->loop.edge = 1;
			break;
		}
		next = BPF_CORE_READ(node, rb_left);
		node = next ?: BPF_CORE_READ(node, rb_right);
	}
}

/*
 * Steps of the walk through an instance's descriptors: down and up again, at most two for each. In two loops, because the verifier
 * goes through each step of a loop, but through a global function only once.
 */
#define SERVES_STEPS 8
#define SERVES_TURNS 8

/* Where the walk is, and where it comes from: the parent, or a child whose branch is done. */
struct instance_walk {
	struct rb_node *node, *from;
};

/*
 * Whether others reach the process by this file. This and instance_serves are not static, so that the verifier follows
 * them once and not at each call; it lets only numbers in.
 */
__weak __noinline int file_serves(__u64 address, __u32 tgid)
{
	struct sock *sk = file_sock((struct file *)address);

	return sk && socket_serves(sk, tgid);
}

/* The file of a node of an instance's tree. */
static __always_inline __u64 node_file(struct rb_node *node)
{
	struct epitem *item = (void *)node - bpf_core_field_offset(struct epitem, rbn);

	return (__u64)BPF_CORE_READ(item, ffd.file);
}

/* The parent of a node. The lowest bits of its address are the node's colour. */
static __always_inline struct rb_node *node_parent(struct rb_node *node)
{
	return (void *)(BPF_CORE_READ(node, __rb_parent_color) & ~3UL);
}

/* Some steps of the walk. 1: one of the descriptors was one by which others reach the process. */
__weak __noinline int instance_steps(struct instance_walk *walk, __u32 tgid)
{
	struct rb_node *node, *from, *next;

	if (!walk)
		return 0;
	node = walk->node;
	from = walk->from;
	for (int i = 0; i < SERVES_STEPS && node; i++) {
		struct rb_node *left = BPF_CORE_READ(node, rb_left), *right = BPF_CORE_READ(node, rb_right);

		next = node_parent(node);
		if (from == next) {
			if (file_serves(node_file(node), tgid))
				return 1;
			next = left ?: right ?: next;
		} else if (from == left && right) {
			next = right;
		}
		from = node;
		node = next;
	}
	walk->node = node;
	walk->from = from;
	return 0;
}

/*
 * Whether one of an instance's descriptors is one by which others reach the process; at least the first 32 are looked at.
 * The instance may be gone, and descriptors come and go meanwhile: every field is read by a helper that may fail.
 */
__weak __noinline int instance_serves(__u64 file, __u32 tgid)
{
	struct eventpoll *ep = BPF_CORE_READ((struct file *)file, private_data);
	struct instance_walk walk = {};

	if (!ep || (__u64)BPF_CORE_READ(ep, file) != file)
		return 0;
	walk.node = BPF_CORE_READ(ep, rbr.rb_root.rb_node);
	for (int i = 0; i < SERVES_TURNS && walk.node; i++)
		if (instance_steps(&walk, tgid))
			return 1;
	return 0;
}

/* Notes whether others wait behind the loop. Once they did, it stays so. */
static __always_inline void loop_look(struct task_struct *task, struct loop_state *l)
{
	__u64 serves = l->loop.serves;

	if (task_is_leader(task))
		serves |= SS_SERVES_MAIN;
	if (!(serves & SS_SERVES_OUTSIDE) && l->loop.instance && instance_serves(l->loop.instance, task->tgid))
		serves |= SS_SERVES_OUTSIDE;
	l->loop.serves = serves;
}

/*
 * The thread adds a descriptor to an instance. If it is the first by which others reach it, the loop begins now, unless
 * nobody has looked at it before: what it did until now was for nobody.
 */
static __always_inline void loop_adds(struct task_struct *task, struct loop_state *l, __u32 fd)
{
	__u64 *sums = (__u64 *)&l->loop;

	if (l->loop.serves & SS_SERVES_OUTSIDE || task_is_leader(task) ||
	    !file_serves(loop_instance(task, fd), task->tgid))
		return;
	if (l->looked && !l->loop.serves) {
		for (int i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
			sums[i] = 0;
		l->loop.since_ns = loop_clock();
	}
	l->loop.serves |= SS_SERVES_OUTSIDE;
}

/*
 * Called by the iterator for a thread that went to sleep in epoll before the hooks were loaded. Its wait counts from
 * now, so that an idle loop is seen as well; it has slept for `asleep` ns already, which do not count.
 */
static __always_inline void loop_adopt(struct task_struct *task, struct ss_thread_state *state, __u64 asleep)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 fd = compat_syscall_argument(regs);
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!l || l->loop.mark)
		return;
	l->adopted = 1;
	l->begin.switches = task->nvcsw;
	l->begin.runqueue_ns = waits_runqueue(&state->waits);
	l->begin.blocked_ns[SS_WAIT_EPOLL] = state->waits.blocked_ns[SS_WAIT_EPOLL] + asleep;
	l->seen_mark = state->mark;
	l->loop.since_ns = loop_clock();
	loop_enter_instance(l, loop_instance(task, fd), l->loop.since_ns);
	__sync_val_compare_and_swap(&l->loop.mark, 0, ss_loop_mark_make(l->loop.since_ns, SS_LOOP_WAITING));
}

#endif
