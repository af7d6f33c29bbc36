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
#include "lifecycle.bpf.h"
#include "namespace.bpf.h"
#include "start.bpf.h"

/* Runs that each CPU remembers, each by itself. */
#define PAST_RUNS 8
/*
 * Older ones are remembered in blocks of at least so many ns, each with the runner that had the CPU for longer than all
 * others together: waits of a second with hundreds of runs, as of a cgroup with a low weight, still find out who ran.
 */
#define BLOCK_NS    33554432ULL
#define PAST_BLOCKS 32
/* A CPU writes its pending pair to the table when its wait exceeds this, or at the first wait after it is this old. */
#define PAIR_HOLD_NS 10000000ULL

/* Runner of an idle CPU: no cgroup had it. */
#define RUNNER_IDLE (~2ULL)

/* Neighbour pairs: a preallocated hash, because programs insert under the run queue's lock. */

struct pair_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ss_pair_key);
	__type(value, struct ss_pair);
};
/* Used in turn, as the gone tables are. */
struct pair_map pairs_a SEC(".maps");
struct pair_map pairs_b SEC(".maps");

/*
 * Entries that each table has. From cfg_pairs_named on, the table takes only entries for SS_CGROUP_OTHERS, one per
 * waiter: its last quarter is kept for them.
 */
__u32 pairs_made[2];
const volatile __u32 cfg_pairs_named = 3072;

/* Who had the CPU for most of some time, so far: a candidate, and how many ns more it had than all others together. */
struct majority {
	__u64 runner, lead;
};

static __always_inline void majority_add(struct majority *most, __u64 runner, __u64 ns)
{
	/* An idle CPU is nobody's. */
	if (runner == RUNNER_IDLE)
		return;
	if (runner == most->runner) {
		most->lead += ns;
	} else if (ns > most->lead) {
		most->runner = runner;
		most->lead = ns - most->lead;
	} else {
		most->lead -= ns;
	}
}

/* The latest runs on one CPU. Consecutive threads of one cgroup are one run. Times are the run queue's clock. */
struct ledger {
	__u64 runner; /* kernfs id of the cgroup that has the CPU */
	__u64 since;  /* beginning of its run */
	__u64 head;   /* runs that have ended so far */
	struct {
		__u64 runner, since;
	} past[PAST_RUNS]; /* a ring: run n is in slot n % PAST_RUNS */
	__u64 n_blocks;	   /* that have begun so far; the last one still grows */
	struct {
		__u64 since, idle;
		struct majority most;
	} blocks[PAST_BLOCKS];	 /* a ring, as `past` */
	struct ss_pair_key pair; /* the pending pair: what is not in the table yet */
	struct ss_pair pending;
	__u64 pending_since;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ledger);
} ledgers SEC(".maps");

static __always_inline struct ss_pair *pair_entry(const struct ss_pair_key *key)
{
	__u32 in_use = gone_in_use & 1;
	void *table = in_use ? (void *)&pairs_b : (void *)&pairs_a;
	struct ss_pair *pair = bpf_map_lookup_elem(table, key), zero = {};

	if (pair || (key->runner != SS_CGROUP_OTHERS && pairs_made[in_use] >= cfg_pairs_named))
		return pair;
	if (!bpf_map_update_elem(table, key, &zero, BPF_NOEXIST))
		__sync_fetch_and_add(&pairs_made[in_use], 1);
	return bpf_map_lookup_elem(table, key);
}

/*
 * Writes the pending pair to the table. If that has no room for the runner, the wait goes to SS_CGROUP_OTHERS. This and
 * wait_attribute_old are global functions, which the verifier checks once each, not on every path that leads to them.
 */
__noinline int ledger_flush(struct ledger *ledger)
{
	struct ss_pair_key key;
	struct ss_pair *pair;

	if (!ledger)
		return 0;
	key = ledger->pair;
	pair = pair_entry(&key);
	if (!pair) {
		key.runner = SS_CGROUP_OTHERS;
		pair = pair_entry(&key);
		loss_count(pair ? SS_LOSS_PAIR_FOLDED : SS_LOSS_PAIR_LOST);
	}
	if (pair) {
		__sync_fetch_and_add(&pair->wait_ns, ledger->pending.wait_ns);
		__sync_fetch_and_add(&pair->waits, ledger->pending.waits);
	}
	ledger->pending.wait_ns = ledger->pending.waits = 0;
	return 0;
}

/* Adds a wait to the pending pair. Consecutive waits are mostly of one pair, so most of them touch no table. */
static __always_inline void ledger_add(struct ledger *ledger, __u64 waiter, __u64 runner, __u64 ns, __u64 now)
{
	if (runner == RUNNER_IDLE || !ns)
		return;
	if (ledger->pair.waiter != waiter || ledger->pair.runner != runner ||
	    now - ledger->pending_since > PAIR_HOLD_NS) {
		if (ledger->pending.waits)
			ledger_flush(ledger);
		ledger->pair.waiter = waiter;
		ledger->pair.runner = runner;
		ledger->pending_since = now;
	}
	ledger->pending.wait_ns += ns;
	ledger->pending.waits++;
	if (ledger->pending.wait_ns > PAIR_HOLD_NS)
		ledger_flush(ledger);
}

/*
 * Attributes the time from `begin` to `end`, which is before all runs that are remembered by themselves. Of each block as much
 * as its runner must have had; the rest goes to SS_CGROUP_OTHERS, but for idle time.
 */
__noinline int wait_attribute_old(struct ledger *ledger, __u64 waiter, __u64 begin, __u64 end, __u64 now)
{
	__u64 others = 0;

	if (!ledger)
		return 0;
	for (__u64 i = 1; i <= PAST_BLOCKS && i <= ledger->n_blocks && begin < end; i++) {
		__u64 slot = (ledger->n_blocks - i) % PAST_BLOCKS, since = ledger->blocks[slot].since;
		__u64 known = ledger->blocks[slot].most.lead, idle = ledger->blocks[slot].idle, part, cut = 0;

		if (since >= end) /* runs of this CPU's future: its clock was changed */
			break;
		if (begin > since) {
			cut = begin - since;
			since = begin;
		}
		part = end - since;
		/* What lies before the wait may have been the runner's. */
		known = known > cut ? known - cut : 0;
		known = known < part ? known : part;
		ledger_add(ledger, waiter, ledger->blocks[slot].most.runner, known, now);
		others += part - known > idle ? part - known - idle : 0;
		end = since;
	}
	ledger_add(ledger, waiter, SS_CGROUP_OTHERS, others + (end - begin), now);
	return 0;
}

/*
 * Attributes the last `wait` ns to the cgroups that ran on this CPU in that time. If the thread was moved from another
 * run queue while it waited, the runners of this one are taken for the whole wait.
 */
static __noinline void wait_attribute(struct ledger *ledger, __u64 waiter, __u64 wait, __u64 now)
{
	__u64 end = ledger->since, begin = now - wait, i;

	if (begin >= end) {
		ledger_add(ledger, waiter, ledger->runner, wait, now);
		return;
	}
	ledger_add(ledger, waiter, ledger->runner, now - end, now);
	for (i = 1; i <= PAST_RUNS && i <= ledger->head; i++) {
		__u64 slot = (ledger->head - i) % PAST_RUNS, since = ledger->past[slot].since;

		if (begin >= since) {
			ledger_add(ledger, waiter, ledger->past[slot].runner, end - begin, now);
			return;
		}
		ledger_add(ledger, waiter, ledger->past[slot].runner, end - since, now);
		end = since;
	}
	wait_attribute_old(ledger, waiter, begin, end, now);
}

/*
 * Who had this CPU for most of the last `wait` ns, as far as the ledger reaches back: whoever had it for more than half of
 * that time is found in one pass. Only for waits with more than one runner.
 */
static __noinline __u64 wait_majority(struct ledger *ledger, __u64 wait, __u64 now)
{
	struct majority most = {.runner = ledger->runner};
	__u64 end = ledger->since, begin = now - wait;

	majority_add(&most, ledger->runner, now - end);
	for (__u64 i = 1; i <= PAST_RUNS && i <= ledger->head && begin < end; i++) {
		__u64 slot = (ledger->head - i) % PAST_RUNS, since = ledger->past[slot].since;

		if (since < begin)
			since = begin;
		majority_add(&most, ledger->past[slot].runner, end > since ? end - since : 0);
		end = since;
	}
	for (__u64 i = 1; i <= PAST_BLOCKS && i <= ledger->n_blocks && begin < end; i++) {
		__u64 slot = (ledger->n_blocks - i) % PAST_BLOCKS;

		majority_add(&most, ledger->blocks[slot].most.runner, ledger->blocks[slot].most.lead);
		end = ledger->blocks[slot].since;
	}
	return most.runner;
}

/* The oldest run that is remembered by itself makes room, and is remembered in a block from now on. */
static __always_inline void ledger_age(struct ledger *ledger)
{
	__u64 run = ledger->head - PAST_RUNS, slot = run % PAST_RUNS;
	__u64 since = ledger->past[slot].since, ns = ledger->past[(run + 1) % PAST_RUNS].since - since;
	__u64 block = (ledger->n_blocks - 1) % PAST_BLOCKS;

	if (!ledger->n_blocks || since - ledger->blocks[block].since >= BLOCK_NS) {
		block = ledger->n_blocks % PAST_BLOCKS;
		ledger->n_blocks++;
		ledger->blocks[block].since = since;
		ledger->blocks[block].idle = ledger->blocks[block].most.lead = 0;
	}
	if (ledger->past[slot].runner == RUNNER_IDLE)
		ledger->blocks[block].idle += ns;
	else
		majority_add(&ledger->blocks[block].most, ledger->past[slot].runner, ns);
}

/* The runner has this CPU from now on. */
static __always_inline void ledger_run(struct ledger *ledger, __u64 runner, __u64 now)
{
	__u64 slot;

	if (runner == ledger->runner)
		return;
	if (ledger->head >= PAST_RUNS)
		ledger_age(ledger);
	slot = ledger->head % PAST_RUNS;
	ledger->past[slot].runner = ledger->runner;
	ledger->past[slot].since = ledger->since;
	ledger->head++;
	ledger->runner = runner;
	ledger->since = now;
	if (runner == RUNNER_IDLE && ledger->pending.waits)
		ledger_flush(ledger);
}

/*
 * A thread got a CPU at `at`. Of the time since its mark, when it left the CPU, it has been runnable for the last
 * `wait` ns: adds both parts to its totals. Returns the wait, limited to the time since the mark.
 */
static __always_inline __u64 wait_account(struct ss_waits *waits, __u64 mark, __u64 at, __u64 wait)
{
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
	waits->delay_slots[time_slot(wait)]++;
	return wait;
}

/* The thread got this CPU at `at`, after a wait of `wait` ns. `mark` is the one since it left its last CPU. */
static __always_inline void arrival_account(struct task_struct *task, struct ss_thread_state *state,
					    struct ledger *ledger, __u64 mark, __u64 at, __u64 wait)
{
	__u64 throttled;

	wait = wait_account(&state->waits, mark, at, wait);
	throttled = task_throttled(task, state, at, wait);
	state->waits.throttled_ns += throttled;
	if (wait - throttled > state->longest_wait_ns) {
		state->longest_wait_ns = wait - throttled;
		state->longest_wait_runner = at - state->longest_wait_ns >= ledger->since
						     ? ledger->runner
						     : wait_majority(ledger, state->longest_wait_ns, at);
	}
	wait_attribute(ledger, state->cgroup_id, wait - throttled, at);
}

/*
 * The switch that gave the thread its CPU called no program. Seen on a guest whose kernel leaves the threads of its init
 * out of tracing: a switch away from one of them is not even in the kernel's own trace. The kernel's stamps say when
 * the thread got the CPU and how long it had waited, and the ledger still has who ran until then.
 */
static __always_inline void arrival_unseen(struct task_struct *prev, struct ss_thread_state *state,
					   struct ledger *ledger)
{
	__u64 at = prev->sched_info.last_arrival;

	if (at < ledger->since)
		at = ledger->since;
	arrival_account(prev, state, ledger, state->mark, at, prev->sched_info.run_delay - state->run_delay_seen);
	ledger_run(ledger, state->cgroup_id, at);
}

static __always_inline void thread_leaves(struct task_struct *prev, struct ss_thread_state *state,
					  struct ledger *ledger, bool preempted, struct rq *queue, __u64 now)
{
	/* Not the argument prev_state, which still says asleep when a signal kept the task from sleeping. */
	__u32 s = compat_task_state(prev);
	__u64 mark = state->mark;

	if (mark && ss_mark_state(mark) != SS_MARK_RUNNING)
		arrival_unseen(prev, state, ledger);
	state->run_delay_seen = prev->sched_info.run_delay;
	state->throttled_seen = compat_throttled_ns(prev->se.cfs_rq, now);
	state->throttled_cpu = queue->cpu;
	if (preempted || !s) {
		state->waits.preemptions++;
		mark = SS_MARK_RUNNABLE;
	} else {
		mark = task_blocked_mark(prev, s);
		if (s & TASK_DEAD && task_end(prev, state, state->cgroup_id) && state->last_of_process)
			exit_report(prev, state, true);
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
	arrival_account(next, state, ledger, mark, now, wait);
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
	struct rq *queue = prev->se.cfs_rq->rq;
	struct ss_thread_state *state;
	__u64 now = queue->clock, runner = RUNNER_IDLE;
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
	state->throttled_cpu = queue->rq->cpu;
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
		compat_throttled_there_ns(queue, cpu) - task_throttled_since(task, state, queue->rq->clock);
	state->throttled_cpu = cpu;
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
