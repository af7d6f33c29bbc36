/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/common.h - the part of the contract between the kernel half (bpf/) and the agent that its other headers build on:
 * name lengths, reserved cgroup ids, histogram shape, a thread's totals and waits, namespaces, loss counters.
 *
 * Rules for all of abi/: __u types only, no implicit padding, every size asserted. Fields that end in _ns are
 * nanoseconds, in _bytes bytes; fields without a unit are counts. Enum values are append-only.
 */
#ifndef SYSSCOPE_ABI_COMMON_H
#define SYSSCOPE_ABI_COMMON_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "sysscope/metrics.def" /* the lists only: WAIT_CLASS_LIST */

/* TASK_COMM_LEN of the kernel, the NUL included. */
#define SS_COMM_LEN 16

/* The name under which the gone table counts ended threads when it has no room for their own. */
#define SS_COMM_OTHER "~other"

/* A thread that ends less than this after its process's birth counts as short-lived. */
#define SS_SHORT_LIVED_NS 1000000000ULL

/* Cgroup ids that no cgroup has: */
#define SS_CGROUP_NONE	 0ULL	 /* the cgroup is not known */
#define SS_CGROUP_KERNEL (~0ULL) /* all kernel threads, whichever cgroup they are in */
#define SS_CGROUP_OTHERS (~1ULL) /* in neighbour pairs: the runners for which the table had no room */

/*
 * Shape of every histogram of times: slot i counts the times in [2^i, 2^(i+1)) microseconds. Slot 0 also counts shorter
 * times, the last slot longer ones.
 */
#define SS_DELAY_SLOTS 24 /* waits for a CPU */
#define SS_LOOP_SLOTS  24 /* iterations of an event loop */

/*
 * What a thread has used. In the gone tables: the sum over ended threads, and over the use of living threads in an
 * earlier cgroup or under an earlier name.
 */
struct ss_totals {
	__u64 exec_ns;		    /* task->se.sum_exec_runtime: CPU time */
	__u64 utime_ns;		    /* task->utime: sampled at ticks; only its ratio to stime is used */
	__u64 stime_ns;		    /* task->stime */
	__u64 run_delay_ns;	    /* task->sched_info.run_delay: wait for a CPU; 0 if the kernel does not keep it */
	__u64 voluntary_switches;   /* task->nvcsw */
	__u64 involuntary_switches; /* task->nivcsw */
	__u64 minor_faults;	    /* task->min_flt */
	__u64 major_faults;	    /* task->maj_flt */
	__u64 migrations;	    /* task->se.nr_migrations */
	__u64 timeslices;	    /* task->sched_info.pcount: how often it was given a CPU */
	__u64 read_bytes;  /* task->ioac.read_bytes: that it made devices read; 0 without CONFIG_TASK_IO_ACCOUNTING */
	__u64 write_bytes; /* task->ioac.write_bytes: that it made dirty, or wrote past the page cache; the same */
};
#define SS_TOTALS_FIELDS 12
_Static_assert(sizeof(struct ss_totals) == SS_TOTALS_FIELDS * 8, "ss_totals: no padding");

/*
 * A CPU's run queue when the pass of the task iterator visited the thread that it was running. The kernel adds a thread's
 * time to the queue's when the thread leaves the CPU; until then it is open. Zero: no thread was running.
 */
struct ss_run_queue {
	__u64 finished_ns; /* rq->rq_cpu_time, which /proc/schedstat shows */
	__u64 open_ns;	   /* rq->clock - sched_info.last_arrival */
};
#define SS_RUN_QUEUES 2048 /* of CPUs with higher numbers the open time is not known */

/* What a thread waits for while it is neither running nor runnable; metrics.def says what each is. */
#define SS_WAIT_ID(ID, name, phrase) SS_WAIT_##ID,
enum ss_wait_class { WAIT_CLASS_LIST(SS_WAIT_ID) SS_WAIT_CLASSES };
#undef SS_WAIT_ID

/*
 * A thread's waits since it was first seen, measured by the scheduler hooks (bpf/sched.bpf.c). For each thread
 *   wall time = ss_totals.exec_ns + wakeup_wait_ns + preempted_wait_ns + the sum of blocked_ns.
 */
struct ss_waits {
	__u64 wakeup_wait_ns;		   /* runnable after a wakeup or its birth, until it ran */
	__u64 preempted_wait_ns;	   /* runnable after it was preempted or yielded, until it ran again */
	__u64 throttled_ns;		   /* the part of both while its cgroup's CPU quota was used up */
	__u64 blocked_ns[SS_WAIT_CLASSES]; /* asleep, by what it waited for */
	__u64 uninterruptible_ns;	   /* the part of blocked_ns in state D */
	__u64 iowait_ns;		   /* the part of blocked_ns with task->in_iowait set */
	__u64 iowait_io_uring_ns;	   /* the part of that in SS_WAIT_IO_URING */
	__u64 preemptions;		   /* how often it left the CPU while runnable */
	__u64 delay_slots[SS_DELAY_SLOTS]; /* waits of both kinds by duration; their sum is the number of waits */
};
#define SS_WAIT_TIMES	(6 + SS_WAIT_CLASSES) /* they come first, */
#define SS_WAIT_COUNTS	(1 + SS_DELAY_SLOTS)  /* then these */
#define SS_WAITS_FIELDS (SS_WAIT_TIMES + SS_WAIT_COUNTS)
_Static_assert(sizeof(struct ss_waits) == SS_WAITS_FIELDS * 8, "ss_waits: no padding");

/* Why an iteration of an event loop was long: the part that took most of it. */
enum ss_stall_cause { SS_STALL_ONCPU, SS_STALL_RUNQUEUE, SS_STALL_THROTTLED, SS_STALL_BLOCKED, SS_STALL_CAUSES };

/* The namespaces of a thread, in the order of view.h's namespace_names. */
enum ss_namespace {
	SS_NS_PID,
	SS_NS_MNT,
	SS_NS_NET,
	SS_NS_UTS,
	SS_NS_IPC,
	SS_NS_USER,
	SS_NS_CGROUP,
	SS_NS_TIME,
	SS_NS_PID_FOR_CHILDREN, /* the one its children are born into; a thread's own pid namespace never changes */
	SS_NS_TIME_FOR_CHILDREN,
	SS_NAMESPACES
};

/* Inode numbers as in /proc/PID/ns (ns_common.inum); 0: not known. */
struct ss_namespaces {
	__u32 inode[SS_NAMESPACES];
};
_Static_assert(sizeof(struct ss_namespaces) == SS_NAMESPACES * 4, "ss_namespaces: no padding");

/* How a thread came into other namespaces. */
enum ss_namespace_how {
	SS_NS_UNKNOWN, /* found by comparison after the call had returned */
	SS_NS_CLONE,   /* born into other namespaces than its parent's */
	SS_NS_UNSHARE,
	SS_NS_SETNS,
	SS_NS_EXEC, /* exec moves a thread into its time namespace for children, since 6.1 */
	SS_NS_HOWS
};

/* What container runtimes do, and few others: bits. */
enum ss_runtime_sign {
	SS_RUNTIME_HIDDEN = 1 << 0, /* runs a program that no path leads to: a copy in memory, or on a detached mount */
	SS_RUNTIME_EARLY = 1 << 1,  /* in a cgroup that is starting and has not executed its own program yet */
	SS_RUNTIME_LINK = 1 << 2,   /* root's, executed by a link of /proc, whose name it has: exe, 6 */
};

/* What can be lost, and is counted instead. The names that users see are in the model. */
enum ss_loss {
	SS_LOSS_RING_FULL,	 /* a fact found no room on the ring */
	SS_LOSS_GONE_FOLDED,	 /* the gone table was full: an ended thread's use went to ~other of its cgroup */
	SS_LOSS_GONE_LOST,	 /* the cgroup table was full as well: an ended thread's use was dropped */
	SS_LOSS_CGROUP_FULL,	 /* the cgroup table was full: a fork, exec or exit was not counted */
	SS_LOSS_STATE_REFUSED,	 /* task storage could not be created or looked up, nor when it was tried again */
	SS_LOSS_READ_FAILED,	 /* a kernel field could not be read */
	SS_LOSS_DEATH_UNSEEN,	 /* a task exited, but no program was called when it was freed: see tasks_exited */
	SS_LOSS_SWITCH_UNSEEN,	 /* a thread was switched without its state being updated: its wait goes on as it was */
	SS_LOSS_PAIR_FOLDED,	 /* the neighbour table was full: a wait was attributed to SS_CGROUP_OTHERS */
	SS_LOSS_PAIR_LOST,	 /* that entry found no room either */
	SS_LOSS_PROGRAM_SKIPPED, /* the kernel skipped a program because it was already running on that CPU */
	SS_LOSS_LOOP_LOST,	 /* the table of ended event loops was full */
	SS_LOSS_WAIT_UNSEEN,	 /* one end of a wait in epoll was not seen: neither the wait nor its events count */
	SS_LOSS_CAPABILITY_LOST, /* the table of capability checks was full */
	SS_LOSS_TRANSITION_LOST, /* the table of namespace transitions was full */
	SS_LOSS_NETWORK_LOST,	 /* the table of network traffic was full: a packet was not counted */
	SS_LOSS_SOCKET_UNOWNED,	 /* no socket-local state: what the socket sends and receives counts for the host */
	SS_LOSS_DISK_LOST,	 /* the table of disk requests was full */
	SS_LOSS_DISK_PAIR_LOST,	 /* the table of disk neighbours, or of devices, was full */
	SS_LOSS_DISK_HOMELESS,	 /* requests of a cgroup that was gone before its path could be looked up (cgroup v1) */
	SS_LOSS_TCP_FOLDED,	 /* the table of TCP events was full: an event was counted without its port */
	SS_LOSS_TCP_LOST,	 /* that entry found no room either, or there were more sockets than the agent takes */
	SS_LOSS_TCP_UNOWNED,	 /* whose socket it was is not known: it is older than the agent, or not a program's */
	SS_LOSS_RECLAIM_LOST,	 /* the table of tasks in reclaim was full: a stall was not counted */
	SS_LOSS_KINDS
};

#endif
