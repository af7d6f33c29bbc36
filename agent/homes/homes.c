/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homes.c - the conductor of the homes: which home each cgroup counts for, what ended threads left there, when a home is dead
 * or empty, and when it is forgotten: see homes.h. Called by model_update.c; the rows are written by home_rows.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/home.h"
#include "homes/homes.h"
#include "homes/incarnations.h"

/* Dead homes that wait to be delivered once; beyond it the oldest go. */
#define TOMBSTONES_MAX 4096

/* The two homes that are always there: one for threads outside of any other home, one for kernel threads. */
static int homes_make_fixed(struct homes *homes, const struct moment *now)
{
	struct identity who = {.kind = HOME_HOST,
			       .home = "/",
			       .parent = "",
			       .runtime = "",
			       .id = "",
			       .name = "host",
			       .image = "",
			       .pod = "",
			       .pod_namespace = "",
			       .labels = "",
			       .uid = -1};

	if (!homes->host)
		homes->host = home_get(homes, now, "/", &who);
	who.kind = HOME_KERNEL;
	who.name = "kernel";
	/* No path of a cgroup is empty. */
	if (!homes->kernel)
		homes->kernel = home_get(homes, now, "", &who);
	return homes->host && homes->kernel ? 0 : -ENOMEM;
}

static void homes_reset(struct homes *homes)
{
	for (struct home *h = homes->all; h; h = h->hh.next) {
		h->current_before = h->current;
		h->current = NULL;
		h->processes = h->threads = h->stopped_threads = h->free_threads = 0;
		h->init_ended = false;
		h->oldest_start_ns = h->open_wait_ns = 0;
		memset(h->states, 0, sizeof(h->states));
	}
	groups_reset(homes);
}

/* ---- look-ups ---- */

struct home *home_known(const struct homes *homes, uint64_t cgroup_id)
{
	struct home_cgroup *c;

	if (cgroup_id == SS_CGROUP_KERNEL)
		return homes->kernel;
	c = incarnation_find(homes, cgroup_id);
	return c ? c->home : NULL;
}

struct group *group_of_cgroup(struct homes *homes, uint64_t cgroup_id, const char *comm,
			      struct home_cgroup **ret_incarnation)
{
	struct home_cgroup *c = cgroup_id == SS_CGROUP_KERNEL ? NULL : incarnation_find(homes, cgroup_id);
	struct home *h = c && c->home ? c->home : cgroup_id == SS_CGROUP_KERNEL ? homes->kernel : homes->host;

	if (ret_incarnation)
		*ret_incarnation = c && c->home ? incarnation_of(homes, c) : NULL;
	return group_get(homes, h, comm);
}

/* ---- ended threads ---- */

/* `final`: from a table that was emptied, so these lines do not come again. */
static int homes_add_gone(struct homes *homes, const struct sample_gone *gone, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		struct home_cgroup *incarnation;
		struct group *g = group_of_cgroup(homes, gone[i].key.cgroup_id, gone[i].key.comm, &incarnation);

		if (!g)
			return -ENOMEM;
		gone_add(&g->now, &gone[i].value);
		g->open |= !final;
		if (final)
			gone_add(&g->carried, &gone[i].value);
		if (!incarnation)
			continue;
		totals_add(&incarnation->tasks, &gone[i].value.totals);
		if (final)
			totals_add(&incarnation->carried, &gone[i].value.totals);
	}
	return 0;
}

int homes_begin(struct homes *homes, const struct moment *now, const struct sample *s)
{
	int r = homes_make_fixed(homes, now);

	if (r < 0)
		return r;
	homes->update = now->number;
	homes_reset(homes);
	r = incarnations_take(homes, now, s);
	if (r >= 0)
		r = homes_add_gone(homes, s->gone_final, s->n_gone_final, true);
	return r < 0 ? r : homes_add_gone(homes, s->gone_open, s->n_gone_open, false);
}

/* ---- after all threads were added ---- */

/* Cgroups that have no home any more count for nobody; the home itself is freed later, see homes.forgotten. */
static void home_forget(struct homes *homes, struct home *h)
{
	if (!value_absent(h->held[CONTAINER_CPU_TASKS]))
		homes->reaped_tasks_ns += (uint64_t)h->held[CONTAINER_CPU_TASKS];
	groups_free(homes, h);
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		if (c->home == h)
			c->home = NULL;
	HASH_DEL(homes->all, h);
	homes->described++;
	h->row = HOME_NO_ROW;
	h->forgotten = true;
	h->next_forgotten = homes->forgotten;
	homes->forgotten = h;
}

static void forgotten_free(struct homes *homes)
{
	while (homes->forgotten) {
		struct home *h = homes->forgotten;

		homes->forgotten = h->next_forgotten;
		home_free(h);
	}
}

/* Notes which homes died and forgets those that have been dead for long. */
static void homes_bury(struct homes *homes, const struct moment *now)
{
	struct home *h, *next;
	size_t n_dead = 0;

	HASH_ITER (hh, homes->all, h, next) {
		bool fixed = h == homes->host || h == homes->kernel;

		if (fixed || h->threads || h->current) {
			h->dead_since_ns = 0;
			h->last_alive_wall_ns = now->wall_ns;
			continue;
		}
		if (!h->dead_since_ns)
			h->dead_since_ns = now->boot_ns ?: 1;
		n_dead++;
		if (now->boot_ns < h->dead_since_ns + TOMBSTONE_NS)
			continue;
		if (homes->keep_unpublished && h->unpublished && n_dead <= TOMBSTONES_MAX)
			continue;
		home_forget(homes, h);
		n_dead--;
	}
}

/* A pod, a unit or a container around other containers is as inhabited as they are. */
static void home_inhabit(struct homes *homes, const struct moment *now, struct home *h)
{
	struct home_cgroup *up = h->current;

	h->inhabited = now->number;
	while (up && (up = incarnation_find(homes, up->parent_id)) && up->home) {
		if (up->home != h && up->home->inhabited == now->number)
			return;
		up->home->inhabited = now->number;
	}
}

/* What forgets to remove its cgroups leaves empty ones: notes since when nothing has happened in them. */
static void homes_inhabit(struct homes *homes, const struct moment *now)
{
	for (struct home *h = homes->all; h; h = h->hh.next)
		if (h->threads)
			home_inhabit(homes, now, h);
	for (struct home *h = homes->all; h; h = h->hh.next) {
		uint64_t used_ns = h->sum.cpu_usage_ns + h->tasks.exec_ns;

		if (!home_is_empty(h, now) || used_ns > h->used_before_ns)
			h->idle_since_ns = 0;
		else if (!h->idle_since_ns)
			h->idle_since_ns = now->boot_ns ?: 1;
		h->used_before_ns = used_ns;
	}
}

void homes_settle(struct homes *homes, const struct moment *now)
{
	forgotten_free(homes);
	groups_settle(homes, now);
	incarnations_sum(homes);
	homes_bury(homes, now);
	homes_inhabit(homes, now);
}

void homes_published(struct homes *homes)
{
	for (struct home *h = homes->all; h; h = h->hh.next)
		h->unpublished = false;
	for (struct group *g = homes->groups; g; g = g->hh.next)
		g->unpublished = false;
}

void homes_free(struct homes *homes)
{
	struct home *h, *next_home;

	incarnations_free(homes);
	HASH_ITER (hh, homes->all, h, next_home) {
		groups_free(homes, h);
		HASH_DEL(homes->all, h);
		home_free(h);
	}
	forgotten_free(homes);
}
