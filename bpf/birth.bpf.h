/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.bpf.h - how a container comes into being: the steps from cgroup_mkdir to being ready, noted in the cgroup's own
 * entry. Called inline by the owners of the hooks (cgroup.bpf.c, lifecycle.bpf.c, sched.bpf.c) and by birth.bpf.c; each
 * returns after one test of a flag in what its caller has looked up anyway, unless the cgroup is young.
 */
#ifndef SYSSCOPE_BIRTH_BPF_H
#define SYSSCOPE_BIRTH_BPF_H

#include "sysscope.bpf.h"
#include "sched.bpf.h"

/* What is not ready by then never will be, as far as this is concerned: its switches cost a look-up each until then. */
#define BIRTH_MAX_NS 300000000000ULL
/* A cgroup and those around it that were made with it: some runtimes put the processes into a cgroup below the container's. */
#define BIRTH_LEVELS 4

static __always_inline __u32 mount_namespace(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* Its pid in the innermost pid namespace that it is in, and which that is; *level 0: the machine's own. */
static __always_inline void innermost_pid(struct task_struct *task, __u32 *pid_there, __u32 *inode, __u32 *level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid upid = {};

	*level = BPF_CORE_READ(pid, level);
	/* Masked, since the verifier of 6.1 loses the product's bounds. */
	if (!pid || *level > 32 ||
	    bpf_probe_read_kernel(&upid, sizeof(upid),
				  (void *)pid + bpf_core_field_offset(pid->numbers) +
					  ((*level * bpf_core_type_size(struct upid)) & 1023)))
		return;
	*pid_there = upid.nr;
	*inode = BPF_CORE_READ(upid.ns, ns.inum);
}

/* cgroup_mkdir. The entry may be that of a cgroup for which something was counted before. */
static __always_inline void birth_begin(struct ss_cgroup *entry)
{
	struct task_struct *maker = (void *)bpf_get_current_task();
	__u32 pid = 0, inode = 0, level;

	innermost_pid(maker, &pid, &inode, &level);
	entry->start.creator_pid = inode;
	entry->start.creator_mnt = mount_namespace(maker);
	entry->flags |= SS_CGROUP_STARTING;
}

/* The first to come has it. What belongs to the step is written before it can be read. */
static __always_inline void birth_note(struct ss_cgroup *entry, __u32 step, __u32 by, __u64 now, __u64 running)
{
	struct ss_start *b = &entry->start;

	if (now - entry->created_ns > BIRTH_MAX_NS) {
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

/* `running`: CPU time of the current task that is in no total yet. */
static __noinline int birth_step(struct ss_cgroup *entry, __u32 step, __u32 by, __u64 running)
{
	__u64 now = bpf_ktime_get_boot_ns(), parent;

	for (int i = 0; i < BIRTH_LEVELS; i++) {
		if (!entry || !(entry->flags & SS_CGROUP_STARTING))
			break;
		parent = entry->parent_id;
		birth_note(entry, step & 3, by, now, running);
		entry = bpf_map_lookup_elem(&cgroups, &parent);
	}
	return 0;
}

/*
 * The current task's part in the CPU time of the cgroup that no switch has counted yet: what the kernel has counted, and
 * since then at most a tick. The time since it got its CPU alone would be too much where a hypervisor takes CPU time.
 */
static __always_inline __u64 birth_running(__u64 cgroup_id)
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
 * The first process of a pid namespace is there. What was executed before by others was not the application: runtimes have
 * helpers (newuidmap) and hooks.
 */
static __noinline int birth_init(struct ss_cgroup *entry, __u32 tgid)
{
	__u64 parent;

	for (int i = 0; i < BIRTH_LEVELS; i++) {
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

/* unshare is seen by what comes after it: runtimes have a child then, or execute. */
static __always_inline void birth_isolate(struct task_struct *task, struct ss_cgroup *entry, __u64 running)
{
	struct ss_start *b = &entry->start;
	__u32 pid = 0, inode = 0, level = 0;
	__u32 mounts = mount_namespace(task);

	innermost_pid(task, &pid, &inode, &level);
	if (!b->init && pid == 1 && level && inode != b->creator_pid)
		birth_init(entry, task->tgid);
	if ((inode && inode != b->creator_pid) || (mounts && mounts != b->creator_mnt))
		birth_step(entry, SS_START_ISOLATED, 0, running);
}

/* Moved into the cgroup, or born there. */
static __always_inline void birth_enter(struct task_struct *task, struct ss_thread_state *state,
					struct ss_cgroup *entry)
{
	__u64 running;

	if (!(entry->flags & SS_CGROUP_STARTING))
		return;
	running = birth_running(state ? state->cgroup_id : 0);
	if (state) {
		state->starting_exec_ns = task->se.sum_exec_runtime;
		state->starting_ns = bpf_ktime_get_boot_ns();
	}
	if (!task_is_leader(task))
		return;
	if (!entry->start.runtime)
		entry->start.runtime = (__u64)BPF_CORE_READ(task, mm, exe_file, f_inode);
	birth_step(entry, SS_START_ENTERED, 0, running);
	birth_isolate(task, entry, running);
}

/*
 * The application's exec, told from the runtime's own: runtimes execute themselves once more from a copy in memory that has
 * no name (no link), or from the file that they came from. Where there is a pid namespace of its own, only its first process
 * counts, so that helpers (hooks) do not.
 */
static __always_inline void birth_exec(struct task_struct *task, struct linux_binprm *binary, struct ss_cgroup *entry)
{
	struct inode *inode;
	__u64 running;

	if (!(entry->flags & SS_CGROUP_STARTING))
		return;
	running = birth_running(task_cgroup_id(task));
	birth_isolate(task, entry, running);
	if (entry->start.init && entry->start.init != (__u32)task->tgid)
		return;
	inode = BPF_CORE_READ(binary, file, f_inode);
	if ((__u64)inode == entry->start.runtime || !BPF_CORE_READ(inode, i_nlink))
		return;
	birth_step(entry, SS_START_EXECUTED, 0, running);
}

static __always_inline __u32 sleep_is_ready(struct task_struct *task, __u64 mark)
{
	__u32 class = mark_class(mark);
	long number;

	if ((mark & SS_MARK_STATE) != SS_MARK_BLOCKED)
		return SS_READY_NOT_YET;
	if (class == SS_WAIT_EPOLL)
		return SS_READY_EPOLL;
	if (class != SS_WAIT_NETWORK)
		return SS_READY_NOT_YET;
	number = compat_syscall_number((struct pt_regs *)bpf_task_pt_regs(task));
	return number == SYSCALL_ACCEPT || number == SYSCALL_ACCEPT4 ? SS_READY_ACCEPT : SS_READY_NOT_YET;
}

/* A thread with starting_ns leaves its CPU: what it used since it got it, and whether it is ready with what it had to do. */
static __noinline int birth_leave(struct task_struct *task, struct ss_thread_state *state, __u64 mark)
{
	__u64 used = task->se.sum_exec_runtime - state->starting_exec_ns, id = state->cgroup_id, parent;
	__u64 had = bpf_ktime_get_boot_ns() - state->starting_ns;
	struct ss_cgroup *entry = bpf_map_lookup_elem(&cgroups, &id), *up = entry;
	__u32 ready;

	/* Moved in while it was running, it brought along what it had used since the last tick. */
	if (used > had)
		used = had;
	state->starting_exec_ns = task->se.sum_exec_runtime;
	if (!entry || !(entry->flags & SS_CGROUP_STARTING)) {
		state->starting_ns = 0;
		return 0;
	}
	for (int i = 0; i < BIRTH_LEVELS; i++) {
		if (!up || !(up->flags & SS_CGROUP_STARTING))
			break;
		parent = up->parent_id;
		__sync_fetch_and_add(&up->start.exec_ns, used);
		up = bpf_map_lookup_elem(&cgroups, &parent);
	}
	ready = sleep_is_ready(task, mark);
	if (ready)
		birth_step(entry, SS_START_READY, ready, 0);
	else if (bpf_ktime_get_boot_ns() - entry->created_ns > BIRTH_MAX_NS)
		entry->flags &= ~SS_CGROUP_STARTING;
	return 0;
}

static __always_inline void birth_switch_out(struct task_struct *task, struct ss_thread_state *state, __u64 mark)
{
	if (state->starting_ns)
		birth_leave(task, state, mark);
}

static __always_inline void birth_switch_in(struct ss_thread_state *state)
{
	if (state->starting_ns)
		state->starting_ns = bpf_ktime_get_boot_ns();
}

#endif
