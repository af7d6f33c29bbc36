/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gone.bpf.h - charging: adds what a task has used to the gone tables, under its cgroup and its process's name, when
 * the task ends, moves to another cgroup, or changes its name. Called by lifecycle.bpf.c, cgroup.bpf.c, sched.bpf.c and
 * the iterator (snapshot.bpf.c). What a living task has used since its last charge is never in these tables: the agent
 * adds it from the task's own record.
 */
#ifndef SYSSCOPE_GONE_BPF_H
#define SYSSCOPE_GONE_BPF_H

#include "cgroup.bpf.h"
#include "compat.bpf.h"
#include "name.bpf.h"

/*
 * Two tables that programs and agent use in turn: the agent drains the one that gone_in_use does not name. Preallocated
 * hashes, because programs insert in any context.
 */
struct gone_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct ss_gone_key);
	__type(value, struct ss_gone);
};
struct gone_map gone_a SEC(".maps") __weak;
struct gone_map gone_b SEC(".maps") __weak;

static __always_inline struct ss_gone *gone_find_or_make(const struct ss_gone_key *key)
{
	void *table = gone_in_use ? (void *)&gone_b : (void *)&gone_a;
	struct ss_gone *gone;

	gone = bpf_map_lookup_elem(table, key);
	if (gone)
		return gone;
	bpf_map_update_elem(table, key, (const void *)&gone_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/*
 * The gone entry of (cgroup, comm). When the table is full, it is the cgroup's own entry, without the name; NULL if the
 * cgroup has none either. Both are counted as losses.
 */
static __noinline struct ss_gone *gone_entry(struct ss_gone_key *key)
{
	struct ss_gone *gone = gone_find_or_make(key);
	struct ss_cgroup *cgroup;

	if (gone)
		return gone;
	cgroup = cgroup_entry(key->cgroup_id);
	loss_count(cgroup ? SS_LOSS_GONE_FOLDED : SS_LOSS_GONE_LOST);
	return cgroup ? &cgroup->other : NULL;
}

/* Adds to `sum` what has come to a count since it was charged. See ss_count_since. */
static __always_inline void count_charge(__u64 now, __u64 before, int bits, __u64 *sum)
{
	__u64 more = ss_count_since(now, before, bits);

	if (more)
		__sync_fetch_and_add(sum, more);
}

/*
 * Does for waits what task_add does for ss_totals. A global function, which the verifier goes through once for each program, not
 * on each path to it. `charges`: NULL: nothing was charged before, nor is to be noted.
 */
__weak __noinline int waits_charge(struct ss_thread_state *state, struct ss_charges *charges, struct ss_waits *to)
{
	__u64 *times, *sums = (__u64 *)to, now;

	if (!state || !to)
		return 0;
	times = (__u64 *)&state->waits;
#pragma unroll
	for (int i = 0; i < SS_WAIT_TIMES; i++) {
		now = times[i];
		if (charges)
			now -= __sync_lock_test_and_set(&charges->times[i], now);
		if (now)
			__sync_fetch_and_add(&sums[i], now);
	}
#pragma unroll
	for (int i = 0; i < SS_COUNTS_WIDE; i++) {
		now = ss_count(state, i);
		count_charge(now, charges ? __sync_lock_test_and_set(&charges->counts[i], now) : 0, SS_COUNT_WIDE_BITS,
			     &sums[SS_WAIT_TIMES + i]);
	}
#pragma unroll
	for (int i = SS_COUNTS_WIDE; i < SS_WAIT_COUNTS; i++) {
		now = ss_count(state, i);
		count_charge(now,
			     charges ? __sync_lock_test_and_set(&charges->counts_long[i - SS_COUNTS_WIDE], now) : 0, 32,
			     &sums[SS_WAIT_TIMES + i]);
	}
	return 0;
}

/* FIELD(member of ss_totals, its source in task_struct) */
#define TASK_TOTALS(FIELD)                        \
	FIELD(exec_ns, se.sum_exec_runtime)       \
	FIELD(utime_ns, utime)                    \
	FIELD(stime_ns, stime)                    \
	FIELD(run_delay_ns, sched_info.run_delay) \
	FIELD(voluntary_switches, nvcsw)          \
	FIELD(involuntary_switches, nivcsw)       \
	FIELD(minor_faults, min_flt)              \
	FIELD(major_faults, maj_flt)              \
	FIELD(migrations, se.nr_migrations)       \
	FIELD(timeslices, sched_info.pcount)

/* The same for fields that exist only with CONFIG_TASK_IO_ACCOUNTING. */
#define TASK_IO_TOTALS(FIELD)              \
	FIELD(read_bytes, ioac.read_bytes) \
	FIELD(write_bytes, ioac.write_bytes)

/*
 * Adds what the task has used since its last charge, which `charges` says, to the gone entry. Several callers may charge the same
 * task at the same time: each exchanges the charged value for the present one and adds the difference. Whatever the order, the
 * differences add up to the whole, because unsigned arithmetic wraps. `charges`: NULL: it was not charged before.
 */
static __noinline int task_add(struct task_struct *task, struct ss_thread_state *state, struct ss_charges *charges,
			       struct ss_gone *gone)
{
	__u64 now;

#define CHARGE(member, field)                                                          \
	{                                                                              \
		now = task->field;                                                     \
		if (charges)                                                           \
			now -= __sync_lock_test_and_set(&charges->totals.member, now); \
		__sync_fetch_and_add(&gone->totals.member, now);                       \
	}
	TASK_TOTALS(CHARGE)
#define CHARGE_IO(member, field) \
	if (compat_counts_io())  \
	CHARGE(member, field)
	TASK_IO_TOTALS(CHARGE_IO)
#undef CHARGE_IO
#undef CHARGE
	if (cfg_sched)
		waits_charge(state, charges, &gone->waits);
	return 0;
}

/*
 * Charges what the task has used so far to (key.cgroup_id, key.comm), and notes that with the task, which goes on. Not under the
 * run queue's lock: it may allocate. A task that has ended is charged already. Whoever comes first, this or task_end, sees it in
 * `life`: so either this does nothing, or task_end knows of the charges.
 */
static __noinline int task_charge(struct task_struct *task, struct ss_thread_state *state, struct ss_gone_key *key)
{
	struct ss_charges *charges = bpf_task_storage_get(&thread_charges, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct ss_gone *gone;

	if (!charges) {
		loss_count(SS_LOSS_STATE_REFUSED);
		return 0;
	}
	if (__sync_fetch_and_or(&state->life, SS_LIFE_CHARGED) & SS_LIFE_ENDED)
		return 0;
	gone = gone_entry(key);
	if (!gone)
		return 0;
	told_forget(state);
	task_add(task, state, charges, gone);
	told_forget(state);
	return 0;
}

/*
 * If the task is in another cgroup than before, charges what it has used so far to its old cgroup. Needed for moves
 * that the attach hook does not report: when a whole process is moved, those of its threads other than the leader.
 */
static __always_inline void task_settle(struct task_struct *task, struct ss_thread_state *state, __u64 cgroup_id)
{
	struct ss_gone_key key = {};
	__u64 old = state->cgroup_id;

	if (old == cgroup_id)
		return;
	state->cgroup_id = cgroup_id;
	if (!old)
		return;
	key.cgroup_id = old;
	process_name_of(key.comm, task);
	task_charge(task, state, &key);
}

static __always_inline void gone_count(struct task_struct *task, struct ss_gone *gone, bool short_lived)
{
	if (task_is_leader(task))
		__sync_fetch_and_add(&gone->processes_ended, 1);
	else
		__sync_fetch_and_add(&gone->threads_ended, 1);
	if (short_lived)
		__sync_fetch_and_add(&gone->short_lived_ns, task->se.sum_exec_runtime);
}

/* The name of the process that a task belongs to, also once it has exited and its leader may have been freed. */
static __always_inline void ended_name(char *to, struct task_struct *task, struct ss_thread_state *state)
{
	if (task_is_leader(task))
		process_name(to, task, state);
	else
		comm_copy(to, state->program);
}

/*
 * The last charge of a task that will not run again: at its last switch or when it is freed, whichever is seen first.
 * False: the other one was first, and everything is charged and counted already; or `later`, and the kernel refuses the look-up of
 * what was charged: it is charged when it is freed.
 */
static __always_inline bool task_end(struct task_struct *task, struct ss_thread_state *state, __u64 cgroup_id,
				     bool later)
{
	struct ss_charges *charges = NULL;
	struct ss_gone_key key = {};
	struct ss_gone *gone;
	__u32 life;

	if (state->life & SS_LIFE_CHARGED) {
		charges = bpf_task_storage_get(&thread_charges, task, 0, 0);
		if (!charges && later)
			return false;
	}
	life = __sync_fetch_and_or(&state->life, SS_LIFE_ENDED);
	if (life & SS_LIFE_ENDED)
		return false;
	if (life & SS_LIFE_EXITED)
		__sync_fetch_and_add(&tasks_ended, 1);
	/* It is being charged at this moment. */
	if (life & SS_LIFE_CHARGED && !charges)
		charges = bpf_task_storage_get(&thread_charges, task, 0, 0);
	if (life & SS_LIFE_CHARGED && !charges) {
		/* How much was charged is not known: nothing is charged twice. */
		loss_count(SS_LOSS_STATE_REFUSED);
		return true;
	}
	key.cgroup_id = cgroup_id;
	ended_name(key.comm, task, state);
	gone = gone_entry(&key);
	if (gone) {
		task_add(task, state, charges, gone);
		gone_count(task, gone, life & SS_LIFE_SHORT);
	}
	return true;
}

#endif
