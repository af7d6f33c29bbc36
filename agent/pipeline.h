/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipeline.h - the live source of snapshots: loader, sampler and model joined up. Commands open one and hand its
 * snapshot_source to a view; nobody else sees the kernel half.
 */
#ifndef SYSSCOPE_PIPELINE_H
#define SYSSCOPE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sample/fact.h"
#include "sysscope/view.h"

struct pipeline;
struct sample;

struct pipeline_options {
	const char *docker_root; /* a dockerd's --data-root, besides the usual one; NULL: none */
	bool no_socket_owners;	 /* processes are not shown: leaves out the pass over open files (serve) */
	bool keep_unpublished;	 /* the dead stay until they were delivered once (serve) */
	uint32_t disabled;	 /* bit per collector, in the order of enum collector */
	uint32_t requested;	 /* the same: of those that are off unless asked for */
	const char *epoll_hook;	 /* "fentry", "kprobe", "tracepoint" or "sched"; NULL: the best that can be had */
	uint64_t stall_ns;	 /* iterations of event loops that are longer are stalls; 0: the default */
	/*
	 * For tests: "NAME": its tracepoints get a name that no kernel has; "NAME:load": the kernel will refuse it;
	 * "NAME:load-best": the best of its ways only.
	 */
	const char *break_collector;
	uint32_t facts; /* as in loader_options */
	bool facts_arguments;
	uint32_t ring_bytes;
	uint32_t pairs_named;		   /* for tests: as in loader_options */
	struct fact_subscriber subscriber; /* called from pipeline_source's idle and next */
};

void pipeline_options_init(struct pipeline_options *o);

/*
 * 0, or negative errno with a message for people in `error`: what is missing and what would help. A collector that
 * could not be had is no error; `error` then names it, a line each.
 */
int pipeline_open(struct pipeline **ret, const struct pipeline_options *o, struct buf *error);
void pipeline_close(struct pipeline *p);

/* Single-threaded: one thread at a time. */
const struct snapshot_source *pipeline_source(struct pipeline *p);

/*
 * Of each kind of fact (SS_FACT_KINDS elements) that was wanted: how many there were, and for how many the ring had no room.
 * pipeline_facts_end: from here on there are no more but those that the agent needs for itself.
 */
void pipeline_facts_count(const struct pipeline *p, uint64_t *produced, uint64_t *lost);
void pipeline_facts_end(struct pipeline *p);

/* See loader.h. */
int pipeline_map_memory(const struct pipeline *p, uint64_t *ret);

/* The sample that the latest snapshot was made from; valid until the next one is taken. NULL before the first. */
const struct sample *pipeline_sample(const struct pipeline *p);

/* Which hook the collector of this name got, as doctor calls it; "" without any. */
const char *pipeline_hook(const struct pipeline *p, const char *collector);
/* Why it got none, or what that hook lacks; "" for nothing to say. */
const char *pipeline_hook_reason(const struct pipeline *p, const char *collector);

#endif
