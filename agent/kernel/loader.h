/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader.h - loads and attaches the kernel half, collector by collector. A collector that the kernel does not
 * support is left out, with the reason; only the task iterator is required.
 */
#ifndef SYSSCOPE_LOADER_H
#define SYSSCOPE_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "kernel/probe.h"

struct cgroup_layout_info;
struct sysscope_bpf;
struct loader;

/* In the order of every list of collectors. */
enum collector {
	COLLECTOR_TASKS,
	COLLECTOR_LIFECYCLE,
	COLLECTOR_CGROUPS,
	COLLECTOR_SCHED,
	COLLECTOR_EPOLL,
	COLLECTOR_NAMESPACES,
	COLLECTOR_CAPABILITIES, /* on request only */
	COLLECTOR_SOCKETS,
	COLLECTOR_TCP,
	COLLECTOR_BIRTHS, /* after it, for it may use its programs */
	COLLECTOR_OOM,
	COLLECTOR_NETWORK,
	COLLECTOR_DISK,
	COLLECTOR_RECLAIM,
	COLLECTOR_COUNTERS, /* without it the files of cgroups are read */
	COLLECTORS
};

struct collector_status {
	const char *name;     /* "tasks", ... as in --no-collector.NAME */
	const char *hook;     /* of the alternative in use: "tp_btf", "iter/task", ... */
	const char *programs; /* their names, separated by blanks; or the collectors whose programs provide the data */
	bool has_programs;    /* of its own */
	bool attached;	      /* it has, and they are in use: see loader_options.epoll_on_request */
	bool slows_calls;     /* every system call of every process becomes slower while they are */
	bool controls_unseen; /* of epoll: not every change of an instance is seen */
	bool ends_unseen;     /* of lifecycle: how processes end is not seen */
	const char *gives;    /* what is missing without it */
	const char *instead;  /* what gives the same, at a higher price; NULL: nothing */
	bool loaded;
	const char *reason; /* why it is off, or what this alternative lacks; "" for nothing */
	const char *tried;  /* better alternatives and why they are unavailable, a line each */
};

struct loader_options {
	bool cgroup_v1; /* which hierarchy carries resources: see cgroupfs.h */
	uint32_t cgroup_subsys;
	int cgroup_hierarchy;
	const char *cgroup_v2_root; /* mount point of the v2 hierarchy's root; NULL: it is not mounted */
	const char *cgroup_root;    /* mount point of the hierarchy that carries resources */
	uint32_t disabled;	    /* bit per enum collector */
	const char *break_collector;
	const char *epoll_hook; /* "fentry", "kprobe", "tracepoint" or "sched"; NULL: the best available */
	/* Where it slows down every system call, the epoll collector is loaded, but only loader_pause attaches it. */
	bool epoll_on_request;
	uint64_t stall_ns;    /* 0: the default */
	uint32_t requested;   /* bit per collector that is off unless asked for */
	uint32_t facts;	      /* bit per enum ss_fact_kind, besides SS_FACTS_ALWAYS */
	bool facts_arguments; /* of SS_FACT_EXEC */
	/* Those of them that nobody waits for: they make the ring readable only once an eighth of it is full. */
	uint32_t facts_unhurried;
	uint32_t ring_bytes;  /* 0: the default, enough for SS_FACTS_ALWAYS */
	uint32_t pairs_named; /* neighbours kept apart between two samples; 0: the default */
};

/* Sets the hierarchy from which the programs take a task's cgroup. */
void loader_options_hierarchy(struct loader_options *o, const struct kernel *k,
			      const struct cgroup_layout_info *layout);

/* 0; negative errno if the task iterator does not load, with a message in `error`. */
int loader_open(struct loader **ret, const struct kernel *k, const struct loader_options *o, struct buf *error);
/* See pipeline.h. */
void loader_facts_count(const struct loader *l, uint64_t *produced, uint64_t *lost);
void loader_facts_want(struct loader *l, uint32_t kinds);

void loader_close(struct loader *l);

/* Detaches the programs of a collector, or attaches them again; it misses what happens meanwhile. 0 or negative errno. */
int loader_pause(struct loader *l, enum collector c, bool pause);

struct sysscope_bpf *loader_skeleton(struct loader *l);
int loader_iterator_fd(const struct loader *l); /* of the task iterator's link: for bpf_iter_create */
/* The same of the pass over open files; -1: not loaded. *ret_owners: it tells which processes listen. */
int loader_sockets_fd(const struct loader *l, bool *ret_owners);
int loader_network_fd(const struct loader *l); /* of the iterator that counts the traffic of TCP; -1: none is needed */
struct collector_status loader_status(const struct loader *l, enum collector c);
/* Instructions that the verifier processed for the collector's programs (5.16); 0: not known. */
uint64_t loader_verified_instructions(const struct loader *l, enum collector c);
/*
 * How often the kernel skipped one of the programs. A program can be preempted; if its hook is then reached on the same
 * CPU, the kernel does not run it again (bpf_prog_info.recursion_misses, 5.12; 0 on older kernels).
 */
uint64_t loader_skipped(const struct loader *l);
/*
 * Kernel memory of all loaded BPF maps in bytes, as the kernel reports it. It does not include the entries of task
 * storage. -ENODATA: not reported for one of them.
 */
int loader_map_memory(const struct loader *l, uint64_t *ret);
/* Of how many tasks something is stored with them. */
struct stored_tasks {
	uint64_t threads;  /* struct ss_thread_state */
	uint64_t charged;  /* struct ss_charges */
	uint64_t outlived; /* struct ss_process_waits */
	uint64_t loops;	   /* an event loop */
};
/* What the kernel allocates for that, by its type information, in bytes. -ENODATA: not known. */
int loader_storage_memory(const struct loader *l, const struct stored_tasks *n, uint64_t *ret);
const char *collector_name(enum collector c);
bool collector_required(enum collector c);
bool collector_on_request(enum collector c);   /* off unless a command asks for it */
uint32_t collectors_for_facts(uint32_t kinds); /* those on request that produce facts of these kinds, a bit each */

#endif
