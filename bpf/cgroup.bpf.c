/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.bpf.c - owner of cgroup_mkdir, cgroup_rmdir and cgroup_attach_task: notes cgroups that are created and removed
 * (table entry and fact), and charges what a moved task has used before to the cgroup that it leaves.
 */
#include "cgroup.bpf.h"
#include "gone.bpf.h"
#include "start.bpf.h"

/* Whether the cgroup is in the hierarchy that carries resources. */
static __always_inline bool cgroup_counts(struct cgroup *cgroup)
{
	return cgroup->root->hierarchy_id == cfg_cgroup_hierarchy;
}

static __always_inline void cgroup_report(struct cgroup *cgroup, enum ss_fact_kind kind, __u64 parent_id)
{
	struct ss_fact *fact = fact_reserve_current(kind, FACT_SIZE(cgroup));

	if (!fact)
		return;
	fact->cgroup.id = cgroup->kn->id;
	fact->cgroup.parent_id = parent_id;
	bpf_probe_read_kernel_str(fact->cgroup.name, sizeof(fact->cgroup.name), cgroup->kn->name);
	fact_send(fact);
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *cgroup)
{
	__u64 parent_id, now = bpf_ktime_get_boot_ns();
	struct ss_cgroup *entry;
	long n;

	if (!cgroup_counts(cgroup))
		return 0;
	parent_id = BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id);
	entry = cgroup_entry(cgroup->kn->id);
	if (entry) {
		entry->parent_id = parent_id;
		entry->created_ns = now;
		entry->level = cgroup->level;
		n = bpf_probe_read_kernel_str(entry->name, sizeof(entry->name), cgroup->kn->name);
		if (n < 0)
			loss_count(SS_LOSS_READ_FAILED);
		entry->flags = SS_CGROUP_SEEN_CREATED | (n == sizeof(entry->name) ? SS_CGROUP_NAME_CUT : 0);
		if (cfg_births)
			start_begin(entry);
	}
	cgroup_report(cgroup, SS_FACT_CGROUP_CREATE, parent_id);
	return 0;
}

SEC("?tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir, struct cgroup *cgroup)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct ss_cgroup *entry;

	if (!cgroup_counts(cgroup))
		return 0;
	entry = cgroup_entry(cgroup->kn->id);
	if (entry)
		entry->removed_ns = now;
	cgroup_report(cgroup, SS_FACT_CGROUP_REMOVE, BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id));
	return 0;
}

/*
 * Called once per move: when a whole process is moved, for its leader only. Its other threads are settled (task_settle)
 * when the iterator or their own end finds them in another cgroup than before, so what they have used between the move
 * and the next sample may be charged to the cgroup that they left.
 */
SEC("?tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_attach_task, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	struct ss_thread_state *state;
	struct ss_cgroup *entry;
	__u64 id;

	if (!cgroup_counts(cgroup) || task->flags & PF_KTHREAD)
		return 0;
	id = cgroup->kn->id;
	entry = cfg_births || fact_wanted(SS_FACT_CGROUP_ENTER) ? bpf_map_lookup_elem(&cgroups, &id) : NULL;
	if (entry)
		cgroup_enter_report(task, entry, id);
	state = bpf_task_storage_get(&thread_state, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* If it is refused, the task is settled like the other threads of a process. */
	if (state)
		task_settle(task, state, id);
	if (cfg_births && entry)
		start_enter(task, state, entry);
	return 0;
}
