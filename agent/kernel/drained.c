/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drained.c - see drained.h. Entries without content are left out: a program may create one and then find nothing to add. */
#include "kernel/drained.h"
#include "kernel/loader_internal.h"
#include "sysscope/sample.h"

static bool gone_keep(const void *value)
{
	const __u64 *field = value;

	for (size_t i = 0; i < sizeof(struct ss_gone) / sizeof(*field); i++)
		if (field[i])
			return true;
	return false;
}

static bool loop_keep(const void *value)
{
	const struct ss_loop *loop = value;

	return loop->waits || loop->wait_ns;
}

static bool pair_keep(const void *value)
{
	const struct ss_pair *pair = value;

	return pair->wait_ns;
}

static bool disk_keep(const void *value)
{
	const struct ss_disk *disk = value;

	return disk->requests || disk->bytes;
}

static bool disk_pair_keep(const void *value)
{
	const struct ss_disk_pair *pair = value;

	return pair->requests;
}

static bool tcp_keep(const void *value)
{
	const struct ss_tcp *tcp = value;

	for (int i = 0; i < SS_TCP_EVENTS; i++)
		if (tcp->n[i])
			return true;
	return false;
}

static bool count_keep(const void *value)
{
	const __u64 *count = value;

	return *count;
}

#define MAP(name) offsetof(struct sysscope_bpf, maps.name)
#define ARRAY(name)                                                              \
	{                                                                        \
		offsetof(struct sample, name), offsetof(struct sample, n_##name) \
	}

const struct drained_table drained_tables[DRAINED_TABLES] = {
	[DRAINED_GONE] = {.collector = COLLECTOR_TASKS,
			  .maps = {MAP(gone_a), MAP(gone_b)},
			  .n_maps = 2,
			  .key_size = offsetof(struct sample_gone, value),
			  .row_size = sizeof(struct sample_gone),
			  .cgroups = 1,
			  .keep = gone_keep,
			  .final = ARRAY(gone_final),
			  .open = ARRAY(gone_open)},
	[DRAINED_LOOPS] = {.collector = COLLECTOR_EPOLL,
			   .needs_programs = true,
			   .maps = {MAP(gone_loops_a), MAP(gone_loops_b)},
			   .n_maps = 2,
			   .key_size = offsetof(struct sample_gone_loop, value),
			   .row_size = sizeof(struct sample_gone_loop),
			   .cgroups = 1,
			   .keep = loop_keep,
			   .final = ARRAY(gone_loops_final),
			   .open = ARRAY(gone_loops_open)},
	[DRAINED_TRANSITIONS] = {.collector = COLLECTOR_NAMESPACES,
				 .maps = {MAP(transitions_a), MAP(transitions_b)},
				 .n_maps = 2,
				 .key_size = offsetof(struct sample_transition, count),
				 .row_size = sizeof(struct sample_transition),
				 .cgroups = 1,
				 .keep = count_keep,
				 .final = ARRAY(transitions_final),
				 .open = ARRAY(transitions_open)},
	[DRAINED_PAIRS] = {.collector = COLLECTOR_SCHED,
			   .maps = {MAP(pairs_a), MAP(pairs_b)},
			   .n_maps = 2,
			   .key_size = offsetof(struct sample_pair, value),
			   .row_size = sizeof(struct sample_pair),
			   .cgroups = 2,
			   .keep = pair_keep,
			   .final = ARRAY(pairs_final),
			   .open = ARRAY(pairs_open)},
	[DRAINED_TCP] = {.collector = COLLECTOR_TCP,
			 .maps = {MAP(tcp_a), MAP(tcp_b)},
			 .n_maps = 2,
			 .key_size = offsetof(struct sample_tcp, value),
			 .row_size = sizeof(struct sample_tcp),
			 .cgroups = 1,
			 .keep = tcp_keep,
			 .final = ARRAY(tcp_final),
			 .open = ARRAY(tcp_open)},
	[DRAINED_CHECKS] = {.collector = COLLECTOR_CAPABILITIES,
			    .maps = {MAP(capability_checks)},
			    .n_maps = 1,
			    .key_size = offsetof(struct sample_check, count),
			    .row_size = sizeof(struct sample_check),
			    .cgroups = 1,
			    .keep = count_keep,
			    .forgets_removed = true,
			    .open = ARRAY(checks)},
	[DRAINED_DISKS] = {.collector = COLLECTOR_DISK,
			   .maps = {MAP(disks_a), MAP(disks_b)},
			   .n_maps = 2,
			   .key_size = offsetof(struct sample_disk, value),
			   .row_size = sizeof(struct sample_disk),
			   .cgroups = 1,
			   .io_cgroups = true,
			   .keep = disk_keep,
			   .final = ARRAY(disks_final),
			   .open = ARRAY(disks_open)},
	[DRAINED_DISK_PAIRS] = {.collector = COLLECTOR_DISK,
				.maps = {MAP(disk_pairs_a), MAP(disk_pairs_b)},
				.n_maps = 2,
				.key_size = offsetof(struct sample_disk_pair, value),
				.row_size = sizeof(struct sample_disk_pair),
				.cgroups = 2,
				.io_cgroups = true,
				.keep = disk_pair_keep,
				.final = ARRAY(disk_pairs_final),
				.open = ARRAY(disk_pairs_open)},
};

struct bpf_map *drained_map(const struct sysscope_bpf *skeleton, const struct drained_table *d, unsigned int which)
{
	return *(struct bpf_map *const *)((const char *)skeleton + d->maps[which]);
}
