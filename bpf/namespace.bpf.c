/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace.bpf.c - each change of a thread's namespaces, at the moment at which the kernel makes it: the set in
 * switch_task_namespaces, the user namespace in commit_creds, both as fentry or kprobe, both called by the thread itself
 * inside of unshare, setns or execve. Births are not here (copy_process gives the child its set without either), see
 * namespaces_birth. Where neither can be hooked, namespace.bpf.h compares instead.
 */
#include "namespace.bpf.h"

/* Before it happens; NULL at the end of the thread. `next` may be an address only. */
static __always_inline int set_switched(struct nsproxy *next)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_namespaces from = {}, to = {};
	__u64 flags;
	__u32 kinds;

	if (!next || !task_namespaces(task, &from))
		return 0;
	to = from;
	namespaces_at(next, &to);
	kinds = namespaces_changed(&from, &to);
	if (kinds)
		transition_report(task, &from, &to, kinds, task_moves_by(task, &flags));
	return 0;
}

static __always_inline int creds_committed(struct cred *next)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_namespaces from = {}, to = {};
	__u32 user = BPF_CORE_READ(next, user_ns, ns.inum);
	__u64 flags;

	if (user == task->real_cred->user_ns->ns.inum || !task_namespaces(task, &from))
		return 0;
	to = from;
	to.inode[SS_NS_USER] = user;
	return transition_report(task, &from, &to, 1u << SS_NS_USER, task_moves_by(task, &flags));
}

SEC("?fentry/switch_task_namespaces")
int BPF_PROG(namespace_set_fentry, struct task_struct *task, struct nsproxy *next)
{
	return set_switched(next);
}

SEC("?fentry/commit_creds")
int BPF_PROG(namespace_user_fentry, struct cred *next)
{
	return creds_committed(next);
}

SEC("?kprobe/switch_task_namespaces")
int BPF_KPROBE(namespace_set_kprobe, struct task_struct *task, struct nsproxy *next)
{
	return set_switched(next);
}

SEC("?kprobe/commit_creds")
int BPF_KPROBE(namespace_user_kprobe, struct cred *next)
{
	return creds_committed(next);
}
