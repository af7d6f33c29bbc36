/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.bpf.c - owner of mark_victim: reports which process the OOM killer has chosen. Runs once per victim. Loaded only
 * when a command wants these facts; the number of kills is read from the cgroups' own files.
 */
#include "fact.bpf.h"
#include "compat.bpf.h"

/*
 * The argument is the victim's pid until 6.8, and the victim itself since commit 72ba14deb40a. A raw tracepoint takes
 * either: a value above the largest possible pid is an address.
 */
SEC("?raw_tp/mark_victim")
int BPF_PROG(oom_victim, struct task_struct *task)
{
	struct ss_fact *fact = fact_begin(SS_FACT_OOM_KILL, FACT_SIZE(oom));
	struct mm_struct *mm;

	if (!fact)
		return 0;
	fact->oom.rss_bytes = ~0ULL; /* not known */
	if ((__u64)task <= PID_MAX_LIMIT) {
		fact->tgid = fact->tid = (__u64)task;
		fact_send(fact);
		return 0;
	}
	fact->cgroup_id = task_cgroup_id_untyped(task);
	fact->start_ns = BPF_CORE_READ(task, start_boottime);
	fact->tgid = BPF_CORE_READ(task, tgid);
	fact->tid = BPF_CORE_READ(task, pid);
	BPF_CORE_READ_INTO(&fact->comm, task, comm);
	fact->oom.score_adjust = BPF_CORE_READ(task, signal, oom_score_adj);
	mm = BPF_CORE_READ(task, mm);
	if (mm)
		fact->oom.rss_bytes = (compat_mm_counter(mm, MM_FILEPAGES) + compat_mm_counter(mm, MM_ANONPAGES) +
				       compat_mm_counter(mm, MM_SHMEMPAGES)) *
				      cfg_page_size;
	fact_send(fact);
	return 0;
}
