/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * group_rows.c - the rows of groups, and of the units that are instances of a template. Called by home_rows.c, after the rows
 * of homes, to which they refer by index.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "homes/arithmetic.h"
#include "homes/group_rows.h"

static bool group_is_shown(const struct homes *homes, const struct moment *now, const struct group *g)
{
	if (g->processes || now->boot_ns < g->empty_since_ns + TOMBSTONE_NS)
		return true;
	return homes->keep_unpublished && g->unpublished;
}

/* Without the values of event loops, which loops/ fills in. */
static void group_row(struct group *g, const struct moment *now, struct group_row *row)
{
	double cpu_before = g->held[GROUP_CPU_USAGE];

	*row = (struct group_row){.container = g->key.home->row, .comm = g->comm, .dead = !g->processes};
	for (int i = 0; i < GROUP_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	row->v[GROUP_CPU_USAGE] = (double)g->now.totals.exec_ns;
	cputime_split(g->now.totals.exec_ns, g->now.totals.utime_ns, g->now.totals.stime_ns, &g->user_ns,
		      &g->system_ns);
	row->v[GROUP_CPU_USER] = (double)g->user_ns;
	row->v[GROUP_CPU_SYSTEM] = (double)g->system_ns;
	row->v[GROUP_MINOR_FAULTS] = (double)g->now.totals.minor_faults;
	row->v[GROUP_PROCESSES] = (double)g->processes;
	row->v[GROUP_THREADS] = (double)g->threads;
	if (g->key.home->kind != HOME_KERNEL)
		row->v[GROUP_RSS] = g->processes && !g->memory_known ? VALUE_ABSENT : (double)g->rss_bytes;
	row->v[GROUP_VOLUNTARY_SWITCHES] = (double)g->now.totals.voluntary_switches;
	row->v[GROUP_INVOLUNTARY_SWITCHES] = (double)g->now.totals.involuntary_switches;
	row->v[GROUP_MAJOR_FAULTS] = (double)g->now.totals.major_faults;
	if (now->io_known) {
		row->v[GROUP_READ_BYTES] = (double)g->now.totals.read_bytes;
		row->v[GROUP_WRITE_BYTES] = (double)g->now.totals.write_bytes;
	}
	if (now->lifecycle_known)
		row->v[GROUP_ENDED] = (double)g->now.processes_ended;
	counters_hold(SCOPE_GROUP, row->v, g->held, false);
	if (g->processes || value_absent(cpu_before) || g->held[GROUP_CPU_USAGE] > cpu_before)
		g->unpublished = true;
}

void group_rows_add(struct home_rows *rows, struct homes *homes, const struct moment *now, bool dead)
{
	for (struct group *g = homes->groups; g; g = g->hh.next) {
		if ((g->key.home->dead_since_ns != 0) != dead)
			continue;
		if (g->processes)
			g->empty_since_ns = 0;
		else if (!g->empty_since_ns)
			g->empty_since_ns = now->boot_ns ?: 1;
		g->row = GROUP_NO_ROW;
		if (g->folded || g->key.home->row == HOME_NO_ROW || !group_is_shown(homes, now, g))
			continue;
		g->row = (uint32_t)rows->groups.n++;
		group_row(g, now, &rows->groups.at[g->row]);
	}
}

/* ---- instances ---- */

static int by_template(const void *a, const void *b)
{
	const struct instance_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	if (x->dead != y->dead)
		return x->dead ? 1 : -1;
	if (x->cpu_ns != y->cpu_ns)
		return x->cpu_ns > y->cpu_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void instance_row_add(struct home_rows *rows, const struct home_cgroup *c)
{
	struct container_row *row = &rows->containers.at[c->home->row];

	rows->instances.at[rows->instances.n++] = (struct instance_row){
		.container = c->home->row,
		.name = c->instance,
		.dead = !c->alive,
		.cpu_ns = (double)c->usage_ns,
		.memory = c->read_now ? value_or_absent(c->files.memory_usage) : VALUE_ABSENT,
	};
	row->n_instances++;
	row->instances_ended += !c->alive;
}

int instance_rows_add(struct home_rows *rows, const struct homes *homes)
{
	size_t n = 0;

	for (const struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		n += c->instance != NULL;
	if (list_fit(&rows->instances, n) < 0)
		return -ENOMEM;
	rows->instances.n = 0;
	for (const struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		if (c->instance && c->home && c->home->row != HOME_NO_ROW)
			instance_row_add(rows, c);
	if (rows->instances.n)
		qsort(rows->instances.at, rows->instances.n, sizeof(*rows->instances.at), by_template);
	for (size_t i = rows->instances.n; i-- > 0;)
		rows->containers.at[rows->instances.at[i].container].instances = &rows->instances.at[i];
	return 0;
}
