/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency.h - how a program serves many clients: the evidence on one process and on its tree, and the verdict on it. The
 * evidence is gathered by evidence.c and tree.c; the verdict is verdict.c's, which is pure, so that a test can feed it.
 * Knows nothing of samples.
 */
#ifndef SYSSCOPE_CONCURRENCY_H
#define SYSSCOPE_CONCURRENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/abi/task.h"

enum concurrency_verdict {
	CONCURRENCY_UNKNOWN, /* nothing was seen yet */
	CONCURRENCY_SINGLE,
	CONCURRENCY_PREFORK,
	CONCURRENCY_THREADS,
	CONCURRENCY_LOOP,
	CONCURRENCY_LOOP_WORKERS,
	CONCURRENCY_LOOP_POOL,
	CONCURRENCY_LOOPS,
	CONCURRENCY_MN,
	CONCURRENCY_VERDICTS
};

/* In place of a wait class: never seen asleep. */
#define CONCURRENCY_AWAKE SS_WAIT_CLASSES

/* What is known of one process by itself. */
struct concurrency_evidence {
	uint32_t threads;
	uint32_t loops;			   /* threads that live in epoll */
	uint32_t instances;		   /* epoll instances that they wait in, as far as seen */
	uint32_t sharing;		   /* most threads that were in the same one */
	bool turns;			   /* threads take turns in it, as M:N schedulers do */
	uint32_t classes[SS_WAIT_CLASSES]; /* the other threads by what they mostly sleep for */
	uint32_t awake;			   /* threads never seen asleep */
	uint32_t helpers;		   /* threads of the runtime's own: in none of the other counts */
	uint32_t working;		   /* threads of a known runtime's pool: not in `classes` */
	bool platform;			   /* the runtime makes its pool at the first use */
	uint32_t pool,
		pool_idle;  /* threads of one name, a number at its end aside; those that wait for work in futex now */
	uint32_t accepting; /* threads asleep in accept now */
	uint32_t polling;   /* threads asleep at a listening socket now, in poll, select or epoll */
	uint32_t listeners; /* listening sockets */
	uint32_t blocking;  /* listening sockets without O_NONBLOCK */
	uint32_t port;	    /* of one listening socket, 0: UNIX */
	uint8_t leader;	    /* what the first thread mostly sleeps for */
	bool leader_loops;  /* the first thread lives in epoll */
	bool idle;	    /* it waits for work now: a thread of it for a connection, or the first one for its turn */
	bool stopped;	    /* the first thread is stopped or frozen now */
	bool epolls;	    /* the first thread is in epoll now */
	bool catches_all;   /* SS_THREAD_CATCHES */
	bool had_threads;   /* some threads have ended */
	bool pool_loops;    /* a thread of the pool's name lives in epoll, and that is not the process's name */
	char pool_name[SS_COMM_LEN + 1];
	uint64_t asleep_ns, main_ns;   /* of the loops, else of the first thread: in all, and in its main class */
	double loop_busiest, loop_sum; /* utilization of the loops over the interval */
	uint32_t loops_measured;       /* loops that have a utilization */
	double wakeups, empty;	       /* in epoll over the interval; those that found nothing */
};

/* What is known of a process and those of its children that have its name, or of siblings that share a socket. */
struct concurrency_tree {
	uint32_t head;			   /* pid of the parent, or of the first sibling */
	bool headless;			   /* the parent has another name and is not part of the tree */
	uint32_t workers;		   /* without the parent, and without helpers */
	uint32_t helpers;		   /* children without the listening socket that the workers share */
	uint32_t unconnected;		   /* workers that have no connection from where the parent listens */
	uint32_t looping;		   /* workers that are one loop, with or without a pool */
	uint32_t several;		   /* workers that are threads, several loops or m:n */
	enum concurrency_verdict each;	   /* verdict on the last of those */
	uint32_t pooled;		   /* looping workers with a pool */
	uint32_t threaded;		   /* looping workers that have more than one thread */
	uint32_t threads_max;		   /* most threads of a worker */
	uint32_t listening;		   /* workers that have a listening socket */
	uint32_t blocking;		   /* workers that have one without O_NONBLOCK */
	uint32_t port;			   /* of one of these sockets */
	uint32_t accepting;		   /* workers asleep in accept now */
	uint32_t polling;		   /* workers asleep at a listening socket now, in poll, select or epoll */
	uint32_t idle;			   /* workers that wait for work now */
	uint32_t classes[SS_WAIT_CLASSES]; /* workers by what their first thread mostly sleeps for */
	uint32_t awake;			   /* workers whose first thread was never seen asleep */
	uint64_t asleep_ns, main_ns;	   /* sums of the workers' */
	double cpu, cpu_busiest;	   /* workers' CPUs over the interval */
	double loop_busiest;		   /* of all processes of the tree, as all that follows */
	uint32_t loops_measured;
	double wakeups, empty;
};

struct concurrency {
	enum concurrency_verdict verdict;
	enum concurrency_verdict alone; /* the verdict on the process by itself */
	bool known;			/* the scheduler's hooks saw it */
	bool listeners_known;		/* the pass over listening sockets came after its birth */
	bool in_tree;			/* the verdict is the tree's */
	bool unconnected;		/* the parent listens, and this one has no connection from there */
	struct concurrency_evidence evidence;
	const struct concurrency_tree *tree;	 /* NULL: it has none */
	const struct concurrency_evidence *head; /* of the tree's parent; NULL: headless or no tree */
};

const char *concurrency_name(enum concurrency_verdict verdict); /* "prefork", ...; "" for CONCURRENCY_UNKNOWN */

/* The verdict on a process by itself, whatever its tree. */
enum concurrency_verdict concurrency_of_process(const struct concurrency *c);

/* Adds a worker to its tree; `cpu`: CPUs over the interval. */
void concurrency_add_worker(struct concurrency_tree *t, const struct concurrency *worker, double cpu);

/* Adds what the loops of a process did to its tree; the parent's too. */
void concurrency_add_loops(struct concurrency_tree *t, const struct concurrency_evidence *e);

/* The verdict on a tree. CONCURRENCY_UNKNOWN: it serves nobody as a tree, each of its processes stands for itself. */
enum concurrency_verdict concurrency_of_tree(const struct concurrency_tree *t, const struct concurrency_evidence *head,
					     bool listeners_known);

/* Sets verdict, alone and in_tree, from the evidence and from tree and head, if there are any. */
void concurrency_conclude(struct concurrency *c);

#endif
