/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.h - the processes of an update with the evidence on each, and the trees that they belong to. model_update.c calls
 * concurrency_update; evidence.c fills in what is known of each process by itself.
 */
#ifndef SYSSCOPE_CONCURRENCY_TREE_H
#define SYSSCOPE_CONCURRENCY_TREE_H

#include "concurrency/concurrency.h"
#include "base/list.h"
#include "model/processes.h"

/* A process of this update. */
struct member {
	struct process *process;
	struct concurrency concurrency;
	uint32_t listeners_at, n_listeners; /* in concurrencies.listeners; its connections come after them */
	uint32_t n_connections;
	uint32_t unnamed;    /* threads so far that have the first one's name, the first one aside */
	bool shares;	     /* it has a listening socket that another process of its tree has, too */
	uint32_t sharing;    /* of a head: how many of its tree do, the parent aside */
	struct member *head; /* the head of its tree; itself: it belongs to no other */
	uint32_t tree;	     /* of a head: index into concurrencies.trees */
	bool headless;	     /* it is the first of siblings */
	bool due;	     /* its evidence is gathered in this update */
	bool kept; /* as long as its process does not change, nor what its threads mostly sleep for, it stays as it is */
	bool pools_moved; /* its process's pools were seen otherwise than before */
	bool idle;	  /* concurrency.evidence.idle without its listening sockets */
};

/* A thread that is not its process's first, nor a helper of the runtime, by its name. */
struct thread_note {
	struct member *member;
	char name[SS_COMM_LEN]; /* without a number at its end */
	uint32_t tid;
	bool loops; /* it lives in epoll */
	bool waits; /* it mostly sleeps in futex */
	bool works; /* it is known to do the program's work */
	bool idle;  /* it is asleep in futex now */
};

/* A member that has a listening socket. */
struct socket_note {
	uint64_t socket;
	struct member *member;
};

struct concurrencies {
	LIST(struct member) members;	  /* parallel to the rows of processes */
	LIST(struct member *) by_pid;	  /* those that have a leader, in the order of pids */
	LIST(struct thread_note) notes;	  /* while evidence is gathered */
	LIST(struct socket_note) sockets; /* while siblings are found */
	LIST(struct concurrency_tree) trees;
	LIST(struct member *) in_trees;	 /* those that have another head, in the order of pids */
	uint64_t update;		 /* number of the last update that came to its end, 0: nothing is kept of it */
	uint64_t standings, families_ns; /* processes.standings and listeners_ns when the trees were found */
	bool families_stay;		 /* both are the same in this update */
	LIST(struct ss_socket_owner) listeners; /* in the order of pids; kept while the sample's stay the same */
	uint64_t listeners_ns;			/* sample.socket_owners_ns of those */
};

/* After the rows of loops: the verdict on each process, and its values. 0 or -ENOMEM. */
int concurrency_update(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		       const struct sample *s);

/* Frees what only the rows of processes and their making need. */
void concurrencies_rest(struct concurrencies *all);
void concurrencies_free(struct concurrencies *all);

/* ---- evidence.c ---- */
/* Makes a member of each process and gathers what is known of it by itself, where that may have changed. 0 or -ENOMEM. */
int evidence_gather(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		    const struct sample *s);

/* ---- family.c ---- */
/* Keeps who owns which listening socket while the sample's owners stay the same. 0 or -ENOMEM. */
int family_listeners_keep(struct concurrencies *all, const struct sample *s);
/* Finds the head of each member's tree. all->sockets has room for all->listeners.n, all->in_trees for all members. */
void families_find(struct concurrencies *all);
/* All heads stay: only what new evidence lacks is added. */
void families_stay(struct concurrencies *all);
/* A process of a tree whose workers share a socket that it does not have. */
bool family_is_helper(const struct member *m);

#endif
