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

/*
 * Does for ss_waits what task_charge does for ss_totals. A global function, which the verifier goes through once for each
 * program, not on each path to it.
 */
__weak __noinline int waits_charge(struct ss_waits *waits, struct ss_waits *before, struct ss_waits *to)
{
	__u64 *now = (__u64 *)waits, *charged = (__u64 *)before, *sum = (__u64 *)to, value;

	if (!waits || !before || !to)
		return 0;
#pragma unroll
	for (int i = 0; i < SS_WAITS_FIELDS; i++) {
		value = now[i];
		if (value != charged[i])
			__sync_fetch_and_add(&sum[i], value - __sync_lock_test_and_set(&charged[i], value));
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
 * Charges what the task has used since its last charge to (key.cgroup_id, key.comm). Several callers may charge the
 * same task at the same time: each exchanges the charged value for the present one and adds the difference. Whatever
 * the order, the differences add up to the whole, because unsigned arithmetic wraps.
 */
static __noinline struct ss_gone *task_charge(struct task_struct *task, struct ss_thread_state *state,
					      struct ss_gone_key *key)
{
	struct ss_gone *gone = gone_entry(key);
	__u64 now;

	if (!gone)
		return NULL;
	told_forget(state);
#define CHARGE(member, field)                                                                      \
	{                                                                                          \
		now = task->field;                                                                 \
		__sync_fetch_and_add(&gone->totals.member,                                         \
				     now - __sync_lock_test_and_set(&state->charged.member, now)); \
	}
	TASK_TOTALS(CHARGE)
#define CHARGE_IO(member, field) \
	if (compat_counts_io())  \
	CHARGE(member, field)
	TASK_IO_TOTALS(CHARGE_IO)
#undef CHARGE_IO
#undef CHARGE
	if (cfg_sched)
		waits_charge(&state->waits, &state->waits_charged, &gone->waits);
	told_forget(state);
	return gone;
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

/*
 * The last charge of a task that will not run again: at its last switch or when it is freed, whichever is seen first.
 * False: the other one was first, and everything is charged and counted already.
 */
static __always_inline bool task_end(struct task_struct *task, struct ss_thread_state *state, __u64 cgroup_id)
{
	struct ss_gone_key key = {};
	struct ss_gone *gone;

	if (__sync_lock_test_and_set(&state->ended, 1))
		return false;
	if (state->exit_ns)
		__sync_fetch_and_add(&tasks_ended, 1);
	key.cgroup_id = cgroup_id;
	if (task_is_leader(task))
		process_name(key.comm, task, state);
	else
		comm_copy(key.comm, state->group_comm);
	gone = task_charge(task, state, &key);
	if (gone)
		gone_count(task, gone, state->short_lived);
	return true;
}

#endif
