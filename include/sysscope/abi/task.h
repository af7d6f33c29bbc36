/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/task.h - the contract for threads and processes: the task-local state that the hooks keep (ss_thread_state,
 * ss_loop), and what the iterators write (ss_thread_record with its blocks, ss_socket_owner). abi/common.h has the rules.
 */
#ifndef SYSSCOPE_ABI_TASK_H
#define SYSSCOPE_ABI_TASK_H

#include "sysscope/abi/common.h"

/*
 * Low bits of ss_thread_state.mark: the state that the thread is in. The other bits are the time at which it came into
 * that state: its run queue's clock (rq->clock, close to CLOCK_MONOTONIC) << SS_MARK_SHIFT, so the clock's highest byte
 * is lost.
 */
enum ss_mark {
	SS_MARK_RUNNING = 1,
	SS_MARK_RUNNABLE = 2, /* off the CPU because it was preempted or yielded */
	SS_MARK_BLOCKED = 3,
	SS_MARK_STATE = 3,	     /* mask of the values above; 0: not known yet */
	SS_MARK_UNINTERRUPTIBLE = 4, /* with BLOCKED: state D */
	SS_MARK_IOWAIT = 8,	     /* with BLOCKED: task->in_iowait */
	SS_MARK_NEVER_RAN = 4,	     /* with state 0: born, and not given a CPU yet */
	SS_MARK_CLASS_SHIFT = 4,     /* with BLOCKED: four bits of enum ss_wait_class from here */
	SS_MARK_SHIFT = 8,
};

/* Marks, of a thread and of a loop, are read and written by these functions only. */
#define SS_INLINE static inline __attribute__((always_inline))

SS_INLINE __u64 ss_mark_make(__u64 clock, __u64 state)
{
	return clock << SS_MARK_SHIFT | state;
}

SS_INLINE __u64 ss_mark_state(__u64 mark)
{
	return mark & SS_MARK_STATE;
}

/* These three are for marks in the state SS_MARK_BLOCKED. The class is an enum ss_wait_class, of 4 bits. */
SS_INLINE __u32 ss_mark_class(__u64 mark)
{
	return mark >> SS_MARK_CLASS_SHIFT & 15;
}

SS_INLINE int ss_mark_is_uninterruptible(__u64 mark)
{
	return (mark & SS_MARK_UNINTERRUPTIBLE) != 0;
}

SS_INLINE int ss_mark_in_iowait(__u64 mark)
{
	return (mark & SS_MARK_IOWAIT) != 0;
}

/* Adds the wait class to the state SS_MARK_BLOCKED. */
SS_INLINE __u64 ss_mark_with_class(__u64 state, __u32 wait_class)
{
	return state | (__u64)wait_class << SS_MARK_CLASS_SHIFT;
}

/* Nanoseconds from the mark to `clock`; 0 if the mark is later, since the clocks of two CPUs may differ by a little. */
SS_INLINE __u64 ss_mark_age(__u64 mark, __u64 clock)
{
	/* The mark lacks the clock's highest byte, so the difference is taken without that. */
	__s64 age = (__s64)((clock << SS_MARK_SHIFT) - (mark & ~((1ULL << SS_MARK_SHIFT) - 1)));

	return age > 0 ? (__u64)age >> SS_MARK_SHIFT : 0;
}

/*
 * Low bits of ss_loop.mark: the phase that the loop is in. The other bits are the time at which the phase began:
 * CLOCK_MONOTONIC << SS_LOOP_SHIFT.
 */
enum ss_loop_phase {
	SS_LOOP_WAITING = 1,   /* in epoll, with a timeout or without limit */
	SS_LOOP_POLLING = 2,   /* in epoll, with a timeout of 0 */
	SS_LOOP_ITERATING = 3, /* between two waits */
	SS_LOOP_PHASE = 3,     /* mask of the above; 0: no wait was seen yet */
	SS_LOOP_SHIFT = 2,
};

SS_INLINE __u64 ss_loop_mark_make(__u64 clock_ns, enum ss_loop_phase phase)
{
	return clock_ns << SS_LOOP_SHIFT | phase;
}

SS_INLINE __u64 ss_loop_mark_phase(__u64 mark)
{
	return mark & SS_LOOP_PHASE;
}

SS_INLINE __u64 ss_loop_mark_began(__u64 mark)
{
	return mark >> SS_LOOP_SHIFT;
}

/*
 * What a thread has done in waits in epoll (epoll_wait, epoll_pwait, epoll_pwait2) and between them, since its first
 * wait that was seen. Measured by bpf/epoll.bpf.c; the run-queue and blocked parts are differences of ss_waits. The
 * part of iteration_ns that is neither runqueue_ns nor blocked_ns was spent on a CPU.
 */
struct ss_loop {
	__u64 mark;	   /* the wait or iteration under way: enum ss_loop_phase, and its beginning */
	__u64 instance;	   /* address of the epoll file it waited in last: threads that share one take turns */
	__u64 instance_ns; /* CLOCK_MONOTONIC since when; a closed instance's address may be reused */
	__u64 edge;	   /* 1: a descriptor of that instance is edge-triggered (EPOLLET); only a few are looked at */
	__u64 serves;	   /* bits of SS_SERVES_*; 0: others do not wait behind it, as far as seen */
	__u64 since_ns;	   /* CLOCK_MONOTONIC when its first wait was seen; exec begins a new loop */
	__u64 waits;	   /* waits that returned, polls included */
	__u64 polls;	   /* of these, with a timeout of 0 */
	__u64 timeouts;	   /* of these, ended by a timeout other than 0, without events */
	__u64 interrupted; /* of these, ended by an error, mostly EINTR */
	__u64 productive;  /* of these, with events */
	__u64 events;	   /* returned by all waits */
	__u64 empty_wakeups; /* woken in a wait, found no event, and went back to sleep in the kernel */
	__u64 taken;	     /* of productive: the only event was a connection that another thread accepted first */
	__u64 adds, modifies, deletes;	   /* calls of epoll_ctl */
	__u64 wait_ns;			   /* in waits other than polls */
	__u64 wait_runqueue_ns;		   /* of that, runnable and waiting for a CPU */
	__u64 poll_ns;			   /* in polls, which never sleep */
	__u64 poll_runqueue_ns;		   /* of that, waiting for a CPU */
	__u64 iterations;		   /* from the return of a wait to the next wait */
	__u64 iteration_ns;		   /* their wall time, less that in which the thread was stopped */
	__u64 runqueue_ns;		   /* of that, waiting for a CPU, throttled time included */
	__u64 throttled_ns;		   /* of runqueue_ns, while the cgroup's CPU quota was used up */
	__u64 blocked_ns[SS_WAIT_CLASSES]; /* of iteration_ns, asleep, by what it waited for; STOPPED: beside it */
	__u64 longest_ns;		   /* the longest iteration */
	__u64 stalls[SS_STALL_CAUSES];	   /* iterations longer than the threshold, by their main cause */
	__u64 stall_ns[SS_STALL_CAUSES];   /* of iteration_ns: those iterations */
	__u64 slots[SS_LOOP_SLOTS];	   /* iterations by wall time */
};
/* Whether event loops are watched. LAST: they are written once more, and what the hooks had noted is dropped. */
enum ss_loops_watched { SS_LOOPS_UNWATCHED, SS_LOOPS_WATCHED, SS_LOOPS_LAST };

#define SS_LOOP_FIRST_SUM 6 /* index of the first field that can be added up over loops: waits */
#define SS_LOOP_FIELDS	  (25 + SS_WAIT_CLASSES + 1 + 2 * SS_STALL_CAUSES + SS_LOOP_SLOTS)
_Static_assert(sizeof(struct ss_loop) == SS_LOOP_FIELDS * 8, "ss_loop: no padding");

/*
 * ss_loop.serves: it is its process's main thread; its instance had a descriptor through which others reach the process.
 */
#define SS_SERVES_MAIN	  1
#define SS_SERVES_OUTSIDE 2

/* The thread's totals when its wait or iteration under way began. */
struct ss_loop_begin {
	__u64 switches;			   /* task->nvcsw */
	__u64 runqueue_ns;		   /* ss_waits.wakeup_wait_ns + preempted_wait_ns */
	__u64 throttled_ns;		   /* ss_waits.throttled_ns */
	__u64 blocked_ns[SS_WAIT_CLASSES]; /* ss_waits.blocked_ns */
};
_Static_assert(sizeof(struct ss_loop_begin) == 24 + SS_WAIT_CLASSES * 8, "ss_loop_begin: no padding");

/* Bits of ss_thread_state.at_listener, of a thread in poll, select or epoll. */
#define SS_AT_LISTENER	     1 /* it waits at one of its process's listening sockets */
#define SS_AT_LISTENER_MAYBE 2 /* its process has such sockets */

/* Descriptors of listening sockets that are noted for a process: as many as stand in a row. */
#define SS_LISTENING 4

/* The same as ss_waits, in less memory, for what is kept with each thread. Read by ss_count(). */
struct ss_thread_waits {
	__u64 wakeup_wait_ns, preempted_wait_ns, throttled_ns;
	__u64 blocked_ns[SS_WAIT_CLASSES];
	__u64 uninterruptible_ns, iowait_ns, iowait_io_uring_ns;
	__u32 counts[SS_WAIT_COUNTS]; /* the low 32 bits of preemptions and of delay_slots */
	__u32 throttled_cpu;	      /* the CPU of the run queue that ss_thread_state.throttled_seen is of */
};
_Static_assert(sizeof(struct ss_thread_waits) == 8 * SS_WAIT_TIMES + 4 * SS_WAIT_COUNTS + 4,
	       "ss_thread_waits: no padding");

/*
 * Of the counts of a thread's waits the first so many have 39 bits, the others 32: those are of waits of 8 ms and more, and after
 * 2^32 of them the thread has waited for more than a year.
 */
#define SS_COUNTS_WIDE	   14
#define SS_COUNT_WIDE_BITS 39

/* Bits of ss_thread_state.life. */
enum ss_thread_life {
	SS_LIFE_CHARGED = 1 << 0,   /* it has an ss_charges */
	SS_LIFE_ENDED = 1 << 1,	    /* its last charge was made: everything is charged, whatever its ss_charges says */
	SS_LIFE_COMPARING = 1 << 2, /* its namespaces are being compared */
	SS_LIFE_COUNTED = 1 << 3,   /* on a group leader: its process's exit was counted */
	SS_LIFE_EXITED = 1 << 4,    /* it came to sched_process_exit */
	SS_LIFE_SHORT = 1 << 5,	    /* it ended within SS_SHORT_LIVED_NS of its process's birth */
	SS_LIFE_LAST_OF_PROCESS = 1 << 6, /* the last thread of its process to exit: its end is the process's */
};

/* All but SS_NS_PID, which is the first and which a task keeps. */
#define SS_NAMESPACES_KEPT (SS_NAMESPACES - 1)

/*
 * Task-local state: one BPF_MAP_TYPE_TASK_STORAGE entry per thread, zero when it is created. There may be a hundred thousand, so
 * what only few threads need is kept elsewhere (ss_charges, bpf/epoll.bpf.h).
 */
struct ss_thread_state {
	__u64 cgroup_id;      /* kernfs id of the cgroup that its use is charged to; 0: not known yet */
	__u64 mark;	      /* enum ss_mark, and since when; 0: not known yet */
	__u64 told;	      /* what the task iterator told of it last, as a number: bpf/told.bpf.h; 0: nothing */
	__u64 run_delay_seen; /* task->sched_info.run_delay when it left the CPU */
	__u64 throttled_seen; /* its run queue's throttled time when it left the CPU or was woken */
	struct ss_thread_waits waits; /* written by sched_switch only, under the run queue's lock */
	__u64 longest_wait_runner;    /* kernfs id of the cgroup that had the CPU for most of the wait below */
	__u64 starting_ns;	      /* in a cgroup that is starting: CLOCK_BOOTTIME when it got its CPU, else 0 */
	__u64 starting_exec_ns;	      /* with starting_ns: the part of sum_exec_runtime that ss_start.exec_ns holds */
	/*
	 * On a group leader: the name of its program, where bpf/name.bpf.h needed it. Of a thread that has exited: the name of its
	 * process then.
	 */
	char program[SS_COMM_LEN];
	__u16 listening[SS_LISTENING]; /* on a group leader: descriptors of listening sockets, plus 1; 0: none */
	__u32 longest_wait;   /* longest wait for a CPU in the event loop's iteration under way: ss_wait_units */
	__u32 life;	      /* enum ss_thread_life: changed atomically */
	__s32 memory_rest[4]; /* on a group leader: pages that CPUs have not added to its memory counters yet, */
	__u32 memory_seen;    /* when what tells whether they have changed was this */
	__u32 connections; /* on a group leader: SS_CONNECTIONS_BITS: written by a pass over open files; above: which */
	__u32 namespace_seen; /* by comparison only: of the addresses of task->nsproxy and the user namespace, */
	__u32 namespaces[SS_NAMESPACES_KEPT]; /* and the namespaces; the same addresses save reading these */
	__u8 counts_high[SS_COUNTS_WIDE];     /* of waits.counts the eight bits from bit 31 on, which is in both */
	__u8 at_listener;		      /* when the iterator last came by: SS_AT_LISTENER */
	__u8 by_program; /* on a group leader: its process is called by its program, not by its comm */
};
_Static_assert(SS_NS_PID == 0, "left out of ss_thread_state.namespaces");
/*
 * The kernel puts 72 bytes before it, up to 6.18 another 8, and allocates in powers of two: 432 fit into 512, one more byte costs
 * as much again (docs/cost.md).
 */
#define SS_STATE_MOST 432
_Static_assert(sizeof(struct ss_thread_state) <= SS_STATE_MOST, "ss_thread_state: a thread costs twice as much");

/* A count of waits of a thread: 0 is preemptions, the others are delay_slots. Only sched_switch writes them: this counts one. */
SS_INLINE void ss_count_add(struct ss_thread_state *state, __u32 i)
{
	volatile __u32 *low = &state->waits.counts[i];

	if (!(++*low << 1) && i < SS_COUNTS_WIDE)
		++*(volatile __u8 *)&state->counts_high[i];
}

/*
 * The count, which may be under way from one to the next at this moment: then bit 31 is not the same in both parts. A low part that
 * has just begun is ahead of the high one; one that is at its end is behind it.
 */
SS_INLINE __u64 ss_count_of(__u32 low, __u8 high)
{
	__u8 differs = (high ^ low >> 31) & 1;

	high += low & 1 << 30 ? -differs : differs;
	return (__u64)(high >> 1) << 32 | low;
}

SS_INLINE __u64 ss_count(const struct ss_thread_state *state, __u32 i)
{
	__u8 high = i < SS_COUNTS_WIDE ? *(volatile const __u8 *)&state->counts_high[i] : 0;
	__u32 low = *(volatile const __u32 *)&state->waits.counts[i];

	return i < SS_COUNTS_WIDE ? ss_count_of(low, high) : low;
}

/* A wait for a CPU in units of 256 ns; what is longer than 18 minutes counts as that. */
SS_INLINE __u32 ss_wait_units(__u64 ns)
{
	return ns >> 40 ? ~0U : (__u32)(ns >> 8);
}

/*
 * What of a thread's totals the gone tables hold already. Task-local, too, for threads that were charged before their end: they
 * were moved to another cgroup, or their process has changed its name, which most do when they execute.
 */
struct ss_charges {
	__u64 times[SS_WAIT_TIMES]; /* of its waits */
	__u64 counts[SS_COUNTS_WIDE];
	__u32 counts_long[SS_WAIT_COUNTS - SS_COUNTS_WIDE];
	__u32 unused;
	struct ss_totals totals;
};
_Static_assert(sizeof(struct ss_charges) <= SS_STATE_MOST, "ss_charges: costs twice as much");

/* The difference of two states of a count that has so many bits; it may be negative, and goes past the count's end. */
SS_INLINE __u64 ss_count_since(__u64 now, __u64 before, int bits)
{
	return (__u64)((__s64)((now - before) << (64 - bits)) >> (64 - bits));
}

/* Bits of ss_thread_record.flags. */
enum ss_thread_flag {
	SS_THREAD_LEADER = 1 << 0,  /* thread group leader: the process fields are filled in */
	SS_THREAD_KERNEL = 1 << 1,  /* PF_KTHREAD */
	SS_THREAD_ZOMBIE = 1 << 2,  /* has exited, and is not reaped yet */
	SS_THREAD_STATE = 1 << 3,   /* it has task-local state: `charged` is valid */
	SS_THREAD_ACCEPTS = 1 << 4, /* with the scheduler hooks: asleep in accept or accept4 */
	SS_THREAD_CATCHES = 1 << 5, /* with LEADER: it catches SIGSTKFLT, SIGURG and SIGIO, as Go's runtime does */
	SS_THREAD_FORKED = 1 << 6,  /* with LEADER: born by fork, and has not executed another program since */
	SS_THREAD_LISTENS =
		1 << 9, /* with the scheduler hooks: asleep in poll, select or epoll, at a listening socket */
	SS_THREAD_GUEST = 1 << 10,  /* the kernel has counted time for it in a virtual machine: it is a virtual CPU */
	SS_THREAD_STOPPED = 1 << 8, /* stopped by a signal, held by a debugger, or frozen */
	SS_THREAD_ENDED = 1 << 7,   /* without LEADER: its waits are in its process's SS_BLOCK_WAITS_DEAD already */
};

/*
 * Bits of ss_thread_record.blocks: what follows the record, in this order. The WAITS blocks are a struct ss_waits each.
 */
enum ss_thread_block {
	SS_BLOCK_NAME = 1 << 4,		 /* with LEADER: the process's name, SS_COMM_LEN bytes; absent: it is `comm` */
	SS_BLOCK_WAITS = 1 << 0,	 /* ss_thread_state.waits */
	SS_BLOCK_WAITS_CHARGED = 1 << 1, /* the part that the gone tables hold already; absent: none */
	SS_BLOCK_WAITS_DEAD = 1 << 2,	 /* with LEADER: waits of the process's ended threads; absent: none */
	SS_BLOCK_WAITS_ALL = 7,
	SS_BLOCK_LOOP = 1 << 3, /* struct ss_loop, struct ss_loop_begin, and CLOCK_MONOTONIC as a __u64 */
};

/* Every page size is a multiple. */
#define SS_MEMORY_UNIT 4096
/* The kernel does not count it, or it is 16 TiB or more. */
#define SS_MEMORY_UNKNOWN (~0U)

/*
 * Written by the task iterator (bpf/snapshot.bpf.c): one per thread, ordered by tid; a group leader usually, but not
 * always, comes before its threads. The blocks that `blocks` names follow the record. If there are any, the thread's
 * mark, read again, follows as a __u64: if it differs from `mark`, the thread was switched in between, and the totals
 * may include `open_*` already.
 */
struct ss_thread_record {
	__u32 tid; /* task->pid: in the initial pid namespace, like every pid here */
	__u32 tgid;
	__u32 ppid;		/* task->real_parent->tgid */
	__u32 uid;		/* task->cred->euid, in the initial user namespace */
	__u32 flags;		/* enum ss_thread_flag */
	__u16 state;		/* the letter that /proc/PID/stat shows; 'I': an idle kernel thread */
	__u16 cpu;		/* that it runs on, ran on last, or waits for */
	__u64 start_ns;		/* task->start_boottime */
	__u64 process_start_ns; /* task->group_leader->start_boottime */
	__u64 cgroup_id;	/* kernfs id in the hierarchy that carries resources */
	char comm[SS_COMM_LEN];
	struct ss_totals used;	 /* since its birth */
	__u64 mark;		 /* ss_thread_state.mark; 0: not known */
	__u64 open_wait_ns;	 /* the wait for a CPU under way: runnable so far; `mark` says of which kind */
	__u64 open_throttled_ns; /* the part of that wait while the cgroup's CPU quota was used up */
	__u64 open_blocked_ns;	 /* asleep so far, or until it was woken; its class is in `mark` */
	__u64 blocks;		 /* enum ss_thread_block */

	/*
	 * About the process; zero unless SS_THREAD_LEADER is set. First of task->mm, in units of SS_MEMORY_UNIT, because the
	 * BPF stack has no room for more; SS_MEMORY_UNKNOWN.
	 */
	__u32 anonymous_units; /* resident pages: anonymous ones, */
	__u32 file_units;      /* of files, */
	__u32 shmem_units;     /* of shared memory */
	__u32 swap_units;      /* swap entries */
	__u32 peak_units;      /* the most that was resident when the kernel last looked: may be less than now */
	__u32 hugetlb_units;   /* huge pages of hugetlbfs, which are not in the others; unknown: this kernel has none */
	__u64 capabilities_effective; /* task->cred->cap_effective, one bit per capability */
	__u64 capabilities_permitted; /* task->cred->cap_permitted */
	__u64 capabilities_bounding;  /* task->cred->cap_bset */
	__u32 threads;		      /* signal->nr_threads */
	__u32 namespace_pid;	      /* its pid in its own pid namespace */
	__u32 ns_pid, ns_mnt, ns_net, ns_uts, ns_ipc, ns_user, ns_cgroup, ns_time; /* inode numbers, 0: not known */

	/* Last, because the iterator writes them from elsewhere: the BPF stack has no room for them. */
	struct ss_totals charged;      /* the part of `used` that the gone tables hold; zero without SS_THREAD_STATE */
	struct ss_totals dead_threads; /* of its process: signal->sum_sched_runtime, utime, nvcsw, ...; no run delay */
};
_Static_assert(sizeof(struct ss_thread_record) == 24 + 24 + 16 + 3 * SS_TOTALS_FIELDS * 8 + 40 + 48 + 8 + 32,
	       "ss_thread_record: no padding");

/*
 * Written in place of a record with its blocks, for a thread of which all that a pass of the same iterator has told is still
 * so: it has slept since. open_blocked_ns is then the time from its mark to the beginning of the pass: all who sleep on have slept
 * for as much longer.
 */
struct ss_thread_same {
	__u32 tid;
	__u32 tgid; /* SS_THREAD_SAME, which is nobody's */
	__u64 start_ns;
};
#define SS_THREAD_SAME (~0U)

/*
 * Written by the pass over open files (bpf/socket.bpf.c): one per process and listening socket (TCP, UNIX); and of a process
 * that has its parent's name, up to SS_CONNECTIONS connected ones.
 */
struct ss_socket_owner {
	__u64 kind;		/* SS_SOCKET_OWNER */
	__u64 process_start_ns; /* task->group_leader->start_boottime */
	__u64 inode;		/* of the socket: the same in all processes that share it */
	__u64 address;		/* UNIX: the same for a listening socket and what it accepted, 0: none; else 0 */
	__u32 tgid;
	__u32 port;	   /* local port in host byte order; 0: UNIX */
	__u16 family;	   /* AF_UNIX, AF_INET or AF_INET6 */
	__u16 connected;   /* 1: it does not listen, it is connected */
	__u32 nonblocking; /* 1: O_NONBLOCK is set, so accept never sleeps */
};
_Static_assert(sizeof(struct ss_socket_owner) == 48, "ss_socket_owner: no padding");
#define SS_CONNECTIONS	    4
#define SS_CONNECTIONS_BITS 3 /* of ss_thread_state.connections: a number up to SS_CONNECTIONS */

#endif
