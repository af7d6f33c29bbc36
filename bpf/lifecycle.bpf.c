/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lifecycle.bpf.c - births, execs and deaths, counted per cgroup, and the totals of the dead, so that a process that
 * lives 1 ms is counted as exactly as one that lives a year. What is sent besides (facts.bpf.h) counts nothing.
 *
 * Where the dead are charged: at sched_process_free (and, with the scheduler's hooks on, at their last switch, which is
 * earlier, see task_end). At sched_process_exit the task still runs, and sum_exec_runtime is
 * brought up to date only at ticks and switches: for 10,000 runs of /bin/true the sum read there is about a fifth of
 * what the cgroup's own counter says. sched_process_free comes from delayed_put_task_struct, that is after an RCU grace
 * period that begins only when both of the task's rcu_users are gone: the one that release_task drops and the one
 * that finish_task_switch drops after the task was switched out for the last time. So the last slice is in. By then
 * the task is on no list any more: no iterator sees it again, and it cannot be counted twice.
 */
#include "sysscope.bpf.h"
#include "epoll.bpf.h"
#include "birth.bpf.h"
#include "facts.bpf.h"
#include "namespace.bpf.h"

static __always_inline struct ss_cgroup *birth_count(struct task_struct *task, __u64 cgroup_id, __u64 clone_flags)
{
	struct ss_cgroup *cgroup = cgroup_entry(cgroup_id);

	if (!cgroup)
		return NULL;
	if (clone_flags & CLONE_THREAD)
		__sync_fetch_and_add(&cgroup->thread_creations, 1);
	else
		__sync_fetch_and_add(&cgroup->forks, 1);
	enter_report(task, cgroup, cgroup_id);
	return cgroup;
}

/*
 * At the end of copy_process, after cgroup_post_fork: the child is in its cgroup (CLONE_INTO_CGROUP included), not yet
 * runnable, and no lock of the scheduler is held: the place to create its state.
 */
SEC("?tp_btf/task_newtask")
int BPF_PROG(lifecycle_newtask, struct task_struct *task, __u64 clone_flags)
{
	__u64 cgroup_id = task_cgroup_id(task);
	struct ss_thread_state *state;
	struct ss_cgroup *cgroup;

	state = bpf_task_storage_get(&thread_state, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (state) {
		state->throttled_cpu = ~0U;
		state->mark = SS_MARK_NEVER_RAN;
		state->cgroup_id = cgroup_id;
	} else {
		loss_count(SS_LOSS_STATE_REFUSED);
	}
	cgroup = birth_count(task, cgroup_id, clone_flags);
	birth_report(task, clone_flags);
	if (cfg_namespaces)
		namespaces_birth(task, state, clone_flags);
	if (cfg_births && cgroup)
		birth_enter(task, state, cgroup);
	return 0;
}

SEC("?tp_btf/task_newtask")
int BPF_PROG(lifecycle_newtask_plain, struct task_struct *task, __u64 clone_flags)
{
	birth_count(task, task_cgroup_id(task), clone_flags);
	birth_report(task, clone_flags);
	return 0;
}

static __always_inline struct ss_cgroup *exec_count(struct task_struct *task)
{
	struct ss_cgroup *cgroup = cgroup_entry(task_cgroup_id(task));

	if (cgroup)
		__sync_fetch_and_add(&cgroup->execs, 1);
	return cgroup;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	struct ss_cgroup *cgroup = exec_count(task);

	exec_report(task, binary->filename);
	if (cfg_births && cgroup)
		birth_exec(task, binary, cgroup);
	if (cfg_epoll)
		loop_exec(task);
	if (cfg_namespaces && cfg_namespaces_compare) {
		struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);

		if (state)
			namespaces_compare(task, state);
	}
	return 0;
}

/* Where there is no atomic exchange either (5.12), not even in code that is never reached. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec_plain, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	exec_count(task);
	exec_report(task, binary->filename);
	return 0;
}

/*
 * Before task->comm changes (exec, prctl, /proc/PID/comm): what was used under the old name stays there, so that the
 * groups of a container, one per name, add up to the container.
 */
SEC("?tp_btf/task_rename")
int BPF_PROG(lifecycle_rename, struct task_struct *task)
{
	struct ss_thread_state *state;
	struct ss_gone_key key = {};

	if (!task_is_leader(task))
		return 0;
	state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (!state || !state->cgroup_id)
		return 0;
	key.cgroup_id = state->cgroup_id;
	BPF_CORE_READ_INTO(&key.comm, task, comm);
	task_charge(task, state, &key);
	if (cfg_epoll)
		loop_rename(task);
	return 0;
}

/* signal->live was counted down before this; the last two threads may both find it at 0, hence the mark. */
static __always_inline void exit_count(struct task_struct *task, struct ss_thread_state *state)
{
	struct ss_thread_state *leader;
	struct ss_cgroup *cgroup;

	if (task->signal->live.counter)
		return;
	leader = bpf_task_storage_get(&thread_state, task->group_leader, 0, 0);
	if (leader && __sync_lock_test_and_set(&leader->process_exited, 1))
		return;
	cgroup = cgroup_entry(task_cgroup_id(task));
	if (cgroup)
		__sync_fetch_and_add(&cgroup->exits, 1);
	/* At its last switch what it has used is known; without the scheduler's hooks this is the best moment there is. */
	if (cfg_sched && state)
		state->last_of_process = 1;
	else
		exit_report(task, false);
}

/* What the ended threads of a living process waited, for the process's own sum. The last few µs of a thread are not in. */
static __always_inline void process_keep_waits(struct task_struct *task, struct ss_thread_state *state)
{
	__u64 *from = (__u64 *)&state->waits, *to;

	to = bpf_task_storage_get(&process_waits, task->group_leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!to) {
		loss_count(SS_LOSS_STATE_REFUSED);
		return;
	}
#pragma unroll
	for (int i = 0; i < SS_WAITS_FIELDS; i++)
		if (from[i])
			__sync_fetch_and_add(&to[i], from[i]);
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(lifecycle_exit, struct task_struct *task)
{
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);

	if (state) {
		state->exit_ns = bpf_ktime_get_boot_ns();
		__sync_fetch_and_add(&tasks_exited, 1);
		state->short_lived = state->exit_ns - task->group_leader->start_boottime < SS_SHORT_LIVED_NS;
		/* The leader may be freed before this thread is. */
		BPF_CORE_READ_INTO(&state->group_comm, task, group_leader, comm);
		if (cfg_sched && !task_is_leader(task))
			process_keep_waits(task, state);
		if (cfg_namespaces && cfg_namespaces_compare)
			namespaces_compare(task, state);
		if (cfg_epoll) {
			struct ss_gone_key key = {.cgroup_id = task_cgroup_id(task)};

			comm_copy(key.comm, state->group_comm);
			loop_end(task, &key);
		}
	}
	exit_count(task, state);
	return 0;
}

/* All that a task ever used, for one of which nothing was charged before. */
static __always_inline void gone_whole(struct task_struct *task, __u64 cgroup_id)
{
	struct ss_gone_key key = {};
	struct ss_gone *gone;

	key.cgroup_id = cgroup_id;
	BPF_CORE_READ_INTO(&key.comm, task, group_leader, comm);
	gone = gone_entry(&key);
	if (!gone)
		return;
#define ADD(member, field) __sync_fetch_and_add(&gone->totals.member, task->field);
	TASK_TOTALS(ADD)
#undef ADD
	gone_count(task, gone, bpf_ktime_get_boot_ns() - task->start_boottime < SS_SHORT_LIVED_NS);
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(lifecycle_free, struct task_struct *task)
{
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);
	__u64 cgroup_id = task_cgroup_id(task);

	if (!state) {
		/* A zombie older than the agent, or refused. A fork that failed half-way never had an end. */
		if (task->exit_state)
			gone_whole(task, cgroup_id);
		return 0;
	}
	task_settle(task, state, cgroup_id);
	if (task_end(task, state, cgroup_id) && state->last_of_process)
		exit_report(task, true);
	return 0;
}

/* Without task storage: nothing was charged before, and the exit is counted here, when the process was reaped. */
SEC("?tp_btf/sched_process_free")
int BPF_PROG(lifecycle_free_plain, struct task_struct *task)
{
	__u64 cgroup_id = task_cgroup_id(task);
	struct ss_cgroup *cgroup;

	/*
	 * A fork that failed half-way never had an end. Not told by its CPU time: where the scheduler's clock stands still
	 * between two ticks, a whole process may have none.
	 */
	if (!task->exit_state)
		return 0;
	gone_whole(task, cgroup_id);
	if (!task_is_leader(task))
		return 0;
	cgroup = cgroup_entry(cgroup_id);
	if (cgroup)
		__sync_fetch_and_add(&cgroup->exits, 1);
	exit_report(task, true);
	return 0;
}
