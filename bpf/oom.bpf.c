/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.bpf.c - owner of mark_victim: counts per cgroup which processes the OOM killer chose, and reports each, with what was
 * exhausted (oom.bpf.h). Runs once per victim, so it costs nothing otherwise.
 *
 * The kernel's own counter (oom_kill in memory.events) and this hook both fire again for a process whose main thread has
 * ended: for one memory.oom.group kill of four processes the counter said 5 to 7 on 6.1 to 7.3. Each process counts once here.
 */
#include "cgroup.bpf.h"
#include "compat.bpf.h"
#include "oom.bpf.h"

struct oom_victim_key {
	__u64 tgid;
	__u64 start_ns; /* start_boottime of the group leader: process ids are reused */
};

/* The victims that were counted. An LRU, because nothing tells when a process can no longer be chosen again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct oom_victim_key);
	__type(value, __u8);
} oom_victims SEC(".maps");

/* True for the first of the victims that belong to one process. */
static __always_inline bool oom_is_new(__u64 tgid, __u64 start_ns)
{
	struct oom_victim_key key = {.tgid = tgid, .start_ns = start_ns};
	const __u8 seen = 1;

	return bpf_map_update_elem(&oom_victims, &key, &seen, BPF_NOEXIST) != -EEXIST;
}

static __always_inline __u64 oom_bytes(__u64 pages)
{
	return pages == ~0ULL ? pages : pages * cfg_page_size;
}

/* The names of the exhausted cgroup and of those above it, the innermost first: on v1 its hierarchy may not be the followed one. */
static __always_inline void oom_path_fill(struct ss_fact *fact, struct mem_cgroup *limited)
{
	struct cgroup_subsys_state *css = (void *)limited + bpf_core_field_offset(limited->css);

	for (__u32 i = 0; i < SS_OOM_LEVELS; i++) {
		struct cgroup_subsys_state *above = BPF_CORE_READ(css, parent);

		if (!above)
			return;
		if (bpf_probe_read_kernel_str(fact->oom.path[i], SS_CGROUP_NAME_LEN,
					      BPF_CORE_READ(css, cgroup, kn, name)) < 0)
			loss_count(SS_LOSS_READ_FAILED);
		fact->oom.levels = i + 1;
		css = above;
	}
	if (BPF_CORE_READ(css, parent))
		fact->oom.levels = SS_OOM_LEVELS + 1;
}

static __always_inline void oom_cause_fill(struct ss_fact *fact)
{
	struct task_struct *asker = (void *)bpf_get_current_task();

	fact->oom.exhausted = oom_exhausted;
	fact->oom.limit_bytes = oom_bytes(oom_limit);
	fact->oom.usage_bytes = oom_bytes(oom_usage);
	if (OOM_LIMITS && oom_limited)
		oom_path_fill(fact, oom_limited);
	fact->oom.asker_tgid = cfg_pid_namespace ? pid_here(BPF_CORE_READ(asker, group_leader, thread_pid))
						 : BPF_CORE_READ(asker, tgid);
	BPF_CORE_READ_INTO(&fact->oom.asker, asker, comm);
}

static __always_inline void oom_report(struct task_struct *task, __u64 cgroup_id)
{
	struct ss_fact *fact;
	struct mm_struct *mm;

	if (cfg_pid_namespace && task_is_elsewhere(task))
		return;
	fact = fact_begin(SS_FACT_OOM_KILL, FACT_SIZE(oom));
	if (!fact)
		return;
	fact->cgroup_id = cgroup_id;
	fact->start_ns = BPF_CORE_READ(task, start_boottime);
	fact->tgid = BPF_CORE_READ(task, tgid);
	fact->tid = BPF_CORE_READ(task, pid);
	fact_names(fact, task, fact->tgid);
	if (cfg_pid_namespace)
		fact_numbers_here(fact, task);
	oom_cause_fill(fact);
	fact->oom.score_adjust = BPF_CORE_READ(task, signal, oom_score_adj);
	fact->oom.rss_bytes = ~0ULL; /* not known */
	mm = BPF_CORE_READ(task, mm);
	if (mm)
		fact->oom.rss_bytes = (compat_mm_counter(mm, MM_FILEPAGES, 0) + compat_mm_counter(mm, MM_ANONPAGES, 0) +
				       compat_mm_counter(mm, MM_SHMEMPAGES, 0)) *
				      cfg_page_size;
	fact_send(fact);
}

/* Before 6.8: only a pid is known, so the kill is reported, but counted for no cgroup. */
static __always_inline void oom_report_pid(__u32 pid)
{
	struct ss_fact *fact;

	oom_pids_only = true;
	if (!oom_is_new(pid, 0))
		return;
	__sync_fetch_and_add(&oom_kills[SS_OOM_UNKNOWN], 1);
	fact = fact_begin(SS_FACT_OOM_KILL, FACT_SIZE(oom));
	if (!fact)
		return;
	fact->oom.rss_bytes = fact->oom.limit_bytes = fact->oom.usage_bytes = ~0ULL; /* not known */
	fact->tgid = fact->tid = pid;
	fact_send(fact);
}

/*
 * The argument is the victim's pid until 6.8, and the victim itself since commit 72ba14deb40a. A raw tracepoint takes
 * either: a value above the largest possible pid is an address.
 */
SEC("?raw_tp/mark_victim")
int BPF_PROG(oom_victim, struct task_struct *task)
{
	struct ss_cgroup *cgroup;
	__u32 kind;
	__u64 id;

	if ((__u64)task <= PID_MAX_LIMIT) {
		oom_report_pid((__u64)task);
		return 0;
	}
	if (!oom_is_new(BPF_CORE_READ(task, tgid), BPF_CORE_READ(task, group_leader, start_boottime)))
		return 0;
	id = task_cgroup_id_untyped(task);
	cgroup = cgroup_entry(id);
	if (cgroup)
		__sync_fetch_and_add(&cgroup->oom_kills, 1);
	oom_cause_find(ctx, task);
	kind = oom_exhausted;
	if (kind < SS_OOM_KINDS)
		__sync_fetch_and_add(&oom_kills[kind], 1);
	oom_report(task, id);
	return 0;
}
