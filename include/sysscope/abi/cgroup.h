/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/cgroup.h - the contract for what is counted per cgroup: the cgroup table with the start of a container, the gone
 * tables (what ended threads have used), neighbour pairs, namespace transitions, capability checks. abi/common.h has
 * the rules.
 */
#ifndef SYSSCOPE_ABI_CGROUP_H
#define SYSSCOPE_ABI_CGROUP_H

#include "sysscope/abi/common.h"

/* A cgroup's own name (one path component). A longer name is cut and flagged SS_CGROUP_NAME_CUT. */
#define SS_CGROUP_NAME_LEN 128

/* The steps of a container's start, from the creation of its cgroup on. Each is noted when it first happens. */
enum ss_start_step {
	SS_START_ENTERED,  /* a task was moved into the cgroup, or born there */
	SS_START_ISOLATED, /* a task in it has another pid or mount namespace than the creator of the cgroup */
	SS_START_EXECUTED, /* its first process executed a program other than the runtime itself */
	SS_START_READY,	   /* after that, a socket listened, or a thread went to sleep in epoll or accept */
	SS_START_STEPS
};

/* What made a container ready. */
enum ss_start_ready { SS_READY_NOT_YET, SS_READY_LISTEN, SS_READY_EPOLL, SS_READY_ACCEPT, SS_READY_WAYS };

/* The start of a container whose cgroup was created while the agent ran; zero without the collector `births`. */
struct ss_start {
	__u64 step_ns[SS_START_STEPS];	/* CLOCK_BOOTTIME at each step; 0: not yet */
	__u64 cpu_ns[SS_START_STEPS];	/* CPU time of its tasks until then; only with the scheduler hooks */
	__u64 exec_ns;			/* CPU time of its tasks so far, up to their last switch */
	__u64 runtime;			/* address of the inode that its first task was executing; only compared */
	__u32 creator_mnt, creator_pid; /* namespaces of the task that created the cgroup: inode numbers */
	__u32 init;			/* tgid of the first process of a new pid namespace; 0: none so far */
	__u32 ready_by;			/* enum ss_start_ready */
};
_Static_assert(sizeof(struct ss_start) == 16 * SS_START_STEPS + 32, "ss_start: no padding");

/* Why a task had to take memory back before it got some. */
enum ss_reclaim_cause {
	SS_RECLAIM_LIMIT,   /* a memory limit of its cgroup or of one above was reached, or one that it was setting */
	SS_RECLAIM_MACHINE, /* the machine, or the nodes that the task may use, had too little free memory */
	SS_RECLAIM_CAUSES
};

/* Stalls of tasks in reclaim that are over; only with the collector `reclaim`. */
struct ss_reclaim {
	__u64 ns, stalls;
};

/* How a process ended. */
enum ss_end {
	SS_END_SUCCESS, /* exit status 0 */
	SS_END_FAILURE, /* another exit status */
	SS_END_SIGNAL,	/* killed by a signal */
	SS_ENDS
};

/*
 * Ends of a container's first process: pid 1 of a pid namespace, started from outside of the cgroup. Not those of namespaces that
 * were made inside. Kernels without task storage count none.
 */
struct ss_main_ends {
	__u32 ends[SS_ENDS];	/* by enum ss_end */
	__u32 status;		/* of the latest: as wait(2) gives it */
	char comm[SS_COMM_LEN]; /* its name; need not be terminated */
};
_Static_assert(sizeof(struct ss_main_ends) == 32, "ss_main_ends: no padding");

/* Key of the gone tables. */
struct ss_gone_key {
	__u64 cgroup_id;
	char comm[SS_COMM_LEN]; /* of the process, that is of its group leader */
};
_Static_assert(sizeof(struct ss_gone_key) == 24, "ss_gone_key: no padding");

/* Value of the gone tables: what the ended threads of one cgroup and name have used. */
struct ss_gone {
	struct ss_totals totals;
	__u64 processes_ended;
	__u64 threads_ended;  /* other than group leaders */
	__u64 short_lived_ns; /* exec_ns of threads that ended within SS_SHORT_LIVED_NS of their process's birth */
	struct ss_waits waits;
};
_Static_assert(sizeof(struct ss_gone) == SS_TOTALS_FIELDS * 8 + 24 + sizeof(struct ss_waits), "ss_gone: no padding");

/* Bits of ss_cgroup.flags. */
enum ss_cgroup_flag {
	SS_CGROUP_NAME_CUT = 1 << 0,
	SS_CGROUP_SEEN_CREATED = 1 << 1, /* name, parent and creation time are known, from cgroup_mkdir */
	SS_CGROUP_STARTING = 1 << 2,	 /* its start is followed: not ready yet, and not given up */
	SS_CGROUP_ENTERED =
		1 << 3, /* has had a task; only with SEEN_CREATED, and while SS_FACT_CGROUP_ENTER is wanted */
};

/* Value of the cgroup table, keyed by kernfs id: what happened in this cgroup itself, not in those below it. */
struct ss_cgroup {
	__u64 parent_id;	/* kernfs id */
	__u64 created_ns;	/* CLOCK_BOOTTIME; 0: older than the agent */
	__u64 removed_ns;	/* CLOCK_BOOTTIME; 0: still there */
	__u64 forks;		/* processes born in it */
	__u64 thread_creations; /* threads born in it, other than group leaders */
	__u64 execs;
	__u64 exits;	 /* processes that ended in it */
	__u64 oom_kills; /* processes in it that the OOM killer chose, each once; only with the collector `oom` */
	__u32 flags;	 /* enum ss_cgroup_flag */
	__u32 level;	 /* cgroup->level; 0: root */
	char name[SS_CGROUP_NAME_LEN];
	struct ss_reclaim reclaim[SS_RECLAIM_CAUSES]; /* by enum ss_reclaim_cause */
	struct ss_main_ends main;
	struct ss_start start;
	struct ss_gone other; /* its ended threads for which the gone table had no room */
};
_Static_assert(sizeof(struct ss_cgroup) == 8 * 8 + 8 + 128 + 16 * SS_RECLAIM_CAUSES + sizeof(struct ss_main_ends) +
						   sizeof(struct ss_start) + sizeof(struct ss_gone),
	       "ss_cgroup: no padding");

/*
 * Key of the neighbour tables: the cgroup whose threads waited for a CPU, and the cgroup whose threads had that CPU
 * meanwhile. Both the same: the cgroup waited for itself.
 */
struct ss_pair_key {
	__u64 waiter;
	__u64 runner;
};
_Static_assert(sizeof(struct ss_pair_key) == 16, "ss_pair_key: no padding");

struct ss_pair {
	__u64 wait_ns;
	__u64 waits; /* waits during which the runner had the CPU */
};
_Static_assert(sizeof(struct ss_pair) == 16, "ss_pair: no padding");

/* Key of the namespace transition tables; the value is a __u64, how often. */
struct ss_transition_key {
	__u64 cgroup_id;
	__u32 kinds;		/* one bit per enum ss_namespace that changed */
	__u16 how;		/* enum ss_namespace_how */
	__u16 signs;		/* enum ss_runtime_sign */
	char comm[SS_COMM_LEN]; /* of the thread */
};
_Static_assert(sizeof(struct ss_transition_key) == 32, "ss_transition_key: no padding");

/* Key of the table of capability checks; the value is a __u64, how often. */
struct ss_capability_key {
	__u64 cgroup_id;
	__u32 user_namespace; /* of the checked credentials: inode number */
	__u16 capability;     /* its number in linux/capability.h */
	__u8 denied;	      /* 1: denied; 0: used */
	__u8 signs;	      /* enum ss_runtime_sign; only EARLY */
	__u64 bounding;	      /* bounding set of the credentials: a runtime's is larger than its container's */
	char comm[SS_COMM_LEN];
};
_Static_assert(sizeof(struct ss_capability_key) == 40, "ss_capability_key: no padding");

/* At most so many kernel functions that check capabilities without audit: size of cfg_unaudited. */
#define SS_UNAUDITED_MAX 5

#endif
