/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.bpf.h - what the task iterator writes of a thread, and of a process with its leader. Called by snapshot.bpf.c. */
#ifndef SYSSCOPE_RECORD_BPF_H
#define SYSSCOPE_RECORD_BPF_H

#include "compat.bpf.h"
#include "namespace.bpf.h"
#include "sched.bpf.h"
#include "told.bpf.h"

/* The letter that /proc/PID/stat shows for this state (fs/proc/array.c). */
static __always_inline __u32 state_letter(__u32 state, __u32 exit_state)
{
	if (exit_state)
		return exit_state & EXIT_DEAD ? 'X' : 'Z';
	if (state == TASK_IDLE)
		return 'I';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if (state & TASK_UNINTERRUPTIBLE)
		return 'D';
	if (state & __TASK_STOPPED)
		return 'T';
	if (state & __TASK_TRACED)
		return 't';
	if (state & TASK_PARKED)
		return 'P';
	if (state & (TASK_RTLOCK_WAIT | TASK_FROZEN))
		return 'D';
	return 'R';
}

/*
 * The thread is on a CPU: notes what its run queue does not count yet, up to the tick or switch until which the thread's own
 * time is accounted, too. If the thread leaves meanwhile, nothing is noted: the queue has counted it then.
 */
static __always_inline void run_queue_note(struct task_struct *task, struct rq *queue)
{
	__u64 before, after, arrival = task->sched_info.last_arrival;
	__u32 cpu = queue->cpu;
	__s64 open;

	if (cpu >= SS_RUN_QUEUES || !arrival || !compat_queue_finished_ns(queue, &before))
		return;
	open = queue->clock - arrival;
	if (queue->curr->pid != task->pid || open < 0 || !compat_queue_finished_ns(queue, &after) || after != before)
		return;
	run_queues[cpu].finished_ns = before;
	run_queues[cpu].open_ns = open;
}

/* Pages in units of SS_MEMORY_UNIT; SS_MEMORY_UNKNOWN if there are too many, or unknown (~0). */
static __always_inline __u32 memory_units(__u64 pages)
{
	__u64 units = pages * (cfg_page_size / SS_MEMORY_UNIT);

	return units | -nonzero(units >> 32);
}

/* `state`: NULL where the kernel has no task storage; such a kernel's counters are exact. */
static __always_inline void record_memory(struct task_struct *task, struct ss_thread_record *r,
					  struct ss_thread_state *state)
{
	struct mm_struct *mm = task->mm;

	if (!mm)
		return;
#define UNITS(index) memory_units(compat_mm_counter(mm, index, state ? state->memory_rest[index] : 0))
	r->anonymous_units = UNITS(MM_ANONPAGES);
	r->file_units = UNITS(MM_FILEPAGES);
	r->shmem_units = UNITS(MM_SHMEMPAGES);
	r->swap_units = UNITS(MM_SWAPENTS);
#undef UNITS
	r->peak_units = memory_units(BPF_CORE_READ(mm, hiwater_rss));
	r->hugetlb_units = memory_units(compat_mm_hugetlb(mm));
}

static __always_inline void record_namespaces(struct task_struct *task, struct ss_thread_record *r)
{
	struct nsproxy *set = task->nsproxy; /* NULL once the task is exiting */

	r->ns_user = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	r->ns_pid = task_pid_namespace(task->thread_pid, &r->namespace_pid);
	if (!set)
		return;
	r->ns_mnt = BPF_CORE_READ(set, mnt_ns, ns.inum);
	r->ns_net = BPF_CORE_READ(set, net_ns, ns.inum);
	r->ns_uts = BPF_CORE_READ(set, uts_ns, ns.inum);
	r->ns_ipc = BPF_CORE_READ(set, ipc_ns, ns.inum);
	r->ns_cgroup = BPF_CORE_READ(set, cgroup_ns, ns.inum);
	r->ns_time = BPF_CORE_READ(set, time_ns, ns.inum);
}

/* Of the process that is visited; in memory, for want of room on the stack. */
static struct ss_totals dead_threads;

/* The process fields of a leader's record. signal_struct sums up the process's threads that have been released. */
static __always_inline void record_process(struct task_struct *task, struct ss_thread_record *r,
					   struct ss_thread_state *state, struct signal_struct *signal)
{
	dead_threads.exec_ns = signal->sum_sched_runtime;
	dead_threads.utime_ns = signal->utime;
	dead_threads.stime_ns = signal->stime;
	dead_threads.voluntary_switches = signal->nvcsw;
	dead_threads.involuntary_switches = signal->nivcsw;
	dead_threads.minor_faults = signal->min_flt;
	dead_threads.major_faults = signal->maj_flt;
	if (compat_counts_io()) {
		dead_threads.read_bytes = signal->ioac.read_bytes;
		dead_threads.write_bytes = signal->ioac.write_bytes;
	} else {
		io_unaccounted = true;
	}
	record_memory(task, r, state);
}

/* The numbers of the task that is visited in the agent's pid namespace; in memory, for want of room on the stack. */
static __u32 tid_here, tgid_here, ppid_here;

static __noinline int numbers_note(struct task_struct *task)
{
	tid_here = pid_here(BPF_CORE_READ(task, thread_pid));
	tgid_here = pid_here(BPF_CORE_READ(task, group_leader, thread_pid));
	ppid_here = pid_here(BPF_CORE_READ(task, real_parent, group_leader, thread_pid));
	return 0;
}

static __always_inline void record_numbers(struct task_struct *task, struct ss_thread_record *r)
{
	r->tid = cfg_pid_namespace ? tid_here : task->pid;
	r->tgid = cfg_pid_namespace ? tgid_here : task->tgid;
	r->ppid = cfg_pid_namespace ? ppid_here : task->real_parent->tgid;
}

/*
 * What is read through the task's pointers and does not change from moment to moment. It comes before everything else: see
 * task_cgroup_id_untyped.
 */
static __always_inline void record_begin(struct task_struct *task, struct ss_thread_record *r,
					 struct signal_struct *signal, __u64 cgroup_id)
{
	const struct cred *cred = task->cred;

	r->cgroup_id = cgroup_id;
	record_numbers(task, r);
	r->uid = cred->euid.val;
	r->process_start_ns = task->group_leader->start_boottime;
	if (!task_is_leader(task))
		return;
	_Static_assert(PF_FORKNOEXEC == SS_THREAD_FORKED, "the same bit");
	r->flags |= SS_THREAD_LEADER | (task->flags & PF_FORKNOEXEC);
	r->threads = signal->nr_threads;
	/* Only for processes with several threads: each process's handlers are likely to be a cache miss. */
	if (r->threads > 1)
		r->flags |= catches_all(task->sighand) * SS_THREAD_CATCHES;
	r->capabilities_effective = compat_capabilities(cred, cap_effective);
	r->capabilities_permitted = compat_capabilities(cred, cap_permitted);
	r->capabilities_bounding = compat_capabilities(cred, cap_bset);
	record_namespaces(task, r);
}

/* What changes as the thread runs. `queue` and `signal` are the task's. */
static __always_inline void record_thread(struct task_struct *task, struct ss_thread_record *r,
					  struct ss_thread_state *kept, struct cfs_rq *queue,
					  struct signal_struct *signal)
{
	__u32 exit_state = task->exit_state, state = compat_task_state(task);

	if (task_is_leader(task))
		record_process(task, r, kept, signal);
	r->state = (__u16)state_letter(state, exit_state);
	r->cpu = (__u16)queue->rq->cpu;
	if (exit_state)
		r->flags |= SS_THREAD_ZOMBIE;
	else if (state && (task->flags & (PF_FROZEN | PF_KTHREAD)) == PF_FROZEN)
		r->flags |= SS_THREAD_STOPPED;
	else if (state && task_is_stopped(task, state))
		r->flags |= SS_THREAD_STOPPED;
	if (task->flags & PF_KTHREAD)
		r->flags |= SS_THREAD_KERNEL;
	r->flags |= nonzero(task->gtime) * SS_THREAD_GUEST;
	r->start_ns = task->start_boottime;
	BPF_CORE_READ_INTO(&r->comm, task, comm);
#define USED(member, field) r->used.member = task->field;
	TASK_TOTALS(USED)
#define USED_IO(member, field)  \
	if (compat_counts_io()) \
	USED(member, field)
	TASK_IO_TOTALS(USED_IO)
#undef USED_IO
#undef USED
	if (compat_on_cpu(task))
		run_queue_note(task, queue->rq);
}

#endif
