/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homes.c - homes and their incarnations: which cgroup belongs to whom, what the dead left, when a home is dead
 * and when it is forgotten. Part of the model (internal.h); the rows are written by home_rows.c.
 *
 * A container that is restarted gets a new cgroup under the same path: it goes on being the same home, and its totals
 * go on too. Each cgroup is an incarnation; what its files said last, and what its tasks used after that, stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

static int string_set(char **to, const char *value)
{
	char *copy;

	if (*to && strcmp(*to, value) == 0)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

/* Copies who the home is; its strings live as long as the home or until they change. */
static int home_describe(struct home *h, const struct identity *who)
{
	int r = string_set(&h->name, who->name);

	r |= string_set(&h->id, who->id);
	r |= string_set(&h->runtime, who->runtime);
	r |= string_set(&h->image, who->image);
	r |= string_set(&h->pod, who->pod);
	r |= string_set(&h->pod_namespace, who->pod_namespace);
	r |= string_set(&h->labels, who->labels);
	r |= string_set(&h->parent_path, who->parent);
	h->kind = who->kind;
	h->uid = who->uid;
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

static struct home *home_get(struct model *m, const char *path, const struct identity *who)
{
	struct home *h;
	size_t length = strlen(path);

	HASH_FIND(hh, m->homes, path, length, h);
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
	h->first_sample = m->sequence;
	h->held_start = VALUE_ABSENT;
	for (int i = 0; i < CONTAINER_METRICS; i++)
		h->before[i] = h->held[i] = VALUE_ABSENT;
	HASH_ADD_KEYPTR(hh, m->homes, h->path, length, h);
	if (!h->hh.tbl) {
		home_free(h);
		return NULL;
	}
	return h;
}

/* The two homes that are always there: tasks outside of any other, and kernel threads. */
static int homes_make_fixed(struct model *m)
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

	if (!m->host)
		m->host = home_get(m, "/", &who);
	who.kind = HOME_KERNEL;
	who.name = "kernel";
	/* No path of a cgroup is empty. */
	if (!m->kernel)
		m->kernel = home_get(m, "", &who);
	return m->host && m->kernel ? 0 : -ENOMEM;
}

struct cg *cg_find(struct model *m, uint64_t id)
{
	struct cg *c;

	HASH_FIND(hh, m->cgs, &id, sizeof(id), c);
	return c;
}

static bool files_known(const struct cgroup_counters *f)
{
	return f->cpu_usage_ns != SS_UNKNOWN || f->memory_usage != SS_UNKNOWN || f->pids != SS_UNKNOWN;
}

static int cg_take(struct model *m, const struct sample_cgroup *s)
{
	struct cg *c = cg_find(m, s->id);
	struct home *h;

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->id = s->id;
		HASH_ADD(hh, m->cgs, id, sizeof(c->id), c);
		if (!c->hh.tbl) {
			free(c);
			return -ENOMEM;
		}
	} else if (!c->home && !s->alive) {
		c->seen = m->sequence; /* its home was dropped already */
		return 0;
	}
	h = s->who->kind == HOME_HOST ? m->host : home_get(m, s->who->home, s->who);
	if (!h)
		return -ENOMEM;
	c->home = h;
	c->parent_id = s->parent_id;
	c->seen = m->sequence;
	c->counts = s->counts;
	c->oom_hook = m->oom_hook;
	c->alive = s->alive;
	/* The files of "/" speak of the whole machine. */
	c->is_root = s->home_root && h->kind != HOME_HOST;
	c->read_now = c->is_root && s->alive && files_known(&s->files);
	if (c->read_now) {
		c->files = s->files;
		c->ahead_ns = c->read_once ? c->ahead_ns : UINT64_MAX;
		/* The file's later steps are not ours to add: it counts a process again whose main thread has ended. */
		if (!c->read_once && !s->counts.created_ns && s->files.oom_kills != SS_UNKNOWN)
			c->oom_before = sub_sat(s->files.oom_kills, s->counts.oom_kills);
		c->read_once = true;
	}
	if (s->alive)
		h->n_living_cgs++;
	if (c->is_root && s->alive) {
		h->current = c;
		h->born_ns = s->counts.created_ns;
	}
	return 0;
}

static uint64_t known(uint64_t value)
{
	return value == SS_UNKNOWN ? 0 : value;
}

/*
 * CPU of one incarnation: its file; after the last reading of that, its tasks and what the file knew besides; never read,
 * its tasks. The file is read later than the tasks of the same sample, by as much as the agent itself had to wait for a
 * CPU, so what it said last is not to be added to what they used since: the least difference of the two is. The split is
 * made exact as for tasks, since v1's files give sampled times that do not add up to the usage.
 */
static void cg_cpu(struct cg *c)
{
	if (c->read_once && c->files.cpu_usage_ns != SS_UNKNOWN) {
		uint64_t tasks_ns = c->read_now ? 0 : c->tasks_held_ns + c->ahead_ns;

		c->usage_ns = tasks_ns > c->files.cpu_usage_ns ? tasks_ns : c->files.cpu_usage_ns;
		cputime_split(c->usage_ns, known(c->files.cpu_user_ns), known(c->files.cpu_system_ns), &c->user_ns,
			      &c->system_ns);
	} else {
		c->usage_ns = c->tasks_held_ns;
		cputime_split(c->usage_ns, c->tasks.utime_ns, c->tasks.stime_ns, &c->user_ns, &c->system_ns);
	}
}

/*
 * By the hook, each process once and also of a cgroup that nobody could read after the kill; without it what the cgroup's file
 * says.
 */
static uint64_t cg_oom_kills(const struct cg *c)
{
	if (c->oom_hook)
		return c->counts.oom_kills + c->oom_before;
	return c->is_root && c->read_once ? known(c->files.oom_kills) : 0;
}

static void past_add(struct home_sum *p, const struct cg *c)
{
	p->oom_kills += cg_oom_kills(c);
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

static void homes_reset(struct model *m)
{
	for (struct home *h = m->homes; h; h = h->hh.next) {
		h->current = NULL;
		h->n_living_cgs = 0;
		h->processes = h->threads = 0;
		h->oldest_start_ns = h->open_wait_ns = 0;
		memset(h->states, 0, sizeof(h->states));
	}
	for (struct group *g = m->groups; g; g = g->hh.next) {
		g->now = g->carried;
		g->processes = g->threads = g->rss_bytes = 0;
	}
}

int homes_begin(struct model *m, const struct sample *s)
{
	struct cg *c, *next;
	int r = homes_make_fixed(m);

	m->oom_hook = collector_ok(s, "oom");

	if (r < 0)
		return r;
	homes_reset(m);
	for (size_t i = 0; i < s->n_cgroups; i++) {
		r = cg_take(m, &s->cgroups[i]);
		if (r < 0)
			return r;
	}
	HASH_ITER (hh, m->cgs, c, next) {
		c->tasks = c->carried;
		if (c->seen == m->sequence)
			continue;
		if (c->home)
			past_add(&c->home->past, c);
		HASH_DEL(m->cgs, c);
		free(c);
	}
	return 0;
}

bool cgroup_is_known(struct model *m, uint64_t cgroup_id)
{
	return cgroup_id == SS_CGROUP_KERNEL || cg_find(m, cgroup_id);
}

struct home *home_of_cgroup(struct model *m, uint64_t cgroup_id, struct cg **ret_incarnation)
{
	struct cg *c, *up;

	if (ret_incarnation)
		*ret_incarnation = NULL;
	if (cgroup_id == SS_CGROUP_KERNEL)
		return m->kernel;
	c = cg_find(m, cgroup_id);
	if (!c || !c->home)
		return m->host;
	if (ret_incarnation) {
		for (up = c; up && !up->is_root && up->home == c->home; up = cg_find(m, up->parent_id))
			;
		*ret_incarnation = up && up->home == c->home && up->is_root ? up : c->home->current;
	}
	return c->home;
}

struct home *home_known(struct model *m, uint64_t cgroup_id)
{
	struct cg *c = cg_find(m, cgroup_id);

	return cgroup_id == SS_CGROUP_KERNEL ? m->kernel : c ? c->home : NULL;
}

struct group *group_get(struct model *m, struct home *h, const char *comm)
{
	struct group *g, key = {};

	key.key.home = h;
	/* What stands behind the NUL is not part of the name. */
	memcpy(key.key.comm, comm, strnlen(comm, SS_COMM_LEN));
	HASH_FIND(hh, m->groups, &key.key, sizeof(key.key), g);
	if (g)
		return g;
	if (h->n_groups >= GROUPS_PER_HOME && strcmp(comm, SS_COMM_OTHER) != 0)
		return group_get(m, h, SS_COMM_OTHER);
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->key = key.key;
	memcpy(g->comm, key.key.comm, SS_COMM_LEN);
	for (int i = 0; i < GROUP_METRICS; i++)
		g->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, m->groups, key, sizeof(g->key), g);
	if (!g->hh.tbl) {
		free(g);
		return NULL;
	}
	h->n_groups++;
	return g;
}

static void gone_add(struct ss_gone *to, const struct ss_gone *what)
{
	totals_add(&to->totals, &what->totals);
	to->processes_ended += what->processes_ended;
	to->threads_ended += what->threads_ended;
	to->short_lived_ns += what->short_lived_ns;
	waits_add(&to->waits, &what->waits);
}

int homes_add_gone(struct model *m, const struct sample_gone *gone, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		char comm[SS_COMM_LEN + 1] = "";
		struct cg *incarnation;
		struct home *h = home_of_cgroup(m, gone[i].key.cgroup_id, &incarnation);
		struct group *g;

		memcpy(comm, gone[i].key.comm, SS_COMM_LEN);
		g = group_get(m, h, comm);
		if (!g)
			return -ENOMEM;
		gone_add(&g->now, &gone[i].value);
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

/* ---- after everything was added ---- */

static void homes_sum(struct model *m)
{
	for (struct home *h = m->homes; h; h = h->hh.next) {
		memset(&h->tasks, 0, sizeof(h->tasks));
		memset(&h->waits, 0, sizeof(h->waits));
		h->short_lived_ns = 0;
		h->sum = h->past;
		h->has_incarnation = false;
	}
	for (struct group *g = m->groups; g; g = g->hh.next) {
		totals_add(&g->key.home->tasks, &g->now.totals);
		waits_add(&g->key.home->waits, &g->now.waits);
		g->key.home->short_lived_ns += g->now.short_lived_ns;
	}
	for (struct cg *c = m->cgs; c; c = c->hh.next) {
		if (!c->home)
			continue;
		if (c->tasks.exec_ns > c->tasks_held_ns)
			c->tasks_held_ns = c->tasks.exec_ns;
		if (c->read_now && sub_sat(c->files.cpu_usage_ns, c->tasks_held_ns) < c->ahead_ns)
			c->ahead_ns = sub_sat(c->files.cpu_usage_ns, c->tasks_held_ns);
		if (c->is_root)
			cg_cpu(c);
		past_add(&c->home->sum, c);
		c->home->has_incarnation |= c->is_root;
	}
}

static void home_forget(struct model *m, struct home *h)
{
	struct group *g, *next;

	if (!value_absent(h->held[CONTAINER_CPU_TASKS]))
		m->reaped_tasks_ns += (uint64_t)h->held[CONTAINER_CPU_TASKS];
	HASH_ITER (hh, m->groups, g, next) {
		if (g->key.home != h)
			continue;
		HASH_DEL(m->groups, g);
		free(g);
	}
	for (struct cg *c = m->cgs; c; c = c->hh.next)
		if (c->home == h)
			c->home = NULL;
	pairs_forget_home(m, h);
	transitions_forget_home(m, h);
	HASH_DEL(m->homes, h);
	home_free(h);
}

/* Notes who died and forgets who has been dead for long. */
static void homes_bury(struct model *m)
{
	struct home *h, *next;

	m->n_dead = 0;
	HASH_ITER (hh, m->homes, h, next) {
		bool fixed = h == m->host || h == m->kernel;

		if (fixed || h->threads || h->current) {
			h->dead_since_ns = 0;
			h->last_alive_wall_ns = m->wall_ns;
			continue;
		}
		if (!h->dead_since_ns)
			h->dead_since_ns = m->boot_ns ?: 1;
		m->n_dead++;
		if (m->boot_ns < h->dead_since_ns + TOMBSTONE_NS)
			continue;
		if (m->keep_unpublished && h->unpublished && m->n_dead <= TOMBSTONES_MAX)
			continue;
		home_forget(m, h);
		m->n_dead--;
	}
}

int homes_finish(struct model *m, const struct sample *s, double interval)
{
	homes_sum(m);
	homes_bury(m);
	return home_rows(m, s, interval);
}

void homes_free(struct model *m)
{
	struct home *h, *next_home;
	struct group *g, *next_group;
	struct cg *c, *next_cg;

	HASH_ITER (hh, m->groups, g, next_group) {
		HASH_DEL(m->groups, g);
		free(g);
	}
	HASH_ITER (hh, m->cgs, c, next_cg) {
		HASH_DEL(m->cgs, c);
		free(c);
	}
	HASH_ITER (hh, m->homes, h, next_home) {
		HASH_DEL(m->homes, h);
		home_free(h);
	}
}
