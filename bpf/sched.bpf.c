/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched.bpf.c - owner of sched_switch and of the wakeups: how long each thread waits for a CPU, which cgroup has that
 * CPU meanwhile, and what the thread sleeps for otherwise. It sends no event and writes no map entry per switch: only
 * totals in the thread's own state, and pairs of neighbours, collected per CPU.
 *
 * Nothing has to be noted at a wakeup, because the kernel stamps a task when it is put on a run queue
 * (sched_info.last_queued) and sums up what it has waited (sched_info.run_delay). When a thread gets the CPU,
 *   wait    = the growth of run_delay since it left the CPU, plus the time since last_queued,
 *   blocked = the rest of the time since it left the CPU.
 * When a thread leaves the CPU to sleep, its registers say in which system call. A thread that leaves the CPU while it
 * is runnable (preempted or yielded) waits from then on.
 *
 * At sched_switch the run queue's clock is up to date, and neither last_queued nor run_delay has been changed for this
 * switch (kernel/sched/core.c: __schedule, prepare_task_switch). All times are taken from that clock.
 */
#include "sched.bpf.h"
#include "gone.bpf.h"
#include "ledger.bpf.h"
#include "lifecycle.bpf.h"
#include "namespace.bpf.h"
#include "start.bpf.h"

/*
 * A thread got a CPU at `at`. Of the time since its mark, when it left the CPU, it has been runnable for the last
 * `wait` ns: adds both parts to its totals. Returns the wait, limited to the time since the mark.
 */
static __always_inline __u64 wait_account(struct ss_thread_state *state, __u64 mark, __u64 at, __u64 wait)
{
	struct ss_thread_waits *waits = &state->waits;
	__u64 off = ss_mark_age(mark, at), blocked;
	__u32 class = ss_mark_class(mark);

	switch (ss_mark_state(mark)) {
	case SS_MARK_RUNNABLE:
		wait = off;
		waits->preempted_wait_ns += wait;
		break;
	case SS_MARK_BLOCKED:
		if (wait > off)
			wait = off;
		waits->wakeup_wait_ns += wait;
		blocked = off - wait;
		if (class < SS_WAIT_CLASSES)
			waits->blocked_ns[class] += blocked;
		if (ss_mark_is_uninterruptible(mark))
			waits->uninterruptible_ns += blocked;
		if (ss_mark_in_iowait(mark)) {
			waits->iowait_ns += blocked;
			if (class == SS_WAIT_IO_URING)
				waits->iowait_io_uring_ns += blocked;
		}
		break;
	default: /* its first time on a CPU, or the first that was seen */
		waits->wakeup_wait_ns += wait;
	}
	ss_count_add(state, 1 + time_slot(wait));
	return wait;
}

/* The thread got this CPU at `at`, after a wait of `wait` ns. `mark` is the one since it left its last CPU. */
static __always_inline void arrival_account(struct cfs_rq *queue, struct ss_thread_state *state, struct ledger *ledger,
					    __u64 mark, __u64 at, __u64 wait)
{
	__u64 throttled;
	__u32 units;

	wait = wait_account(state, mark, at, wait);
	throttled = task_throttled(queue, state, at, wait);
	state->waits.throttled_ns += throttled;
	wait -= throttled;
	units = ss_wait_units(wait);
	if (units > state->longest_wait) {
		state->longest_wait = units;
		state->longest_wait_runner =
			at - wait >= ledger->since ? ledger->runner : wait_majority(ledger, wait, at);
	}
	wait_attribute(ledger, state->cgroup_id, wait, at);
}

/*
 * The switch that gave the thread its CPU called no program. Seen on a guest whose kernel leaves the threads of its init
 * out of tracing: a switch away from one of them is not even in the kernel's own trace. The kernel's stamps say when
 * the thread got the CPU and how long it had waited, and the ledger still has who ran until then.
 */
static __always_inline void arrival_unseen(struct task_struct *prev, struct ss_thread_state *state,
					   struct ledger *ledger, struct cfs_rq *queue)
{
	__u64 at = prev->sched_info.last_arrival;

	if (at < ledger->since)
		at = ledger->since;
	arrival_account(queue, state, ledger, state->mark, at, prev->sched_info.run_delay - state->run_delay_seen);
	ledger_run(ledger, state->cgroup_id, at);
}

static __always_inline void thread_leaves(struct task_struct *prev, struct ss_thread_state *state,
					  struct ledger *ledger, bool preempted, struct cfs_rq *queue, __u64 now)
{
	/* Not the argument prev_state, which still says asleep when a signal kept the task from sleeping. */
	__u32 s = compat_task_state(prev);
	__u64 mark = state->mark;

	if (mark && ss_mark_state(mark) != SS_MARK_RUNNING)
		arrival_unseen(prev, state, ledger, queue);
	state->run_delay_seen = prev->sched_info.run_delay;
	state->throttled_seen = compat_throttled_ns(queue, now);
	state->waits.throttled_cpu = queue->rq->cpu;
	if (preempted || !s) {
		ss_count_add(state, 0);
		mark = SS_MARK_RUNNABLE;
	} else {
		/* First: what it sleeps for is found on many paths. */
		if (s & TASK_DEAD && task_end(prev, state, state->cgroup_id, true) &&
		    state->life & SS_LIFE_LAST_OF_PROCESS)
			exit_report(prev, state, true);
		mark = task_blocked_mark(prev, s);
	}
	state->mark = ss_mark_make(now, mark);
	if (cfg_births)
		start_switch_out(prev, state, mark);
}

static __always_inline void thread_arrives(struct task_struct *next, struct ss_thread_state *state,
					   struct ledger *ledger, __u64 now)
{
	__u64 mark = state->mark, wait = task_waited(next, state, mark, now);

	state->mark = ss_mark_make(now, SS_MARK_RUNNING);
	if (ss_mark_state(mark) == SS_MARK_RUNNING) {
		loss_count(SS_LOSS_SWITCH_UNSEEN);
		return;
	}
	arrival_account(next->se.cfs_rq, state, ledger, mark, now, wait);
	if (cfg_births)
		start_switch_in(state);
}

/*
 * Init's own threads are left out: on some guests the iterator does not visit them, and every switch would be a loss.
 */
static __always_inline void switch_unseen(struct task_struct *task)
{
	if (all_known && task->tgid != INIT_PID)
		loss_count(SS_LOSS_SWITCH_UNSEEN);
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	struct cfs_rq *queue = prev->se.cfs_rq;
	struct ss_thread_state *state;
	__u64 now = queue->rq->clock, runner = RUNNER_IDLE;
	__u32 zero = 0;
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &zero);

	if (!ledger)
		return 0;
	if (prev->pid) {
		state = bpf_task_storage_get(&thread_state, prev, 0, 0);
		if (state)
			thread_leaves(prev, state, ledger, preempted, queue, now);
		else
			switch_unseen(prev);
		if (state && cfg_namespaces && cfg_namespaces_compare)
			namespaces_switch(prev, state);
	}
	if (next->pid) {
		runner = SS_CGROUP_NONE;
		state = bpf_task_storage_get(&thread_state, next, 0, 0);
		if (state) {
			runner = state->cgroup_id;
			thread_arrives(next, state, ledger, now);
		} else {
			switch_unseen(next);
		}
	}
	ledger_run(ledger, runner, now);
	return 0;
}

/*
 * Notes how long the task's run queue had been throttled when this wait began, so that throttling during the sleep
 * before it does not count. Does nothing where no CPU quota has ever run out.
 */
static __always_inline int thread_wakes(struct task_struct *task)
{
	struct cfs_rq *queue = task->se.cfs_rq;
	__u64 throttled = compat_throttled_ns(queue, queue->rq->clock);
	struct ss_thread_state *state;
	__u64 phase;

	if (!throttled)
		return 0;
	state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (!state)
		return 0;
	phase = ss_mark_state(state->mark);
	if (phase == SS_MARK_RUNNING || phase == SS_MARK_RUNNABLE)
		return 0;
	state->throttled_seen = throttled;
	state->waits.throttled_cpu = queue->rq->cpu;
	return 0;
}

/*
 * A thread that waits for a CPU is moved to the run queue of another CPU, which measures throttling on its own: shifts
 * the thread's base value so that its throttled time so far is kept. A thread that is moved while it sleeps or is being
 * woken has no such time yet.
 */
SEC("?tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_task, struct task_struct *task, int cpu)
{
	struct cfs_rq *queue = task->se.cfs_rq;
	__u32 s = compat_task_state(task);
	struct ss_thread_state *state;

	if (s == TASK_WAKING)
		return 0;
	state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (!state || (s && ss_mark_state(state->mark) == SS_MARK_BLOCKED))
		return 0;
	state->throttled_seen =
		compat_throttled_there_ns(queue, cpu) - task_throttled_since(queue, state, queue->rq->clock);
	state->waits.throttled_cpu = cpu;
	return 0;
}

SEC("?tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	return thread_wakes(task);
}

SEC("?tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	return thread_wakes(task);
}
