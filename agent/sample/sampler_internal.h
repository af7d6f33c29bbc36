/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler_internal.h - what the files of the sampler share: sampler.c (one sample from beginning to end), tables.c
 * (the kernel half's tables of the dead and their like), ring.c (the ring). Nobody else includes it.
 */
#ifndef SYSSCOPE_SAMPLER_INTERNAL_H
#define SYSSCOPE_SAMPLER_INTERNAL_H

#include <bpf/libbpf.h>

#include "sample/cgroup_table.h"
#include "sample/sampler.h"
#include "sample/socket_owners.h"
#include "sample/stream.h"
#include "sysscope.skel.h"

/* Stalls that wait for the next sample. */
#define STALLS_MAX 1024

struct sampler {
	struct loader *loader;
	struct sysscope_bpf *skeleton;
	struct cgroupfs *fs;
	struct identities *ids;
	struct cgroup_table *table;
	struct ring_buffer *ring;
	struct sample sample;
	uint64_t number;	/* of samples so far */
	uint64_t swapped_ns;	/* when the gone tables changed places */
	uint64_t folded_before; /* SS_LOSS_CGROUP_FULL at the last walk */
	uint64_t ended_before;	/* tasks_ended at the latest sample */
	bool walk_needed;
	bool delivered; /* the last sample was */
	/* Dead tasks that are neither freed nor zombies: the fewest in this window, and for good. */
	uint64_t unseen_least, unseen, window_ns, window_samples;
	struct stream_room threads;
	struct listeners listeners;
	bool no_listeners;
	size_t cap_cgroups, cap_gone, cap_pairs, cap_gone_loops, cap_transitions, cap_checks;
	size_t stalls_held; /* in sample.stalls: those of the last sample, then what came since */
	struct fact_listener listener;
	uint64_t facts_taken;
	uint64_t stalls_dropped; /* facts for which there was no room */
	uint64_t malformed;	 /* facts that cannot be what the kernel half sends */
	void *keys, *values;	 /* for batches: room for the largest map */
	char *stream;		 /* of the task iterator */
};

/* ---- tables.c ---- */
/* All entries of a hash map into s->keys, s->values. Returns their number or negative errno. */
int sampler_map_read(struct sampler *s, const struct bpf_map *map, bool empty_it);
int sampler_checks_read(struct sampler *s);
/* The tables of what has ended, both of each kind. */
int sampler_tables_read(struct sampler *s);

/* ---- ring.c ---- */
int sampler_fact_take(void *ctx, void *data, size_t size); /* of the ring, with the sampler for its ctx */

#endif
