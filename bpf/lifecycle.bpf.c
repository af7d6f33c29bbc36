/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lifecycle.bpf.c - owner of the hooks of a task's life: counts births, execs and exits per cgroup, and charges the
 * totals of a task that ends, so that a process that lives 1 ms is counted as exactly as one that lives a year. It
 * calls the other subjects' inlines where they need these hooks.
 *
 * A task is charged at sched_process_free, or, with the scheduler hooks, at its last switch, which is earlier
 * (task_end). Charging it at sched_process_exit would be too early: the task still runs, and the kernel updates
 * sum_exec_runtime only at ticks and switches. For 10,000 runs of /bin/true the sum read there was a fifth of what the
 * cgroup's own counter said.
 *
 * sched_process_free is called from delayed_put_task_struct, after an RCU grace period that begins when both of the
 * task's rcu_users are gone: release_task drops one, and finish_task_switch drops the other after the task's last
 * switch. So the last time slice is included. By then the task is on no list, no iterator visits it again, and it
 * cannot be counted twice.
 */
#include "cgroup.bpf.h"
#include "loop_end.bpf.h"
#include "gone.bpf.h"
#include "lifecycle.bpf.h"
#include "namespace.bpf.h"
#include "start.bpf.h"

static __always_inline struct ss_cgroup *birth_count(struct task_struct *task, __u64 cgroup_id, __u64 clone_flags)
{
	struct ss_cgroup *cgroup = cgroup_entry(cgroup_id);

	if (!cgroup)
		return NULL;
	if (clone_flags & CLONE_THREAD)
		__sync_fetch_and_add(&cgroup->thread_creations, 1);
	else
		__sync_fetch_and_add(&cgroup->forks, 1);
	cgroup_enter_report(task, cgroup, cgroup_id);
	return cgroup;
}

/* A child has its parent's descriptors, and may wait at one before the next pass over open files. */
static __always_inline void listening_inherit(struct ss_thread_state *child)
{
	struct ss_thread_state *parent = bpf_task_storage_get(&thread_state, bpf_get_current_task_btf(), 0, 0);

	if (parent)
		*(__u64 *)child->listening = *(__u64 *)parent->listening;
}

/*
 * Called at the end of copy_process, after cgroup_post_fork: the child is in its cgroup (also with CLONE_INTO_CGROUP)
 * and not runnable yet, and no scheduler lock is held. So this is where its state is created: task storage must not be
 * allocated under the run queue's lock.
 */
SEC("?tp_btf/task_newtask")
int BPF_PROG(lifecycle_newtask, struct task_struct *task, __u64 clone_flags)
{
	__u64 cgroup_id = task_cgroup_id(task);
	bool others = cfg_namespaces && !(task->flags & PF_KTHREAD) && namespaces_differ(task, clone_flags);
	struct ss_thread_state *state;
	struct ss_cgroup *cgroup;

	if (cfg_namespaces)
		namespaces_of_parent(task);
	state = bpf_task_storage_get(&thread_state, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* If it is refused, the iterator tries again; if the task ends before, that is counted (exit_unknown). */
	if (state) {
		state->waits.throttled_cpu = ~0U; /* no CPU yet */
		state->mark = SS_MARK_NEVER_RAN;
		state->cgroup_id = cgroup_id;
		/* There is nothing to compare with yet: this notes them. */
		if (cfg_namespaces && cfg_namespaces_compare)
			namespaces_compare(task, state);
		if (task_is_leader(task))
			name_begin(task, state);
	}
	if (state && !(clone_flags & CLONE_THREAD))
		listening_inherit(state);
	cgroup = birth_count(task, cgroup_id, clone_flags);
	birth_report(task, clone_flags);
	if (others)
		namespaces_report_birth(bpf_get_current_task_btf(), task);
	if (cfg_births && cgroup)
		start_enter(task, state, cgroup);
	return 0;
}

/* For kernels without task storage in tracing programs (before 5.11), like all programs here that end in _plain. */
SEC("?tp_btf/task_newtask")
int BPF_PROG(lifecycle_newtask_plain, struct task_struct *task, __u64 clone_flags)
{
	birth_count(task, task_cgroup_id(task), clone_flags);
	birth_report(task, clone_flags);
	return 0;
}

static __always_inline struct ss_cgroup *exec_count(__u64 cgroup_id)
{
	struct ss_cgroup *cgroup = cgroup_entry(cgroup_id);

	if (cgroup)
		__sync_fetch_and_add(&cgroup->execs, 1);
	return cgroup;
}

/* Not inlined: the iteration that ends needs much of the stack, which what is called later needs, too. */
static __noinline int exec_loop(struct task_struct *task, __u64 cgroup_id)
{
	loop_exec(task, cgroup_id);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	__u64 cgroup_id = task_cgroup_id(task);
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);
	struct ss_cgroup *cgroup = exec_count(cgroup_id);

	if (state)
		name_execute(task, state);
	exec_report(task, state, binary->filename);
	/* Before the start is noted: the changes are those of the program that was there before. */
	if (state && cfg_namespaces && cfg_namespaces_compare)
		namespaces_compare(task, state);
	if (cfg_births && cgroup)
		start_exec(task, binary, cgroup, cgroup_id);
	if (cfg_epoll)
		exec_loop(task, cgroup_id);
	return 0;
}

/*
 * A program of its own, because such kernels also lack atomic exchange (before 5.12) and refuse it even in code that is
 * never reached.
 */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec_plain, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	exec_count(task_cgroup_id(task));
	exec_report(task, NULL, binary->filename);
	return 0;
}

/*
 * Called before task->comm changes (exec, prctl, /proc/PID/comm): what was used under the old name of the process is
 * charged to it, so that the groups of a container, one per name, add up to the container. In exec the program's file
 * is the new one only later: lifecycle_exec settles the name.
 */
SEC("?tp_btf/task_rename")
int BPF_PROG(lifecycle_rename, struct task_struct *task, const char *comm)
{
	struct ss_thread_state *state;
	struct ss_gone_key key = {};
	char name[SS_COMM_LEN] = {};

	if (!task_is_leader(task))
		return 0;
	state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (!state || !state->cgroup_id)
		return 0;
	key.cgroup_id = state->cgroup_id;
	process_name(key.comm, task, state);
	task_charge(task, state, &key);
	if (cfg_epoll)
		loop_rename(task, key.comm);
	bpf_probe_read_kernel_str(name, sizeof(name), comm);
	name_settle(task, state, name);
	told_forget(state);
	return 0;
}

/* Pid 1 of a namespace other than the machine's. Its parent tells a container's from one that was made inside of it. */
static __always_inline bool is_main(struct task_struct *leader, __u64 cgroup_id)
{
	__u32 pid = 0, inode = 0, level = 0;

	task_innermost_pid(leader, &pid, &inode, &level);
	return level && pid == INIT_PID && task_cgroup_id_untyped(BPF_CORE_READ(leader, real_parent)) != cgroup_id;
}

/* Notes how the container's first process ended. Not inlined, for what is called later needs the stack, too. */
static __noinline int main_end_note(struct task_struct *task, struct ss_cgroup *cgroup, __u64 cgroup_id)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	__u32 status, end;

	if (!cgroup || !is_main(leader, cgroup_id))
		return 0;
	status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(signal, group_exit_code)
								  : BPF_CORE_READ(leader, exit_code);
	end = !status ? SS_END_SUCCESS : status & 0x7f ? SS_END_SIGNAL : SS_END_FAILURE;
	__sync_fetch_and_add(&cgroup->main.ends[end], 1);
	cgroup->main.status = status;
	BPF_CORE_READ_INTO(&cgroup->main.comm, leader, comm);
	return 0;
}

/*
 * Counts the exit of a process, at the exit of its last thread. The kernel decrements signal->live before this hook, so
 * the last two threads may both read 0: SS_LIFE_COUNTED lets only one of them count.
 */
static __always_inline void exit_count(struct task_struct *task, struct ss_thread_state *state,
				       struct ss_thread_state *leader, __u64 cgroup_id)
{
	struct ss_cgroup *cgroup;

	if (leader && __sync_fetch_and_or(&leader->life, SS_LIFE_COUNTED) & SS_LIFE_COUNTED)
		return;
	cgroup = cgroup_entry(cgroup_id);
	if (cgroup) {
		__sync_fetch_and_add(&cgroup->exits, 1);
		main_end_note(task, cgroup, cgroup_id);
	}
	/*
	 * What it has used is known at its last switch; without the scheduler hooks this is the best moment to report
	 * it.
	 */
	if (cfg_sched && state)
		__sync_fetch_and_or(&state->life, SS_LIFE_LAST_OF_PROCESS);
	else
		exit_report(task, state, false);
}

/* Adds an ended thread's waits to its process's. The last few microseconds of the thread are not included. */
static __always_inline void process_keep_waits(struct task_struct *leader, struct ss_thread_state *of_leader,
					       struct ss_thread_state *state)
{
	__u64 *from = (__u64 *)&state->waits, *to, count;

	to = bpf_task_storage_get(&process_waits, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!to) {
		loss_count(SS_LOSS_STATE_REFUSED);
		return;
	}
#pragma unroll
	for (int i = 0; i < SS_WAIT_TIMES; i++)
		if (from[i])
			__sync_fetch_and_add(&to[i], from[i]);
#pragma unroll
	for (int i = 0; i < SS_WAIT_COUNTS; i++) {
		count = ss_count(state, i);
		if (count)
			__sync_fetch_and_add(&to[SS_WAIT_TIMES + i], count);
	}
	if (of_leader)
		told_forget(of_leader);
}

/*
 * The task has no state, or the kernel refuses the look-up: its waits are not added to its process's, its event loop does not
 * end, and the name that it is charged to may be missing. Init's own threads: see switch_unseen.
 */
static __always_inline void exit_unknown(struct task_struct *task)
{
	if (all_known && task->tgid != INIT_PID)
		loss_count(SS_LOSS_STATE_REFUSED);
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(lifecycle_exit, struct task_struct *task)
{
	/* What is read through its pointers comes first: see task_cgroup_id_untyped. */
	__u64 cgroup_id = task_cgroup_id(task);
	struct task_struct *leader = task->group_leader;
	bool last = !task->signal->live.counter;
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);
	struct ss_thread_state *of_leader = bpf_task_storage_get(&thread_state, leader, 0, 0);

	if (state) {
		__u64 age = bpf_ktime_get_boot_ns() - leader->start_boottime;

		__sync_fetch_and_or(&state->life,
				    age < SS_SHORT_LIVED_NS ? SS_LIFE_EXITED | SS_LIFE_SHORT : SS_LIFE_EXITED);
		__sync_fetch_and_add(&tasks_exited, 1);
		/* Copied now, because the leader may be freed before this thread is. */
		process_name(state->program, leader, of_leader);
		if (cfg_sched && !task_is_leader(task))
			process_keep_waits(leader, of_leader, state);
		if (cfg_namespaces && cfg_namespaces_compare)
			namespaces_compare(task, state);
		if (cfg_epoll) {
			struct ss_gone_key key = {.cgroup_id = cgroup_id};

			comm_copy(key.comm, state->program);
			loop_end(task, &key);
		}
	} else {
		exit_unknown(task);
	}
	if (last)
		exit_count(task, state, of_leader, cgroup_id);
	return 0;
}

/* Charges everything that a task has ever used, for a task that was never charged before. */
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
#define ADD_IO(member, field)   \
	if (compat_counts_io()) \
	ADD(member, field)
	TASK_IO_TOTALS(ADD_IO)
#undef ADD_IO
#undef ADD
	gone_count(task, gone, bpf_ktime_get_boot_ns() - task->start_boottime < SS_SHORT_LIVED_NS);
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(lifecycle_free, struct task_struct *task)
{
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);
	__u64 cgroup_id = task_cgroup_id(task);

	if (!state) {
		/*
		 * A zombie older than the agent, or a task whose state was refused. A fork that failed never exited. If something
		 * is stored with the task, the kernel refuses to look it up here, where another look-up on this CPU was
		 * interrupted (up to 6.1): it was charged at its last switch. Without the scheduler hooks its end is not seen.
		 */
		if (task->exit_state && !compat_task_stored(task))
			gone_whole(task, cgroup_id);
		return 0;
	}
	task_settle(task, state, cgroup_id);
	if (task_end(task, state, cgroup_id, false) && state->life & SS_LIFE_LAST_OF_PROCESS)
		exit_report(task, state, true);
	return 0;
}

/* Nothing was charged before, and the exit is counted here, when the process is reaped. */
SEC("?tp_btf/sched_process_free")
int BPF_PROG(lifecycle_free_plain, struct task_struct *task)
{
	__u64 cgroup_id = task_cgroup_id(task);
	struct ss_cgroup *cgroup;

	/*
	 * A fork that failed never exited. Its CPU time does not tell: where the scheduler's clock advances only at
	 * ticks, a whole process may have none.
	 */
	if (!task->exit_state)
		return 0;
	gone_whole(task, cgroup_id);
	if (!task_is_leader(task))
		return 0;
	cgroup = cgroup_entry(cgroup_id);
	if (cgroup)
		__sync_fetch_and_add(&cgroup->exits, 1);
	exit_report(task, NULL, true);
	return 0;
}
