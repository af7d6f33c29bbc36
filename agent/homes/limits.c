/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.c - see limits.h. Called by model_update.c. The kernel enforces the limit of every cgroup on the way up to the root:
 * a container without a quota of its own is throttled when the quota of its pod or slice runs out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "homes/limits.h"

struct limit_node {
	uint64_t id, parent_id;
	char *path;
	struct cgroup_counters files;
	uint64_t periods_before, throttled_before; /* in the sample before, SS_UNKNOWN: not known */
	double throttled;			   /* share of the interval's periods; absent: not known */
	uint64_t seen;				   /* number of the last update whose sample had it */
	size_t first_io, n_ios;			   /* in `ios`, of this sample */
	UT_hash_handle hh;
};

static struct limit_node *node_find(const struct limits *limits, uint64_t id)
{
	struct limit_node *n;

	HASH_FIND(hh, limits->all, &id, sizeof(id), n);
	return n;
}

static void node_free(struct limits *limits, struct limit_node *n)
{
	HASH_DEL(limits->all, n);
	free(n->path);
	free(n);
}

/* A cgroup that was created since the sample before has had no period until then. */
static struct limit_node *node_new(struct limits *limits, const struct moment *now, const struct sample_cgroup *c)
{
	bool born = now->number > 1 && c->counts.created_ns && c->counts.created_ns >= now->before_ns;
	struct limit_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->id = c->id;
	n->path = strdup(c->path);
	if (n->path)
		HASH_ADD(hh, limits->all, id, sizeof(n->id), n);
	if (!n->path || !n->hh.tbl) {
		free(n->path);
		free(n);
		return NULL;
	}
	n->periods_before = n->throttled_before = born ? 0 : SS_UNKNOWN;
	return n;
}

static bool limit_set(uint64_t limit)
{
	return limit != SS_UNKNOWN && limit != SS_UNLIMITED;
}

/* A quota that nobody used in the interval had no period, and throttled nobody. */
static double node_throttled(const struct limit_node *n)
{
	const struct cgroup_counters *f = &n->files;
	uint64_t periods = sub_sat(f->periods, n->periods_before);

	if (!limit_set(f->cpu_quota_us) || f->periods == SS_UNKNOWN || f->throttled_periods == SS_UNKNOWN ||
	    n->periods_before == SS_UNKNOWN)
		return VALUE_ABSENT;
	return periods ? (double)sub_sat(f->throttled_periods, n->throttled_before) / (double)periods : 0;
}

static int node_take(struct limits *limits, const struct moment *now, const struct sample_cgroup *c)
{
	struct limit_node *n = node_find(limits, c->id);

	/* v1 hierarchies allow a rename: the id stays. */
	if (n && strcmp(n->path, c->path) != 0) {
		node_free(limits, n);
		n = NULL;
	}
	if (!n)
		n = node_new(limits, now, c);
	if (!n)
		return -ENOMEM;
	n->parent_id = c->parent_id;
	n->seen = now->number;
	n->n_ios = 0;
	n->files = c->files;
	n->throttled = node_throttled(n);
	n->periods_before = c->files.periods;
	n->throttled_before = c->files.throttled_periods;
	return 0;
}

static void ios_take(struct limits *limits, const struct sample *s)
{
	limits->ios = s->io_limits;
	limits->n_ios = s->n_io_limits;
	for (size_t i = 0; i < s->n_io_limits; i++) {
		struct limit_node *n = node_find(limits, s->io_limits[i].cgroup_id);

		if (n && !n->n_ios++)
			n->first_io = i;
	}
}

int limits_take(struct limits *limits, const struct moment *now, const struct sample *s)
{
	struct limit_node *n, *next;

	for (size_t i = 0; i < s->n_cgroups; i++)
		if (s->cgroups[i].alive && (s->cgroups[i].home_root || s->cgroups[i].above) &&
		    node_take(limits, now, &s->cgroups[i]) < 0)
			return -ENOMEM;
	HASH_ITER (hh, limits->all, n, next)
		if (n->seen != now->number)
			node_free(limits, n);
	ios_take(limits, s);
	return 0;
}

void limits_free(struct limits *limits)
{
	struct limit_node *n, *next;

	HASH_ITER (hh, limits->all, n, next)
		node_free(limits, n);
}

/* ---- limits at block devices ---- */

static bool smaller_take(uint64_t *best, uint64_t limit)
{
	if (limit >= *best)
		return false;
	*best = limit;
	return true;
}

bool limits_io(const struct limits *limits, const struct home *h, uint32_t device, struct io_limit *ret)
{
	bool several = h->instances && h->living > 1, own = !several, found = false;
	const struct limit_node *n = NULL;

	*ret = (struct io_limit){SS_UNLIMITED, SS_UNLIMITED, SS_UNLIMITED, SS_UNLIMITED, NULL};
	if (limits->n_ios && h->current)
		n = node_find(limits, several ? h->current->parent_id : h->current->id);
	for (; n; n = node_find(limits, n->parent_id), own = false)
		for (size_t i = n->first_io; i < n->first_io + n->n_ios; i++) {
			const struct sample_io_limit *l = &limits->ios[i];

			if (l->device != device || (l->alone && !own))
				continue;
			/* All four: no short cut. */
			if (smaller_take(&ret->read_bytes, l->read_bytes) |
			    smaller_take(&ret->write_bytes, l->write_bytes) | smaller_take(&ret->reads, l->reads) |
			    smaller_take(&ret->writes, l->writes)) {
				found = true;
				ret->of = own ? NULL : n->path;
			}
		}
	return found;
}

/* ---- rows ---- */

/* CPUs that the cgroup may use; absent without a quota. */
static double quota_cores(const struct cgroup_counters *f)
{
	if (!limit_set(f->cpu_quota_us) || !f->cpu_period_us || f->cpu_period_us == SS_UNKNOWN)
		return VALUE_ABSENT;
	return (double)f->cpu_quota_us / (double)f->cpu_period_us;
}

/* What is smaller counts; of equal ones the nearest to the container, which comes first. */
static bool below(double value, double best)
{
	return !value_absent(value) && (value_absent(best) || value < best);
}

static void cpu_limit_take(const struct limit_node *n, unsigned int cpus, struct container_row *row)
{
	double *best = &row->v[CONTAINER_CPU_LIMIT];
	double quota = quota_cores(&n->files), set = VALUE_ABSENT;

	if (n->files.cpuset_cpus < cpus)
		set = (double)n->files.cpuset_cpus;
	if (below(quota, *best)) {
		*best = quota;
		row->cpu_limit_of = n->path;
		row->cpu_limit_is_cpuset = false;
	}
	/* The kernel shows a cpuset in all cgroups below: it is that of the highest one which shows it. */
	if (below(set, *best) || (row->cpu_limit_is_cpuset && set == *best)) {
		*best = set;
		row->cpu_limit_of = n->path;
		row->cpu_limit_is_cpuset = true;
	}
}

/* A larger quota that others use up, too, holds the container back as much as a small one of its own. */
static void throttled_take(const struct limit_node *n, struct container_row *row)
{
	double *worst = &row->v[CONTAINER_THROTTLED_RATIO];

	if (value_absent(n->throttled) || n->throttled <= *worst)
		return;
	*worst = n->throttled;
	row->throttled_by = *worst > 0 ? n->path : NULL;
}

/* What the kernel cannot take back without swap. Of v1's slabs nobody knows how many it could: they are left out. */
static double memory_held(const struct cgroup_counters *f)
{
	if (f->memory_usage == SS_UNKNOWN || f->memory_active_file == SS_UNKNOWN ||
	    f->memory_inactive_file == SS_UNKNOWN)
		return VALUE_ABSENT;
	if (f->slab_reclaimable != SS_UNKNOWN)
		return (double)sub_sat(f->memory_usage,
				       f->memory_active_file + f->memory_inactive_file + f->slab_reclaimable);
	if (f->memory_rss == SS_UNKNOWN || f->memory_shmem == SS_UNKNOWN)
		return VALUE_ABSENT;
	return (double)(f->memory_rss + f->memory_shmem);
}

static void memory_limit_take(const struct limit_node *n, struct container_row *row)
{
	const struct cgroup_counters *f = &n->files;

	if (!limit_set(f->memory_limit) || !below((double)f->memory_limit, row->v[CONTAINER_MEMORY_LIMIT]))
		return;
	row->v[CONTAINER_MEMORY_LIMIT] = (double)f->memory_limit;
	row->v[CONTAINER_MEMORY_LIMIT_HELD] = memory_held(f);
	row->memory_limit_of = n->path;
	row->memory_limit_working_set = VALUE_ABSENT;
	if (f->memory_usage != SS_UNKNOWN && f->memory_inactive_file != SS_UNKNOWN)
		row->memory_limit_working_set = (double)sub_sat(f->memory_usage, f->memory_inactive_file);
}

/* That of a pod holds its containers together: none of them needs to be near its own. */
static void threads_limit_take(const struct limit_node *n, struct container_row *row)
{
	const struct cgroup_counters *f = &n->files;
	double room = (double)f->pids_limit - (double)f->pids;

	if (!limit_set(f->pids_limit) || f->pids == SS_UNKNOWN ||
	    (row->threads_limit_above_of && room >= row->threads_limit_above - row->threads_above))
		return;
	row->threads_limit_above = (double)f->pids_limit;
	row->threads_above = (double)f->pids;
	row->threads_limit_above_of = n->path;
}

static void quota_above_take(const struct limit_node *n, struct container_row *row)
{
	double quota = quota_cores(&n->files);

	if (value_absent(quota) || (row->quota_above_of && quota >= row->quota_above))
		return;
	row->quota_above = quota;
	row->quota_above_of = n->path;
}

/* `own`: the node is the row's own cgroup; else it is above. */
static void limit_row_fill(const struct limits *limits, const struct limit_node *n, bool own, unsigned int cpus,
			   struct container_row *row)
{
	double *v = row->v;

	row->threads_limit_above = row->threads_above = row->quota_above = VALUE_ABSENT;
	for (; n; n = node_find(limits, n->parent_id), own = false) {
		cpu_limit_take(n, cpus, row);
		throttled_take(n, row);
		memory_limit_take(n, row);
		if (own)
			continue;
		threads_limit_take(n, row);
		quota_above_take(n, row);
	}
	if (v[CONTAINER_MEMORY_LIMIT] > 0)
		v[CONTAINER_MEMORY_LIMIT_RATIO] = v[CONTAINER_MEMORY_WORKING_SET] / v[CONTAINER_MEMORY_LIMIT];
}

void limit_rows_fill(const struct limits *limits, const struct homes *homes, unsigned int cpus,
		     struct container_row *rows)
{
	for (const struct home *h = homes->all; h; h = h->hh.next) {
		/* Of several instances each has its own limits: only those above hold all of them. */
		bool several = h->instances && h->living > 1;

		if (h->row != HOME_NO_ROW && h->current)
			limit_row_fill(limits, node_find(limits, several ? h->current->parent_id : h->current->id),
				       !several, cpus, &rows[h->row]);
	}
}
