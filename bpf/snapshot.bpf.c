/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot.bpf.c - the task iterator: writes one binary record per thread, which the agent's sampler reads. A record
 * has what the kernel counts anyway, and the thread's task-local state. For tasks that are older than the agent, the
 * iterator creates that state.
 */
#include "epoll.bpf.h"
#include "gone.bpf.h"
#include "memory.bpf.h"
#include "namespace.bpf.h"
#include "record.bpf.h"
#include "sched.bpf.h"
#include "socket.bpf.h"
#include "told.bpf.h"

/*
 * The present time on the run queues' clock: that of the kernel's own stamps in sched_info. A queue's own clock advances only
 * when the scheduler is called on that CPU, and may have stood still for up to a tick. So this is the clock of this CPU's queue
 * when the pass began (up to date, because the agent sleeps for a moment before each pass), plus the time since then.
 */
static __u64 pass_began, pass_before; /* CLOCK_MONOTONIC of this pass and the one before */
static __u64 pass_session;	      /* the kernel's number of this pass, plus 1 */
/* Another listening socket was noted since the pass before. */
static __u32 listeners_before;
static bool listeners_new;

static __noinline int pass_begin(__u64 session)
{
	pass_session = session + 1;
	pass_before = pass_began;
	pass_began = bpf_ktime_get_ns();
	pass_clock = BPF_CORE_READ(bpf_get_current_task_btf(), se.cfs_rq, rq, clock);
	listeners_new = listeners_before != listeners_noted;
	listeners_before = listeners_noted;
	return 0;
}

static __always_inline __u64 pass_now(void)
{
	return pass_clock + (bpf_ktime_get_ns() - pass_began);
}

/*
 * The thread is seen for the first time: its present state counts from now. A mark that a switch set meanwhile is kept.
 */
static __always_inline void state_begin(struct task_struct *task, struct ss_thread_state *state, __u64 now)
{
	struct cfs_rq *queue = task->se.cfs_rq; /* first: see task_cgroup_id_untyped */
	__u32 s = compat_task_state(task);
	__u64 mark = SS_MARK_RUNNABLE;

	if (queue->rq->curr->pid == task->pid)
		return;
	if (!task->sched_info.last_queued && s)
		mark = task_blocked_mark(task, s);
	state->run_delay_seen = task->sched_info.run_delay;
	state->throttled_seen = compat_throttled_ns(queue, now);
	state->waits.throttled_cpu = queue->rq->cpu;
	__sync_val_compare_and_swap(&state->mark, 0, ss_mark_make(now, mark));
}

/*
 * 1 if a thread that sleeps in the wait class NETWORK is in accept or accept4; 32-bit threads are never in that class.
 * Uses 16 bits of the number, so that the product cannot overflow.
 */
static __always_inline __u32 task_accepts(struct task_struct *task)
{
	__u64 number = compat_syscall_number((struct pt_regs *)bpf_task_pt_regs(task)) & 0xffff;

	return 1 ^ nonzero((number ^ __NR_accept) * (number ^ __NR_accept4));
}

/* The wait for a CPU and the sleep that are under way. */
static __always_inline void record_open(struct task_struct *task, struct ss_thread_state *state,
					struct ss_thread_record *r, struct cfs_rq *queue, __u64 now)
{
	__u64 mark = r->mark, off = ss_mark_age(mark, now), wait;

	/* A zombie waits for neither. */
	if (r->flags & SS_THREAD_ZOMBIE)
		return;
	if (ss_mark_state(mark) == SS_MARK_RUNNABLE) {
		r->open_wait_ns = off;
	} else if (ss_mark_state(mark) == SS_MARK_BLOCKED) {
		wait = task->sched_info.last_queued ? task_waited(task, state, mark, now) : 0;
		r->open_wait_ns = wait < off ? wait : off;
		r->open_blocked_ns = off - r->open_wait_ns;
		if (ss_mark_class(mark) == SS_WAIT_NETWORK)
			r->flags |= task_accepts(task) * SS_THREAD_ACCEPTS;
		else if (state->at_listener & SS_AT_LISTENER)
			r->flags |= SS_THREAD_LISTENS;
	}
	if (r->open_wait_ns)
		r->open_throttled_ns = task_throttled(queue, state, now, r->open_wait_ns);
}

/*
 * Notes whether the thread waits at a listening socket. Here and not where the record is written: its stack has no room.
 * Threads of processes that listen nowhere cost one load.
 */
static __always_inline void listener_note(struct task_struct *task, struct ss_thread_state *state)
{
	struct ss_thread_state *leader = state;
	__u32 class = ss_mark_class(state->mark);

	if (ss_mark_state(state->mark) != SS_MARK_BLOCKED || (class != SS_WAIT_POLL && class != SS_WAIT_EPOLL)) {
		state->at_listener = 0;
		return;
	}
	if (!task_is_leader(task))
		leader = bpf_task_storage_get(&thread_state, task->group_leader, 0, 0);
	if (!leader || !*(__u64 *)leader->listening)
		state->at_listener = 0;
	else if (waits_at_listener(task, leader, class == SS_WAIT_EPOLL))
		state->at_listener = SS_AT_LISTENER_MAYBE | SS_AT_LISTENER;
	else
		state->at_listener = SS_AT_LISTENER_MAYBE;
}

/* Whether another look gives the same. Where nobody listens, only when another listening socket was noted. */
static __always_inline bool listener_same(struct task_struct *task, struct ss_thread_state *state)
{
	__u32 class = ss_mark_class(state->mark), before = state->at_listener;

	if ((class != SS_WAIT_POLL && class != SS_WAIT_EPOLL) || (!before && !listeners_new))
		return true;
	listener_note(task, state);
	return state->at_listener == before;
}

/* The same of what CPUs have not added to the memory counters of the process: see memory_changed. */
static __always_inline bool memory_same(struct task_struct *task, struct ss_thread_state *state)
{
	__u64 *rest = (__u64 *)state->memory_rest, low = rest[0], high = rest[1];

	if (!task_is_leader(task))
		return true;
	if (task->signal->nr_threads == 1 && memory_period_of(task, pass_began) == memory_period_of(task, pass_before))
		return true;
	memory_note(task, state);
	return rest[0] == low && rest[1] == high;
}

/* A record without its last members, which are written from elsewhere. */
struct record_space {
	__u64 words[(sizeof(struct ss_thread_record) - 2 * sizeof(struct ss_totals)) / 8];
};

/* Of the task that is visited, and whether it has a loop. In memory: on the stack, the verifier would tell its values apart. */
static struct record_space record_now;
static bool record_has_loop;

static __always_inline struct ss_thread_record *record_new(void)
{
	__builtin_memset(&record_now, 0, sizeof(record_now));
	record_has_loop = false;
	return (void *)&record_now;
}

/* Notes whether the thread has a loop that has not ended, and with that what its descriptors say about it. */
static __noinline int loop_find(struct task_struct *task, struct ss_thread_state *state)
{
	__u64 mark = state->mark;
	struct loop_state *loop;

	if (loops_watched == SS_LOOPS_UNWATCHED)
		return 0;
	if (loops_watched == SS_LOOPS_WATCHED && ss_mark_state(mark) == SS_MARK_BLOCKED &&
	    ss_mark_class(mark) == SS_WAIT_EPOLL)
		loop_adopt(task, state, ss_mark_age(mark, pass_now()));
	loop = bpf_task_storage_get(&loops, task, 0, 0);
	if (!loop || loop->ended)
		return 0;
	loop_edge(loop);
	loop_look(task, loop);
	loop->looked = 1;
	record_has_loop = true;
	return 0;
}

/*
 * Of a thread that was charged (`life`), what of its totals was; NULL: all of them. That is so once it has ended. What the kernel
 * refuses is left out rather than counted twice.
 */
static __noinline struct ss_charges *charges_find(struct task_struct *task, __u32 life)
{
	if (life & SS_LIFE_ENDED)
		return NULL;
	return bpf_task_storage_get(&thread_charges, task, 0, 0);
}

static __noinline int charged_write(struct seq_file *seq, struct task_struct *task, __u32 life)
{
	struct ss_charges *charges = charges_find(task, life);

	if (charges)
		return bpf_seq_write(seq, &charges->totals, sizeof(charges->totals));
	return bpf_seq_write(seq, &((struct ss_thread_record *)&record_now)->used, sizeof(struct ss_totals));
}

static __always_inline int record_write(struct seq_file *seq, struct task_struct *task, __u32 life)
{
	bool leader = ((struct ss_thread_record *)&record_now)->flags & SS_THREAD_LEADER;

	bpf_seq_write(seq, &record_now, sizeof(record_now));
	if (life)
		charged_write(seq, task, life);
	else
		bpf_seq_write(seq, &gone_zero.totals, sizeof(gone_zero.totals));
	return bpf_seq_write(seq, leader ? &dead_threads : &gone_zero.totals, sizeof(dead_threads));
}

/* Counts of the thread that is visited, as wide as in struct ss_waits; in memory, for want of room on the stack. */
static __u64 wide_counts[SS_WAIT_COUNTS];

static __noinline int waits_write(struct seq_file *seq, struct ss_thread_state *state)
{
#pragma unroll
	for (int i = 0; i < SS_WAIT_COUNTS; i++)
		wide_counts[i] = ss_count(state, i);
	bpf_seq_write(seq, &state->waits, SS_WAIT_TIMES * sizeof(__u64));
	return bpf_seq_write(seq, wide_counts, sizeof(wide_counts));
}

/* What of them was charged. */
static __noinline int waits_charged_write(struct seq_file *seq, struct task_struct *task, struct ss_thread_state *state,
					  __u32 life)
{
	struct ss_charges *charges = charges_find(task, life);

	if (!charges)
		return waits_write(seq, state);
#pragma unroll
	for (int i = 0; i < SS_COUNTS_WIDE; i++)
		wide_counts[i] = charges->counts[i];
#pragma unroll
	for (int i = SS_COUNTS_WIDE; i < SS_WAIT_COUNTS; i++)
		wide_counts[i] = charges->counts_long[i - SS_COUNTS_WIDE];
	bpf_seq_write(seq, charges->times, sizeof(charges->times));
	return bpf_seq_write(seq, wide_counts, sizeof(wide_counts));
}

/*
 * Writes the record and its blocks. 0, or there was no room for all of it. Not inlined: in one frame with what else the
 * iterator calls, it would exceed the 512 bytes of a BPF stack.
 */
static __noinline int thread_write(struct bpf_iter__task *ctx, struct task_struct *task, struct ss_thread_state *state,
				   struct signal_struct *signal)
{
	struct seq_file *seq = ctx->meta->seq;
	struct ss_thread_record *r = (void *)&record_now;
	struct cfs_rq *queue = task->se.cfs_rq;
	struct loop_state *loop = NULL;
	struct ss_waits *dead = NULL;
	__u32 life = 0;
	__u64 mark;
	int full;

	if (state) {
		r->flags |= SS_THREAD_STATE;
		life = state->life & (SS_LIFE_CHARGED | SS_LIFE_ENDED);
	}
	record_thread(task, r, state, queue, signal);
	if (state && cfg_sched) {
		r->mark = state->mark;
		record_open(task, state, r, queue, pass_now());
		r->blocks = SS_BLOCK_WAITS;
		if (life)
			r->blocks |= SS_BLOCK_WAITS_CHARGED;
		if (state->life & SS_LIFE_EXITED && !(r->flags & SS_THREAD_LEADER))
			r->flags |= SS_THREAD_ENDED;
		if (r->flags & SS_THREAD_LEADER)
			dead = bpf_task_storage_get(&process_waits, task, 0, 0);
		if (dead)
			r->blocks |= SS_BLOCK_WAITS_DEAD;
	}
	if (cfg_epoll && record_has_loop)
		loop = bpf_task_storage_get(&loops, task, 0, 0);
	if (loop)
		r->blocks |= SS_BLOCK_LOOP;
	if (state && state->by_program && r->flags & SS_THREAD_LEADER)
		r->blocks |= SS_BLOCK_NAME;
	full = record_write(seq, task, life);
	if (!state || !r->blocks)
		return full;
	if (r->blocks & SS_BLOCK_NAME)
		bpf_seq_write(seq, state->program, sizeof(state->program));
	if (r->blocks & SS_BLOCK_WAITS)
		waits_write(seq, state);
	if (r->blocks & SS_BLOCK_WAITS_CHARGED)
		waits_charged_write(seq, task, state, life);
	if (dead)
		bpf_seq_write(seq, dead, sizeof(*dead));
	if (loop && r->blocks & SS_BLOCK_LOOP) {
		__u64 now = loop_clock();

		bpf_seq_write(seq, &loop->loop, sizeof(loop->loop));
		bpf_seq_write(seq, &loop->begin, sizeof(loop->begin));
		bpf_seq_write(seq, &now, sizeof(now));
	}
	mark = state->mark;
	/* Once one write has found no room, none does. */
	full = bpf_seq_write(seq, &mark, sizeof(mark));
	/* Once it is written, nothing is left of a loop that is let go. */
	if (!full && loop && loops_watched == SS_LOOPS_LAST)
		bpf_task_storage_delete(&loops, task);
	return full;
}

static __always_inline void same_write(struct bpf_iter__task *ctx, struct task_struct *task)
{
	struct ss_thread_same same = {.tid = cfg_pid_namespace ? tid_here : task->pid,
				      .tgid = SS_THREAD_SAME,
				      .start_ns = task->start_boottime};

	bpf_seq_write(ctx->meta->seq, &same, sizeof(same));
}

/*
 * If bpf_seq_write fails because the buffer is full, the kernel discards what this call has written and calls it again
 * with the same task. So a record is whole or absent, and whatever happens before the write must be repeatable:
 * creating the state, settling a moved task and comparing its namespaces have the same result when they are done twice. What
 * was told counts as told only when all of it was written.
 */
SEC("?iter/task")
int snapshot_task(struct bpf_iter__task *ctx)
{
	/* Read once: after a second read, the verifier of 6.1 takes the pointer for one that may be NULL. */
	struct task_struct *task = ctx->task;
	struct ss_thread_record *r;
	struct signal_struct *signal;
	struct ss_thread_state *state;
	__u64 cgroup_id, told = 0;

	if (!task)
		return 0;
	if (pass_session != ctx->meta->session_id + 1)
		pass_begin(ctx->meta->session_id);
	signal = task->signal;
	cgroup_id = task_cgroup_id(task);
	if (cfg_pid_namespace)
		numbers_note(task);
	/* Tasks that have exited get no new state: their end was counted without it. */
	state = bpf_task_storage_get(&thread_state, task, 0, task->exit_state ? 0 : BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (state) {
		told = told_number(task, state, cgroup_id, cfg_pid_namespace ? ppid_here : task->real_parent->tgid);
		if (told && told == state->told && listener_same(task, state) && memory_same(task, state)) {
			same_write(ctx, task);
			return 0;
		}
		told_begin(state, told);
	}
	/* After told_begin: what changes meanwhile is told again. */
	r = record_new();
	record_begin(task, r, signal, cgroup_id);
	if (state) {
		if (!state->cgroup_id && task_is_leader(task))
			name_begin(task, state);
		task_settle(task, state, cgroup_id);
		if (cfg_namespaces && cfg_namespaces_compare)
			namespaces_compare(task, state);
		memory_note(task, state);
		if (cfg_sched && !state->mark && !task->exit_state)
			state_begin(task, state, pass_now());
		if (cfg_sched)
			listener_note(task, state);
		if (cfg_epoll)
			loop_find(task, state);
	} else if (!task->exit_state) {
		states_missing++;
	}
	if (thread_write(ctx, task, state, signal) == 0 && state && told && !record_has_loop)
		told_end(state, told);
	return 0;
}

/* For kernels without task storage in tracing programs (before 5.11). */
SEC("?iter/task")
int snapshot_task_plain(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ss_thread_record *r = record_new();
	struct signal_struct *signal;

	if (!task)
		return 0;
	signal = task->signal;
	if (cfg_pid_namespace)
		numbers_note(task);
	record_begin(task, r, signal, task_cgroup_id(task));
	record_thread(task, r, NULL, task->se.cfs_rq, signal);
	record_write(ctx->meta->seq, task, 0);
	return 0;
}
