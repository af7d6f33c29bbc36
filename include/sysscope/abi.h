/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi.h - the contract between the kernel half (bpf/) and the agent: the records that the
 * iterators write, the keys and values of shared maps, the facts on the ring, the loss counters.
 * Only __u types, no implicit padding, every size asserted. Times are nanoseconds, sizes bytes.
 * Enum values are append-only.
 */
#ifndef SYSSCOPE_ABI_H
#define SYSSCOPE_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define SS_COMM_LEN 16
/* A cgroup's own name (one path component); longer names are cut and flagged SS_CGROUP_NAME_CUT. */
#define SS_CGROUP_NAME_LEN 128

/* What ends sooner than this after its process's birth is "short-lived". */
#define SS_SHORT_LIVED_NS 1000000000ULL

/* Cgroup ids that no cgroup has: what could not be named, and all kernel threads, wherever they are. */
#define SS_CGROUP_NONE	 0ULL
#define SS_CGROUP_KERNEL (~0ULL)

/* The name for the dead that found no room in the gone table under their own. */
#define SS_COMM_OTHER "~other"

/*
 * What a thread has used. In the gone tables: sums over ended threads (and over the parts of
 * living ones that belong to an earlier cgroup or an earlier comm).
 */
struct ss_totals {
	__u64 exec_ns;		    /* task->se.sum_exec_runtime */
	__u64 utime_ns;		    /* task->utime: tick-sampled, only its ratio to stime is used */
	__u64 stime_ns;		    /* task->stime */
	__u64 run_delay_ns;	    /* task->sched_info.run_delay; 0 where the kernel keeps none */
	__u64 voluntary_switches;   /* task->nvcsw */
	__u64 involuntary_switches; /* task->nivcsw */
	__u64 minor_faults;	    /* task->min_flt */
	__u64 major_faults;	    /* task->maj_flt */
	__u64 migrations;	    /* task->se.nr_migrations */
	__u64 timeslices;	    /* task->sched_info.pcount: how often it got a CPU */
};
#define SS_TOTALS_FIELDS 10
_Static_assert(sizeof(struct ss_totals) == SS_TOTALS_FIELDS * 8, "ss_totals has no padding");

/*
 * What a thread waits for while it is off the CPU and not runnable: the system call in which it sleeps, and for calls
 * that take a descriptor (read, write, ...) what that is. bpf/syscalls.bpf.h has the table.
 */
enum ss_wait_class {
	SS_WAIT_EPOLL,	  /* epoll_wait and its kin */
	SS_WAIT_POLL,	  /* poll, select */
	SS_WAIT_FUTEX,	  /* locks and condition variables of user space */
	SS_WAIT_SLEEP,	  /* nanosleep */
	SS_WAIT_FILE,	  /* files, directories, block devices, fsync, exec */
	SS_WAIT_NETWORK,  /* sockets */
	SS_WAIT_PIPE,	  /* pipes and FIFOs */
	SS_WAIT_CHILD,	  /* wait4, waitid, vfork */
	SS_WAIT_IO_URING, /* io_uring_enter, io_getevents, and io_uring's own threads */
	SS_WAIT_FAULT,	  /* outside of a system call: page faults, reclaim; and calls that change the address space */
	SS_WAIT_KERNEL,	  /* kernel threads, whatever they wait for */
	SS_WAIT_OTHER,	  /* everything else; stopped or traced */
	SS_WAIT_CLASSES
};

/* Slot i of a run-queue delay holds the delays of [2^i, 2^(i+1)) microseconds; slot 0 also those below, the last all above. */
#define SS_DELAY_SLOTS 24

/*
 * What only the scheduler hooks know, since the thread was first seen. Per thread
 *   wall time = exec_ns + wakeup_wait_ns + preempted_wait_ns + the sum of blocked_ns.
 */
struct ss_waits {
	__u64 wakeup_wait_ns;		   /* runnable after a wakeup (or birth), until it ran */
	__u64 preempted_wait_ns;	   /* runnable after it was preempted or yielded, until it ran again */
	__u64 throttled_ns;		   /* the part of both during which its cgroup's CPU quota was used up */
	__u64 preemptions;		   /* how often it left the CPU while runnable */
	__u64 blocked_ns[SS_WAIT_CLASSES]; /* asleep, by what it waited for */
	__u64 uninterruptible_ns;	   /* the part of blocked_ns in state D */
	__u64 iowait_ns;		   /* the part of blocked_ns with task->in_iowait */
	__u64 delay_slots
		[SS_DELAY_SLOTS]; /* number of waits by duration, both kinds; their sum is the number of waits */
};
#define SS_WAITS_FIELDS (6 + SS_WAIT_CLASSES + SS_DELAY_SLOTS)
_Static_assert(sizeof(struct ss_waits) == SS_WAITS_FIELDS * 8, "ss_waits has no padding");

/* Low bits of ss_thread_state.mark. The rest is the run queue's clock (rq->clock, about CLOCK_MONOTONIC), less its highest bits. */
enum ss_mark {
	SS_MARK_RUNNING = 1,
	SS_MARK_RUNNABLE = 2, /* off the CPU, preempted */
	SS_MARK_BLOCKED = 3,
	SS_MARK_STATE = 3,	     /* mask of the above; 0: not known yet */
	SS_MARK_UNINTERRUPTIBLE = 4, /* with BLOCKED: state D */
	SS_MARK_IOWAIT = 8,	     /* with BLOCKED */
	SS_MARK_BORN = 4,	     /* without a state: has never had a CPU */
	SS_MARK_CLASS_SHIFT = 4,     /* with BLOCKED: four bits of enum ss_wait_class */
	SS_MARK_SHIFT = 8,
};

/* Why an iteration of an event loop was long: what most of it went to. */
enum ss_stall_cause { SS_STALL_ONCPU, SS_STALL_RUNQUEUE, SS_STALL_THROTTLED, SS_STALL_BLOCKED, SS_STALL_CAUSES };

/* Low bits of ss_loop.mark. The rest is CLOCK_BOOTTIME << 2. */
enum ss_loop_phase {
	SS_LOOP_WAITING = 1,   /* in epoll, with a timeout or without end */
	SS_LOOP_POLLING = 2,   /* in epoll, with a timeout of 0 */
	SS_LOOP_ITERATING = 3, /* between two waits */
	SS_LOOP_PHASE = 3,
	SS_LOOP_SHIFT = 2,
};

/* Slot i of an iteration's wall time holds [2^i, 2^(i+1)) microseconds; slot 0 also those below, the last all above. */
#define SS_LOOP_SLOTS 24

/*
 * What a thread has done in and between waits in epoll (epoll_wait and its kin) since its first wait that was seen. A wait
 * returns with events, at its timeout, or interrupted. Of iteration_ns what is neither runqueue nor blocked was on a CPU.
 */
struct ss_loop {
	__u64 mark;	     /* the wait or the iteration under way: enum ss_loop_phase, and since when */
	__u64 instance;	     /* which epoll instance it waited in last: threads that share it take turns */
	__u64 instance_ns;   /* since when: the address of one that was closed may be another's */
	__u64 edge;	     /* 1: some descriptor of that instance is edge-triggered (EPOLLET), as far as was looked */
	__u64 since_ns;	     /* when its first wait was seen; another program in the same thread begins anew */
	__u64 waits;	     /* that returned, polls included */
	__u64 polls;	     /* of these with a timeout of 0 */
	__u64 timeouts;	     /* of these after a timeout that was not 0, without events */
	__u64 interrupted;   /* of these with an error: mostly EINTR */
	__u64 productive;    /* of these with events */
	__u64 events;	     /* returned in all */
	__u64 empty_wakeups; /* it was woken in a wait, found nothing, and slept on */
	__u64 taken;	     /* of productive: its only event was a connection that another had accepted before */
	__u64 adds, modifies, deletes;	   /* calls of epoll_ctl */
	__u64 wait_ns;			   /* in waits other than polls */
	__u64 wait_runqueue_ns;		   /* of it woken, and waiting for a CPU */
	__u64 poll_ns;			   /* in polls, which never sleep */
	__u64 poll_runqueue_ns;		   /* of it waiting for a CPU */
	__u64 iterations;		   /* from the return of a wait to the next wait */
	__u64 iteration_ns;		   /* their wall time */
	__u64 runqueue_ns;		   /* of it: waiting for a CPU, throttled included */
	__u64 throttled_ns;		   /* of that: the cgroup's CPU quota was used up */
	__u64 blocked_ns[SS_WAIT_CLASSES]; /* of it: asleep, by what for */
	__u64 longest_ns;		   /* iteration */
	__u64 stalls[SS_STALL_CAUSES];	   /* iterations longer than the threshold, by their main cause */
	__u64 slots[SS_LOOP_SLOTS];	   /* number of iterations by wall time */
};
#define SS_LOOP_FIRST_SUM 5 /* the fields before it are no numbers to add up */
#define SS_LOOP_FIELDS	  (24 + SS_WAIT_CLASSES + 1 + SS_STALL_CAUSES + SS_LOOP_SLOTS)
_Static_assert(sizeof(struct ss_loop) == SS_LOOP_FIELDS * 8, "ss_loop has no padding");

/* What a thread's namespaces are told apart by, in the order of view.h's namespace_names. */
enum ss_namespace {
	SS_NS_PID,
	SS_NS_MNT,
	SS_NS_NET,
	SS_NS_UTS,
	SS_NS_IPC,
	SS_NS_USER,
	SS_NS_CGROUP,
	SS_NS_TIME,
	SS_NS_PID_FOR_CHILDREN, /* where it will bear children; a thread's own never changes */
	SS_NS_TIME_FOR_CHILDREN,
	SS_NAMESPACES
};

/* Inode numbers, as /proc/PID/ns has them; 0: not known. */
struct ss_namespaces {
	__u32 inode[SS_NAMESPACES];
};

/* How a thread came into other namespaces. */
enum ss_namespace_how {
	SS_NS_UNKNOWN, /* found by comparison, when the call was over */
	SS_NS_CLONE,   /* born in others than its parent's */
	SS_NS_UNSHARE,
	SS_NS_SETNS,
	SS_NS_EXEC, /* into the time namespace for children, since 6.1 */
	SS_NS_HOWS
};

/* Key of the transition tables; the value is a __u64, how often. */
struct ss_transition_key {
	__u64 cgroup_id;
	__u32 kinds;		/* bit per enum ss_namespace */
	__u32 how;		/* enum ss_namespace_how */
	char comm[SS_COMM_LEN]; /* of the thread */
};
_Static_assert(sizeof(struct ss_transition_key) == 32, "ss_transition_key: no padding");

/* Key of the table of capability checks; the value is a __u64, how often. */
struct ss_capability_key {
	__u64 cgroup_id;
	__u32 user_namespace; /* inode number of the one that the credentials belong to */
	__u16 capability;     /* its number */
	__u16 denied;	      /* else it was used */
	__u64 bounding;	      /* bounding set of the credentials: a runtime has more than its container */
	char comm[SS_COMM_LEN];
};
_Static_assert(sizeof(struct ss_capability_key) == 40, "ss_capability_key: no padding");

/* Functions of the kernel that probe without audit, at most. */
#define SS_UNAUDITED_MAX 5
/* The scheduler's totals of the thread (and nvcsw) when its wait or iteration under way began. */
struct ss_loop_begin {
	__u64 switches;
	__u64 runqueue_ns;
	__u64 throttled_ns;
	__u64 blocked_ns[SS_WAIT_CLASSES];
};
_Static_assert(sizeof(struct ss_loop_begin) == 24 + SS_WAIT_CLASSES * 8, "ss_loop_begin has no padding");

/* What a cgroup goes through until it is of use to somebody: each is noted when it happens for the first time. */
enum ss_birth_step {
	SS_BIRTH_ENTERED,  /* a task was moved into it, or born there */
	SS_BIRTH_ISOLATED, /* a task of it is in another pid or mount namespace than the maker of the cgroup */
	SS_BIRTH_EXECUTED, /* its first process executed what is not the runtime itself */
	SS_BIRTH_READY,	   /* and after that a socket listened, or a thread went to sleep in epoll or accept */
	SS_BIRTH_STEPS
};

enum ss_birth_ready { SS_READY_NOT_YET, SS_READY_LISTEN, SS_READY_EPOLL, SS_READY_ACCEPT, SS_READY_WAYS };

/* Of a cgroup that was made under our eyes; zero with the collector births off. */
struct ss_birth {
	__u64 step_ns[SS_BIRTH_STEPS]; /* CLOCK_BOOTTIME; 0: not yet */
	__u64 cpu_ns[SS_BIRTH_STEPS];  /* CPU time of its tasks by then; only with the scheduler's hooks */
	__u64 exec_ns;		       /* the same so far, without what is running */
	__u64 runtime;		       /* what the first task in it was executing: an address, of use only to compare */
	__u32 maker_mnt, maker_pid;    /* namespaces of who made the cgroup: inode numbers */
	__u32 init;		       /* process that is the first one of a pid namespace; 0: there is none so far */
	__u32 ready_by;		       /* enum ss_birth_ready */
};
_Static_assert(sizeof(struct ss_birth) == 16 * SS_BIRTH_STEPS + 32, "ss_birth: no padding");

/* Task-local state: one BPF_MAP_TYPE_TASK_STORAGE entry per thread. */
struct ss_thread_state {
	__u64 cgroup_id;	  /* the cgroup to which its use is being charged */
	__u64 young_ns;		  /* of a cgroup whose birth is not over: CLOCK_BOOTTIME when it got its CPU, else 0 */
	struct ss_totals charged; /* how much of its totals the gone tables already hold */
	__u64 mark;		  /* when it came into its present state, and which: enum ss_mark */
	__u64 run_delay_seen;	  /* sched_info.run_delay when it left the CPU */
	__u64 throttled_seen;	  /* what its run queue had been throttled when it left the CPU or was woken */
	__u32 throttled_cpu;	  /* and which CPU's */
	__u32 ended;		  /* its last charge was made */
	struct ss_waits waits;	  /* written by sched_switch only, under the run queue's lock */
	struct ss_waits waits_charged;
	__u64 longest_wait_ns;	      /* for a CPU, since the present iteration of an event loop began */
	__u64 longest_wait_runner;    /* cgroup that had the CPU at its end */
	__u64 exit_ns;		      /* CLOCK_BOOTTIME at sched_process_exit, 0 while it runs */
	__u64 young_exec_ns;	      /* with young_ns: se.sum_exec_runtime as far as it is in ss_birth.exec_ns */
	__u32 process_exited;	      /* on a group leader: its process's exit was counted */
	__u32 short_lived;	      /* it ended within SS_SHORT_LIVED_NS of its process's birth */
	char group_comm[SS_COMM_LEN]; /* its leader's comm, taken when it exits */
	/* By comparison alone: what was seen last. The addresses save reading the numbers. */
	__u64 namespace_set, namespace_user;
	struct ss_namespaces namespaces;
	__u32 namespaces_busy; /* somebody compares */
	__u32 last_of_process; /* the last of its process to exit: its end is the process's */
};
_Static_assert(sizeof(struct ss_thread_state) == 16 + SS_TOTALS_FIELDS * 8 + 32 + 2 * sizeof(struct ss_waits) + 32 +
							 24 + 24 + sizeof(struct ss_namespaces),
	       "ss_thread_state: no padding");

/* Bits of ss_thread_record.flags. */
enum ss_thread_flag {
	SS_THREAD_LEADER = 1 << 0,  /* the process fields are filled */
	SS_THREAD_KERNEL = 1 << 1,  /* PF_KTHREAD */
	SS_THREAD_ZOMBIE = 1 << 2,  /* has exited, not yet reaped */
	SS_THREAD_STATE = 1 << 3,   /* it has task-local state: `charged` is valid */
	SS_THREAD_ACCEPTS = 1 << 4, /* with the scheduler's hooks: asleep in accept or accept4 */
	SS_THREAD_CATCHES = 1 << 5, /* with LEADER: it catches SIGSTKFLT, SIGURG and SIGIO, as Go's runtime does */
	SS_THREAD_ENDED = 1 << 7,   /* not LEADER: what it waited is in its process's block of the dead already */
	SS_THREAD_FORKED = 1 << 6,  /* with LEADER: born by fork, and has not executed another program since */
};

/* Thread states as in /proc/PID/stat, one letter; 'I' is an idle kernel thread. */

/* Bits of ss_thread_record.blocks: a struct ss_waits each (but the last), in this order, right behind the record; then the mark again. */
enum ss_thread_block {
	SS_BLOCK_WAITS = 1 << 0,	 /* ss_thread_state.waits */
	SS_BLOCK_WAITS_CHARGED = 1 << 1, /* the part that the gone tables hold already; absent: nothing */
	SS_BLOCK_WAITS_DEAD = 1 << 2,	 /* with LEADER: of its process's threads that have ended; absent: none */
	SS_BLOCK_WAITS_ALL = 7,
	SS_BLOCK_LOOP = 1 << 3, /* struct ss_loop, struct ss_loop_begin, a __u64 with CLOCK_BOOTTIME; before the mark */
};

/*
 * Written by the task iterator: one per thread, in the order of tids; a leader mostly, but not always, comes first. Behind
 * it stand the blocks that `blocks` names, and if there is any, a __u64 with the thread's mark as it was afterwards: if it
 * is not the `mark` of the record, the thread was switched meanwhile, and `open_*` may be in the totals already.
 */
struct ss_thread_record {
	__u32 tid; /* in the initial pid namespace, like every pid here */
	__u32 tgid;
	__u32 ppid;		/* tgid of real_parent */
	__u32 uid;		/* effective, in the initial user namespace */
	__u32 flags;		/* enum ss_thread_flag */
	__u32 state;		/* 'R', 'S', 'D', 'T', 't', 'Z', 'X', 'I', 'P' */
	__u64 start_ns;		/* task->start_boottime */
	__u64 process_start_ns; /* group_leader->start_boottime */
	__u64 cgroup_id;	/* kernfs id in the hierarchy that carries resources */
	char comm[SS_COMM_LEN];
	struct ss_totals used; /* since its birth */
	__u64 mark;	       /* enum ss_mark; 0: not known */
	__u64 open_wait_ns;    /* of the wait under way: runnable so far; as `mark` says after a wakeup or preempted */
	__u64 open_throttled_ns; /* the part of it spent throttled */
	__u64 open_blocked_ns;	 /* asleep so far, or until it was woken; its class is in `mark` */
	__u64 blocks;		 /* enum ss_thread_block */

	/* Of the process; zero unless SS_THREAD_LEADER. */
	struct ss_totals dead_threads; /* signal->sum_sched_runtime, utime, stime, nvcsw, ...; no run delay */
	__u64 rss_bytes;	       /* file + anonymous + shared memory pages of the mm */
	__u64 swap_bytes;
	__u64 capabilities_effective;
	__u64 capabilities_permitted;
	__u64 capabilities_bounding;
	__u32 threads;	     /* signal->nr_threads */
	__u32 namespace_pid; /* its pid inside its own pid namespace */
	__u32 ns_pid, ns_mnt, ns_net, ns_uts, ns_ipc, ns_user, ns_cgroup, ns_time; /* inode numbers, 0: unknown */

	/* Last, since the iterator writes it from the thread's own state: its stack has no room for it. */
	struct ss_totals charged; /* part of `used` that the gone tables hold already; zero without SS_THREAD_STATE */
};
_Static_assert(sizeof(struct ss_thread_record) == 24 + 24 + 16 + 3 * SS_TOTALS_FIELDS * 8 + 40 + 40 + 8 + 32,
	       "ss_thread_record: no padding");

/* Written by the pass over open files: one per process and listening socket (TCP, UNIX stream). */
struct ss_listener {
	__u64 process_start_ns; /* group_leader->start_boottime */
	__u64 inode;		/* of the socket: the same in all processes that share it */
	__u32 tgid;
	__u32 port; /* 0: UNIX */
	__u32 family;
	__u32 nonblocking; /* O_NONBLOCK: nobody sleeps in accept */
};
_Static_assert(sizeof(struct ss_listener) == 32, "ss_listener: no padding");

/* Key of the gone tables. */
struct ss_gone_key {
	__u64 cgroup_id;
	char comm[SS_COMM_LEN]; /* of the process: its leader's */
};
_Static_assert(sizeof(struct ss_gone_key) == 24, "ss_gone_key: no padding");

/* Value of the gone tables. */
struct ss_gone {
	struct ss_totals totals;
	__u64 processes_ended;
	__u64 threads_ended;  /* other than leaders */
	__u64 short_lived_ns; /* exec_ns of threads that ended within SS_SHORT_LIVED_NS of their process's birth */
	struct ss_waits waits;
};
_Static_assert(sizeof(struct ss_gone) == SS_TOTALS_FIELDS * 8 + 24 + sizeof(struct ss_waits), "ss_gone: no padding");

/* Cgroup ids in neighbour pairs: all runners for which the table had no room. */
#define SS_CGROUP_OTHERS (~1ULL)

/* Key of the neighbour tables: whose threads waited, and who held the CPU meanwhile. The same twice: it waited for itself. */
struct ss_pair_key {
	__u64 waiter;
	__u64 runner;
};

struct ss_pair {
	__u64 wait_ns;
	__u64 waits; /* how often the runner was met */
};

enum ss_cgroup_flag {
	SS_CGROUP_NAME_CUT = 1 << 0,
	SS_CGROUP_SEEN_BORN = 1 << 1, /* name, parent and birth are known from cgroup_mkdir */
	SS_CGROUP_YOUNG = 1 << 2,     /* its birth is followed: not ready yet, and not too old */
	SS_CGROUP_ENTERED = 1 << 3,   /* has had a task; only with SEEN_BORN, and while somebody wants to know */
};

/* Value of the cgroup table, keyed by cgroup id: what happened in this cgroup itself, not below. */
struct ss_cgroup {
	__u64 parent_id;
	__u64 born_ns;	  /* CLOCK_BOOTTIME; 0: was there before the agent */
	__u64 removed_ns; /* CLOCK_BOOTTIME; 0: is there */
	__u64 forks;	  /* processes born in it */
	__u64 thread_creations;
	__u64 execs;
	__u64 exits; /* processes ended in it */
	__u32 flags; /* enum ss_cgroup_flag */
	__u32 level; /* 0: root */
	char name[SS_CGROUP_NAME_LEN];
	struct ss_birth birth;
	struct ss_gone other; /* its dead for which the gone table had no room */
};
_Static_assert(sizeof(struct ss_cgroup) == 7 * 8 + 8 + 128 + sizeof(struct ss_birth) + sizeof(struct ss_gone),
	       "ss_cgroup: no padding");

/* Facts on the ring. Append-only. */
enum ss_fact_kind {
	SS_FACT_CGROUP_CREATE = 1,
	SS_FACT_CGROUP_REMOVE = 2,
	SS_FACT_LOOP_STALL = 3,
	SS_FACT_NAMESPACE = 4,
	SS_FACT_CAPABILITY_DENIED = 5,
	SS_FACT_PROCESS_START = 6,
	SS_FACT_THREAD_START = 7,
	SS_FACT_EXEC = 8,
	SS_FACT_EXIT = 9, /* of a process */
	SS_FACT_OOM_KILL = 10,
	SS_FACT_CGROUP_ENTER = 11, /* the first task in a cgroup that was made under our eyes */
	SS_FACT_KINDS
};

/* What the agent needs for itself, whoever listens: bits of facts_wanted. */
#define SS_FACTS_ALWAYS (1u << SS_FACT_CGROUP_CREATE | 1u << SS_FACT_CGROUP_REMOVE | 1u << SS_FACT_LOOP_STALL)

#define SS_EXEC_PATH_LEN  256
#define SS_EXEC_PATH_MOST 64 /* most paths are shorter: such a record ends here */
#define SS_ARGUMENTS_LEN  1024

/* A record ends behind the member of the union that its kind has; exec in one of three places. */
struct ss_fact {
	__u32 size;    /* of the whole record */
	__u32 kind;    /* enum ss_fact_kind */
	__u64 time_ns; /* CLOCK_BOOTTIME */
	/* Whom it is about, or who did it; zero when that is not known. */
	__u64 cgroup_id;
	__u64 start_ns; /* of the thread */
	__u32 tgid, tid;
	char comm[SS_COMM_LEN];
	union {
		struct { /* SS_FACT_CGROUP_*; ENTER has no parent and no name */
			__u64 id;
			__u64 parent_id;
			char name[SS_CGROUP_NAME_LEN];
		} cgroup;
		struct { /* SS_FACT_LOOP_STALL: an iteration that was too long; split as in ss_loop */
			__u64 wall_ns, runqueue_ns, throttled_ns, blocked_ns[SS_WAIT_CLASSES];
			__u64 runner; /* cgroup that had the CPU at the end of its longest wait for one, SS_CGROUP_NONE: none */
			__u64 suppressed; /* stalls of this loop since its last fact */
			__u64 cause;	  /* enum ss_stall_cause */
		} stall;
		struct {	     /* SS_FACT_NAMESPACE */
			__u32 kinds; /* bit per enum ss_namespace: those that changed */
			__u32 how;   /* enum ss_namespace_how */
			struct ss_namespaces from, to;
		} namespaces;
		struct {			       /* SS_FACT_PROCESS_START, SS_FACT_THREAD_START */
			__u64 clone_flags;	       /* as copy_process got them: without the exit signal */
			__u32 parent_tgid, parent_tid; /* who called clone */
		} start;
		struct {		       /* SS_FACT_EXEC */
			__u32 path_bytes;      /* the NUL included; SS_EXEC_PATH_LEN: it may be longer. 0: not known */
			__u32 arguments_bytes; /* that were read: a NUL behind each. 0: not asked for, or not to be had */
			__u64 arguments_size; /* of all of them in the process's memory */
			char path[SS_EXEC_PATH_LEN];
			char arguments[SS_ARGUMENTS_LEN];
		} exec;
		struct {		    /* SS_FACT_EXIT */
			__u32 status;	    /* as wait(2) tells it */
			__u32 cpu_complete; /* the last slices of all threads are in */
			__u64 lifetime_ns;
			__u64 cpu_ns;	      /* of all its threads */
			__u64 peak_rss_bytes; /* signal->maxrss, as getrusage(2) tells it */
			__u64 voluntary_switches, involuntary_switches;
			__u64 minor_faults, major_faults;
		} exit;
		struct {		 /* SS_FACT_OOM_KILL */
			__u64 rss_bytes; /* all ones: not known */
			__s64 score_adjust;
		} oom;
		struct {		      /* SS_FACT_CAPABILITY_DENIED */
			__u32 capability;     /* linux/capability.h */
			__u32 user_namespace; /* of the thread's credentials: inode number */
		} denial;
	};
};
#define SS_FACT_HEAD 56
_Static_assert(sizeof(((struct ss_fact *)0)->exec) == 16 + SS_EXEC_PATH_LEN + SS_ARGUMENTS_LEN, "exec: no padding");
_Static_assert(sizeof(struct ss_fact) == SS_FACT_HEAD + 16 + SS_EXEC_PATH_LEN + SS_ARGUMENTS_LEN,
	       "ss_fact: no padding");
_Static_assert(sizeof(((struct ss_fact *)0)->stall) == 24 + 8 * SS_WAIT_CLASSES + 24, "stall: no padding");

/* What can be lost, and is counted instead. Named in agent/model.c. */
enum ss_loss {
	SS_LOSS_RING_FULL,     /* a fact found no room on the ring */
	SS_LOSS_GONE_FOLDED,   /* the gone table was full: an ended thread's use went to ~other of its cgroup */
	SS_LOSS_GONE_LOST,     /* not even that: an ended thread's use was dropped */
	SS_LOSS_CGROUP_FULL,   /* the cgroup table was full: a fork, exec or exit was not counted */
	SS_LOSS_STATE_REFUSED, /* task storage could not be created or looked up */
	SS_LOSS_READ_FAILED,   /* a kernel field could not be read */
	SS_LOSS_DEATH_UNSEEN,  /* a task exited and no program was ever called when it was freed; see tasks_exited */
	SS_LOSS_SWITCH_UNSEEN, /* a switch of a thread whose state was not to be had: its waits go on as they were */
	SS_LOSS_PAIR_FOLDED,   /* the neighbour table was full: a wait was blamed on SS_CGROUP_OTHERS */
	SS_LOSS_PAIR_LOST,     /* not even that */
	SS_LOSS_PROGRAM_SKIPPED, /* the kernel did not run a program, since it was at work on that CPU: see loader_skipped */
	SS_LOSS_LOOP_LOST,	 /* the table of ended event loops was full */
	SS_LOSS_WAIT_UNSEEN,	 /* a wait in epoll whose return was not seen: neither it nor its events are counted */
	SS_LOSS_CAPABILITY_LOST, /* the table of capability checks was full */
	SS_LOSS_TRANSITION_LOST, /* the table of namespace transitions was full */
	SS_LOSS_KINDS
};

#endif
