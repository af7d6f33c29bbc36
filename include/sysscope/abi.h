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
};
#define SS_TOTALS_FIELDS 8
_Static_assert(sizeof(struct ss_totals) == SS_TOTALS_FIELDS * 8, "ss_totals has no padding");

/* Task-local state: one BPF_MAP_TYPE_TASK_STORAGE entry per thread. */
struct ss_thread_state {
	__u64 cgroup_id;	      /* the cgroup to which its use is being charged */
	__u64 exit_ns;		      /* CLOCK_BOOTTIME at sched_process_exit, 0 while it runs */
	struct ss_totals charged;     /* how much of its totals the gone tables already hold */
	__u32 process_exited;	      /* on a group leader: its process's exit was counted */
	__u32 short_lived;	      /* it ended within SS_SHORT_LIVED_NS of its process's birth */
	char group_comm[SS_COMM_LEN]; /* its leader's comm, taken when it exits */
};
_Static_assert(sizeof(struct ss_thread_state) == 8 + 8 + 64 + 8 + 16, "ss_thread_state: no padding");

/* Bits of ss_thread_record.flags. */
enum ss_thread_flag {
	SS_THREAD_LEADER = 1 << 0, /* the process fields are filled */
	SS_THREAD_KERNEL = 1 << 1, /* PF_KTHREAD */
	SS_THREAD_ZOMBIE = 1 << 2, /* has exited, not yet reaped */
	SS_THREAD_STATE = 1 << 3,  /* it has task-local state: `charged` is valid */
};

/* Thread states as in /proc/PID/stat, one letter; 'I' is an idle kernel thread. */

/* Written by the task iterator: one per thread, in the order of tids; a leader mostly, but not always, comes first. */
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
	struct ss_totals used;	  /* since its birth */
	struct ss_totals charged; /* part of it that the gone tables hold already */

	/* Of the process; zero unless SS_THREAD_LEADER. */
	struct ss_totals dead_threads; /* signal->sum_sched_runtime, utime, stime, nvcsw, ...; no run delay */
	__u64 rss_bytes;	       /* file + anonymous + shared memory pages of the mm */
	__u64 swap_bytes;
	__u64 capabilities_effective;
	__u64 capabilities_permitted;
	__u32 threads;	     /* signal->nr_threads */
	__u32 namespace_pid; /* its pid inside its own pid namespace */
	__u32 ns_pid, ns_mnt, ns_net, ns_uts, ns_ipc, ns_user, ns_cgroup, ns_time; /* inode numbers, 0: unknown */
};
_Static_assert(sizeof(struct ss_thread_record) == 24 + 24 + 16 + 3 * 64 + 32 + 8 + 32, "ss_thread_record: no padding");

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
};
_Static_assert(sizeof(struct ss_gone) == 64 + 24, "ss_gone: no padding");

enum ss_cgroup_flag {
	SS_CGROUP_NAME_CUT = 1 << 0,
	SS_CGROUP_SEEN_BORN = 1 << 1, /* name, parent and birth are known from cgroup_mkdir */
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
	struct ss_gone other; /* its dead for which the gone table had no room */
};
_Static_assert(sizeof(struct ss_cgroup) == 7 * 8 + 8 + 128 + 88, "ss_cgroup: no padding");

/* Facts on the ring. */
enum ss_fact_kind {
	SS_FACT_CGROUP_CREATE = 1,
	SS_FACT_CGROUP_REMOVE = 2,
};

struct ss_fact {
	__u32 size;    /* of the whole record */
	__u32 kind;    /* enum ss_fact_kind */
	__u64 time_ns; /* CLOCK_BOOTTIME */
	union {
		struct { /* SS_FACT_CGROUP_* */
			__u64 id;
			__u64 parent_id;
			char name[SS_CGROUP_NAME_LEN];
		} cgroup;
	};
};
_Static_assert(sizeof(struct ss_fact) == 16 + 16 + 128, "ss_fact: no padding");

/* What can be lost, and is counted instead. Named in agent/model.c. */
enum ss_loss {
	SS_LOSS_RING_FULL,     /* a fact found no room on the ring */
	SS_LOSS_GONE_FOLDED,   /* the gone table was full: an ended thread's use went to ~other of its cgroup */
	SS_LOSS_GONE_LOST,     /* not even that: an ended thread's use was dropped */
	SS_LOSS_CGROUP_FULL,   /* the cgroup table was full: a fork, exec or exit was not counted */
	SS_LOSS_STATE_REFUSED, /* task storage could not be created or looked up */
	SS_LOSS_READ_FAILED,   /* a kernel field could not be read */
	SS_LOSS_DEATH_UNSEEN,  /* a task exited and no program was ever called when it was freed; see tasks_exited */
	SS_LOSS_KINDS
};

#endif
