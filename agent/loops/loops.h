/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loops.h - event loops: threads that live in epoll, threads that take turns in it, their stalls, and what the groups of
 * homes get of both. read.c takes a sample's loops, rows.c writes the rows, stalls.c has the stalls. Called by
 * model_update.c.
 */
#ifndef SYSSCOPE_LOOPS_H
#define SYSSCOPE_LOOPS_H

#include "homes/homes.h"
#include "base/list.h"
#include "model/processes.h"

/* Event loops of a group's threads. A thread that moved here brought totals that stay where it was before. */
struct group_loops {
	struct ss_loop carried; /* of ended threads, and of threads that have moved on */
	struct ss_loop now;	/* carried + the open table + living threads - elsewhere; recomputed at each update */
	struct ss_loop
		elsewhere;	/* what threads had done before they moved here, or before anybody waited behind them */
	uint64_t open_ns;	/* part of `now`: iterations in progress */
	uint64_t unfinished_ns; /* part of `carried`: iterations that were in progress when loops were let go */
	bool turns; /* of a runtime whose threads take turns: the time between two waits of one thread means nothing */
};

/* A thread that uses epoll. */
struct loop {
	struct loop_key {
		uint64_t tid, start_ns;
	} key;
	uint64_t seen; /* number of the last update whose sample had it */
	struct process *process;
	struct group *group;
	char comm[SS_COMM_LEN + 1]; /* the thread's name */
	uint64_t instance;
	bool is_loop;	    /* epoll is its main business; not decided for threads that take turns */
	bool counts;	    /* others wait behind it: only then it is a row, a part of sums, a stall */
	struct ss_loop now; /* what is in progress included, as if it ended at read_ns */
	uint64_t open_ns;   /* part of `now`: the iteration in progress */
	uint64_t read_ns, before_ns, wait_before_ns, stopped_before_ns, productive_before, taken_before;
	uint64_t slots_before[SS_LOOP_SLOTS];
	double wakeups, empty; /* over the interval; absent: not known */
	bool guessed;	       /* only its sleep in epoll is known */
	struct stall stall;
	char *runner, *runner_cgroup; /* of that stall; copies */
	double before[LOOP_METRICS], held[LOOP_METRICS];
	UT_hash_handle hh;
};

/* Whether its row, sums and stalls are shown. Of threads that take turns it is asked what all of them serve. */
static inline bool loop_counts(const struct loop *l)
{
	if (l->process->serves_one)
		return false;
	return l->process->turns && !l->guessed ? l->process->loops.outside : l->counts;
}

/* A stall of this sample. Its loop, process and home may be gone when the row is written. */
struct stall_note {
	const struct home *home;
	uint32_t pid, tid;
	uint64_t start_ns;
	char comm[SS_COMM_LEN + 1], thread[SS_COMM_LEN + 1]; /* the names of the process and of the thread */
	struct stall stall;				     /* its runner is a home: its name and path */
};

struct stalls {
	LIST(struct stall_note) notes;
	LIST(struct stall_row) rows;
};

struct loops {
	struct loop *all;
	LIST(struct loop *) sorted; /* of this sample, by process and epoll instance */
	LIST(struct loop_row) rows;
	struct stalls stalls;
};

/* After processes_settle, before homes_settle: takes the sample's loops and stalls. 0 or -ENOMEM. */
int loops_take(struct loops *loops, struct processes *processes, struct homes *homes, const struct moment *now,
	       const struct sample *s);

/*
 * After the rows of processes: writes those of loops and stalls, the loop values of groups, and what processes need to
 * know of their loops. 0 or -ENOMEM.
 */
int loop_rows_fill(struct loops *loops, const struct homes *homes, struct group_row *groups, const struct moment *now,
		   struct snapshot *snapshot);
void loops_free(struct loops *loops);

/* ---- read.c, called by rows.c ---- */

void loop_free(struct loop *l);

/* ---- turns.c, called by read.c ---- */

/* Brings `sorted` into order and notes which processes' threads take turns. */
void loop_turns_find(struct loops *loops);

/* ---- stalls.c, called by read.c and rows.c ---- */

/* After the loops were read. 0 or -ENOMEM. */
int stalls_take(struct loops *loops, const struct homes *homes, const struct moment *now, const struct sample *s);
int stall_rows_fill(struct stalls *stalls, const struct moment *now, struct snapshot *snapshot);

#endif
