/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace.bpf.c - owner of switch_task_namespaces and commit_creds, as fentry or kprobe: reports each change of a
 * thread's namespaces when the kernel makes it. The first function changes the set (nsproxy), the second one the user
 * namespace; both run in the thread itself, inside of unshare, setns or execve. At a birth neither is called
 * (copy_process gives the child its set), see namespaces_at_birth. Where neither function can be hooked,
 * namespace.bpf.h compares instead.
 */
#include "namespace.bpf.h"

/*
 * Called before the change. `next` is NULL when the thread exits; with a kprobe, the verifier does not know its type.
 */
static __always_inline int namespace_set_switched(struct nsproxy *next)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_namespaces from = {}, to = {};
	__u64 flags;
	__u32 kinds;

	if (!next || !task_namespaces(task, &from, NULL))
		return 0;
	to = from;
	namespaces_of_address(next, &to);
	kinds = namespaces_changed(&from, &to);
	if (kinds)
		transition_report(task, &from, &to, kinds, namespace_call(task, &flags));
	return 0;
}

static __always_inline int namespace_creds_committed(struct cred *next)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_namespaces from = {}, to = {};
	__u32 user = BPF_CORE_READ(next, user_ns, ns.inum);
	__u64 flags;

	if (user == task->real_cred->user_ns->ns.inum || !task_namespaces(task, &from, NULL))
		return 0;
	to = from;
	to.inode[SS_NS_USER] = user;
	return transition_report(task, &from, &to, 1u << SS_NS_USER, namespace_call(task, &flags));
}

SEC("?fentry/switch_task_namespaces")
int BPF_PROG(namespace_set_fentry, struct task_struct *task, struct nsproxy *next)
{
	return namespace_set_switched(next);
}

SEC("?fentry/commit_creds")
int BPF_PROG(namespace_user_fentry, struct cred *next)
{
	return namespace_creds_committed(next);
}

SEC("?kprobe/switch_task_namespaces")
int BPF_KPROBE(namespace_set_kprobe, struct task_struct *task, struct nsproxy *next)
{
	return namespace_set_switched(next);
}

SEC("?kprobe/commit_creds")
int BPF_KPROBE(namespace_user_kprobe, struct cred *next)
{
	return namespace_creds_committed(next);
}
