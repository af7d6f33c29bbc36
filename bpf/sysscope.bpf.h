/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysscope.bpf.h - what all BPF programs share: configuration, the maps, the task-local state, charging the use of
 * a task to its home, counting losses. The variables are defined in state.bpf.c; the maps here, weak, since bpftool 7.1 places extern ones wrongly.
 */
#ifndef SYSSCOPE_BPF_H
#define SYSSCOPE_BPF_H

#ifdef SYSSCOPE_FULL_VMLINUX /* while vmlinux/vmlinux.h is being made */
#include <vmlinux.h>
#else
#include <stdbool.h>
#include <linux/bpf.h>
#include "vmlinux.h"
#endif
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/fact.h"
#include "sysscope/abi/task.h"

#define PF_KTHREAD    0x00200000
#define PF_FORKNOEXEC 0x00000040
#define CLONE_THREAD  0x00010000

/* ---- configuration: set between open and load -------------------------------------------------- */
extern const volatile bool cfg_cgroup_v1;	/* the hierarchy that carries resources is a v1 controller's */
extern const volatile __u32 cfg_cgroup_subsys;	/* index of that controller in css_set.subsys */
extern const volatile int cfg_cgroup_hierarchy; /* cgroup_root.hierarchy_id of it; 0 is the v2 one */
extern const volatile __u32 cfg_page_size;
extern const volatile __u64 cfg_tick_ns;   /* between two ticks sum_exec_runtime of a running task stands still */
extern const volatile bool cfg_epoll;	   /* event loops are seen: the loops map is there */
extern const volatile __u64 cfg_stall_ns;  /* an iteration that lasts this long is a stall */
extern const volatile bool cfg_namespaces; /* namespace transitions are counted */
extern const volatile bool cfg_namespaces_compare; /* they are found by comparison: no hook says each */
extern const volatile bool cfg_births;		   /* births of cgroups are followed */
extern const volatile bool cfg_sched;		   /* the scheduler's hooks are on: ss_thread_state.waits is kept */

/* ---- state shared with the agent --------------------------------------------------------------- */
extern __u64 losses[SS_LOSS_KINDS];
/*
 * Tasks with state that exited, and whose last use was charged. On 6.18 up to 4 of 1,000 that exit were seen to come without a call
 * of a BPF program at sched_process_free (perf counts them, no recursion miss is reported). With the scheduler's hooks on
 * they are charged at their last switch; without, what they used is missing, and the agent counts them as
 * SS_LOSS_DEATH_UNSEEN once they cannot be zombies or waiting for RCU any more.
 */
extern __u64 tasks_exited, tasks_ended;
extern __u32 gone_in_use; /* which gone and neighbour table the programs write now: 0 or 1 */
extern __u32 all_known;	  /* every task has its state: the first pass of the iterator is over */

extern __u32 facts_wanted;    /* bit per enum ss_fact_kind: what nobody listens for costs one load */
extern __u32 facts_arguments; /* SS_FACT_EXEC carries the arguments */
/* Of each kind that was wanted: those that there were, and those for which the ring had no room. The rest was sent. */
extern __u64 facts_produced[SS_FACT_KINDS], facts_lost[SS_FACT_KINDS];

extern const struct ss_gone gone_zero;
extern const struct ss_cgroup cgroup_zero;
extern const struct ss_loop loop_zero;

/* What has ended, keyed by cgroup and name: hash, bounded, preallocated since programs insert in any context. */
struct gone_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct ss_gone_key);
	__type(value, struct ss_gone);
};
struct gone_map gone_a SEC(".maps") __weak;
struct gone_map gone_b SEC(".maps") __weak;

/* Counts per cgroup, and its name and parent if it was made under our eyes. Preallocated for the same reason. */
struct cgroup_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct ss_cgroup);
};
struct cgroup_map cgroups SEC(".maps") __weak;

/* A ring, since order counts. Who listens for more than the agent needs for itself makes it larger before it is loaded. */
struct facts_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};
struct facts_map facts SEC(".maps") __weak;

/* One entry per thread, freed by the kernel with the task. */
struct thread_state_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ss_thread_state);
};
struct thread_state_map thread_state SEC(".maps") __weak;

/* What the ended threads of a process waited: on its leader, from the first end of another thread on. */
struct process_waits_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ss_waits);
};
struct process_waits_map process_waits SEC(".maps") __weak;

static __always_inline void loss_count(enum ss_loss kind)
{
	__sync_fetch_and_add(&losses[kind], 1);
}

/* kernfs id of the task's cgroup in the hierarchy that carries resources; SS_CGROUP_KERNEL for kernel threads. */
static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set;

	if (task->flags & PF_KTHREAD)
		return SS_CGROUP_KERNEL;
	if (!cfg_cgroup_v1)
		return task->cgroups->dfl_cgrp->kn->id;
	set = task->cgroups;
	/* The verifier takes no variable index into a typed pointer. */
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) + cfg_cgroup_subsys * sizeof(css));
	return BPF_CORE_READ(css, cgroup, kn, id);
}

/* The same of a task whose type the verifier does not know. */
static __always_inline __u64 task_cgroup_id_untyped(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return SS_CGROUP_KERNEL;
	if (!cfg_cgroup_v1)
		return BPF_CORE_READ(set, dfl_cgrp, kn, id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) + cfg_cgroup_subsys * sizeof(css));
	return BPF_CORE_READ(css, cgroup, kn, id);
}

/* ---- facts ------------------------------------------------------------------------------------- */

static __always_inline bool fact_wanted(enum ss_fact_kind kind)
{
	return facts_wanted >> kind & 1;
}

#define FACT_SIZE(member) (offsetof(struct ss_fact, member) + sizeof(((struct ss_fact *)0)->member))

/*
 * Room for a fact: zero but for its kind and time. NULL: nobody wants this kind, or there is no room, which is counted.
 * `size` is a constant. Ends with fact_send().
 */
static __always_inline struct ss_fact *fact_begin(enum ss_fact_kind kind, __u64 size)
{
	struct ss_fact *fact;

	if (!fact_wanted(kind))
		return NULL;
	__sync_fetch_and_add(&facts_produced[kind], 1);
	fact = bpf_ringbuf_reserve(&facts, size, 0);
	if (!fact) {
		__sync_fetch_and_add(&facts_lost[kind], 1);
		loss_count(SS_LOSS_RING_FULL);
		return NULL;
	}
	/* More at once is more than clang makes of a memset; behind it lie arguments, as many as the fact says. */
	__builtin_memset(fact, 0, size < FACT_SIZE(exec.path) ? size : FACT_SIZE(exec.path));
	fact->size = size;
	fact->kind = kind;
	fact->time_ns = bpf_ktime_get_boot_ns();
	return fact;
}

/* The same about the task, or about what it has brought about. */
static __always_inline struct ss_fact *fact_reserve(enum ss_fact_kind kind, __u64 size, struct task_struct *task)
{
	struct ss_fact *fact = fact_begin(kind, size);

	if (!fact)
		return NULL;
	fact->cgroup_id = task_cgroup_id(task);
	fact->start_ns = task->start_boottime;
	fact->tgid = task->tgid;
	fact->tid = task->pid;
	BPF_CORE_READ_INTO(&fact->comm, task, comm);
	return fact;
}

/* The same about the current task, on kernels that have no typed one, too (5.10). */
static __always_inline struct ss_fact *fact_reserve_current(enum ss_fact_kind kind, __u64 size)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct ss_fact *fact = fact_begin(kind, size);
	__u64 id = bpf_get_current_pid_tgid();

	if (!fact)
		return NULL;
	fact->cgroup_id = task_cgroup_id_untyped(task);
	fact->start_ns = BPF_CORE_READ(task, start_boottime);
	fact->tgid = id >> 32;
	fact->tid = id;
	bpf_get_current_comm(&fact->comm, sizeof(fact->comm));
	return fact;
}

static __always_inline void fact_send(struct ss_fact *fact)
{
	bpf_ringbuf_submit(fact, 0);
}

static __always_inline void comm_copy(char *to, const char *from)
{
	__builtin_memcpy(to, from, SS_COMM_LEN);
}

/* The counts of a cgroup, made on first need; NULL (counted) when the table is full. */
static __always_inline struct ss_cgroup *cgroup_entry(__u64 id)
{
	struct ss_cgroup *cgroup = bpf_map_lookup_elem(&cgroups, &id);

	if (cgroup)
		return cgroup;
	bpf_map_update_elem(&cgroups, &id, (const void *)&cgroup_zero, BPF_NOEXIST);
	cgroup = bpf_map_lookup_elem(&cgroups, &id);
	if (!cgroup)
		loss_count(SS_LOSS_CGROUP_FULL);
	return cgroup;
}

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
 * The gone entry of (cgroup, comm). When the table is full, the cgroup's own entry takes it without the name; NULL only
 * if there is none either. Counted both times.
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

/* As task_charge, for what only our own hooks know. */
static __always_inline void waits_charge(struct ss_thread_state *state, struct ss_waits *to)
{
	__u64 *now = (__u64 *)&state->waits, *charged = (__u64 *)&state->waits_charged, *sum = (__u64 *)to, value;

#pragma unroll
	for (int i = 0; i < SS_WAITS_FIELDS; i++) {
		value = now[i];
		if (value != charged[i])
			__sync_fetch_and_add(&sum[i], value - __sync_lock_test_and_set(&charged[i], value));
	}
}

/* FIELD(member of ss_totals, what it is in task_struct) */
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

/*
 * Charges what the task used since the last charge to (key.cgroup_id, key.comm). Any number of callers may charge the
 * same task at once: each takes what lies between the value it exchanges in and the one that it gets out, differences
 * that add up to the whole whatever the order (as unsigned arithmetic wraps).
 */
static __noinline struct ss_gone *task_charge(struct task_struct *task, struct ss_thread_state *state,
					      struct ss_gone_key *key)
{
	struct ss_gone *gone = gone_entry(key);
	__u64 now;

	if (!gone)
		return NULL;
#define CHARGE(member, field) \
	now = task->field;    \
	__sync_fetch_and_add(&gone->totals.member, now - __sync_lock_test_and_set(&state->charged.member, now));
	TASK_TOTALS(CHARGE)
#undef CHARGE
	if (cfg_sched)
		waits_charge(state, &gone->waits);
	return gone;
}

/*
 * A task that was moved and whose move the attach hook could not see (threads other than the leader, when a whole
 * process is moved): what it used until now goes to its old cgroup.
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
	BPF_CORE_READ_INTO(&key.comm, task, group_leader, comm);
	task_charge(task, state, &key);
}

static __always_inline bool task_is_leader(struct task_struct *task)
{
	return task->pid == task->tgid;
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
 * The last charge of a task that will not run again: at its last switch, or when it is freed, whichever is seen first.
 * Counted once; false: it had ended before.
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
		BPF_CORE_READ_INTO(&key.comm, task, comm);
	else
		comm_copy(key.comm, state->group_comm);
	gone = task_charge(task, state, &key);
	if (gone)
		gone_count(task, gone, state->short_lived);
	return true;
}

#endif
