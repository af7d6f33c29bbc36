/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroups.c - the cgroups of a sample: what the kernel half counted in them, which of them the records name, and what
 * the files of each home's cgroup say. Called by sampler.c, once each per sample.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "kernel/loader.h"
#include "sample/sampler_internal.h"

/* ---- what the kernel half counted ---- */

static void subtract(struct ss_gone *from, const struct ss_gone *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
		a[i] -= b[i];
}

/* Ended threads that the kernel half counted in the cgroup's entry, less those that earlier samples had. */
static void gone_other(struct sampler *s, struct cgroup_entry *e, const struct ss_gone *other)
{
	struct sample *p = &s->sample;
	struct sample_gone *g;

	if (memcmp(&e->other_taken, other, sizeof(*other)) == 0 || p->n_gone_final >= s->cap_drained[DRAINED_GONE])
		return;
	g = &p->gone_final[p->n_gone_final++];
	*g = (struct sample_gone){.key = {.cgroup_id = e->id, .comm = SS_COMM_OTHER}, .value = *other};
	subtract(&g->value, &e->other_taken);
	e->other_taken = *other;
}

/* New cgroups get their paths from names; parents come before children, so this takes a pass per level. */
static void created_add(struct sampler *s, int count, uint64_t now)
{
	const uint64_t *ids = s->keys;
	const struct ss_cgroup *values = s->values;

	for (int pass = 0, missing = 1; pass < CGROUPFS_DEPTH_MAX && missing; pass++) {
		int before = missing;

		missing = 0;
		for (int i = 0; i < count; i++)
			if (values[i].flags & SS_CGROUP_SEEN_CREATED && !(values[i].flags & SS_CGROUP_NAME_CUT) &&
			    !cgroup_table_find(s->table, ids[i]) &&
			    cgroup_table_born(s->table, ids[i], values[i].parent_id, values[i].name, now) < 0)
				missing++;
		if (pass > 0 && missing == before)
			break;
		s->walk_needed |= missing > 0;
	}
}

int sampler_cgroup_counts(struct sampler *s, uint64_t now)
{
	const uint64_t *ids = s->keys;
	const struct ss_cgroup *values = s->values;
	int count = sampler_map_read(s, s->skeleton->maps.cgroups, false);

	if (count < 0)
		return count;
	created_add(s, count, now);
	for (int i = 0; i < count; i++) {
		struct cgroup_entry *e = cgroup_table_find(s->table, ids[i]);

		if (!e) {
			s->walk_needed |= !values[i].removed_ns && ids[i] != SS_CGROUP_KERNEL;
			continue;
		}
		gone_other(s, e, &values[i].other);
		e->counts = values[i];
		e->in_kernel = true;
		if (values[i].removed_ns)
			cgroup_table_removed(s->table, e->id, now);
	}
	return 0;
}

/* ---- which ones the records name ---- */

struct search {
	uint64_t now;
	bool walked; /* once per sample is enough */
};

static int cgroup_use(struct sampler *s, uint64_t id, void *ctx)
{
	struct search *search = ctx;
	struct cgroup_entry *e;

	if (id == SS_CGROUP_NONE || id == SS_CGROUP_KERNEL || id == SS_CGROUP_OTHERS)
		return 0;
	e = cgroup_table_find(s->table, id);
	if (!e && !search->walked) {
		search->walked = true;
		cgroup_table_walk(s->table, search->now);
		e = cgroup_table_find(s->table, id);
	}
	if (!e)
		e = cgroup_table_unknown(s->table, id, search->now);
	if (!e)
		return -ENOMEM;
	e->used = s->number;
	return 0;
}

int sampler_cgroups_find(struct sampler *s, uint64_t now)
{
	uint64_t full = s->skeleton->bss->losses[SS_LOSS_CGROUP_FULL], last = 0;
	struct search search = {.now = now};
	struct sample *p = &s->sample;
	int r = 0;

	/* Without the cgroups collector, or when its table was full, only the tree itself shows new cgroups. */
	if (s->walk_needed || !loader_status(s->loader, COLLECTOR_CGROUPS).loaded || full != s->folded_before) {
		search.walked = true;
		s->walk_needed = false;
		s->folded_before = full;
		r = cgroup_table_walk(s->table, now);
	}
	for (size_t i = 0; i < p->n_threads && r >= 0; i++) {
		uint64_t id = p->threads[i].told->record->cgroup_id;

		if (id == last)
			continue;
		last = id;
		r = cgroup_use(s, last, &search);
	}
	for (size_t i = 0; i < p->n_stalls && r >= 0; i++)
		r = cgroup_use(s, p->stalls[i].stall.runner, &search);
	for (size_t i = 0; i < p->n_oom_kills && r >= 0; i++)
		r = p->oom_kills[i].cgroup_id ? cgroup_use(s, p->oom_kills[i].cgroup_id, &search) : 0;
	if (r >= 0)
		r = sampler_network_read(s, cgroup_use, &search);
	for (size_t i = 0; i < p->n_tcp_ports && r >= 0; i++)
		r = cgroup_use(s, p->tcp_ports[i].key.cgroup_id, &search);
	return r < 0 ? r : sampler_tables_cgroups(s, cgroup_use, &search);
}

/* ---- what their files say ---- */

/* Limits of the inner cgroup, where the home's own files say that it has none. */
static void inner_limits_take(struct cgroup_counters *c, const struct cgroup_counters *inner)
{
	if (c->cpu_quota_us == SS_UNLIMITED && inner->cpu_quota_us != SS_UNKNOWN) {
		c->cpu_quota_us = inner->cpu_quota_us;
		c->cpu_period_us = inner->cpu_period_us;
		c->periods = inner->periods;
		c->throttled_periods = inner->throttled_periods;
		c->throttled_ns = inner->throttled_ns;
	}
	if (c->memory_limit == SS_UNLIMITED && inner->memory_limit != SS_UNKNOWN) {
		c->memory_limit = inner->memory_limit;
		c->memory_reservation = inner->memory_reservation;
		c->swap_limit = inner->swap_limit;
	}
	if (c->memory_high == SS_UNLIMITED && inner->memory_high != SS_UNKNOWN)
		c->memory_high = inner->memory_high;
	if (c->pids_limit == SS_UNLIMITED && inner->pids_limit != SS_UNKNOWN)
		c->pids_limit = inner->pids_limit;
	if (inner->cpuset_cpus < c->cpuset_cpus)
		c->cpuset_cpus = inner->cpuset_cpus;
}

/* Whatever is above a living home's cgroup may limit it. Stops where an earlier one has been. */
static void above_mark(struct sampler *s, const struct cgroup_entry *e)
{
	struct cgroup_entry *up;

	if (!e->home_root || !e->alive)
		return;
	for (up = cgroup_table_find(s->table, e->parent_id); up && up->above != s->number;
	     up = cgroup_table_find(s->table, up->parent_id))
		up->above = s->number;
}

static void files_read(struct sampler *s, struct cgroup_entry *e, struct cgroup_counters *ret, uint64_t now)
{
	const struct cgroup_entry *inner;
	struct cgroup_counters limits;
	size_t n_io_limits;
	int r;

	memset(ret, 0xff, sizeof(*ret)); /* SS_UNKNOWN */
	if (!e->alive || (!e->home_root && e->above != s->number))
		return;
	r = e->home_root ? cgroupfs_read(s->fs, e->id, e->path, ret) : cgroupfs_read_above(s->fs, e->id, e->path, ret);
	/* Removed or renamed: the next walk finds out. */
	if (r == -ENOENT) {
		cgroup_table_removed(s->table, e->id, now);
		s->walk_needed = true;
	}
	inner = e->inner_id && e->alive ? cgroup_table_find(s->table, e->inner_id) : NULL;
	if (!inner || !inner->alive)
		return;
	memset(&limits, 0xff, sizeof(limits));
	cgroupfs_io_limits(s->fs, &n_io_limits);
	cgroupfs_read(s->fs, inner->id, inner->path, &limits);
	cgroupfs_io_limits_lift(s->fs, n_io_limits, e->id);
	inner_limits_take(ret, &limits);
}

int sampler_cgroups_read(struct sampler *s, uint64_t now)
{
	size_t n = cgroup_table_count(s->table);
	struct sample *p = &s->sample;

	if (array_fit(&p->cgroups, &s->cap_cgroups, n, sizeof(*p->cgroups)) < 0)
		return -ENOMEM;
	p->n_cgroups = 0;
	p->pressure_reason = cgroupfs_layout(s->fs)->pressure_reason;
	cgroupfs_moment(s->fs, now);
	sampler_values_read(s);
	for (struct cgroup_entry *e = cgroup_table_first(s->table); e; e = e->hh.next)
		above_mark(s, e);
	for (struct cgroup_entry *e = cgroup_table_first(s->table); e; e = e->hh.next) {
		struct sample_cgroup *c = &p->cgroups[p->n_cgroups++];

		files_read(s, e, &c->files, now);
		c->id = e->id;
		c->parent_id = e->parent_id;
		c->path = e->path;
		c->who = e->who;
		c->counts = e->counts;
		c->network = e->network;
		c->home_root = e->home_root;
		c->above = e->above == s->number;
		c->alive = e->alive;
	}
	p->ios = cgroupfs_ios(s->fs, &p->n_ios);
	p->io_limits = cgroupfs_io_limits(s->fs, &p->n_io_limits);
	return 0;
}
