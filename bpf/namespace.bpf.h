/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace.bpf.h - namespace transitions: counts and reports them, and finds them by comparison. Called by
 * namespace.bpf.c, which sees each transition, and, for comparisons, by the owners of the hooks for births, execs,
 * exits and switches and by the iterator.
 *
 * A comparison at a switch looks only at two addresses: task->nsproxy and the user namespace of the task's credentials.
 * Every other comparison looks at the inode numbers, because a new set may get the address of one that was freed. A
 * transition that is undone between two comparisons is not seen.
 */
#ifndef SYSSCOPE_NAMESPACE_BPF_H
#define SYSSCOPE_NAMESPACE_BPF_H

#include "cgroup.bpf.h"
#include "compat.bpf.h"

#define CLONE_NEW_ANY                                                                                          \
	((__u64)(CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		 CLONE_NEWPID | CLONE_NEWNET))

/* Counts by cgroup, kinds, call and name. A preallocated hash, because programs insert under the run queue's lock. */
struct transitions_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ss_transition_key);
	__type(value, __u64);
};
/* Used in turn, as the gone tables are. */
struct transitions_map transitions_a SEC(".maps") __weak;
struct transitions_map transitions_b SEC(".maps") __weak;

/* The inode numbers in a set. SS_NS_PID and SS_NS_USER are not part of a set and are left as they are. */
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

/* The same for a pointer that the verifier does not know as an nsproxy. */
static __always_inline void namespaces_of_address(struct nsproxy *set, struct ss_namespaces *n)
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

/* The inode number of a task's own pid namespace, which never changes, and its pid there; 0: not known. */
static __always_inline __u32 pid_namespace_at(struct pid *pid, __u32 level, __u32 *ret_pid)
{
	struct upid upid = {};

	if (bpf_core_read(&upid, sizeof(upid), &pid->numbers[0]) || level > MAX_PID_NS_LEVEL)
		return 0;
	/* Masked, because the verifier of 6.1 loses the bounds of the product. */
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      ((level * bpf_core_type_size(struct upid)) & 1023));
	if (ret_pid)
		*ret_pid = upid.nr;
	return BPF_CORE_READ(upid.ns, ns.inum);
}

static __always_inline __u32 task_pid_namespace(struct pid *pid, __u32 *ret_pid)
{
	return pid ? pid_namespace_at(pid, pid->level, ret_pid) : 0;
}

/*
 * The task's set; NULL: it has none any more. real_cred, because a task may borrow others in cred, as overlayfs makes it do.
 */
static __always_inline struct nsproxy *task_namespaces(struct task_struct *task, struct ss_namespaces *n,
						       struct user_namespace **ret_user)
{
	struct nsproxy *set = task->nsproxy;
	struct user_namespace *user;

	if (!set)
		return NULL;
	user = task->real_cred->user_ns;
	namespaces_of_set(set, n);
	n->inode[SS_NS_USER] = user->ns.inum;
	n->inode[SS_NS_PID] = task_pid_namespace(task->thread_pid, NULL);
	if (ret_user)
		*ret_user = user;
	return set;
}

/* The same for what happens seldom: see task_cgroup_id_untyped. */
static __always_inline bool task_namespaces_untyped(struct task_struct *task, struct ss_namespaces *n)
{
	struct nsproxy *set = BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	if (!set)
		return false;
	namespaces_of_address(set, n);
	n->inode[SS_NS_USER] = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	n->inode[SS_NS_PID] = pid ? pid_namespace_at(pid, BPF_CORE_READ(pid, level), NULL) : 0;
	return true;
}

/* The kinds that differ. The time namespace for children counts only if the thread has not moved into it itself. */
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

static __always_inline void transition_count(struct task_struct *task, __u32 kinds, __u16 how, __u16 signs)
{
	void *table = gone_in_use ? (void *)&transitions_b : (void *)&transitions_a;
	struct ss_transition_key key = {.kinds = kinds, .how = how, .signs = signs};
	__u64 *count, zero = 0;

	key.cgroup_id = task_cgroup_id_untyped(task);
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

/* A global function of a number: the verifier goes through such a one once for each program, not for each call. */
__weak __noinline int runtime_signs(__u64 address)
{
	struct task_struct *task = (void *)address;
	int signs = 0;

	if (program_is_hidden(task))
		signs |= SS_RUNTIME_HIDDEN;
	if (program_is_link(task))
		signs |= SS_RUNTIME_LINK;
	if (cgroup_is_early(task_cgroup_id_untyped(task)))
		signs |= SS_RUNTIME_EARLY;
	return signs;
}

/* Counts one transition and sends a fact about it. */
static __noinline int transition_report(struct task_struct *task, const struct ss_namespaces *from,
					const struct ss_namespaces *to, __u32 kinds, __u32 how)
{
	__u16 signs = runtime_signs(task_number(task));
	struct ss_fact *fact;

	transition_count(task, kinds, how, signs);
	fact = fact_reserve(SS_FACT_NAMESPACE, FACT_SIZE(namespaces), task);
	if (!fact)
		return 0;
	fact->namespaces.kinds = kinds;
	fact->namespaces.how = how;
	fact->namespaces.signs = signs;
	fact->namespaces.from = *from;
	fact->namespaces.to = *to;
	fact_send(fact);
	return 0;
}

/*
 * The system call that the task is in, if that can change its namespaces (enum ss_namespace_how), and its first
 * argument.
 */
static __always_inline __u32 namespace_call(struct task_struct *task, __u64 *ret_flags)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	bool narrow = compat_is_32_bit(task);
	long number = compat_syscall_number(regs);

	*ret_flags = narrow ? ~0ULL : compat_syscall_argument(regs);
	if (number == (narrow ? __NR_compat_unshare : __NR_unshare))
		return SS_NS_UNSHARE;
	if (number == (narrow ? __NR_compat_setns : __NR_setns))
		return SS_NS_SETNS;
	if (number == (narrow ? __NR_compat_execve : __NR_execve) ||
	    number == (narrow ? __NR_compat_execveat : __NR_execveat))
		return SS_NS_EXEC;
	return SS_NS_UNKNOWN;
}

/* The flags of unshare that change these kinds. */
static __always_inline __u64 namespace_kinds_flags(__u32 kinds)
{
	static const __u64 flags[SS_NAMESPACES] = {
		[SS_NS_PID] = CLONE_NEWPID,
		[SS_NS_MNT] = CLONE_NEWNS,
		[SS_NS_NET] = CLONE_NEWNET,
		[SS_NS_UTS] = CLONE_NEWUTS,
		[SS_NS_IPC] = CLONE_NEWIPC,
		[SS_NS_USER] = CLONE_NEWUSER,
		[SS_NS_CGROUP] = CLONE_NEWCGROUP,
		[SS_NS_TIME] = CLONE_NEWTIME,
		[SS_NS_PID_FOR_CHILDREN] = CLONE_NEWPID,
		[SS_NS_TIME_FOR_CHILDREN] = CLONE_NEWTIME,
	};
	__u64 all = 0;

#pragma unroll
	for (int i = 0; i < SS_NAMESPACES; i++)
		all |= flags[i] * differs(kinds & 1u << i, 0);
	return all;
}

/* The system call that the task is in when it is compared, if that call can have made this change; else unknown. */
static __always_inline __u32 namespace_changed_by(struct task_struct *task, __u32 kinds)
{
	__u64 flags;
	__u32 how = namespace_call(task, &flags);

	if (how == SS_NS_UNSHARE && (flags & namespace_kinds_flags(kinds)) != namespace_kinds_flags(kinds))
		return SS_NS_UNKNOWN;
	if (how == SS_NS_EXEC && kinds != 1u << SS_NS_TIME)
		return SS_NS_UNKNOWN;
	return how;
}

/*
 * A pointer as a number that is the same each time for this task: its distance from the task. The verifier lets pointers be
 * subtracted, and no other arithmetic.
 */
static __always_inline __u64 pointer_distance(const void *pointer, struct task_struct *task)
{
	__u64 number = (__u64)pointer;

	asm volatile("%0 -= %1" : "+r"(number) : "r"(task));
	return number;
}

/* Both addresses in one number, which is another one if either is, but for one change in four billion. */
static __always_inline __u32 namespaces_seen(struct task_struct *task, const void *set, const void *user)
{
	return number_mix(number_mix(pointer_distance(set, task)) ^ pointer_distance(user, task)) >> 32;
}

/*
 * Compares the task's namespaces with those that were seen last, and reports the difference. The iterator may do so
 * while the task itself does: SS_LIFE_COMPARING lets only the first of them compare.
 */
static __noinline int namespaces_compare(struct task_struct *task, struct ss_thread_state *state)
{
	struct ss_namespaces from = {}, now = {};
	struct user_namespace *user = NULL;
	struct nsproxy *set;
	__u32 kinds;

	if (task->flags & PF_KTHREAD || __sync_fetch_and_or(&state->life, SS_LIFE_COMPARING) & SS_LIFE_COMPARING)
		return 0;
	set = task_namespaces(task, &now, &user);
	if (set) {
		state->namespace_seen = namespaces_seen(task, set, user);
		from.inode[SS_NS_PID] = now.inode[SS_NS_PID];
		__builtin_memcpy(&from.inode[1], state->namespaces, sizeof(state->namespaces));
		kinds = namespaces_changed(&from, &now);
		/* When the task is seen for the first time, there is nothing to compare with. */
		if (kinds && from.inode[SS_NS_USER])
			transition_report(task, &from, &now, kinds, namespace_changed_by(task, kinds));
		__builtin_memcpy(state->namespaces, &now.inode[1], sizeof(state->namespaces));
	}
	__sync_fetch_and_and(&state->life, ~SS_LIFE_COMPARING);
	return 0;
}

/* At a switch: compares the addresses only, and the inode numbers if these differ. */
static __always_inline void namespaces_switch(struct task_struct *task, struct ss_thread_state *state)
{
	struct nsproxy *set = task->nsproxy;

	if (!set || state->namespace_seen == namespaces_seen(task, set, task->real_cred->user_ns))
		return;
	namespaces_compare(task, state);
}

/* Not inlined, like namespaces_compare: in one frame, both would exceed the 512 bytes of a BPF stack. */
static __noinline __attribute__((unused)) int namespaces_report_birth(struct task_struct *parent,
								      struct task_struct *task)
{
	struct ss_namespaces from = {}, to = {};
	__u32 kinds;

	if (!task_namespaces_untyped(parent, &from) || !task_namespaces_untyped(task, &to))
		return 0;
	kinds = namespaces_changed(&from, &to) & ~(1u << SS_NS_PID_FOR_CHILDREN | 1u << SS_NS_TIME_FOR_CHILDREN);
	return kinds ? transition_report(task, &from, &to, kinds, SS_NS_CLONE) : 0;
}

/*
 * At a birth, before anything else: see task_cgroup_id_untyped. Most children share all namespaces with their parent. A child
 * does not if the flags of clone say so, or if its parent has prepared others for its children by unshare or setns: then its pid
 * namespace is a deeper one, or, for the time namespace, its set is another one.
 */
static __always_inline bool namespaces_differ(struct task_struct *task, __u64 clone_flags)
{
	struct task_struct *parent = bpf_get_current_task_btf();

	/* Without a branch, and the sets by helpers, since pointers may not be compared so. */
	return differs(clone_flags & CLONE_NEW_ANY, 0) |
	       differs((__u64)BPF_CORE_READ(task, nsproxy), (__u64)BPF_CORE_READ(parent, nsproxy)) |
	       differs(task->thread_pid->level, parent->thread_pid->level);
}

/* The parent may have changed its own since it was compared last. */
static __always_inline void namespaces_of_parent(struct task_struct *task)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	struct ss_thread_state *above;

	if (!cfg_namespaces_compare || task->flags & PF_KTHREAD)
		return;
	above = bpf_task_storage_get(&thread_state, parent, 0, 0);
	if (above)
		namespaces_compare(parent, above);
}

#endif
