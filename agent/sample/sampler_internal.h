/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler_internal.h - what the files of the sampler share: sampler.c (one sample from beginning to end), tables.c (kernel tables
 * that are read as a whole; counters of all cgroups), cgroups.c (the cgroups of a sample), network.c (their traffic),
 * ring.c (facts). No other file includes it.
 */
#ifndef SYSSCOPE_SAMPLER_INTERNAL_H
#define SYSSCOPE_SAMPLER_INTERNAL_H

#include <bpf/libbpf.h>

#include "kernel/drained.h"
#include "sample/cgroup_table.h"
#include "machine/disks.h"
#include "sample/rollup.h"
#include "sample/sampler.h"
#include "sample/stream.h"
#include "sockets/socket_owners.h"
#include "sysscope.skel.h"

/* Hierarchies of cgroups that are listed in each sample: one, or those of v1's cpu, cpuacct, memory and pids. */
#define SAMPLER_HIERARCHIES 8

/* Stalls that wait for the next sample. */
#define STALLS_MAX 1024
/* The same for OOM kills. */
#define OOM_KILLS_MAX 64

struct sampler {
	struct loader *loader;
	struct sysscope_bpf *skeleton;
	struct cgroupfs *fs;
	struct identities *ids;
	struct cgroup_table *table;
	struct ring_buffer *ring;
	struct sample sample;
	uint64_t number;	/* samples so far */
	uint64_t swapped_ns;	/* when the programs were last moved to the other maps */
	uint64_t folded_before; /* SS_LOSS_CGROUP_FULL at the last walk */
	uint64_t ended_before;	/* tasks_ended at the latest sample */
	bool walk_needed;
	bool delivered; /* the latest sample was handed over */
	/* Dead tasks that are neither freed nor zombies: the fewest in this window, and the most of all windows. */
	uint64_t unseen_least, unseen, window_ns, window_samples;
	/* Threads without state in the latest pass, and the most that were so in two passes running: as many are a loss. */
	uint64_t states_missing, states_lost;
	struct stream stream;
	struct guests *guests;
	struct rollup rollup;
	struct socket_owners socket_owners;
	bool no_socket_owners;
	struct devices devices;
	uint64_t disk_homeless; /* completed requests whose cgroup was gone before its path could be looked up */
	size_t cap_cgroups, cap_drained[DRAINED_TABLES];
	size_t stalls_held;    /* in sample.stalls: those of the latest sample, then those that came later */
	size_t oom_kills_held; /* the same in sample.oom_kills */
	struct fact_subscriber subscriber;
	uint64_t facts_taken;
	uint64_t facts_dropped; /* stalls and OOM kills for which the sample had no room */
	uint64_t malformed;	/* records of the ring that the kernel half cannot have sent */
	void *keys, *values;	/* for batches: room for the largest map */
	char *bytes;		/* of the task iterator */
	struct interfaces *interfaces;
	struct {
		struct ss_network *values; /* room for a part of the table; NULL: the collector is off */
		size_t cpus;		   /* that there may be: copies of each value */
		bool read;		   /* the latest sample has them */
		uint64_t duration_ns;
	} network;
	struct {
		struct bpf_link *
			links[SAMPLER_HIERARCHIES]; /* of the cgroup iterator, in the order of cgroupfs_values_root() */
		const struct ss_values *at;	    /* the mapped array; NULL: the collector is off */
	} listed;
};

/* ---- tables.c ---- */
/* Room for all tables, in the sample and for batches. 0 or negative errno. */
int sampler_tables_open(struct sampler *s);
void sampler_tables_close(struct sampler *s);
/* All entries of a hash map into s->keys, s->values. Returns their number or negative errno. */
int sampler_map_read(struct sampler *s, const struct bpf_map *map, bool empty_it);
/* All drained tables into the sample. 0 or negative errno. */
int sampler_tables_read(struct sampler *s);
/* Calls `use` for each cgroup id in the keys of the tables in the sample until one call fails: its result. */
int sampler_tables_cgroups(struct sampler *s, int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx);

/* ---- cgroups.c ---- */
/* The kernel half's cgroup table, and the totals in it for which the gone table had no room. 0 or negative errno. */
int sampler_cgroup_counts(struct sampler *s, uint64_t now);
/* Every cgroup that a record of the sample names has an entry in the cgroup table afterwards. 0 or negative errno. */
int sampler_cgroups_find(struct sampler *s, uint64_t now);
/* The sample's cgroups with the contents of their files. 0 or -ENOMEM. */
int sampler_cgroups_read(struct sampler *s, uint64_t now);

void sampler_values_open(struct sampler *s);
void sampler_values_close(struct sampler *s);
/* Gives cgroupfs what the kernel counts of each cgroup at this moment; where the kernel does not list them, nothing. */
void sampler_values_read(struct sampler *s);

/* ---- network.c ---- */
int sampler_network_open(struct sampler *s); /* 0 or -ENOMEM */
void sampler_network_close(struct sampler *s);
/*
 * What the sockets of each cgroup have sent and received so far, into the cgroup table. Calls `use` for the ids that this does
 * not know. 0, or what a failed call of `use` returned.
 */
int sampler_network_read(struct sampler *s, int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx);

/* ---- ring.c ---- */
int sampler_fact_take(void *ctx, void *data, size_t size); /* callback of the ring; `ctx` is the sampler */

#endif
