/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homes.c - which home each cgroup belongs to, what ended threads left there, when a home is dead and when it is forgotten:
 * see homes.h. Called by model_update.c; the rows are written by home_rows.c.
 *
 * A container that is restarted gets a new cgroup under the same path. It stays the same home, and its totals go on. Each
 * cgroup is an incarnation; the home keeps what the cgroup's files said last and what its threads used after that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/arithmetic.h"
#include "model/homes.h"
#include "base/list.h"

/* Dead homes that wait to be delivered once; beyond it the oldest go. */
#define TOMBSTONES_MAX 4096

/* Copies the identity; the strings live as long as the home or until they change. */
static int home_describe(struct home *h, const struct identity *who)
{
	int r = text_keep(&h->name, who->name);

	r |= text_keep(&h->id, who->id);
	r |= text_keep(&h->runtime, who->runtime);
	r |= text_keep(&h->image, who->image);
	r |= text_keep(&h->pod, who->pod);
	r |= text_keep(&h->pod_namespace, who->pod_namespace);
	r |= text_keep(&h->labels, who->labels);
	r |= text_keep(&h->parent_path, who->parent);
	h->kind = who->kind;
	h->uid = who->uid;
	h->cpu_shares = who->cpu_shares;
	h->instances = who->instances;
	h->generation = who->generation;
	return r < 0 ? -ENOMEM : 0;
}

static void home_free(struct home *h)
{
	free(h->path);
	free(h->name);
	free(h->id);
	free(h->runtime);
	free(h->image);
	free(h->pod);
	free(h->pod_namespace);
	free(h->labels);
	free(h->parent_path);
	free(h);
}

static struct home *home_get(struct homes *homes, const struct moment *now, const char *path,
			     const struct identity *who)
{
	struct home *h;
	size_t length = strlen(path);

	HASH_FIND(hh, homes->all, path, length, h);
	if (h) {
		if (h->generation != who->generation && home_describe(h, who) < 0)
			return NULL;
		return h;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->path = strdup(path);
	if (!h->path || home_describe(h, who) < 0) {
		home_free(h);
		return NULL;
	}
	h->first_sample = now->number;
	h->held_start = VALUE_ABSENT;
	for (int i = 0; i < CONTAINER_METRICS; i++)
		h->before[i] = h->held[i] = VALUE_ABSENT;
	HASH_ADD_KEYPTR(hh, homes->all, h->path, length, h);
	if (!h->hh.tbl) {
		home_free(h);
		return NULL;
	}
	return h;
}

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

static struct home_cgroup *cgroup_find(const struct homes *homes, uint64_t id)
{
	struct home_cgroup *c;

	HASH_FIND(hh, homes->cgroups, &id, sizeof(id), c);
	return c;
}

static bool files_known(const struct cgroup_counters *f)
{
	return f->cpu_usage_ns != SS_UNKNOWN || f->memory_usage != SS_UNKNOWN || f->pids != SS_UNKNOWN ||
	       f->cpu_quota_us != SS_UNKNOWN;
}

static int instance_name(struct home_cgroup *c, const struct sample_cgroup *s)
{
	const char *slash = strrchr(s->path, '/');

	if (!c->is_root || !c->home->instances)
		return 0;
	return text_keep(&c->instance, slash ? slash + 1 : s->path);
}

static void home_cgroup_free(struct home_cgroup *c)
{
	free(c->instance);
	free(c);
}

static int home_cgroup_take(struct homes *homes, const struct moment *now, const struct sample_cgroup *s)
{
	struct home_cgroup *c = cgroup_find(homes, s->id);
	struct home *h;

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->id = s->id;
		HASH_ADD(hh, homes->cgroups, id, sizeof(c->id), c);
		if (!c->hh.tbl) {
			free(c);
			return -ENOMEM;
		}
	} else if (!c->home && !s->alive) {
		c->seen = now->number; /* its home was forgotten already */
		return 0;
	}
	h = s->who->kind == HOME_HOST ? homes->host : home_get(homes, now, s->who->home, s->who);
	if (!h)
		return -ENOMEM;
	c->home = h;
	c->parent_id = s->parent_id;
	c->seen = now->number;
	c->counts = s->counts;
	c->oom_hook = now->oom_kills_known;
	c->alive = s->alive;
	/* The files of "/" describe the whole machine. */
	c->is_root = s->home_root && h->kind != HOME_HOST;
	c->read_now = c->is_root && s->alive && files_known(&s->files);
	if (c->read_now) {
		c->files = s->files;
		c->ahead_ns = c->read_once ? c->ahead_ns : UINT64_MAX;
		/* The agent does not add the file's later steps: it counts a process again whose main thread has ended. */
		if (!c->read_once && !s->counts.created_ns && s->files.oom_kills != SS_UNKNOWN)
			c->oom_before = sub_sat(s->files.oom_kills, s->counts.oom_kills);
		c->read_once = true;
	}
	if (c->is_root && s->alive) {
		h->current = c;
		h->born_ns = s->counts.created_ns;
	}
	return instance_name(c, s);
}

static uint64_t known(uint64_t value)
{
	return value == SS_UNKNOWN ? 0 : value;
}

/*
 * CPU of one incarnation: its file while that can be read, what its threads used if the file was never read. After the last
 * reading of the file: what its threads used, plus what the file had counted besides. The file is read later than the
 * threads of the same sample, by as long as the agent itself waited for a CPU, so adding up the last reading and what the
 * threads used since would count some time twice: hence the least lead of the file. The split is made exact as for threads,
 * because v1's files give sampled times that do not add up to the usage.
 */
static void incarnation_cpu(struct home_cgroup *c, uint64_t *ret_utime, uint64_t *ret_stime)
{
	*ret_utime = c->tasks.utime_ns;
	*ret_stime = c->tasks.stime_ns;
	c->usage_ns = c->tasks_held_ns;
	if (c->read_once && c->files.cpu_usage_ns != SS_UNKNOWN) {
		uint64_t tasks_ns = c->read_now ? 0 : c->tasks_held_ns + c->ahead_ns;

		c->usage_ns = tasks_ns > c->files.cpu_usage_ns ? tasks_ns : c->files.cpu_usage_ns;
		*ret_utime = known(c->files.cpu_user_ns);
		*ret_stime = known(c->files.cpu_system_ns);
	}
}

/*
 * By the hook: each process once, also for a cgroup whose file could not be read after the kill. Without the hook: what the
 * cgroup's file says.
 */
static uint64_t oom_kills_of(const struct home_cgroup *c)
{
	if (c->oom_hook)
		return c->counts.oom_kills + c->oom_before;
	return c->is_root && c->read_once ? known(c->files.oom_kills) : 0;
}

static void sum_add(struct home_sum *p, const struct home_cgroup *c)
{
	p->oom_kills += oom_kills_of(c);
	p->forks += c->counts.forks;
	p->thread_creations += c->counts.thread_creations;
	p->execs += c->counts.execs;
	p->exits += c->counts.exits;
	if (!c->is_root)
		return;
	p->cpu_usage_ns += c->usage_ns;
	p->cpu_user_ns += c->user_ns;
	p->cpu_system_ns += c->system_ns;
	if (!c->read_once)
		return;
	p->periods += known(c->files.periods);
	p->throttled_periods += known(c->files.throttled_periods);
	p->throttled_ns += known(c->files.throttled_ns);
	p->page_faults += known(c->files.page_faults);
	p->major_page_faults += known(c->files.major_page_faults);
	p->memory_failcnt += known(c->files.memory_failcnt);
}

static void homes_reset(struct homes *homes)
{
	for (struct home *h = homes->all; h; h = h->hh.next) {
		h->current = NULL;
		h->processes = h->threads = h->stopped_threads = h->free_threads = 0;
		h->oldest_start_ns = h->open_wait_ns = 0;
		memset(h->states, 0, sizeof(h->states));
	}
	groups_reset(homes);
}

static int cgroups_take(struct homes *homes, const struct moment *now, const struct sample *s)
{
	struct home_cgroup *c, *next;
	int r = 0;

	for (size_t i = 0; i < s->n_cgroups && r >= 0; i++)
		r = home_cgroup_take(homes, now, &s->cgroups[i]);
	if (r < 0)
		return r;
	HASH_ITER (hh, homes->cgroups, c, next) {
		c->tasks = c->carried;
		if (c->seen == now->number)
			continue;
		if (c->home) {
			sum_add(&c->home->past, c);
			c->home->ended += c->instance != NULL;
		}
		HASH_DEL(homes->cgroups, c);
		home_cgroup_free(c);
	}
	return 0;
}

/* ---- look-ups ---- */

struct home *home_known(const struct homes *homes, uint64_t cgroup_id)
{
	struct home_cgroup *c;

	if (cgroup_id == SS_CGROUP_KERNEL)
		return homes->kernel;
	c = cgroup_find(homes, cgroup_id);
	return c ? c->home : NULL;
}

/* Nested cgroups are part of the nearest one above them that is the home's own. */
static struct home_cgroup *incarnation_of(const struct homes *homes, struct home_cgroup *c)
{
	struct home_cgroup *up = c;

	while (up && !up->is_root && up->home == c->home)
		up = cgroup_find(homes, up->parent_id);
	return up && up->home == c->home && up->is_root ? up : c->home->current;
}

struct group *group_of_cgroup(struct homes *homes, uint64_t cgroup_id, const char *comm,
			      struct home_cgroup **ret_incarnation)
{
	struct home_cgroup *c = cgroup_id == SS_CGROUP_KERNEL ? NULL : cgroup_find(homes, cgroup_id);
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
	r = cgroups_take(homes, now, s);
	if (r >= 0)
		r = homes_add_gone(homes, s->gone_final, s->n_gone_final, true);
	return r < 0 ? r : homes_add_gone(homes, s->gone_open, s->n_gone_open, false);
}

/* ---- after all threads were added ---- */

/* Adds up the files of a template's instances. Limits are those of each, and peaks were at other moments. */
static void instance_add(struct home *h, const struct home_cgroup *c)
{
	const uint64_t *one = (const uint64_t *)&c->files;
	struct cgroup_counters *f = &h->files;
	uint64_t *sum = (uint64_t *)f;

	if (!c->alive || !c->is_root)
		return;
	if (!h->living++) {
		*f = c->files;
		return;
	}
	for (size_t i = 0; i < CGROUP_COUNTERS_FIELDS; i++)
		sum[i] = sum[i] == SS_UNKNOWN || one[i] == SS_UNKNOWN ? SS_UNKNOWN : sum[i] + one[i];
	f->cpu_quota_us = f->cpu_period_us = f->cpu_shares = f->cpu_weight = f->cpuset_cpus = SS_UNKNOWN;
	f->memory_limit = f->memory_reservation = f->swap_limit = f->pids_limit = f->memory_peak = SS_UNKNOWN;
}

static void cgroups_sum(struct homes *homes)
{
	for (struct home *h = homes->all; h; h = h->hh.next) {
		h->living = 0;
		h->sum = h->past;
		h->has_incarnation = false;
	}
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next) {
		uint64_t utime, stime;

		if (!c->home)
			continue;
		if (c->tasks.exec_ns > c->tasks_held_ns)
			c->tasks_held_ns = c->tasks.exec_ns;
		if (c->read_now && c->files.cpu_usage_ns != SS_UNKNOWN &&
		    sub_sat(c->files.cpu_usage_ns, c->tasks_held_ns) < c->ahead_ns)
			c->ahead_ns = sub_sat(c->files.cpu_usage_ns, c->tasks_held_ns);
		if (c->is_root) {
			incarnation_cpu(c, &utime, &stime);
			cputime_split(c->usage_ns, utime, stime, &c->user_ns, &c->system_ns);
		}
		sum_add(&c->home->sum, c);
		c->home->has_incarnation |= c->is_root;
		if (c->home->instances)
			instance_add(c->home, c);
	}
	for (struct home *h = homes->all; h; h = h->hh.next) {
		struct home_sum *sum = &h->sum;

		if (h->has_incarnation)
			continue;
		sum->cpu_usage_ns = h->tasks.exec_ns;
		sum->cpu_user_ns = sum->cpu_system_ns = 0;
		cputime_split(h->tasks.exec_ns, h->tasks.utime_ns, h->tasks.stime_ns, &sum->cpu_user_ns,
			      &sum->cpu_system_ns);
	}
}

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
	while (up && (up = cgroup_find(homes, up->parent_id)) && up->home) {
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
	cgroups_sum(homes);
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
	struct home_cgroup *c, *next_cgroup;

	HASH_ITER (hh, homes->cgroups, c, next_cgroup) {
		HASH_DEL(homes->cgroups, c);
		home_cgroup_free(c);
	}
	HASH_ITER (hh, homes->all, h, next_home) {
		groups_free(homes, h);
		HASH_DEL(homes->all, h);
		home_free(h);
	}
	forgotten_free(homes);
}
