/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_use.c - see cpu_use.h. Called by the rules. */
#include <math.h>
#include <stdlib.h>

#include "diagnose/measure/cpu_use.h"

/* Of one run: most rules about the CPU ask for the same of all containers. */
struct cpu_cache {
	struct machine_cpu machine;
	struct cpu_use of[]; /* each container */
};

static struct cpu_use cpu_use_read(const struct judging *j, uint32_t i)
{
	double used = window_container(j->w, i, CONTAINER_CPU_USAGE);

	return (struct cpu_use){
		/* Without the files of cgroups what was counted by task, which is the same but for nested containers. */
		.cores = judge_seconds(j, value_absent(used) ? window_container(j->w, i, CONTAINER_CPU_TASKS) : used),
		.wait = judge_seconds(j, window_container(j->w, i, CONTAINER_WAKEUP_WAIT) +
						 window_container(j->w, i, CONTAINER_PREEMPTED_WAIT)),
		.throttled = judge_seconds(j, window_container(j->w, i, CONTAINER_THROTTLED_WAIT)),
		.limit = j->now->containers[i].v[CONTAINER_CPU_LIMIT],
	};
}

struct cpu_use cpu_use(const struct judging *j, uint32_t i)
{
	return j->cpu ? j->cpu->of[i] : cpu_use_read(j, i);
}

double cpu_lost_share(double cores, double wait, double lost)
{
	/* The parts are read one after the other. */
	return cores + wait > 0 ? fmin(1, lost / (cores + wait)) : 0;
}

struct cpu_waits *cpu_waits_collect(struct judging *j)
{
	struct cpu_waits *waits = calloc(j->now->n_containers + 1, sizeof(*waits));

	if (!waits) {
		j->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < j->now->n_neighbours; i++) {
		const struct neighbour_row *n = &j->now->neighbours[i];
		double wait = judge_seconds(j, window_neighbour(j->w, i, NEIGHBOUR_WAIT));
		struct cpu_waits *w = &waits[n->waiter];

		if (!(wait > 0))
			continue;
		if (n->runner == n->waiter) {
			w->self += wait;
			continue;
		}
		w->others += wait;
		if (n->runner != NEIGHBOUR_OTHERS && wait > w->worst_wait) {
			w->worst_wait = wait;
			w->worst = n->runner;
		}
	}
	return waits;
}

/*
 * Threads of the container that wait because the machine is full. A queue of its own threads says nothing about that unless the
 * container is what fills the machine: it may be bound to a few CPUs, and others are free.
 */
static double waiting_of(const struct judging *j, uint32_t i, const struct cpu_waits *w, double used)
{
	struct cpu_use u = cpu_use(j, i);
	double all = fmax(0, u.wait - u.throttled), self = fmin(all, w->self), others = all - self;

	if (value_absent(u.wait))
		return 0;
	return others + (u.cores >= used / 2 ? self : fmin(self, others));
}

/* Without the scheduler hooks: what the kernel counts of waits that are over, if no quota and no cpuset may be the reason. */
static double waiting_finished(const struct judging *j, uint32_t i)
{
	if (window_average(j->w, WINDOW_CONTAINERS, i, TREND_CONTAINER_THROTTLED_RATIO) > 0 || cpu_is_pinned(j, i))
		return VALUE_ABSENT;
	return judge_seconds(j, window_container(j->w, i, CONTAINER_RUNQ_WAIT));
}

static double machine_waiting(struct judging *j, double used, bool *ret_exact)
{
	_cleanup_free_ struct cpu_waits *waits = cpu_waits_collect(j);
	double waiting = 0, finished = 0;
	bool known = false;

	*ret_exact = false;
	for (uint32_t i = 0; waits && i < j->now->n_containers; i++) {
		double one = waiting_finished(j, i);

		*ret_exact |= !value_absent(cpu_use(j, i).wait);
		waiting += waiting_of(j, i, &waits[i], used);
		known |= !value_absent(one);
		finished += one > 0 ? one : 0;
	}
	if (*ret_exact)
		return waiting;
	return known ? finished : VALUE_ABSENT;
}

/* Without memory each rule reads it again. */
static struct cpu_cache *cpu_cache_new(const struct judging *j)
{
	struct cpu_cache *cache = malloc(sizeof(*cache) + j->now->n_containers * sizeof(cache->of[0]));

	for (uint32_t i = 0; cache && i < j->now->n_containers; i++)
		cache->of[i] = cpu_use_read(j, i);
	return cache;
}

static struct machine_cpu machine_cpu_read(struct judging *j)
{
	double stolen = judge_seconds(j, window_host(j->w, HOST_STEAL));
	struct machine_cpu m = {
		.cpus = j->now->v[HOST_CPUS],
		.used = judge_seconds(j, window_host(j->w, HOST_CPU_USAGE)),
	};

	m.idle = m.cpus - m.used - (stolen > 0 ? stolen : 0);
	m.idle = m.idle < 0 ? 0 : m.idle;
	m.waiting = machine_waiting(j, m.used, &m.exact);
	m.busy = m.used >= m.cpus * judge_threshold(j, HOST_CPU_SATURATED_BUSY);
	m.full = m.busy && m.waiting >= m.cpus * judge_threshold(j, HOST_CPU_SATURATED_WAITING);
	return m;
}

struct machine_cpu machine_cpu(struct judging *j)
{
	struct machine_cpu m;

	if (j->cpu)
		return j->cpu->machine;
	j->cpu = cpu_cache_new(j);
	m = machine_cpu_read(j);
	if (j->cpu)
		j->cpu->machine = m;
	return m;
}

bool cpu_is_pinned(const struct judging *j, uint32_t i)
{
	const struct container_row *c = &j->now->containers[i];

	return c->cpu_limit_is_cpuset && c->v[CONTAINER_CPU_LIMIT] < j->now->v[HOST_CPUS];
}

double cpu_own_quota(const struct container_row *c)
{
	double quota = c->v[CONTAINER_SPEC_QUOTA], period = c->v[CONTAINER_SPEC_PERIOD];

	return quota > 0 && period > 0 ? quota / period : VALUE_ABSENT;
}
