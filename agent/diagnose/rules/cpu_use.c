/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu_use.c - see cpu_use.h; and the rules about the CPUs of the whole machine. Called by the rules, and by judge.c through the
 * table in rules.def.
 */
#include <math.h>
#include <stdlib.h>

#include "diagnose/case/advice.h"
#include "diagnose/rules/cpu_use.h"

struct cpu_use cpu_use(const struct judging *j, uint32_t i)
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
	const struct container_row *c = &j->now->containers[i];

	if (c->v[CONTAINER_THROTTLED_RATIO] > 0 || cpu_is_pinned(j, i))
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

struct machine_cpu machine_cpu(struct judging *j)
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

/* ---- host_cpu_saturated, cpu_steal ---- */

/* The containers that used the most CPU, the most first; their number, at most `n`. */
static size_t largest_users(struct judging *j, uint32_t *ret, double *ret_cores, size_t n)
{
	size_t found = 0, at;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		double cores = cpu_use(j, i).cores;

		if (!(cores > 0) || j->now->containers[i].parent[0])
			continue;
		for (at = found; at > 0 && ret_cores[at - 1] < cores; at--)
			;
		if (at == n)
			continue;
		found += found < n;
		for (size_t k = found - 1; k > at; k--) {
			ret[k] = ret[k - 1];
			ret_cores[k] = ret_cores[k - 1];
		}
		ret[at] = i;
		ret_cores[at] = cores;
	}
	return found;
}

/* Who fills the machine: with at least half of what is used it is one of them, among equals it is nobody. */
static void saturated_by(struct judging *j, struct finding *f, const struct machine_cpu *m)
{
	uint32_t users[3];
	double cores[3];
	size_t n = largest_users(j, users, cores, ARRAY_SIZE(users));
	const char *weight;

	for (size_t i = 0; i < n; i++)
		finding_evidence(j, f, "cpu_cores", cores[i], "cores", "%s used %.2f CPU%s",
				 j->now->containers[users[i]].name, cores[i], i ? "" : ", the most");
	if (!n || cores[0] < m->used / 2 || !judge_is_own_home(&j->now->containers[users[0]]))
		return;
	finding_culprit(j, f, users[0]);
	weight = advice_cpu_weight(j, users[0], NO_CONTAINER);
	if (weight)
		finding_advice(j, f, "let %s go last: %s", advice_name(j, j->now->containers[users[0]].name), weight);
}

void judge_host_cpu_saturated(struct judging *j)
{
	struct machine_cpu m = machine_cpu(j);
	struct finding *f;

	if (m.busy && value_absent(m.waiting)) {
		judge_cannot(j, "%.1f of %.0f CPUs were busy; whether threads waited for them needs collector sched",
			     m.used, m.cpus);
		return;
	}
	if (!m.full) {
		judge_near(j, NO_CONTAINER,
			   fmin(m.used / (m.cpus * judge_threshold(j, HOST_CPU_SATURATED_BUSY)),
				m.waiting / (m.cpus * judge_threshold(j, HOST_CPU_SATURATED_WAITING))),
			   1, "%.1f of %.0f CPUs were busy, and %.1f threads waited for one", m.used, m.cpus,
			   m.waiting);
		return;
	}
	f = judge_find(j, NO_CONTAINER, FINDING_WARNING);
	if (!f)
		return;
	f->confidence = m.exact ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, m.used / m.cpus,
			 "all %.0f CPUs of the machine are busy, and on average %.1f threads wait for them", m.cpus,
			 m.waiting);
	finding_evidence(j, f, "cpu_seconds_total", m.used, "cores", "%.2f of %.0f CPUs were busy", m.used, m.cpus);
	finding_evidence(j, f, "", m.waiting, "threads", "%.1f threads waited for a CPU on average, apart from quotas",
			 m.waiting);
	saturated_by(j, f, &m);
	finding_advice(j, f, "%smove work to another machine; this one has none to give", f->n_advice ? "or " : "");
}

void judge_cpu_steal(struct judging *j)
{
	double cpus = j->now->v[HOST_CPUS], stolen = judge_seconds(j, window_host(j->w, HOST_STEAL)) / cpus;
	struct finding *f;

	if (value_absent(stolen)) {
		judge_cannot(j, "the hypervisor has never reported stolen time");
		return;
	}
	if (stolen < judge_threshold(j, CPU_STEAL_STOLEN)) {
		judge_near(j, NO_CONTAINER, stolen, judge_threshold(j, CPU_STEAL_STOLEN),
			   "%.1f %% of the CPU time was stolen", stolen * 100);
		return;
	}
	f = judge_find(j, NO_CONTAINER,
		       stolen >= judge_threshold(j, CPU_STEAL_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);
	if (!f)
		return;
	finding_headline(j, f, stolen, "the hypervisor takes %.0f %% of this machine's CPU time for others",
			 stolen * 100);
	finding_evidence(j, f, "steal_seconds_total", stolen, "ratio", "steal: %.1f %% of the time of %.0f CPUs",
			 stolen * 100, cpus);
	finding_ruled_out(j, f, "anything inside this machine: nothing here can take that time, or give it back");
	finding_advice(j, f, "move the machine to another host, or to a size whose CPUs are not shared or burstable");
}
