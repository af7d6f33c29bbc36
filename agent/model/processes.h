/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.h - the one pass over a sample's threads that settles which process, home and group each belongs to; what a
 * process has used. process_rows.h makes its row. Later subjects read the result and do not look threads up again.
 */
#ifndef SYSSCOPE_MODEL_PROCESSES_H
#define SYSSCOPE_MODEL_PROCESSES_H

#include "homes/homes.h"
#include "base/list.h"

/* What its event loops amount to in this update. Written by loops/, read by concurrency/. */
struct process_loops {
	uint32_t instances;    /* epoll instances that they wait in, as far as seen */
	uint32_t sharing;      /* most threads seen in the same one */
	bool outside;	       /* others reach it by descriptors of one of them */
	bool turns;	       /* threads take turns in it, as M:N schedulers do */
	double busiest, sum;   /* utilization of the loops over the interval */
	uint32_t measured;     /* how many of them have a utilization */
	double wakeups, empty; /* in epoll over the interval; those that found nothing */
};

/* Pools of threads that a process was seen to have: they stay pools while all their threads are at work. */
struct pools_seen {
	struct pool_seen {
		char name[SS_COMM_LEN];
		uint32_t first, last; /* the lowest and highest thread id */
	} pools[4];
	uint32_t n;
};

struct vm; /* model/machines.h */

/* What other subjects take from a process, its threads aside. Compared as bytes, so without padding. */
struct process_standing {
	struct home *home;
	uint64_t capabilities_effective, capabilities_permitted, capabilities_bounding;
	uint32_t flags, ppid; /* flags: those of STANDING_FLAGS */
	uint32_t namespaces[NAMESPACE_OWN];
	char comm[SS_COMM_LEN];
};
#define STANDING_FLAGS (SS_THREAD_LEADER | SS_THREAD_KERNEL | SS_THREAD_ZOMBIE | SS_THREAD_FORKED)

/* The fields of struct ss_waits that a process shows: all before delay_slots. */
#define PROCESS_WAITS (SS_WAITS_FIELDS - SS_DELAY_SLOTS)

struct process {
	struct {
		uint64_t tgid, start_ns;
	} key;
	uint64_t seen;	     /* number of the last update whose sample had it */
	uint64_t changed;    /* of the last in which a thread of it was new, changed or gone */
	uint64_t first_seen; /* of the first */
	uint32_t row;	     /* in the snapshot */
	bool row_stays; /* as long as nothing changes, time changes no more of its row than its age and its sleeps */
	bool row_new;	/* it was made in this update */
	bool has_loops; /* `loops` was written */
	bool sleeps_otherwise; /* what a thread mostly sleeps for may have changed: set here, taken by concurrency/ */
	const struct ss_thread_record *leader; /* names the process; in the sample, so valid during an update only */
	/* NULL, or its main thread has ended: one of its living threads, one that runs if there is such a one. */
	const struct ss_thread_record *living;
	struct group *group; /* where it is counted: with its main thread, or with `living` */
	struct home *home;
	struct vm *vm; /* written by machines.c, freed with the process; NULL: it runs no virtual machine */
	struct process_standing standing;
	char comm[SS_COMM_LEN + 1];   /* its name */
	char thread[SS_COMM_LEN + 1]; /* that of its main thread */
	struct ss_totals used;	      /* in this sample: by its threads, living and ended */
	__u64 waits[PROCESS_WAITS];   /* the same; waits and sleeps in progress included: see process_waits_of */
	uint64_t threads;
	bool turns; /* its threads take turns in epoll: seen once, it stays as long as there are several threads */
	struct process_loops loops;
	bool serves_one; /* one of many that serve a connection each. Written by concurrency/, read by loops/ at the next update */
	struct pools_seen *pools; /* written and read by concurrency/; NULL: none was seen */
	uint64_t cpu_ns, user_ns, system_ns;
	uint64_t cpu_before_ns, switches_before, wait_before_ns;
	double held[PROCESS_METRICS];
	UT_hash_handle hh;
};

/* What a thread slept for since the agent saw it first, a sleep in progress included. */
struct thread_sleep {
	uint64_t asleep_ns, main_ns, epoll_ns;
	uint8_t class; /* enum ss_wait_class of main_ns; SS_WAIT_CLASSES: never seen asleep */
	bool known;
};

/* Where a thread of the sample belongs. Stays from update to update. */
struct settled_thread {
	struct process *process;
	struct group *group;		 /* group->key.home is the thread's home */
	struct home_cgroup *incarnation; /* that its cgroup is part of; NULL: none */
	uint64_t open_blocked_ns;	 /* the part of its sleep in progress that is counted already */
	uint32_t tid;
	bool leader;	  /* of its process */
	bool settled;	  /* it may stay as it is while its record is the same */
	bool waits_apart; /* its waits are in its process's SS_BLOCK_WAITS_DEAD already */
	bool is_loop;	  /* it lives in epoll: set by loops/ */
	struct thread_sleep sleep;
};

typedef LIST(struct settled_thread) settled_threads;

struct processes {
	struct process *all;
	LIST(struct process *) list; /* the same in the order of rows, which is that in which they came */
	uint64_t standings;	     /* counts updates in which a process came, went or has another standing */
	uint64_t machines;	     /* how many of them run a virtual machine */
	settled_threads threads;     /* parallel to sample.threads */
	LIST(uint32_t) unsettled;    /* of these, those that have to be settled in this update */
	LIST(uint32_t) moved;	     /* those of processes that have changed: of all others, only the time asleep has */
	uint64_t pass;		     /* sample.threads_pass of those */
	uint64_t references_lost;    /* homes.references_lost then */
	bool complete; /* the latest update came as far as the rows: the next one may keep what does not change */
	bool rows_of_waits, rows_of_io, rows_of_run_delay; /* what the rows were made with */
	LIST(struct process *) by_pid; /* those of this sample that have a leader, in the order of pids */
	LIST(struct process_row) rows;
};

/* After homes_begin, before homes_settle: settles the threads and adds what they used to groups and cgroups. 0 or -ENOMEM. */
int processes_settle(struct processes *processes, struct homes *homes, const struct moment *now,
		     const struct sample *s);

/* Forgets the processes that this update's sample did not have. Called by process_rows_fill. */
void processes_forget_unseen(struct processes *processes, const struct moment *now);

/* For whoever writes what its loops amount to. */
static inline struct process_loops *process_loops_of(struct process *p)
{
	p->has_loops = true;
	return &p->loops;
}

/* What its threads waited. Nobody reads delay_slots, for which there is no room. */
static inline struct ss_waits *process_waits_of(const struct process *p)
{
	return (struct ss_waits *)p->waits;
}

/* A size in the record of a thread, in bytes. Absent: not known. */
double process_bytes(uint32_t units);
/* VmRSS of /proc/PID/status, of the process that the thread leads: bytes. */
double process_rss(const struct ss_thread_record *r);

/* Frees what only the making of rows needs. */
void processes_rest(struct processes *processes);
void processes_free(struct processes *processes);

#endif
