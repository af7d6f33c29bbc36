/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipeline.h - the live source of snapshots: loader, sampler and model put together. A verb opens one and hands its
 * snapshot_source to a view. Only doctor sees the loader beside it. Never logs: warnings and errors are returned as text.
 */
#ifndef SYSSCOPE_PIPELINE_H
#define SYSSCOPE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sample/fact.h"
#include "sysscope/source.h"

struct kernel;
struct loader;
struct pipeline;
struct sample;

struct pipeline_options {
	const char *const *docker_roots; /* the data roots of further dockerds, besides the usual ones */
	size_t n_docker_roots;
	bool no_socket_owners;	/* leaves out the pass over open files: neither processes nor TCP are shown (events) */
	bool keep_unpublished;	/* keep ended processes until a snapshot with them was delivered (serve) */
	uint32_t disabled;	/* collectors that are off, a bit each in the order of enum collector */
	uint32_t unneeded;	/* collectors whose data this verb does not show: off, without a warning */
	uint32_t requested;	/* collectors to run of those that run only on request */
	const char *epoll_hook; /* "fentry", "kprobe", "tracepoint" or "sched"; NULL: the best one available */
	/*
	 * Where they slow down every system call, the hooks of event loops are attached only while somebody looks (`loops` of the
	 * source) and for so long afterwards; 0: always.
	 */
	uint64_t loops_idle_ns;
	bool loops_wanted; /* this verb looks at loops all the time */
	uint64_t stall_ns; /* a longer iteration of an event loop is a stall; 0: the default */
	/*
	 * For tests. "NAME": the collector's tracepoints get a name that no kernel has. "NAME:load": the kernel refuses its
	 * programs. "NAME:load-best": the kernel refuses the best of its hooks only.
	 */
	const char *break_collector;
	uint32_t facts; /* as in loader_options */
	bool facts_arguments;
	uint32_t facts_unhurried;
	uint32_t ring_bytes;
	uint32_t pairs_named;		   /* for tests: as in loader_options */
	struct fact_subscriber subscriber; /* called from pipeline_source's idle and next */
};

void pipeline_options_init(struct pipeline_options *o);

/*
 * 0, or negative errno; then `said` has one message that says what is missing and what would help. On success it has the
 * warnings, one per line: collectors that could not run, data roots that do not exist, processes that are hidden.
 */
int pipeline_open(struct pipeline **ret, const struct pipeline_options *o, struct buf *said);
/* The same warnings about collectors and processes, for a loader that was opened without a pipeline (doctor). */
void pipeline_warnings(const struct loader *l, const struct kernel *k, const struct pipeline_options *o,
		       struct buf *said);
void pipeline_close(struct pipeline *p);

/* One thread at a time. */
const struct snapshot_source *pipeline_source(struct pipeline *p);

/*
 * Per kind of fact (SS_FACT_KINDS elements): how many of those asked for the kernel half produced, and how many did not fit
 * into the ring. After pipeline_facts_end only facts that the agent itself needs are produced.
 */
void pipeline_facts_count(const struct pipeline *p, uint64_t *produced, uint64_t *lost);
void pipeline_facts_end(struct pipeline *p);
/* From now on these kinds are produced, a bit each, and those. */
void pipeline_facts_want(struct pipeline *p, uint32_t kinds);

/* One line on what watching event loops costs here and how to do without; NULL: nothing that matters, or it is not done yet. */
const char *pipeline_loops_cost(const struct pipeline *p);

/* See loader.h. */
int pipeline_map_memory(const struct pipeline *p, uint64_t *ret);
/* What the kernel allocates for what is stored with each task of the latest sample. -ENODATA: not known. */
int pipeline_storage_memory(const struct pipeline *p, uint64_t *ret);

/* The sample behind the latest snapshot; valid until the next one is taken. NULL before the first. */
const struct sample *pipeline_sample(const struct pipeline *p);

/* The hook that this collector uses, as doctor names it; "" if it does not run. */
const char *pipeline_hook(const struct pipeline *p, const char *collector);
/* Why it does not run, or what its hook cannot see; "" for neither. */
const char *pipeline_hook_reason(const struct pipeline *p, const char *collector);

#endif
