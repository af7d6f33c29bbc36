/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start.bpf.h - the start of a container: the steps from cgroup_mkdir until it is ready, noted in the cgroup's own
 * entry. Called inline by the owners of the hooks (cgroup.bpf.c, lifecycle.bpf.c, sched.bpf.c, tcp.bpf.c) and by start.bpf.c.
 * Unless the cgroup is starting, each function returns after one test of a flag that its caller has looked up anyway.
 */
#ifndef SYSSCOPE_START_BPF_H
#define SYSSCOPE_START_BPF_H

#include "cgroup.bpf.h"
#include "compat.bpf.h"

/* A cgroup that is not ready by then is given up as never ready: until then each switch in it costs a look-up. */
#define START_MAX_NS 300000000000ULL
/*
 * A step counts for the cgroup and for at most so many levels, its own included, of cgroups that are starting as well:
 * some runtimes put processes into a cgroup below the container's.
 */
#define START_LEVELS 4

static __always_inline __u32 task_mount_namespace(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* The task's pid in its own pid namespace, that namespace's inode number, and its level; level 0: the initial one. */
static __always_inline void task_innermost_pid(struct task_struct *task, __u32 *pid_there, __u32 *inode, __u32 *level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid upid = {};

	*level = BPF_CORE_READ(pid, level);
	/* Masked, because the verifier of 6.1 loses the bounds of the product. */
	if (!pid || *level > MAX_PID_NS_LEVEL ||
	    bpf_probe_read_kernel(&upid, sizeof(upid),
				  (void *)pid + bpf_core_field_offset(pid->numbers) +
					  ((*level * bpf_core_type_size(struct upid)) & 1023)))
		return;
	*pid_there = upid.nr;
	*inode = BPF_CORE_READ(upid.ns, ns.inum);
}

/* At cgroup_mkdir. The entry may be older, if something was counted for the cgroup before. */
static __always_inline void start_begin(struct ss_cgroup *entry)
{
	struct task_struct *creator = (void *)bpf_get_current_task();
	__u32 pid = 0, inode = 0, level;

	task_innermost_pid(creator, &pid, &inode, &level);
	entry->start.creator_pid = inode;
	entry->start.creator_mnt = task_mount_namespace(creator);
	entry->flags |= SS_CGROUP_STARTING;
}

/*
 * Notes a step of one cgroup, unless it was noted before. step_ns is written last: once it is set, the agent reads the
 * rest.
 */
static __always_inline void start_note(struct ss_cgroup *entry, __u32 step, __u32 by, __u64 now, __u64 running)
{
	struct ss_start *b = &entry->start;

	if (now - entry->created_ns > START_MAX_NS) {
		entry->flags &= ~SS_CGROUP_STARTING;
		return;
	}
	if (b->step_ns[step] || (step == SS_START_READY && !b->step_ns[SS_START_EXECUTED]) ||
	    (step == SS_START_ISOLATED && b->step_ns[SS_START_EXECUTED]))
		return;
	b->cpu_ns[step] = b->exec_ns + running;
	if (step == SS_START_READY) {
		b->ready_by = by;
		entry->flags &= ~SS_CGROUP_STARTING;
	}
	__sync_val_compare_and_swap(&b->step_ns[step], 0, now);
}

/*
 * Notes a step of a cgroup and of those above it that are starting as well. `running`: CPU time of the current task
 * that is in no total yet. `step & 3` shows the verifier that the index is in bounds.
 */
static __noinline int start_step(struct ss_cgroup *entry, __u32 step, __u32 by, __u64 running)
{
	__u64 now = bpf_ktime_get_boot_ns(), parent;

	for (int i = 0; i < START_LEVELS; i++) {
		if (!entry || !(entry->flags & SS_CGROUP_STARTING))
			break;
		parent = entry->parent_id;
		start_note(entry, step & 3, by, now, running);
		entry = bpf_map_lookup_elem(&cgroups, &parent);
	}
	return 0;
}

/*
 * CPU time that the current task has used for the cgroup since its last switch: what the kernel has accounted since
 * then, plus at most one tick. The time since it got its CPU would be too much where a hypervisor takes CPU time away.
 */
static __always_inline __u64 start_running(__u64 cgroup_id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_thread_state *state = bpf_task_storage_get(&thread_state, task, 0, 0);
	__u64 now = bpf_ktime_get_boot_ns(), had, most;

	if (!cfg_sched || !state || !state->starting_ns || state->cgroup_id != cgroup_id || now < state->starting_ns)
		return 0;
	had = now - state->starting_ns;
	most = task->se.sum_exec_runtime - state->starting_exec_ns + cfg_tick_ns;
	return had < most ? had : most;
}

/*
 * The first process of a new pid namespace was found. Any program that was executed before, by another process, was not
 * the application but a helper of the runtime (newuidmap) or a hook: the step EXECUTED is taken back.
 */
static __noinline int start_init(struct ss_cgroup *entry, __u32 tgid)
{
	__u64 parent;

	for (int i = 0; i < START_LEVELS; i++) {
		if (!entry || !(entry->flags & SS_CGROUP_STARTING))
			break;
		if (!entry->start.init) {
			entry->start.init = tgid;
			if (!entry->start.step_ns[SS_START_ISOLATED])
				entry->start.step_ns[SS_START_EXECUTED] = 0;
		}
		parent = entry->parent_id;
		entry = bpf_map_lookup_elem(&cgroups, &parent);
	}
	return 0;
}

/* Called at births and execs: an unshare is noticed by what follows it, since runtimes then fork or execute. */
static __always_inline void start_isolate(struct task_struct *task, struct ss_cgroup *entry, __u64 running)
{
	struct ss_start *b = &entry->start;
	__u32 pid = 0, inode = 0, level = 0;
	__u32 mounts = task_mount_namespace(task);

	task_innermost_pid(task, &pid, &inode, &level);
	if (!b->init && pid == INIT_PID && level && inode != b->creator_pid)
		start_init(entry, task->tgid);
	if ((inode && inode != b->creator_pid) || (mounts && mounts != b->creator_mnt))
		start_step(entry, SS_START_ISOLATED, 0, running);
}

/* The task was moved into the cgroup, or born there. */
static __always_inline void start_enter(struct task_struct *task, struct ss_thread_state *state,
					struct ss_cgroup *entry)
{
	__u64 running;

	if (!(entry->flags & SS_CGROUP_STARTING))
		return;
	running = start_running(state ? state->cgroup_id : 0);
	if (state) {
		state->starting_exec_ns = task->se.sum_exec_runtime;
		state->starting_ns = bpf_ktime_get_boot_ns();
	}
	if (!task_is_leader(task))
		return;
	if (!entry->start.runtime)
		entry->start.runtime = (__u64)BPF_CORE_READ(task, mm, exe_file, f_inode);
	start_step(entry, SS_START_ENTERED, 0, running);
	start_isolate(task, entry, running);
}

/*
 * Recognises the application's exec. A runtime's own execs are not it: runtimes execute themselves again, from a copy
 * in memory that has no name (no links) or from the file that they were started from. In a new pid namespace only the
 * first process counts, which leaves out helpers and hooks.
 */
static __always_inline void start_exec(struct task_struct *task, struct linux_binprm *binary, struct ss_cgroup *entry,
				       __u64 cgroup_id)
{
	struct inode *inode;
	__u64 running;

	if (!(entry->flags & SS_CGROUP_STARTING))
		return;
	running = start_running(cgroup_id);
	start_isolate(task, entry, running);
	if (entry->start.init && entry->start.init != (__u32)task->tgid)
		return;
	inode = BPF_CORE_READ(binary, file, f_inode);
	if ((__u64)inode == entry->start.runtime || !BPF_CORE_READ(inode, i_nlink))
		return;
	start_step(entry, SS_START_EXECUTED, 0, running);
}

/* What makes the container ready, if this sleep does: an enum ss_start_ready. */
static __always_inline __u32 sleep_is_ready(struct task_struct *task, __u64 mark)
{
	__u32 class = ss_mark_class(mark);
	long number;

	if (ss_mark_state(mark) != SS_MARK_BLOCKED)
		return SS_READY_NOT_YET;
	if (class == SS_WAIT_EPOLL)
		return SS_READY_EPOLL;
	if (class != SS_WAIT_NETWORK)
		return SS_READY_NOT_YET;
	number = compat_syscall_number((struct pt_regs *)bpf_task_pt_regs(task));
	return number == __NR_accept || number == __NR_accept4 ? SS_READY_ACCEPT : SS_READY_NOT_YET;
}

/* A thread with starting_ns leaves its CPU: counts what it has used since it got it, and notes whether it is ready. */
static __noinline int start_leave(struct task_struct *task, struct ss_thread_state *state, __u64 mark)
{
	__u64 used = task->se.sum_exec_runtime - state->starting_exec_ns, id = state->cgroup_id, parent;
	__u64 had = bpf_ktime_get_boot_ns() - state->starting_ns;
	struct ss_cgroup *entry = bpf_map_lookup_elem(&cgroups, &id), *up = entry;
	__u32 ready;

	/* If it was moved in while it was running, `used` includes its use since the last tick before. */
	if (used > had)
		used = had;
	state->starting_exec_ns = task->se.sum_exec_runtime;
	if (!entry || !(entry->flags & SS_CGROUP_STARTING)) {
		state->starting_ns = 0;
		return 0;
	}
	for (int i = 0; i < START_LEVELS; i++) {
		if (!up || !(up->flags & SS_CGROUP_STARTING))
			break;
		parent = up->parent_id;
		__sync_fetch_and_add(&up->start.exec_ns, used);
		up = bpf_map_lookup_elem(&cgroups, &parent);
	}
	ready = sleep_is_ready(task, mark);
	if (ready)
		start_step(entry, SS_START_READY, ready, 0);
	else if (bpf_ktime_get_boot_ns() - entry->created_ns > START_MAX_NS)
		entry->flags &= ~SS_CGROUP_STARTING;
	return 0;
}

/* At the end of listen(), in the task that called it. */
static __always_inline void start_listened(void)
{
	__u64 id = task_cgroup_id(bpf_get_current_task_btf());
	struct ss_cgroup *entry = bpf_map_lookup_elem(&cgroups, &id);

	if (entry && entry->flags & SS_CGROUP_STARTING)
		start_step(entry, SS_START_READY, SS_READY_LISTEN, start_running(id));
}

static __always_inline void start_switch_out(struct task_struct *task, struct ss_thread_state *state, __u64 mark)
{
	if (state->starting_ns)
		start_leave(task, state, mark);
}

static __always_inline void start_switch_in(struct ss_thread_state *state)
{
	if (state->starting_ns)
		state->starting_ns = bpf_ktime_get_boot_ns();
}

#endif
