/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace.bpf.h - namespace transitions: what the owners of births, execs, exits, switches and of the iterator call to
 * find them by comparison, and what namespace.bpf.c, which knows of each exactly, shares with them.
 *
 * Compared are, at a switch, two addresses with those of the last time: task->nsproxy and the user namespace of its
 * credentials; everywhere else the inode numbers, since a set that was freed comes back at the same address for the next
 * one. What comes and goes between two comparisons is not seen.
 */
#ifndef SYSSCOPE_NAMESPACE_BPF_H
#define SYSSCOPE_NAMESPACE_BPF_H

#include "sysscope.bpf.h"
#include "compat.bpf.h"
#include "syscalls.bpf.h"

/* CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: include/uapi/linux/sched.h */
#define CLONE_NEW_ANY 0x7e020080ULL

/* How often, by cgroup, kinds, call and name: hash, bounded, preallocated since programs insert under the run queue's lock. */
struct transitions_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ss_transition_key);
	__type(value, __u64);
};
/* In turn, with the gone tables. */
struct transitions_map transitions_a SEC(".maps") __weak;
struct transitions_map transitions_b SEC(".maps") __weak;

/* Of a typed pointer, and of an address. Both leave PID and USER, which are not in the set. */
static __always_inline void namespaces_of_set(struct nsproxy *set, struct ss_namespaces *n)
{
	n->inode[SS_NS_MNT] = set->mnt_ns->ns.inum;
	n->inode[SS_NS_NET] = set->net_ns->ns.inum;
	n->inode[SS_NS_UTS] = set->uts_ns->ns.inum;
	n->inode[SS_NS_IPC] = set->ipc_ns->ns.inum;
	n->inode[SS_NS_CGROUP] = set->cgroup_ns->ns.inum;
	n->inode[SS_NS_TIME] = set->time_ns->ns.inum;
	n->inode[SS_NS_PID_FOR_CHILDREN] = set->pid_ns_for_children->ns.inum;
	n->inode[SS_NS_TIME_FOR_CHILDREN] = set->time_ns_for_children->ns.inum;
}

static __always_inline void namespaces_at(struct nsproxy *set, struct ss_namespaces *n)
{
	n->inode[SS_NS_MNT] = BPF_CORE_READ(set, mnt_ns, ns.inum);
	n->inode[SS_NS_NET] = BPF_CORE_READ(set, net_ns, ns.inum);
	n->inode[SS_NS_UTS] = BPF_CORE_READ(set, uts_ns, ns.inum);
	n->inode[SS_NS_IPC] = BPF_CORE_READ(set, ipc_ns, ns.inum);
	n->inode[SS_NS_CGROUP] = BPF_CORE_READ(set, cgroup_ns, ns.inum);
	n->inode[SS_NS_TIME] = BPF_CORE_READ(set, time_ns, ns.inum);
	n->inode[SS_NS_PID_FOR_CHILDREN] = BPF_CORE_READ(set, pid_ns_for_children, ns.inum);
	n->inode[SS_NS_TIME_FOR_CHILDREN] = BPF_CORE_READ(set, time_ns_for_children, ns.inum);
}

/* The pid namespace in which the task lives, from its birth to its end; and its pid there. */
static __always_inline __u32 task_pid_namespace(struct task_struct *task, __u32 *ret_pid)
{
	struct pid *pid = task->thread_pid;
	struct upid upid = {};
	__u32 level;

	if (!pid)
		return 0;
	level = pid->level;
	if (bpf_core_read(&upid, sizeof(upid), &pid->numbers[0]) || level >= 33)
		return 0;
	/* Masked, since the verifier of 6.1 loses the product's bounds. */
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      ((level * bpf_core_type_size(struct upid)) & 1023));
	if (ret_pid)
		*ret_pid = upid.nr;
	return BPF_CORE_READ(upid.ns, ns.inum);
}

/* False for one that has none any more. real_cred: the other credentials may be borrowed, as overlayfs does. */
static __always_inline bool task_namespaces(struct task_struct *task, struct ss_namespaces *n)
{
	struct nsproxy *set = task->nsproxy;

	if (!set)
		return false;
	namespaces_of_set(set, n);
	n->inode[SS_NS_USER] = task->real_cred->user_ns->ns.inum;
	n->inode[SS_NS_PID] = task_pid_namespace(task, NULL);
	return true;
}

/* 1 or 0. Without a branch: ten of them would be a thousand paths to the verifier. */
static __always_inline __u32 differs(__u64 a, __u64 b)
{
	__u64 d = a ^ b;

	asm volatile("" : "+r"(d)); /* clang would make a branch of it */
	return (0 - d) >> 63;
}

/* The kinds that differ; what lies ready for children only if it is not the thread's own new one. */
static __always_inline __u32 namespaces_changed(const struct ss_namespaces *from, const struct ss_namespaces *to)
{
	__u32 kinds = 0;

#pragma unroll
	for (int i = 0; i < SS_NAMESPACES; i++)
		kinds |= differs(from->inode[i], to->inode[i]) << i;
	if (kinds & 1u << SS_NS_TIME && to->inode[SS_NS_TIME] == to->inode[SS_NS_TIME_FOR_CHILDREN])
		kinds &= ~(1u << SS_NS_TIME_FOR_CHILDREN);
	return kinds;
}

static __always_inline void transition_count(struct task_struct *task, __u32 kinds, __u32 how)
{
	void *table = gone_in_use ? (void *)&transitions_b : (void *)&transitions_a;
	struct ss_transition_key key = {.kinds = kinds, .how = how};
	__u64 *count, zero = 0;

	key.cgroup_id = task_cgroup_id(task);
	BPF_CORE_READ_INTO(&key.comm, task, comm);
	count = bpf_map_lookup_elem(table, &key);
	if (!count) {
		bpf_map_update_elem(table, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(table, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		loss_count(SS_LOSS_TRANSITION_LOST);
}

/* One transition: counted, and a fact for whoever listens. */
static __noinline int transition_report(struct task_struct *task, const struct ss_namespaces *from,
					const struct ss_namespaces *to, __u32 kinds, __u32 how)
{
	struct ss_fact *fact;

	transition_count(task, kinds, how);
	fact = fact_reserve(SS_FACT_NAMESPACE, FACT_SIZE(namespaces), task);
	if (!fact)
		return 0;
	fact->namespaces.kinds = kinds;
	fact->namespaces.how = how;
	fact->namespaces.from = *from;
	fact->namespaces.to = *to;
	fact_send(fact);
	return 0;
}

/* The call in which the task is, as far as it can move it, and its first argument. */
static __always_inline __u32 task_moves_by(struct task_struct *task, __u64 *ret_flags)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	bool narrow = compat_is_32_bit(task);
	long number = compat_syscall_number(regs);

	*ret_flags = narrow ? ~0ULL : compat_syscall_argument(regs);
	if (number == (narrow ? CALL_UNSHARE_32 : CALL_UNSHARE))
		return SS_NS_UNSHARE;
	if (number == (narrow ? CALL_SETNS_32 : CALL_SETNS))
		return SS_NS_SETNS;
	if (number == (narrow ? CALL_EXECVE_32 : CALL_EXECVE) || number == (narrow ? CALL_EXECVEAT_32 : CALL_EXECVEAT))
		return SS_NS_EXEC;
	return SS_NS_UNKNOWN;
}

/* By which bits of unshare's flags these kinds can have come about. */
static __always_inline __u64 kinds_flags(__u32 kinds)
{
	static const __u64 flags[SS_NAMESPACES] = {0x20000000, 0x00020000, 0x40000000, 0x04000000, 0x08000000,
						   0x10000000, 0x02000000, 0x00000080, 0x20000000, 0x00000080};
	__u64 all = 0;

#pragma unroll
	for (int i = 0; i < SS_NAMESPACES; i++)
		all |= flags[i] * differs(kinds & 1u << i, 0);
	return all;
}

/* The call that it is in at the moment of the comparison, if that can have made this change. */
static __always_inline __u32 task_moved_by(struct task_struct *task, __u32 kinds)
{
	__u64 flags;
	__u32 how = task_moves_by(task, &flags);

	if (how == SS_NS_UNSHARE && (flags & kinds_flags(kinds)) != kinds_flags(kinds))
		return SS_NS_UNKNOWN;
	if (how == SS_NS_EXEC && kinds != 1u << SS_NS_TIME)
		return SS_NS_UNKNOWN;
	return how;
}

/*
 * Holds the task's namespaces against those that were seen last, and reports the difference. Whoever finds another one
 * at it leaves it to that one: the iterator runs beside the task.
 */
static __noinline int namespaces_compare(struct task_struct *task, struct ss_thread_state *state)
{
	struct ss_namespaces now = {};
	__u32 kinds;

	if (task->flags & PF_KTHREAD || __sync_lock_test_and_set(&state->namespaces_busy, 1))
		return 0;
	if (task_namespaces(task, &now)) {
		state->namespace_set = (__u64)task->nsproxy;
		state->namespace_user = (__u64)task->real_cred->user_ns;
		kinds = namespaces_changed(&state->namespaces, &now);
		/* The first time that it is seen there is nothing to compare with. */
		if (kinds && state->namespaces.inode[SS_NS_USER])
			transition_report(task, &state->namespaces, &now, kinds, task_moved_by(task, kinds));
		state->namespaces = now;
	}
	__sync_lock_test_and_set(&state->namespaces_busy, 0);
	return 0;
}

/* At a switch: nothing but the addresses. */
static __always_inline void namespaces_switch(struct task_struct *task, struct ss_thread_state *state)
{
	struct nsproxy *set = task->nsproxy;

	if (!set || ((__u64)set == state->namespace_set && (__u64)task->real_cred->user_ns == state->namespace_user))
		return;
	namespaces_compare(task, state);
}

/* A frame of its own, as namespaces_compare has: together they would be over the 512 bytes of a stack. */
static __noinline int namespaces_birth_report(struct task_struct *parent, struct task_struct *task)
{
	struct ss_namespaces from = {}, to = {};
	__u32 kinds;

	if (!task_namespaces(parent, &from) || !task_namespaces(task, &to))
		return 0;
	kinds = namespaces_changed(&from, &to) & ~(1u << SS_NS_PID_FOR_CHILDREN | 1u << SS_NS_TIME_FOR_CHILDREN);
	return kinds ? transition_report(task, &from, &to, kinds, SS_NS_CLONE) : 0;
}

/*
 * At a birth. Most children share everything with their parent: then neither a flag says otherwise, nor is the pid
 * namespace a deeper one (a parent in which unshare or setns left another one for its children), nor the set another
 * (the same for time).
 */
static __always_inline void namespaces_birth(struct task_struct *task, struct ss_thread_state *state, __u64 clone_flags)
{
	struct task_struct *parent = bpf_get_current_task_btf();

	if (task->flags & PF_KTHREAD)
		return;
	if (cfg_namespaces_compare) {
		struct ss_thread_state *above = bpf_task_storage_get(&thread_state, parent, 0, 0);

		if (above)
			namespaces_compare(parent, above);
		if (state)
			namespaces_compare(task, state);
	}
	if (clone_flags & CLONE_NEW_ANY || task->nsproxy != parent->nsproxy ||
	    task->thread_pid->level != parent->thread_pid->level)
		namespaces_birth_report(parent, task);
}

#endif
