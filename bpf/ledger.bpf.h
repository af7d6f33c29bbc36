/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.bpf.h - who had each CPU lately, and who waited for it meanwhile: pairs of neighbours. Called by sched.bpf.c at
 * switches; nobody else includes it, because its maps and global functions belong to that object.
 */
#ifndef SYSSCOPE_LEDGER_BPF_H
#define SYSSCOPE_LEDGER_BPF_H

#include "gone.bpf.h"

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
 * Writes the pending pair to the table. If that has no room for the runner, the wait goes to SS_CGROUP_OTHERS. This and those
 * below that are not static are global functions, which the verifier checks once each, not on every path that leads to them.
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

/* The same, for what happens seldom. */
__noinline int ledger_add_old(struct ledger *ledger, __u64 waiter, __u64 runner, __u64 ns, __u64 now)
{
	if (ledger)
		ledger_add(ledger, waiter, runner, ns, now);
	return 0;
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
		ledger_add_old(ledger, waiter, ledger->blocks[slot].most.runner, known, now);
		others += part - known > idle ? part - known - idle : 0;
		end = since;
	}
	ledger_add_old(ledger, waiter, SS_CGROUP_OTHERS, others + (end - begin), now);
	return 0;
}

/*
 * Attributes the last `wait` ns to the cgroups that ran on this CPU in that time. If the thread was moved from another
 * run queue while it waited, the runners of this one are taken for the whole wait.
 */
__noinline int wait_attribute(struct ledger *ledger, __u64 waiter, __u64 wait, __u64 now)
{
	__u64 end, begin = now - wait, i;

	if (!ledger)
		return 0;
	end = ledger->since;
	if (begin >= end) {
		ledger_add(ledger, waiter, ledger->runner, wait, now);
		return 0;
	}
	ledger_add(ledger, waiter, ledger->runner, now - end, now);
	for (i = 1; i <= PAST_RUNS && i <= ledger->head; i++) {
		__u64 slot = (ledger->head - i) % PAST_RUNS, since = ledger->past[slot].since;

		if (begin >= since) {
			ledger_add(ledger, waiter, ledger->past[slot].runner, end - begin, now);
			return 0;
		}
		ledger_add(ledger, waiter, ledger->past[slot].runner, end - since, now);
		end = since;
	}
	return wait_attribute_old(ledger, waiter, begin, end, now);
}

/*
 * Who had this CPU for most of the last `wait` ns, as far as the ledger reaches back: whoever had it for more than half of
 * that time is found in one pass. Only for waits with more than one runner.
 */
__noinline __u64 wait_majority(struct ledger *ledger, __u64 wait, __u64 now)
{
	struct majority most = {};
	__u64 end, begin = now - wait;

	if (!ledger)
		return SS_CGROUP_NONE;
	most.runner = ledger->runner;
	end = ledger->since;
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

#endif
