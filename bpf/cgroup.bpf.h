/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.bpf.h - the cgroup table: what happened in each cgroup, and what is known of those that were created while the
 * agent ran. Written by cgroup.bpf.c, lifecycle.bpf.c and start.bpf.h; gone.bpf.h falls back on it when the gone table
 * is full.
 */
#ifndef SYSSCOPE_CGROUP_BPF_H
#define SYSSCOPE_CGROUP_BPF_H

#include "fact.bpf.h"

/* Keyed by kernfs id. A preallocated hash, because programs insert in any context. */
struct cgroup_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct ss_cgroup);
};
struct cgroup_map cgroups SEC(".maps") __weak;

/* The cgroup's entry, created when it is first needed; NULL, which is counted, when the table is full. */
static __always_inline struct ss_cgroup *cgroup_entry(__u64 id)
{
	struct ss_cgroup *cgroup = bpf_map_lookup_elem(&cgroups, &id);

	if (cgroup)
		return cgroup;
	bpf_map_update_elem(&cgroups, &id, (const void *)&cgroup_zero, BPF_NOEXIST);
	cgroup = bpf_map_lookup_elem(&cgroups, &id);
	if (!cgroup)
		loss_count(SS_LOSS_CGROUP_FULL);
	return cgroup;
}

/*
 * Sends a fact if this is the first task in a cgroup that was created while the agent ran. Two tasks that enter at the
 * same moment may both send one; the reader takes the first.
 */
static __always_inline void cgroup_enter_report(struct task_struct *task, struct ss_cgroup *cgroup, __u64 id)
{
	struct ss_fact *fact;

	if (!fact_wanted(SS_FACT_CGROUP_ENTER) ||
	    (cgroup->flags & (SS_CGROUP_SEEN_CREATED | SS_CGROUP_ENTERED)) != SS_CGROUP_SEEN_CREATED)
		return;
	cgroup->flags |= SS_CGROUP_ENTERED;
	fact = fact_reserve(SS_FACT_CGROUP_ENTER, FACT_SIZE(cgroup.parent_id), task);
	if (!fact)
		return;
	fact->cgroup.id = id;
	fact_send(fact);
}

#endif
