/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capability.bpf.c - owner of cap_capable: counts every capability check of the kernel by cgroup, capability and
 * result. Loaded only by commands that ask for it, because there are thousands of checks per second.
 *
 * A check concerns the container's capability sets only while the thread's credentials belong to the container's user
 * namespace, so that namespace's inode number is part of the key. Two kinds of checks are not counted as a use of the
 * capability: those that succeeded although the capability is not in the effective set (the owner of a user namespace
 * may do everything in it), and those without audit, in which the kernel only asks what a thread could do, to decide
 * something else (how much memory to overcommit, which process to kill).
 */
#include "cgroup.bpf.h"
#include "compat.bpf.h"

/* Callers that are looked at for one that checks without audit. */
#define FRAMES 8

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ss_capability_key);
	__type(value, __u64);
} capability_checks SEC(".maps");

/*
 * The kernel functions that check without audit. The tracepoint does not say whether a check is audited, so its program
 * looks for these functions among the callers.
 */
const volatile struct {
	__u64 begin, size;
} cfg_unaudited[SS_UNAUDITED_MAX];

/* The agent's own tgid in the initial pid namespace: its checks at each sample are not counted. */
const volatile int cfg_agent = 0;

/*
 * A check between kprobe and kretprobe, keyed by thread: cap_capable does not call itself. LRU, because some returns
 * are never seen.
 */
struct capability_call {
	__u64 cred;
	__u32 capability, options;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct capability_call);
} capability_calls SEC(".maps");

static __always_inline void capability_report_denied(struct task_struct *task, __u32 capability, __u32 user_namespace)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_CAPABILITY_DENIED, FACT_SIZE(denial), task);

	if (!fact)
		return;
	fact->denial.capability = capability;
	fact->denial.user_namespace = user_namespace;
	fact_send(fact);
}

static __always_inline int capability_count(const struct cred *cred, __u32 capability, int result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_capability_key key = {.capability = capability, .denied = result != 0};
	__u64 *count, zero = 0;

	if (task->flags & PF_KTHREAD || task->tgid == cfg_agent || capability >= CAPABILITY_BITS)
		return 0;
	if (!result && !(compat_capabilities(cred, cap_effective) >> capability & 1))
		return 0;
	key.cgroup_id = task_cgroup_id(task);
	key.signs = cgroup_is_early(key.cgroup_id) ? SS_RUNTIME_EARLY : 0;
	key.bounding = compat_capabilities(cred, cap_bset);
	key.user_namespace = BPF_CORE_READ(cred, user_ns, ns.inum);
	BPF_CORE_READ_INTO(&key.comm, task, comm);
	count = bpf_map_lookup_elem(&capability_checks, &key);
	if (!count) {
		bpf_map_update_elem(&capability_checks, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&capability_checks, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		loss_count(SS_LOSS_CAPABILITY_LOST);
	if (result)
		capability_report_denied(task, capability, key.user_namespace);
	return 0;
}

SEC("?fexit/cap_capable")
int BPF_PROG(capability_fexit, const struct cred *cred, struct user_namespace *target, int capability,
	     unsigned int options, int result)
{
	return options & CAP_OPT_NOAUDIT ? 0 : capability_count(cred, capability, result);
}

SEC("?kprobe/cap_capable")
int BPF_KPROBE(capability_kprobe, const struct cred *cred, struct user_namespace *target, int capability,
	       unsigned int options)
{
	struct capability_call call = {.cred = (__u64)cred, .capability = capability, .options = options};
	__u64 thread = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(&capability_calls, &thread, &call, BPF_ANY))
		loss_count(SS_LOSS_CAPABILITY_LOST);
	return 0;
}

SEC("?kretprobe/cap_capable")
int BPF_KRETPROBE(capability_kretprobe, int result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct capability_call *found = bpf_map_lookup_elem(&capability_calls, &thread), call;

	if (!found)
		return 0;
	call = *found;
	bpf_map_delete_elem(&capability_calls, &thread);
	return call.options & CAP_OPT_NOAUDIT ? 0 : capability_count((void *)call.cred, call.capability, result);
}

/*
 * Whether one of the callers checks without audit. Without a branch, because the verifier would follow every
 * combination of the results of these comparisons.
 */
static __always_inline bool capability_is_unaudited(void *ctx)
{
	__u64 frames[FRAMES] = {}, inside = 0;

	if (bpf_get_stack(ctx, frames, sizeof(frames), 0) <= 0)
		return false;
	for (int f = 0; f < FRAMES; f++)
		for (int i = 0; i < SS_UNAUDITED_MAX; i++) {
			__u64 offset = frames[f] - cfg_unaudited[i].begin;

			/* offset < size, without a branch: then the difference is negative, and the offset is not. */
			asm volatile("" : "+r"(offset));
			inside |= (offset - cfg_unaudited[i].size) & ~offset;
		}
	return inside >> 63;
}

/* The tracepoint was added by commit d48da4d5ed7b (6.14). It has every argument except the options. */
SEC("?tp_btf/cap_capable")
int BPF_PROG(capability_tracepoint, const struct cred *cred, struct user_namespace *target,
	     const struct user_namespace *capable, int capability, int result)
{
	return capability_is_unaudited(ctx) ? 0 : capability_count(cred, capability, result);
}
