/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incarnations.c - the cgroups of homes: which are a home's own, what they have used, and the sums over them: see
 * incarnations.h.
 *
 * A container that is restarted gets a new cgroup under the same path. It stays the same home, and its totals go on. Each
 * cgroup is an incarnation; the home keeps what the cgroup's files said last and what its threads used after that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/home.h"
#include "homes/incarnations.h"

struct home_cgroup *incarnation_find(const struct homes *homes, uint64_t id)
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
	struct home_cgroup *c = incarnation_find(homes, s->id);
	struct home *h;
	bool is_root;

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
	/* The files of "/" describe the whole machine. */
	is_root = s->home_root && h->kind != HOME_HOST;
	if (c->home != h || c->parent_id != s->parent_id || c->is_root != is_root) {
		if (c->home)
			c->home->version++;
		h->version++;
		memset(&c->living, 0, sizeof(c->living));
	}
	c->home = h;
	c->parent_id = s->parent_id;
	c->is_root = is_root;
	c->seen = now->number;
	c->counts = s->counts;
	c->network = s->network;
	c->oom_hook = now->oom_kills_known;
	c->alive = s->alive;
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
	for (int i = 0; i < SS_RECLAIM_CAUSES; i++) {
		p->reclaim[i].ns += c->counts.reclaim[i].ns;
		p->reclaim[i].stalls += c->counts.reclaim[i].stalls;
	}
	p->forks += c->counts.forks;
	p->thread_creations += c->counts.thread_creations;
	p->execs += c->counts.execs;
	p->exits += c->counts.exits;
	for (int i = 0; i < SS_ENDS; i++)
		p->main_ends[i] += c->counts.main.ends[i];
	p->network.receive_bytes += c->network.receive_bytes;
	p->network.receive_packets += c->network.receive_packets;
	p->network.transmit_bytes += c->network.transmit_bytes;
	p->network.transmit_packets += c->network.transmit_packets;
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
#define ADD(FIELD, METRIC) p->files.FIELD += known(c->files.FIELD);
	HOME_FILE_COUNTERS(ADD)
#undef ADD
	for (int i = 0; i < HUGE_PAGE_SIZES; i++)
		p->hugetlb_failcnt[i] += known(c->files.hugetlb_failcnt[i]);
}

int incarnations_take(struct homes *homes, const struct moment *now, const struct sample *s)
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
			c->home->version++;
			c->home->ended += c->instance != NULL;
		}
		HASH_DEL(homes->cgroups, c);
		home_cgroup_free(c);
	}
	for (struct home *h = homes->all; h; h = h->hh.next)
		h->version += h->current != h->current_before;
	return 0;
}

void incarnation_touch(struct home_cgroup *c, uint64_t update)
{
	if (c->changed == update)
		return;
	c->changed = update;
	memset(&c->living, 0, sizeof(c->living));
}

/* Nested cgroups are part of the nearest one above them that is the home's own. */
struct home_cgroup *incarnation_of(const struct homes *homes, struct home_cgroup *c)
{
	struct home_cgroup *up = c;

	do {
		if (up->is_root)
			return up;
		up = incarnation_find(homes, up->parent_id);
	} while (up && up->home == c->home);
	return c->home->current;
}

/* ---- sums, after all threads were added ---- */

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
	f->memory_min = f->memory_high = f->swap_high = f->under_oom = f->oom_kill_disabled = SS_UNKNOWN;
	/* Several may wait at the same time. */
	f->pressure_cpu_some_ns = f->pressure_cpu_full_ns = SS_UNKNOWN;
	f->pressure_memory_some_ns = f->pressure_memory_full_ns = SS_UNKNOWN;
	f->pressure_io_some_ns = f->pressure_io_full_ns = SS_UNKNOWN;
	for (int i = 0; i < HUGE_PAGE_SIZES; i++)
		f->hugetlb_limit[i] = f->hugetlb_peak[i] = SS_UNKNOWN;
}

/* Of several that ended since the sample before, the one in the latest cgroup is the last. */
static void main_end_take(struct home_cgroup *c)
{
	struct home_main *main = &c->home->main;
	uint64_t ends = 0;

	for (int i = 0; i < SS_ENDS; i++)
		ends += c->counts.main.ends[i];
	if (ends == c->ends_taken)
		return;
	c->ends_taken = ends;
	if (c->counts.created_ns < main->last_ns)
		return;
	main->last_ns = c->counts.created_ns;
	main->last = c->counts.main;
}

void incarnations_sum(struct homes *homes)
{
	for (struct home *h = homes->all; h; h = h->hh.next) {
		h->living = 0;
		h->sum = h->past;
		h->has_incarnation = false;
		h->main.last_ns = 0;
	}
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next) {
		uint64_t utime, stime;

		if (!c->home)
			continue;
		totals_add(&c->tasks, &c->living);
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
		main_end_take(c);
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

void incarnations_free(struct homes *homes)
{
	struct home_cgroup *c, *next;

	HASH_ITER (hh, homes->cgroups, c, next) {
		HASH_DEL(homes->cgroups, c);
		home_cgroup_free(c);
	}
}
