/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * groups.h - groups: the processes of one name in a home. A home keeps a bounded number of names apart; the others are summed
 * as SS_COMM_OTHER until a name that is gone makes room. Called by homes.c; needs of it only what homes.h says.
 */
#ifndef SYSSCOPE_HOMES_GROUPS_H
#define SYSSCOPE_HOMES_GROUPS_H

#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "homes/moment.h"
#include "sysscope/sample.h"
#include "sysscope/view.h"

/* Names of processes kept apart per home; the rest is one row, SS_COMM_OTHER. */
#define GROUPS_PER_HOME 128

struct home;
struct homes;
struct group_loops; /* loops/loops.h */

/* What its living threads and processes add up to. Kept from update to update while none of them changes. */
struct group_tasks {
	struct ss_totals totals; /* not charged yet, like the waits */
	struct ss_waits waits;	 /* waits and sleeps in progress included */
	uint64_t settled;	 /* threads that are counted in it, ended main threads included */
	uint64_t processes, threads, rss_bytes, memory_known;
	uint64_t stopped_threads, free_threads, states[4]; /* as in struct home, like the rest */
	uint64_t oldest_start_ns, open_wait_ns;
	bool init_ended;
};

struct group {
	struct {
		struct home *home;
		char comm[SS_COMM_LEN];
	} key;
	char comm[SS_COMM_LEN + 1];
	struct ss_gone carried; /* what ended threads used, from tables that were emptied */
	struct ss_gone now; /* carried + ended threads of the open table + living threads; recomputed at each update */
	struct ss_gone
		*elsewhere; /* what it had used when it got a row of its own: that stays in `~other`; NULL: nothing */
	uint64_t
		memory_known; /* how many of its processes have memory of their own: no zombies, none without main thread */
	uint64_t processes, threads, rss_bytes;
	struct group_tasks tasks;
	uint64_t changed;	   /* number of the last update in which `tasks` was added up anew */
	uint64_t first_update;	   /* number of the update that made it */
	uint64_t empty_since_ns;   /* when its last process had ended, 0: it has some */
	bool open;		   /* a table that is not emptied yet has lines of it */
	bool folded;		   /* there is no room: it is part of its home's `~other` */
	bool unpublished;	   /* has changed since it was last delivered */
	uint32_t row;		   /* in the snapshot, GROUP_NO_ROW: not shown */
	struct group_loops *loops; /* kept by loops/, freed with the group; NULL: none of its threads has used epoll */
	uint64_t user_ns, system_ns; /* its CPU time split, as last published; none ever falls */
	double held[GROUP_METRICS];
	struct group *prev, *next; /* in its home's list */
	UT_hash_handle hh;
};
#define GROUP_NO_ROW UINT32_MAX

/* What a home knows of its groups. */
struct home_groups {
	struct group *first; /* utlist */
	struct group *other; /* the one of SS_COMM_OTHER, NULL: not needed yet */
	uint64_t apart, folded;
	struct ss_gone left; /* what names used that made room */
};

/*
 * The group of this name, made if there is none. `comm` need not be terminated. Kernel threads have one name a kind: those
 * of kworker/0:1 and kworker/u8:3 are kworker. NULL: no memory.
 */
struct group *group_get(struct homes *homes, struct home *h, const char *comm);

/* The group in whose row it is: itself, or its home's `~other`. */
struct group *group_shown(struct group *g);

/* Before the threads are added: each group has what ended threads left. */
void groups_reset(struct homes *homes);

/* Its tasks are added up anew in this update. */
void group_touch(struct group *g, uint64_t update);

/* After all threads were added: adds the tasks of each group to it and to its home. */
void groups_add_tasks(struct homes *homes);

/* After that: who makes room for whom, then the sums of each home. */
void groups_settle(struct homes *homes, const struct moment *now);

void groups_free(struct homes *homes, struct home *h);

void gone_add(struct ss_gone *to, const struct ss_gone *what);

#endif
