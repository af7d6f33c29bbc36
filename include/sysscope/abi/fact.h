/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi/fact.h - the contract for the ring: facts, that is single events. Measurements never travel over the ring.
 * abi/facts.def has the kinds, abi/common.h the rules.
 */
#ifndef SYSSCOPE_ABI_FACT_H
#define SYSSCOPE_ABI_FACT_H

#include "sysscope/abi/cgroup.h"

enum ss_fact_kind {
#define FACT(kind, number, ...) SS_FACT_##kind = (number),
#define EVENT(...)
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
	SS_FACT_KINDS = 12 /* one more than the largest number */
};

/* The kinds that the agent itself needs, whether or not a command asks for them: bits of facts_wanted. */
#define SS_FACTS_ALWAYS \
	(1u << SS_FACT_CGROUP_CREATE | 1u << SS_FACT_CGROUP_REMOVE | 1u << SS_FACT_LOOP_STALL | 1u << SS_FACT_OOM_KILL)

#define SS_EXEC_PATH_LEN  256
#define SS_EXEC_PATH_MOST 64 /* most paths are shorter than this: such a record ends here */
#define SS_ARGUMENTS_LEN  1024

/* What was exhausted when the OOM killer chose a victim. */
enum ss_oom_exhausted {
	SS_OOM_UNKNOWN,
	SS_OOM_MACHINE,		 /* the memory of the machine */
	SS_OOM_NODES,		 /* the memory of the nodes that the asking task may use: its cpuset, or its policy */
	SS_OOM_CGROUP,		 /* the memory limit of a cgroup */
	SS_OOM_CGROUP_WITH_SWAP, /* v1: its limit of memory and swap together */
	SS_OOM_KINDS
};
#define SS_OOM_LEVELS 9

/*
 * A record ends after the union's member for its kind; one of SS_FACT_EXEC after `path`, `arguments`, or a short path.
 */
struct ss_fact {
	__u32 size;    /* bytes of the whole record */
	__u32 kind;    /* enum ss_fact_kind */
	__u64 time_ns; /* CLOCK_BOOTTIME */
	/* The thread that the fact is about, or that caused it; zero if not known. */
	__u64 cgroup_id;	   /* kernfs id in the hierarchy that carries resources */
	__u64 start_ns;		   /* task->start_boottime */
	__u32 tgid, tid;	   /* in the initial pid namespace */
	char comm[SS_COMM_LEN];	   /* of the thread */
	char process[SS_COMM_LEN]; /* the name of its process; "": not known */
	union {
		struct { /* SS_FACT_CGROUP_*; ENTER has neither parent nor name */
			__u64 id;
			__u64 parent_id;
			char name[SS_CGROUP_NAME_LEN];
		} cgroup;
		struct { /* SS_FACT_LOOP_STALL: an iteration longer than the threshold; its parts as in ss_loop */
			__u64 wall_ns, runqueue_ns, throttled_ns, blocked_ns[SS_WAIT_CLASSES];
			__u64 runner;	  /* ss_thread_state.longest_wait_runner; SS_CGROUP_NONE: it never waited */
			__u64 suppressed; /* stalls of this loop since its last fact */
			__u64 cause;	  /* enum ss_stall_cause */
		} stall;
		struct {	     /* SS_FACT_NAMESPACE */
			__u32 kinds; /* one bit per enum ss_namespace that changed */
			__u16 how;   /* enum ss_namespace_how */
			__u16 signs; /* enum ss_runtime_sign */
			struct ss_namespaces from, to;
		} namespaces;
		struct {			       /* SS_FACT_PROCESS_START, SS_FACT_THREAD_START */
			__u64 clone_flags;	       /* as passed to copy_process: without the exit signal */
			__u32 parent_tgid, parent_tid; /* the caller of clone */
		} birth;
		struct {		       /* SS_FACT_EXEC */
			__u32 path_bytes;      /* with the NUL; SS_EXEC_PATH_LEN: it may be cut; 0: not known */
			__u32 arguments_bytes; /* that were read, each with its NUL; 0: not wanted or not readable */
			__u64 arguments_size;  /* bytes of all arguments in the process's memory */
			char path[SS_EXEC_PATH_LEN];
			char arguments[SS_ARGUMENTS_LEN];
		} exec;
		struct {		    /* SS_FACT_EXIT */
			__u32 status;	    /* as wait(2) returns it */
			__u32 cpu_complete; /* 1: cpu_ns includes the last time slice of every thread */
			__u64 lifetime_ns;
			__u64 cpu_ns;	      /* of all its threads: signal->sum_sched_runtime and sum_exec_runtime */
			__u64 peak_rss_bytes; /* signal->maxrss, as getrusage(2) returns it */
			__u64 voluntary_switches, involuntary_switches;
			__u64 minor_faults, major_faults;
		} exit;
		struct {				/* SS_FACT_OOM_KILL */
			__u64 rss_bytes;		/* of the victim; all bits set: not known */
			__s64 score_adjust;		/* signal->oom_score_adj */
			__u64 limit_bytes, usage_bytes; /* of what was exhausted, then; all bits set: not known */
			__u32 exhausted;		/* enum ss_oom_exhausted */
			__u32 levels; /* names in `path`; SS_OOM_LEVELS + 1: there are more, so the path is not known */
			__u32 asker_tgid, padding;		      /* the task that wanted memory and got none */
			char asker[SS_COMM_LEN];		      /* its name */
			char path[SS_OOM_LEVELS][SS_CGROUP_NAME_LEN]; /* the exhausted cgroup's name, then upwards */
		} oom;
		struct {		      /* SS_FACT_CAPABILITY_DENIED */
			__u32 capability;     /* its number in linux/capability.h */
			__u32 user_namespace; /* of the thread's credentials: inode number */
		} denial;
	};
};
#define SS_FACT_HEAD 72
_Static_assert(sizeof(((struct ss_fact *)0)->exec) == 16 + SS_EXEC_PATH_LEN + SS_ARGUMENTS_LEN, "exec: no padding");
_Static_assert(sizeof(struct ss_fact) == SS_FACT_HEAD + 16 + SS_EXEC_PATH_LEN + SS_ARGUMENTS_LEN,
	       "ss_fact: no padding");
_Static_assert(sizeof(((struct ss_fact *)0)->oom) == 48 + 16 + SS_OOM_LEVELS * SS_CGROUP_NAME_LEN, "oom: no padding");
_Static_assert(sizeof(((struct ss_fact *)0)->stall) == 24 + 8 * SS_WAIT_CLASSES + 24, "stall: no padding");

#endif
