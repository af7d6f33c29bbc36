/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler.h - takes samples (sysscope/sample.h) from the kernel half and the cgroup files. The only part of the agent
 * that touches the kernel once everything is loaded.
 */
#ifndef SYSSCOPE_SAMPLER_H
#define SYSSCOPE_SAMPLER_H

#include "sample/fact.h"
#include "sysscope/sample.h"

struct cgroupfs;
struct identities;
struct loader;
struct sampler;

/* All three must outlive the sampler. Walks the cgroup tree once. 0 or negative errno. */
int sampler_open(struct sampler **ret, struct loader *l, struct cgroupfs *fs, struct identities *ids);
void sampler_close(struct sampler *s);

/* Leaves out the pass that finds the owners of listening sockets. */
void sampler_no_socket_owners(struct sampler *s, bool no);

/* One sample, valid until the next. 0; negative errno when the task iterator could not be read. */
int sampler_read(struct sampler *s, const struct sample **ret);

/*
 * Whether event loops are watched, where that can be chosen (loader_options.epoll_on_request). False ends it with the next sample,
 * after which sampler_loops_end takes the programs off; true begins at once: negative errno if the kernel refuses.
 */
int sampler_loops_watch(struct sampler *s, bool watch);
void sampler_loops_end(struct sampler *s);

/* The samples that follow have the PSS of this process; tgid 0: of none. */
void sampler_watch(struct sampler *s, uint32_t tgid, uint64_t start_ns);

/* Threads and processes that have ended since the latest sample. */
uint64_t sampler_dead(const struct sampler *s);

/* The latest sample is not used any more: frees the memory of its threads. */
void sampler_rest(struct sampler *s);

/* Takes the facts that wait on the ring, so that a container's name is looked up while it lives. */
void sampler_facts(struct sampler *s);
void sampler_subscribe(struct sampler *s, const struct fact_subscriber *subscriber);
int sampler_facts_fd(const struct sampler *s); /* readable when facts are waiting; -1: there is no ring */

#endif
