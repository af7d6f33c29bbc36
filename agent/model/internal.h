/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * internal.h - what the files of the model share: model_update.c (one update from beginning to end), homes.c (homes,
 * cgroups and groups), home_rows.c (their rows), processes.c (processes), pairs.c (neighbours), loops/loops.c and
 * loops/read.c (event loops), loops/stalls.c (their stalls), concurrency/evidence.c and concurrency/tree.c (concurrency models),
 * namespaces.c (namespaces), capabilities.c (capabilities), starts.c (how containers start). Nobody else
 * includes it.
 */
#ifndef SYSSCOPE_MODEL_INTERNAL_H
#define SYSSCOPE_MODEL_INTERNAL_H

#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "base/util.h"
#include "concurrency/concurrency.h"
#include "model/arithmetic.h"
#include "model/list.h"
#include "sysscope/model.h"
#include "sysscope/sample.h"

/* How long the dead stay in the snapshots. */
#define TOMBSTONE_NS (30 * 1000000000ULL)
/* Dead homes that wait to be delivered once; beyond it the oldest go. */
#define TOMBSTONES_MAX 4096
/* Names of processes kept apart per home; the rest is one group, SS_COMM_OTHER. */
#define GROUPS_PER_HOME 128
/* Starts of containers that are remembered. */
#define BIRTHS_MAX 100
/* Pairs of neighbours kept apart; the rest of a waiter's runners is NEIGHBOUR_OTHERS. */
#define PAIRS_MAX 8192

struct home;

/* The processes of one name in one home. Kept as long as the home, so that its totals never restart. */
struct group {
	struct {
		struct home *home;
		char comm[SS_COMM_LEN];
	} key;
	char comm[SS_COMM_LEN + 1];
	struct ss_gone carried; /* the dead, for good */
	struct ss_gone now;	/* carried + the open dead + the living; made anew at each sample */
	uint64_t processes, threads, rss_bytes;
	uint64_t empty_since_ns; /* when its last process was gone, 0: it has some */
	bool unpublished;	 /* has changed since it was delivered last */
	struct ss_loop loops_carried,
		loops_now;		/* event loops: of the dead for good; with the open dead and the living */
	struct ss_loop loops_elsewhere; /* what those that came into it did before, which is shown there */
	uint64_t loops_open_ns;		/* of loops_now: iterations under way */
	bool has_loops;			/* some thread of it has used epoll */
	bool turns; /* of a runtime whose threads take turns in epoll: times between two waits of one of them mean nothing */
	double held[GROUP_METRICS];
	UT_hash_handle hh;
};

/* One cgroup. An incarnation of its home if it is the home's own (root == itself), else a part of one. */
struct cg {
	uint64_t id, parent_id;
	struct home *home;
	bool is_root, alive;
	uint64_t seen;		 /* number of the last sample that had it */
	uint32_t starts_counted; /* phases of its birth that are in the histograms, a bit each */
	uint64_t birth_number;	 /* model.n_births when it was taken, 0: not yet */
	struct ss_cgroup counts;
	/* Of an incarnation: */
	struct ss_totals carried; /* its dead and those of the cgroups below, for good */
	struct ss_totals tasks;	  /* with the open dead and the living */
	uint64_t tasks_held_ns;	  /* largest tasks.exec_ns so far */
	bool read_once, read_now; /* `files` was ever read; in this sample */
	uint64_t
		ahead_ns; /* the least by which its file was ahead of tasks_held_ns: what was used before it was seen */
	uint64_t usage_ns, user_ns, system_ns; /* as last computed; none ever falls */
	struct cgroup_counters files;	       /* as last read */
	bool oom_hook;			       /* counts.oom_kills is counted: the collector `oom` is on */
	uint64_t oom_before; /* kills that its file had counted before the agent did, at the first reading */
	UT_hash_handle hh;
};

/* Counters summed over cgroups. */
struct home_sum {
	uint64_t cpu_usage_ns, cpu_user_ns, cpu_system_ns;
	uint64_t periods, throttled_periods, throttled_ns;
	uint64_t page_faults, major_page_faults, memory_failcnt, oom_kills;
	uint64_t forks, thread_creations, execs, exits;
};

struct home {
	char *path; /* key; "" for the kernel's */
	enum home_kind kind;
	char *name, *id, *runtime, *image, *pod, *pod_namespace, *labels, *parent_path;
	int64_t uid;
	uint32_t generation;

	struct cg *current; /* the living incarnation, NULL: none */
	uint64_t n_cgs, n_groups, n_living_cgs;
	struct home_sum past;	/* of cgroups that the sampler has forgotten */
	struct home_sum sum;	/* with those that it knows */
	bool has_incarnation;	/* some cgroup of its own is known */
	struct ss_totals tasks; /* sum of the groups */
	struct ss_waits waits;	/* the same; waits under way included */
	uint64_t open_wait_ns;	/* these alone */
	uint64_t slots_before[SS_DELAY_SLOTS];
	uint64_t short_lived_ns;
	uint64_t processes, threads, states[4]; /* running, sleeping, stopped, uninterruptible */
	uint64_t oldest_start_ns;

	uint64_t born_ns; /* of the current incarnation, 0: before the agent */
	uint64_t first_sample;
	uint64_t dead_since_ns; /* 0: it lives */
	uint64_t last_alive_wall_ns;
	bool unpublished;
	double held_start;
	double before[CONTAINER_METRICS], held[CONTAINER_METRICS];
	uint32_t row; /* in the snapshot, HOME_NO_ROW: not shown */
	UT_hash_handle hh;
};
#define HOME_NO_ROW UINT32_MAX

struct process {
	struct {
		uint64_t tgid, start_ns;
	} key;
	uint64_t seen;
	uint32_t row;			       /* in the snapshot */
	const struct ss_thread_record *leader; /* in the sample at hand */
	struct home *home;
	char comm[SS_COMM_LEN + 1];
	struct ss_totals used; /* of this sample: its threads, living and released */
	uint64_t threads;
	bool turns; /* its threads take turns in epoll: seen once, it stays as long as there are several */
	uint64_t cpu_ns, user_ns, system_ns;
	struct ss_waits *waits; /* the same, in model.process_waits; waits and sleeps under way included */
	uint64_t cpu_before_ns, switches_before, wait_before_ns;
	double held[PROCESS_METRICS];
	struct concurrency concurrency;
	uint64_t first_seen;		    /* number of that sample */
	uint32_t listeners_at, n_listeners; /* in model.listeners */
	struct process *head;		    /* who it belongs to; itself: nobody */
	uint32_t tree;			    /* of a head: index into model.trees */
	bool headless;			    /* it is the first of brothers */
	UT_hash_handle hh;
};

/* A thread that uses epoll. */
struct loop {
	struct loop_key {
		uint64_t tid, start_ns;
	} key;
	uint64_t seen; /* number of the last sample that had it */
	struct process *process;
	struct group *group;
	uint64_t instance;
	bool is_loop;	    /* epoll is its main business; not asked of threads that take turns */
	struct ss_loop now; /* what is under way included, as if it ended at read_ns */
	uint64_t open_ns;   /* of it: the iteration under way */
	uint64_t read_ns, before_ns, wait_before_ns, productive_before, taken_before;
	uint64_t slots_before[SS_LOOP_SLOTS];
	double wakeups, empty; /* over the interval; absent: not known */
	bool guessed;	       /* only what it sleeps in epoll is known */
	struct stall stall;
	char runner[256];
	double before[LOOP_METRICS], held[LOOP_METRICS];
	UT_hash_handle hh;
};

/* What a thread slept for since it was seen, the sleep under way included: taken in passing by thread_waits. */
struct thread_sleep {
	uint64_t asleep_ns, main_ns, epoll_ns;
	uint8_t class; /* enum ss_wait_class of main_ns; CONCURRENCY_AWAKE: never seen asleep */
	bool known;
};

/* How long the phases of containers' starts took: exact, however many there were between two samples. */
enum { START_BOUNDS = 0 START_BUCKETS(LIST_ONE, ) };
struct start_histogram {
	uint64_t slots[START_BOUNDS + 1], sum_ns; /* the last slot: longer than all bounds */
};

struct birth {
	char *container, *id;
	struct ss_cgroup counts; /* as last seen */
	bool alive;
};

/* Who waited for whom. */
struct pair {
	struct {
		struct home *waiter, *runner; /* runner NULL: not kept apart, or not known */
	} key;
	struct ss_pair carried, now;
	uint64_t before_ns, held_ns, held_waits; /* as last published */
	UT_hash_handle hh;
};

/* Threads of a home that came into other namespaces of one kind. */
struct transition {
	struct {
		struct home *home;
		uint8_t kind, how, expected;
	} key;
	uint64_t carried, now, held;
	UT_hash_handle hh;
};

/* A process in a namespace that is not the host's. */
struct namespace_member {
	uint32_t inode, kind;
	struct process *process;
};

struct model {
	struct home *homes;
	struct cg *cgs;
	struct group *groups;
	struct process *processes;
	struct pair *pairs;
	struct loop *loops;
	struct transition *transitions;
	struct loop **loop_list; /* of the sample at hand, in the order of process and instance */
	size_t n_loop_list, cap_loop_list;
	uint32_t *stalls_told; /* of the sample at hand: index into sample.stalls */
	size_t n_stalls_told, cap_stalls_told, cap_stall_rows;
	struct home *kernel, *host;
	uint64_t sequence, boot_ns, before_ns; /* sample at hand and the one before */
	uint64_t wall_ns;
	uint64_t n_dead;
	bool keep_unpublished;
	bool run_delay_kept; /* by this kernel: some task has some */
	bool loops_known;
	bool oom_hook;		  /* OOM kills are counted by the kernel half */
	bool waits_known;	  /* in this sample: the scheduler's hooks are on */
	uint64_t reaped_tasks_ns; /* CPU of homes that were dropped */
	uint64_t pairs_folded;
	uint64_t host_tasks_ns, host_busy_before_ns, host_tasks_before_ns;

	struct process **by_thread;	/* of sample.threads[i] */
	struct thread_sleep *sleeps;	/* the same */
	struct ss_waits *process_waits; /* of this sample's processes */
	size_t n_process_waits, cap_by_thread, cap_sleeps, cap_process_waits;

	/* concurrency/evidence.c and concurrency/tree.c: who listens, in the order of processes; and what it needs while it works. */
	struct ss_socket_owner *listeners;
	struct process **in_order;
	struct thread_note *notes;
	struct socket_note *sockets;
	struct concurrency_tree *trees;
	size_t n_listeners, cap_listeners, n_in_order, cap_in_order, n_notes, cap_notes, cap_sockets, n_trees,
		cap_trees;
	uint64_t listeners_ns; /* sample.listeners_ns of what is in `listeners` */

	/* starts.c */
	struct birth births[BIRTHS_MAX]; /* a ring */
	uint64_t n_births;		 /* ever; the latest stands in births[(n_births - 1) % BIRTHS_MAX] */
	struct start_histogram starts[BIRTH_PHASES + 1];
	struct birth_row birth_rows[BIRTHS_MAX];

	struct snapshot snapshot;
	struct container_row *containers;
	struct group_row *group_rows;
	struct process_row *process_rows;
	struct neighbour_row *neighbour_rows;
	struct loop_row *loop_rows;
	struct stall_row *stall_rows;
	struct transition_row *transition_rows;
	struct namespace_member *members;
	struct outsider_row *outsiders;
	struct check_row *check_rows;
	size_t cap_checks;
	size_t cap_transitions, cap_members, cap_outsiders;
	size_t cap_containers, cap_groups, cap_processes, cap_neighbours, cap_loops;
	struct loss_row losses[SS_LOSS_KINDS];
	struct collector_row collectors[16];
	char collector_names[16][24];
	char kernel_release[65], hostname[65];
};

/* ---- homes.c ---- */
int homes_begin(struct model *m, const struct sample *s);
struct cg *cg_find(struct model *m, uint64_t id);
/* Whether this sample or an earlier one named it; what is not known belongs to the host as far as sums go. */
bool cgroup_is_known(struct model *m, uint64_t cgroup_id);
struct home *home_of_cgroup(struct model *m, uint64_t cgroup_id, struct cg **ret_incarnation);
struct home *home_known(struct model *m, uint64_t cgroup_id); /* NULL: no such cgroup any more */
int homes_add_gone(struct model *m, const struct sample_gone *gone, size_t n, bool final);
struct group *group_get(struct model *m, struct home *h, const char *comm);
int homes_finish(struct model *m, const struct sample *s, double interval);
void homes_free(struct model *m);

/* ---- home_rows.c ---- */
int home_rows(struct model *m, const struct sample *s, double interval);

/* ---- pairs.c ---- */
int pairs_read(struct model *m, const struct sample *s);
int pairs_finish(struct model *m, double interval);
void pairs_forget_home(struct model *m, const struct home *h);
void pairs_free(struct model *m);

/* ---- loops/read.c ---- */
int loops_read(struct model *m, const struct sample *s);

/* ---- loops/stalls.c ---- */
int stalls_take(struct model *m, const struct sample *s); /* after the loops were read */
int stalls_finish(struct model *m, const struct sample *s);

/* ---- loops/loops.c ---- */
int loops_finish(struct model *m, const struct sample *s);
void group_loop_values(const struct model *m, const struct group *g, double *v);
void loops_free(struct model *m);

/* ---- namespaces.c ---- */
int transitions_take(struct model *m, const struct sample *s);
int namespaces_finish(struct model *m);
void transitions_forget_home(struct model *m, const struct home *h);
void transitions_free(struct model *m);

/* ---- capabilities.c ---- */
int capabilities_finish(struct model *m, const struct sample *s);

/* ---- concurrency/evidence.c, concurrency/tree.c ---- */
void sleep_take(struct thread_sleep *to, const struct ss_waits *w, const struct ss_thread_record *r);
int concurrency_read(struct model *m, const struct sample *s);
int concurrency_finish(struct model *m, const struct sample *s);
void concurrency_free(struct model *m);

/* ---- starts.c ---- */
int births_read(struct model *m, const struct sample *s);
void births_host_values(const struct model *m, double *v);
void births_free(struct model *m);

/* ---- processes.c ---- */
struct process *process_find(struct model *m, const struct ss_thread_record *r);
/* Adds what the record says of a wait or a sleep under way. */
void waits_add_open(struct ss_waits *w, const struct ss_thread_record *r);
int processes_read(struct model *m, const struct sample *s);
int processes_finish(struct model *m, const struct sample *s, double interval);
void processes_free(struct model *m);

#endif
