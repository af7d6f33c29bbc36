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

/*
 * Whether no path leads to the program that the task runs. Its file is in memory (the mount is the kernel's own: an error
 * number in place of a namespace) or on a mount that was detached. Runtimes run such copies of themselves, so that a
 * container cannot write to the file that the next container is started with.
 */
static __always_inline bool program_is_hidden(struct task_struct *task)
{
	void *mount = BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	struct mount *whole = mount - bpf_core_field_offset(struct mount, mnt);
	__u64 namespace;

	if (!mount)
		return false;
	namespace = (__u64)BPF_CORE_READ(whole, mnt_ns);
	return !namespace || namespace >= (__u64)-MAX_ERRNO;
}

/* "exe" of /proc/self/exe, or the digits of /proc/self/fd/6. */
static __always_inline bool name_is_link(const char *comm)
{
	bool digits = comm[0];

	for (int i = 0; i < SS_COMM_LEN && comm[i]; i++)
		digits &= comm[i] >= '0' && comm[i] <= '9';
	return digits || (comm[0] == 'e' && comm[1] == 'x' && comm[2] == 'e' && !comm[3]);
}

/*
 * Whether root has executed the program by a link of /proc, as runtimes execute themselves and their hooks: the task has the
 * link's name, and the file has another one. Browsers do so too, and are not root's.
 */
static __always_inline bool program_is_link(struct task_struct *task)
{
	const unsigned char *name = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
	char comm[SS_COMM_LEN] = {}, file[SS_COMM_LEN] = {};

	BPF_CORE_READ_INTO(&comm, task, comm);
	if (!name || BPF_CORE_READ(task, real_cred, uid.val) || !name_is_link(comm) ||
	    bpf_probe_read_kernel_str(file, sizeof(file), name) < 0)
		return false;
	for (int i = 0; i < SS_COMM_LEN; i++) {
		if (file[i] != comm[i])
			return true;
		if (!comm[i])
			break;
	}
	return false;
}

/*
 * Whether the cgroup's own program was not executed yet: what is there so far is its runtime. Not for a cgroup that was made
 * in a container: whatever is in there could make itself one.
 */
static __always_inline bool cgroup_is_early(__u64 id)
{
	struct ss_cgroup *cgroup = bpf_map_lookup_elem(&cgroups, &id);

	return cgroup && cgroup->flags & SS_CGROUP_STARTING && !cgroup->start.step_ns[SS_START_EXECUTED] &&
	       cgroup->start.creator_pid == PROC_PID_INIT_INO;
}

#endif
