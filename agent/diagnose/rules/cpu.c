/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu.c - rules about the CPU: quotas, single threads, short-lived processes; contention.c has those about waits for each other,
 * cpu_use.c those about the machine. Called by judge.c through the table in rules.def.
 *
 * The measure of all of them is the share of time that is lost: of the time in which threads ran or wanted to run, the part in
 * which they waited for a given reason.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/measure/cpu_use.h"
#include "diagnose/measure/loop_use.h"

/* Up to the next tenth, with a tenth of room. */
static double cores_to_give(double wanted)
{
	return ceil(wanted * 11 - 1e-6) / 10;
}

/* ---- cpu_throttled ---- */

/* A container whose threads wait for a quota. */
struct throttled {
	uint32_t row;
	const char *of; /* whose quota; NULL: its own */
	double lost;	/* share of the time in which its threads ran or wanted to; without the hooks, of the periods */
	double periods; /* share of those in which the quota ran out */
};

/* Those of one quota together, the worst first. */
static int throttled_order(const void *a, const void *b)
{
	const struct throttled *x = a, *y = b;
	int by_quota = strcmp(x->of ?: "", y->of ?: "");

	if (by_quota)
		return by_quota;
	if (x->lost != y->lost)
		return x->lost > y->lost ? -1 : 1;
	return x->row < y->row ? -1 : 1;
}

/*
 * What all containers below a quota used, and what they wanted, waits for the quota included: those with a lower quota of their own
 * no more than that, but for the one that the finding is about.
 */
static void used_below(struct judging *j, const struct throttled *t, double *ret_used, double *ret_wanted)
{
	*ret_used = *ret_wanted = 0;
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double cores = judge_seconds(j, window_container(j->w, i, CONTAINER_CPU_TASKS)), wait, quota;

		if (i != t->row && !path_within(c->cgroup, t->of) &&
		    !(c->throttled_by && strcmp(c->throttled_by, t->of) == 0))
			continue;
		wait = cpu_use(j, i).throttled;
		quota = i == t->row ? VALUE_ABSENT : cpu_own_quota(c);
		cores = cores > 0 ? cores : 0;
		*ret_used += cores;
		*ret_wanted += fmax(cores, fmin(quota, cores + (wait > 0 ? wait : 0)));
	}
}

/* The quota that ran out. Absent: not known. */
static double quota_of(const struct judging *j, const struct throttled *t)
{
	const struct container_row *c = &j->now->containers[t->row];
	double own = cpu_own_quota(c);

	if (!t->of && !value_absent(own))
		return own;
	if (c->cpu_limit_is_cpuset || (t->of && (!c->cpu_limit_of || strcmp(c->cpu_limit_of, t->of) != 0)))
		return VALUE_ABSENT;
	return c->v[CONTAINER_CPU_LIMIT];
}

static void throttled_evidence(struct judging *j, struct finding *f, const struct throttled *t, size_t n,
			       const struct cpu_use *u, double used_below)
{
	const struct container_row *c = &j->now->containers[t->row];
	double quota = quota_of(j, t), used = t->of ? used_below : u->cores;
	const char *who = t->of ? judge_text(j, "all that is below %s", t->of) : "it";

	if (value_absent(quota))
		finding_evidence(j, f, "cpu_cores", used, "cores", "%s used %.2f CPU", who, used);
	else
		finding_evidence(j, f, "cpu_cores", used, "cores", "%s used %.2f CPU of the %.2f that it may use", who,
				 used, quota);
	finding_evidence(j, f, "throttled_ratio", t->periods, "ratio", "the quota ran out in %.0f %% of its periods",
			 t->periods * 100);
	if (t->of && u->cores < used_below * 0.99)
		finding_evidence(j, f, "cpu_cores", u->cores, "cores", "%s used %.2f CPU", c->name, u->cores);
	if (!value_absent(u->throttled))
		finding_evidence(j, f, "throttled_wait_seconds_total", u->throttled, "seconds_per_second",
				 "%s threads waited %.2f s in each second for the quota",
				 t->of ? judge_text(j, "%s's", c->name) : "its", u->throttled);
	for (size_t i = 1; i < n && i < 3; i++)
		finding_evidence(j, f, "", t[i].lost, "ratio", "%s is held up as well: %.0f %% of %s",
				 j->now->containers[t[i].row].name, t[i].lost * 100,
				 value_absent(u->throttled) ? "the periods" : "the time that it has work");
	if (n > 3)
		finding_evidence(j, f, "", (double)(n - 3), "count", "and %zu more containers", n - 3);
}

/* A quota that the waits tell; who works in bursts waits for a quota that is enough on average, and gets half as much again. */
static void quota_advise(struct judging *j, struct finding *f, const struct throttled *t, const char *who,
			 double wanted)
{
	double cpus = j->now->v[HOST_CPUS], quota = quota_of(j, t), give = cores_to_give(wanted);
	bool bursts = wanted < quota;

	give = fmin(cpus, bursts ? ceil(quota * 15 - 1e-6) / 10 : give);
	finding_advice(j, f, "%s wanted about %.1f CPUs%s, waits included; give it %.1f: %s", who, fmin(cpus, wanted),
		       bursts ? " on average, and more in bursts" : "", give, advice_cpu_limit(j, t->row, t->of, give));
}

static void throttled_advise(struct judging *j, struct finding *f, const struct throttled *t, const struct cpu_use *u,
			     double wanted_below)
{
	const struct container_row *c = &j->now->containers[t->row];
	const struct throttled self = {.row = t->row};
	double own = cpu_own_quota(c), quota = quota_of(j, t);

	if (value_absent(u->throttled)) {
		/* Without the scheduler hooks nobody knows how much it wanted. */
		if (value_absent(quota))
			finding_advice(j, f,
				       "raise the quota step by step: collector sched would tell how much it lacks");
		else
			finding_advice(j, f, "how much it lacks is not known; try twice the quota: %s",
				       advice_cpu_limit(j, t->row, t->of, fmin(j->now->v[HOST_CPUS], quota * 2)));
	} else if (t->of) {
		quota_advise(j, f, t, "all that is below it", wanted_below);
		if (own < u->cores + u->throttled)
			quota_advise(
				j, f, &self,
				judge_text(j, "raise its own quota of %.2f CPU, too: %s", own, advice_name(j, c->name)),
				u->cores + u->throttled);
	} else {
		quota_advise(j, f, t, "it", u->cores + u->throttled);
	}
}

static void throttled_headline(struct judging *j, struct finding *f, const struct throttled *t, size_t n, bool known)
{
	const char *name = j->now->containers[t->row].name;
	const char *share = judge_text(
		j, known ? "for %.0f %% of the time that it has work" : "in %.0f %% of its periods", t->lost * 100);

	if (n > 1)
		finding_headline(j, f, t->lost, "the CPU quota of %s holds up %zu containers; %s, the worst, %s", t->of,
				 n, name, share);
	else
		finding_headline(j, f, t->lost, "%s is held up by %s CPU quota%s%s %s", name, t->of ? "the" : "its",
				 t->of ? " of " : "", t->of ?: "", share);
}

#define PERIODS_LEAST 10 /* of a container that has ended */

/* Share of the periods in which its quota ran out. Of one that has ended: of those that it had in the watch, by its own quota. */
static double throttled_periods(const struct judging *j, uint32_t i)
{
	double all;

	if (!j->now->containers[i].dead)
		return window_average(j->w, WINDOW_CONTAINERS, i, TREND_CONTAINER_THROTTLED_RATIO);
	all = window_container(j->w, i, CONTAINER_PERIODS);
	return all >= PERIODS_LEAST ? window_container(j->w, i, CONTAINER_THROTTLED_PERIODS) / all : VALUE_ABSENT;
}

/* What it used in each second in which it lived, if it has ended. */
static struct cpu_use cpu_use_alive(const struct judging *j, uint32_t i)
{
	const struct container_row *c = &j->now->containers[i];
	double born = c->v[CONTAINER_START_TIME] / 1e9, from = born > j->w->began ? born : j->w->began;
	double lived = j->now->time - c->dead_seconds - from;
	struct cpu_use u = cpu_use(j, i);

	if (!c->dead || !(lived > 0.1) || lived > j->w->seconds)
		return u;
	u.cores *= j->w->seconds / lived;
	u.wait *= j->w->seconds / lived;
	u.throttled *= j->w->seconds / lived;
	return u;
}

/* One finding for all that one quota holds up. */
static void throttled_find(struct judging *j, const struct throttled *t, size_t n)
{
	struct cpu_use u = cpu_use_alive(j, t->row);
	bool known = !value_absent(u.throttled);
	double used = 0, wanted = 0;
	struct finding *f = judge_find(j, t->row,
				       known && !j->now->containers[t->row].dead &&
						       t->lost >= judge_threshold(j, CPU_THROTTLED_CRITICAL)
					       ? FINDING_CRITICAL
					       : FINDING_WARNING);

	if (!f)
		return;
	f->confidence = known ? FINDING_HIGH : FINDING_MEDIUM;
	if (t->of)
		used_below(j, t, &used, &wanted);
	throttled_headline(j, f, t, n, known);
	throttled_evidence(j, f, t, n, &u, used);
	loops_throttled(j, f, t->row);
	if (known && u.wait - u.throttled < u.throttled)
		finding_ruled_out(j, f, "neighbours: only %.2f s in each second were waits for a CPU that others had",
				  u.wait - u.throttled);
	throttled_advise(j, f, t, &u, wanted);
	finding_advice(j, f,
		       "or let it run fewer threads at once: each period's quota is spent sooner by more of them");
}

/* False: it is none, and how close it came has been said. */
static bool throttled_is(struct judging *j, uint32_t i, struct throttled *ret)
{
	const struct container_row *c = &j->now->containers[i];
	double periods = throttled_periods(j, i);
	struct cpu_use u = cpu_use(j, i);
	bool known = !value_absent(u.throttled), own = !c->throttled_by || strcmp(c->throttled_by, c->cgroup) == 0;
	double lost = known ? cpu_lost_share(u.cores, u.wait, u.throttled) : periods;

	if (value_absent(u.cores))
		return false;
	*ret = (struct throttled){i, own ? NULL : c->throttled_by, lost, periods};
	if (periods >= judge_threshold(j, CPU_THROTTLED_PERIODS) && lost >= judge_threshold(j, CPU_THROTTLED_LOST))
		return true;
	judge_near(j, i, periods, judge_threshold(j, CPU_THROTTLED_PERIODS),
		   "its CPU quota ran out in %.0f %% of the periods", periods * 100);
	return false;
}

void judge_cpu_throttled(struct judging *j)
{
	_cleanup_free_ struct throttled *held = calloc(j->now->n_containers + 1, sizeof(*held));
	size_t n = 0;

	if (!held)
		j->failed = true;
	for (uint32_t i = 0; held && i < j->now->n_containers; i++)
		if (throttled_periods(j, i) > 0 && throttled_is(j, i, &held[n]) && judge_wanted(j, i))
			n++;
	if (n)
		qsort(held, n, sizeof(*held), throttled_order);
	for (size_t i = 0, begin = 0; i < n; i++) {
		if (i + 1 < n && held[i].of && held[i + 1].of && strcmp(held[i].of, held[i + 1].of) == 0)
			continue;
		throttled_find(j, &held[begin], i + 1 - begin);
		begin = i + 1;
	}
}

/* ---- cpu_single_thread ---- */

/* CPUs that were free for it; 0 if a quota stops it. */
static double room_for(struct judging *j, uint32_t container, const struct machine_cpu *m)
{
	struct cpu_use u = cpu_use(j, container);

	if (window_average(j->w, WINDOW_CONTAINERS, container, TREND_CONTAINER_THROTTLED_RATIO) > 0)
		return 0;
	return value_absent(u.limit) ? m->idle : fmin(m->idle, u.limit - u.cores);
}

void judge_cpu_single_thread(struct judging *j)
{
	struct machine_cpu m = machine_cpu(j);

	for (uint32_t i = 0; i < j->now->n_processes; i++) {
		const struct process_row *p = &j->now->processes[i];
		const struct container_row *c = &j->now->containers[p->container];
		double used = judge_seconds(j, window_process(j->w, i, PROCESS_CPU_USAGE)), room;
		struct finding *f;

		if (p->kernel || p->v[PROCESS_THREADS] != 1 || !(used >= judge_threshold(j, CPU_SINGLE_THREAD_BUSY)))
			continue;
		room = room_for(j, p->container, &m);
		if (!(room >= judge_threshold(j, CPU_SINGLE_THREAD_ROOM)))
			continue;
		f = judge_find(j, p->container, FINDING_NOTICE);
		if (!f)
			return;
		f->pid = p->pid;
		f->comm = p->comm;
		finding_headline(j, f, used, "%s (pid %u) in %s fills one CPU with its only thread; it cannot use more",
				 p->comm, p->pid, c->name);
		finding_evidence(j, f, "cpu_cores", used, "cores", "it used %.2f CPU with one thread", used);
		finding_evidence(j, f, "", room, "cores", "%.1f CPUs were free for it", room);
		finding_ruled_out(j, f, "its limit and its neighbours: there was a CPU free");
		finding_advice(j, f, "more CPUs do not help: run more processes of it%s",
			       c->dead ? "" : judge_text(j, ", or find what it does: perf top -p %u", p->pid));
	}
}

/* ---- short_lived_processes ---- */

/* The name of which most processes ended in the container; NULL: none did. */
static const char *ended_most(struct judging *j, uint32_t container, double *ret_ended)
{
	const char *comm = NULL;
	size_t n;
	const uint32_t *rows = index_groups(j, container, &n);

	*ret_ended = 0;
	for (size_t i = 0; i < n; i++) {
		const struct group_row *g = &j->now->groups[rows[i]];

		if (g->v[GROUP_ENDED] > *ret_ended) {
			*ret_ended = g->v[GROUP_ENDED];
			comm = g->comm;
		}
	}
	return comm;
}

/* The process of whose children that are called `comm` most live at this moment; NULL: none does. */
static const struct process_row *starter_of(struct judging *j, uint32_t container, const char *comm)
{
	uint32_t parent = 0, votes = 0;
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	/* The most frequent parent by majority vote: one pass, and right whenever one parent has more than half. */
	for (size_t i = 0; i < n; i++) {
		const struct process_row *p = &j->now->processes[rows[i]];

		if (strcmp(p->comm, comm) != 0 || p->v[PROCESS_AGE] > 1e9)
			continue;
		if (!votes)
			parent = p->ppid;
		votes += p->ppid == parent ? 1 : -1;
	}
	return parent ? index_pid(j, parent) : NULL;
}

/* With less of the CPU time there is long-running work beside them. */
#define MOST 0.8

/* `cores`: what they used, of `all` that the container used. */
static void short_lived_find(struct judging *j, uint32_t i, double cores, double all, bool full)
{
	const struct container_row *c = &j->now->containers[i];
	double births = judge_rate(j, window_container(j->w, i, CONTAINER_FORKS)), ended;
	const char *comm = ended_most(j, i, &ended), *name = advice_name(j, c->name);
	const struct process_row *starter = comm ? starter_of(j, i, comm) : NULL;
	struct finding *f = judge_find(j, i, full ? FINDING_WARNING : FINDING_NOTICE);
	const char *weight = full ? advice_cpu_weight(j, i, NO_CONTAINER) : NULL;

	if (!f)
		return;
	if (starter) {
		f->culprit_process = starter->comm;
		f->culprit_pid = starter->pid;
	}
	finding_headline(j, f, judge_excess(cores, judge_threshold(j, SHORT_LIVED_PROCESSES_CORES)),
			 "%s starts %.0f processes a second; those that live less than a second use %.2f CPU", c->name,
			 births, cores);
	finding_evidence(j, f, "short_lived_cpu_seconds_total", cores, "cores",
			 "of the %.2f CPU that it used, %.2f went to processes of less than a second", all, cores);
	if (comm)
		finding_evidence(j, f, "exits_total", ended, "count", "most of those that ended were called %s", comm);
	if (starter)
		finding_evidence(j, f, "", 0, "", "those alive at the end were started by %s (pid %u)", starter->comm,
				 starter->pid);
	if (cores >= all * MOST)
		finding_ruled_out(j, f, "long-running work: it is the starting and ending that costs");
	finding_advice(j, f, "see who starts them: %s", advice_events(j, "--type exec --container %s", name));
	finding_advice(
		j, f,
		"then start them less often (a health check: a longer interval), or let one process that stays do "
		"the work");
	if (weight && judge_is_own_home(c))
		finding_advice(j, f, "until then let %s go last: %s", name, weight);
}

void judge_short_lived_processes(struct judging *j)
{
	bool full = machine_cpu(j).full;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		double cores = judge_seconds(j, window_container(j->w, i, CONTAINER_SHORT_LIVED_CPU));
		double all = judge_seconds(j, window_container(j->w, i, CONTAINER_CPU_TASKS));

		/* What one lived for before the watch is counted at its end. */
		all = fmax(all, cores);
		if (j->now->containers[i].dead || !(cores > 0))
			continue;
		if (cores < judge_threshold(j, SHORT_LIVED_PROCESSES_CORES) ||
		    cores < all * judge_threshold(j, SHORT_LIVED_PROCESSES_SHARE))
			judge_near(j, i, cores, judge_threshold(j, SHORT_LIVED_PROCESSES_CORES),
				   "processes that lived for less than a second used %.2f CPU", cores);
		else
			short_lived_find(j, i, cores, all, full);
	}
}
