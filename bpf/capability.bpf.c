/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capability.bpf.c - every capability check of the kernel, counted by cgroup, capability and outcome. Loaded by those
 * commands only that ask for it: there are thousands a second.
 *
 * A check is one of the container's sets only while the thread's credentials belong to the container's user namespace,
 * so the number of that goes into the key. What succeeded without the capability in the effective set (the owner of a
 * user namespace may do all in it) is no use of it. Probes without audit ask what a thread could do, for a decision that
 * is none of its business (how much memory may be promised, whom to kill): they are no use either.
 */
#include "sysscope.bpf.h"
#include "compat.bpf.h"

#define CAP_OPT_NOAUDIT 2 /* include/linux/security.h, since 5.1 */
#define FRAMES		8

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ss_capability_key);
	__type(value, __u64);
} capability_checks SEC(".maps");

/* Functions whose probes are without audit, for the tracepoint, which does not say: the caller is one of them. */
const volatile struct {
	__u64 begin, size;
} cfg_unaudited[SS_UNAUDITED_MAX];

/* Whose checks are not of interest: sysscope's own, at each sample. In the initial pid namespace. */
const volatile int cfg_agent = 0;

/* Between kprobe and kretprobe, by thread: cap_capable does not call itself. LRU: of some the return is never seen. */
struct check {
	__u64 cred;
	__u32 capability, options;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct check);
} capability_calls SEC(".maps");

static __always_inline void denial_report(struct task_struct *task, __u32 capability, __u32 user_namespace)
{
	struct ss_fact *fact = fact_reserve(SS_FACT_CAPABILITY_DENIED, FACT_SIZE(denial), task);

	if (!fact)
		return;
	fact->denial.capability = capability;
	fact->denial.user_namespace = user_namespace;
	fact_send(fact);
}

static __always_inline int check_count(const struct cred *cred, __u32 capability, int result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ss_capability_key key = {.capability = capability, .denied = result != 0};
	__u64 *count, zero = 0;

	if (task->flags & PF_KTHREAD || task->tgid == cfg_agent || capability > 63)
		return 0;
	if (!result && !(compat_capabilities(cred, cap_effective) >> capability & 1))
		return 0;
	key.cgroup_id = task_cgroup_id(task);
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
		denial_report(task, capability, key.user_namespace);
	return 0;
}

SEC("?fexit/cap_capable")
int BPF_PROG(capability_fexit, const struct cred *cred, struct user_namespace *target, int capability,
	     unsigned int options, int result)
{
	return options & CAP_OPT_NOAUDIT ? 0 : check_count(cred, capability, result);
}

SEC("?kprobe/cap_capable")
int BPF_KPROBE(capability_kprobe, const struct cred *cred, struct user_namespace *target, int capability,
	       unsigned int options)
{
	struct check check = {.cred = (__u64)cred, .capability = capability, .options = options};
	__u64 thread = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(&capability_calls, &thread, &check, BPF_ANY))
		loss_count(SS_LOSS_CAPABILITY_LOST);
	return 0;
}

SEC("?kretprobe/cap_capable")
int BPF_KRETPROBE(capability_kretprobe, int result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct check *found = bpf_map_lookup_elem(&capability_calls, &thread), check;

	if (!found)
		return 0;
	check = *found;
	bpf_map_delete_elem(&capability_calls, &thread);
	return check.options & CAP_OPT_NOAUDIT ? 0 : check_count((void *)check.cred, check.capability, result);
}

/* Whether one of the callers probes without audit. Branchless: each pair would be a path of its own to the verifier. */
static __always_inline bool is_unaudited(void *ctx)
{
	__u64 frames[FRAMES] = {}, inside = 0;

	if (bpf_get_stack(ctx, frames, sizeof(frames), 0) <= 0)
		return false;
	for (int f = 0; f < FRAMES; f++)
		for (int i = 0; i < SS_UNAUDITED_MAX; i++) {
			__u64 offset = frames[f] - cfg_unaudited[i].begin;

			/* Below `size`: the difference is negative as a signed number, since none is that large. */
			asm volatile("" : "+r"(offset));
			inside |= (offset - cfg_unaudited[i].size) & ~offset;
		}
	return inside >> 63;
}

/* 6.14, commit d48da4d5ed7b: the tracepoint has all but the options. */
SEC("?tp_btf/cap_capable")
int BPF_PROG(capability_tracepoint, const struct cred *cred, struct user_namespace *target,
	     const struct user_namespace *capable, int capability, int result)
{
	return is_unaudited(ctx) ? 0 : check_count(cred, capability, result);
}
