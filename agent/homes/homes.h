/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homes.h - homes (containers, services, sessions, the host) and their cgroups. Every other subject of the model looks up here
 * which home a cgroup belongs to.
 */
#ifndef SYSSCOPE_HOMES_HOMES_H
#define SYSSCOPE_HOMES_HOMES_H

#include "homes/groups.h"

/* How long the dead, and cgroups without a process, stay in the snapshots. */
#define TOMBSTONE_NS (30 * 1000000000ULL)

struct process; /* model/processes.h */

/* One cgroup: an incarnation of its home if it is the home's own cgroup (is_root), else a cgroup below that. */
struct home_cgroup {
	uint64_t id, parent_id;
	struct home *home; /* NULL: the home was forgotten */
	bool is_root, alive;
	uint64_t seen;		 /* number of the last update whose sample had it */
	uint32_t starts_counted; /* phases of its start that are in the histograms, one bit each */
	uint64_t start_number;	 /* starts.n when its start was taken, 0: not yet */
	struct ss_cgroup counts;
	struct ss_network network;
	/* Of an incarnation: */
	struct ss_totals
		carried; /* what ended threads used, here and in cgroups below, from tables that were emptied */
	struct ss_totals
		living;	  /* what its living threads used and was not charged yet; kept while none of them changes */
	uint64_t changed; /* number of the last update in which `living` was added up anew */
	struct ss_totals tasks;	  /* carried + the open table + living threads */
	uint64_t tasks_held_ns;	  /* largest tasks.exec_ns so far */
	bool read_once, read_now; /* `files` was ever read; was read in this sample */
	uint64_t
		ahead_ns; /* least lead of the file's usage over tasks_held_ns: what was used before the agent saw it */
	uint64_t usage_ns, user_ns, system_ns; /* as last computed; none ever falls */
	uint64_t ends_taken;		       /* of its main processes, that its home has */
	struct cgroup_counters files;	       /* as last read */
	bool oom_hook;			       /* the collector oom is on: counts.oom_kills is counted */
	uint64_t oom_before; /* kills that its file had counted before the agent did, at the first reading */
	char *instance;	     /* the unit's name, if its home is a template; else NULL */
	UT_hash_handle hh;
};

/* clang-format off */
/* X(FIELD, METRIC): counters in cgroup files that are shown as they are, summed over a home's cgroups. */
#define HOME_FILE_COUNTERS(X) \
	X(bursts, BURSTS) \
	X(burst_ns, BURST) \
	X(page_faults, PGFAULT) \
	X(major_page_faults, PGMAJFAULT) \
	X(memory_failcnt, MEMORY_FAILCNT) \
	X(refaults_anon, REFAULTS_ANON) \
	X(refaults_file, REFAULTS_FILE) \
	X(pages_scanned, PAGES_SCANNED) \
	X(pages_reclaimed, PAGES_RECLAIMED) \
	X(events_low, EVENTS_LOW) \
	X(events_high, EVENTS_HIGH) \
	X(events_oom, EVENTS_OOM) \
	X(oom_kills, EVENTS_OOM_KILL) \
	X(events_oom_group, EVENTS_OOM_GROUP) \
	X(pressure_cpu_some_ns, PRESSURE_CPU_SOME) \
	X(pressure_cpu_full_ns, PRESSURE_CPU_FULL) \
	X(pressure_memory_some_ns, PRESSURE_MEMORY_SOME) \
	X(pressure_memory_full_ns, PRESSURE_MEMORY_FULL) \
	X(pressure_io_some_ns, PRESSURE_IO_SOME) \
	X(pressure_io_full_ns, PRESSURE_IO_FULL)
/* clang-format on */

/* Counters summed over cgroups. */
struct home_sum {
	uint64_t cpu_usage_ns, cpu_user_ns, cpu_system_ns;
	uint64_t periods, throttled_periods, throttled_ns;
	uint64_t oom_kills; /* by the hook, where there is one */
	struct ss_reclaim reclaim[SS_RECLAIM_CAUSES];
	struct home_file_sums {
#define HOME_FILE_SUM(FIELD, METRIC) uint64_t FIELD;
		HOME_FILE_COUNTERS(HOME_FILE_SUM)
	} files;
	uint64_t hugetlb_failcnt[HUGE_PAGE_SIZES];
	uint64_t forks, thread_creations, execs, exits;
	uint64_t main_ends[SS_ENDS];
	struct ss_network network;
};

/* Virtual machines in a home. Written by model/machines.c. */
struct home_vms {
	uint32_t machines, unknown, vcpus; /* now; those whose virtual CPUs are not known; virtual CPUs of the others */
	bool seen;			   /* there was one whose are known */
	uint64_t vcpu_ns, io_ns;	   /* what all of them used while they were here */
};

/* What the processes in a home may do. Written by model/capabilities.c. */
struct home_capabilities {
	uint64_t effective, permitted, bounding;
	const struct process *oldest; /* NULL: no process counts */
	uint32_t user_namespace;
};

/* The first process of a home: pid 1 of a pid namespace. */
struct home_main {
	bool seen;		  /* it has, or had, one */
	struct ss_main_ends last; /* how the latest that ended did; only with ends in home_sum */
	uint64_t last_ns;	  /* creation of the cgroup that this is of, while one update looks for it */
};

struct home {
	char *path; /* key; "" for the kernel's */
	enum home_kind kind;
	char *name, *id, *runtime, *image, *pod, *pod_namespace, *labels, *parent_path;
	int64_t uid;
	uint64_t cpu_shares; /* that its runtime was asked for, 0: none, or not known */
	uint32_t generation;

	/* Increased when other cgroups are its own, or lie in another way: its threads may belong elsewhere. When they were settled: */
	uint64_t version, version_settled;
	struct home_cgroup *current_before; /* `current` in the update before */
	struct home_cgroup *current;	    /* the living incarnation, NULL: none; one of them, if it has instances */
	bool instances;			    /* a template of units: several incarnations live at a time */
	uint64_t living, ended;		    /* instances: now; since the agent saw the first */
	struct cgroup_counters files;	    /* with instances: their sums */
	struct home_groups groups;
	struct home_sum past;	/* of cgroups that the sampler has forgotten */
	struct home_sum sum;	/* past + cgroups that the sampler knows */
	bool has_incarnation;	/* the sampler knows some cgroup of its own; else the CPU of `sum` is that of `tasks` */
	struct ss_totals tasks; /* sum of the groups */
	struct ss_waits waits;	/* the same; waits in progress included */
	uint64_t open_wait_ns;	/* waits in progress only */
	uint64_t slots_before[SS_DELAY_SLOTS];
	uint64_t short_lived_ns;
	uint64_t processes, threads, states[4]; /* running, sleeping, stopped, uninterruptible */
	struct home_main main;
	bool init_ended; /* its first process (pid 1 of its namespace) lives on without its main thread */
	uint64_t stopped_threads, free_threads; /* by SS_THREAD_STOPPED; zombies are neither */
	uint64_t oldest_start_ns;
	struct home_vms vms;
	struct home_capabilities capabilities;
	uint32_t host_namespaces;   /* that its processes share with the host: written by model/namespaces.c */
	bool host_namespaces_known; /* a process of it was compared */

	uint64_t born_ns; /* of the current incarnation, 0: before the agent */
	uint64_t first_sample;
	uint64_t dead_since_ns; /* 0: it lives */
	uint64_t inhabited;	/* number of the last update in which it, or a home below it, had a thread */
	uint64_t idle_since_ns; /* since when it has had no thread and has used no CPU; 0: it has, or is dead */
	uint64_t used_before_ns;
	uint64_t last_alive_wall_ns;
	bool unpublished;
	double held_start;
	double before[CONTAINER_METRICS], held[CONTAINER_METRICS];
	uint32_t row;	/* in the snapshot, HOME_NO_ROW: not shown */
	bool forgotten; /* in homes.forgotten: whoever refers to it drops that reference */
	struct home *next_forgotten;
	UT_hash_handle hh;
};
#define HOME_NO_ROW UINT32_MAX

/* What its cgroup's files said last; NULL: nothing. */
static inline const struct cgroup_counters *home_files(const struct home *h)
{
	if (h->instances)
		return h->living ? &h->files : NULL;
	return h->current && h->current->read_once ? &h->current->files : NULL;
}

/* Its cgroup is there, and no process is in it or below it. */
static inline bool home_is_empty(const struct home *h, const struct moment *now)
{
	return !h->dead_since_ns && h->inhabited != now->number && h->kind != HOME_HOST && h->kind != HOME_KERNEL;
}

struct homes {
	struct home *all;
	struct home_cgroup *cgroups;
	struct group *groups;
	struct home *kernel, *host; /* always there: kernel threads; threads outside of any other home */
	/*
	 * Homes that the last homes_settle removed. They are freed by the next one: until then pairs_take and
	 * transitions_take have dropped what refers to them.
	 */
	struct home *forgotten;
	uint64_t update;	  /* number of the latest update */
	uint64_t described;	  /* counts homes that came, went or got another name, kind or place */
	uint64_t references_lost; /* groups that were dropped while a thread referred to them */
	uint64_t names_folded;	  /* that found no room, summed over updates */
	bool keep_unpublished;
	bool run_delay_kept;	  /* this kernel keeps run delays: some thread has one */
	uint64_t reaped_tasks_ns; /* CPU of forgotten homes */
	uint64_t tasks_ns;	  /* CPU of all homes, forgotten ones included; set by home_rows_fill */
};

/* Takes the sample's cgroups and what its ended threads used. 0 or -ENOMEM. */
int homes_begin(struct homes *homes, const struct moment *now, const struct sample *s);

/* NULL: the cgroup is not known, or its home was forgotten. */
struct home *home_known(const struct homes *homes, uint64_t cgroup_id);

/* The home that a cgroup counts for: the host for an unknown cgroup. Never NULL. */
static inline struct home *home_of_cgroup(const struct homes *homes, uint64_t cgroup_id)
{
	return home_known(homes, cgroup_id) ?: homes->host;
}

/*
 * The group of this name in the home of a cgroup, made if there is none. `comm` need not be terminated. NULL: no memory.
 * *ret_incarnation, if asked for: the incarnation that the cgroup is part of; NULL: none.
 */
struct group *group_of_cgroup(struct homes *homes, uint64_t cgroup_id, const char *comm,
			      struct home_cgroup **ret_incarnation);

/* After all threads were added: sums, who died, who has been dead for long enough to be forgotten. */
void homes_settle(struct homes *homes, const struct moment *now);

void homes_published(struct homes *homes); /* the latest snapshot was delivered */
void homes_free(struct homes *homes);

#endif
