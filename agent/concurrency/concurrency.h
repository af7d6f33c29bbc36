/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency.h - how a program does its concurrency: the evidence on one process and on its tree, and what is concluded
 * from it. The evidence is gathered by concurrency/tree.c, the verdict is concurrency/verdict.c's; that one is pure, so that a
 * test can feed it. Knows nothing of samples.
 */
#ifndef SYSSCOPE_CONCURRENCY_H
#define SYSSCOPE_CONCURRENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/abi/task.h"

enum concurrency_model {
	CONCURRENCY_UNKNOWN, /* nothing was seen yet */
	CONCURRENCY_SINGLE,
	CONCURRENCY_PREFORK,
	CONCURRENCY_THREADS,
	CONCURRENCY_LOOP,
	CONCURRENCY_LOOP_WORKERS,
	CONCURRENCY_LOOP_POOL,
	CONCURRENCY_LOOPS,
	CONCURRENCY_MN,
	CONCURRENCY_MODELS
};

/* Where most of a sleep was; SS_WAIT_CLASSES: never seen asleep. */
#define CONCURRENCY_AWAKE SS_WAIT_CLASSES

/* What is known of one process by itself. */
struct concurrency_facts {
	uint32_t threads;
	uint32_t loops;			   /* of them live in epoll */
	uint32_t instances;		   /* epoll instances that they wait in, as far as seen */
	uint32_t sharing;		   /* most threads that were in the same one */
	bool turns;			   /* and take turns in it, as M:N schedulers do */
	uint32_t classes[SS_WAIT_CLASSES]; /* the others by what they mostly sleep for */
	uint32_t awake;			   /* never seen asleep */
	uint32_t pool, pool_idle;	   /* the most threads of one name, digits aside, that mostly sleep in futex */
	uint32_t accepting;		   /* threads asleep in accept now */
	uint32_t listeners;		   /* listening sockets that it has */
	uint32_t blocking;		   /* of them without O_NONBLOCK */
	uint32_t port;			   /* of one of them, 0: UNIX */
	uint8_t leader;			   /* what the first thread mostly sleeps for */
	bool leader_loops;		   /* the first thread lives in epoll */
	bool idle;			   /* the first thread waits for work now: in accept, epoll, a lock */
	bool catches_all;		   /* SS_THREAD_CATCHES */
	bool had_threads;		   /* some have ended */
	bool pool_loops; /* a thread of the pool's name lives in epoll, and it is not the process's name */
	char pool_name[SS_COMM_LEN + 1];
	uint64_t asleep_ns, main_ns;   /* of the loops, else of the first thread: in all, and what it mostly is */
	double loop_busiest, loop_sum; /* utilisation of the loops over the interval, and how many there were */
	uint32_t loops_measured;
	double wakeups, empty; /* in epoll over the interval; of them nothing was found */
};

/* What is known of a process and those of its children that have its name, or of brothers that share a socket. */
struct concurrency_tree {
	uint32_t head;		     /* pid: of the parent, or of the first brother */
	bool headless;		     /* the parent has another name and is no part of it */
	uint32_t workers;	     /* without the parent */
	uint32_t looping;	     /* workers that are one loop, with or without a pool */
	uint32_t several;	     /* workers that are threads, several loops or m:n */
	enum concurrency_model each; /* what the last of those is */
	uint32_t pooled;	     /* looping ones with a pool */
	uint32_t threaded;	     /* looping ones that have more than one thread */
	uint32_t threads_max;
	uint32_t listening;		   /* workers that have a listening socket */
	uint32_t blocking;		   /* of them one without O_NONBLOCK */
	uint32_t port;			   /* of one of these sockets */
	uint32_t accepting;		   /* workers asleep in accept now */
	uint32_t idle;			   /* workers that wait for work now */
	uint32_t classes[SS_WAIT_CLASSES]; /* workers by what their first thread mostly sleeps for */
	uint32_t awake;
	uint64_t asleep_ns, main_ns; /* sums of the workers' */
	double cpu, cpu_busiest;     /* workers' CPUs over the interval */
	double loop_busiest;	     /* of all, the parent included */
	uint32_t loops_measured;
	double wakeups, empty;
};

struct concurrency {
	enum concurrency_model verdict;
	bool known;	      /* the scheduler's hooks saw it */
	bool listeners_known; /* who listens was looked at */
	bool in_tree;	      /* the verdict is the tree's */
	struct concurrency_facts facts;
	const struct concurrency_tree *tree;  /* NULL: it has none */
	const struct concurrency_facts *head; /* of the tree's parent; NULL: headless or no tree */
};

const char *concurrency_name(enum concurrency_model m); /* "prefork", ...; "" for CONCURRENCY_UNKNOWN */

/* What the process is by itself, whatever its tree. */
enum concurrency_model concurrency_of_process(const struct concurrency *c);

/* Adds a worker to its tree; `cpu`: CPUs over the interval. */
void concurrency_add_worker(struct concurrency_tree *t, const struct concurrency *worker, double cpu);

/* Adds what the loops of a process did to its tree's, the parent's too. */
void concurrency_add_loops(struct concurrency_tree *t, const struct concurrency_facts *f);

/* What a tree is, CONCURRENCY_UNKNOWN: it is none, each of its processes is what it is by itself. */
enum concurrency_model concurrency_of_tree(const struct concurrency_tree *t, const struct concurrency_facts *head,
					   bool listeners_known);

#endif
