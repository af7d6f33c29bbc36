/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contention.c - rules about threads that wait for CPUs on which others run: neighbours, and threads of the same container. Called
 * by judge.c through the table in rules.def.
 */
#include <math.h>
#include <stdlib.h>

#include "diagnose/case/advice.h"
#include "diagnose/measure/cpu_use.h"

/* CPUs that are free while threads wait for one: the threads may not run there. */
#define FREE_CPUS 0.5

/* What both rules look at. */
struct contention {
	struct machine_cpu m;
	struct cpu_waits *waits; /* of all containers */
};

/* ---- cpu_neighbour ---- */

/* A container that waits for another one. */
struct victim {
	uint32_t row, culprit;
	double wait; /* seconds in each second for the culprit */
	double lost; /* share of the time in which its threads ran or wanted to */
};

/* Those of one culprit together, the worst first. */
static int victim_order(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	if (x->culprit != y->culprit)
		return x->culprit < y->culprit ? -1 : 1;
	if (x->wait != y->wait)
		return x->wait > y->wait ? -1 : 1;
	if (x->lost != y->lost)
		return x->lost > y->lost ? -1 : 1;
	return x->row < y->row ? -1 : 1;
}

/*
 * The CPUs that remain for the culprit if its victims had got what they waited for: from the CPUs of the machine without what
 * others used, and the victims used and wanted. Absent: there is no value that helps the victims and leaves the culprit at work.
 */
static double limit_for(struct judging *j, const struct contention *x, const struct victim *v, size_t n)
{
	double theirs = cpu_use(j, v->culprit).cores, rest = x->m.used - theirs, wanted = 0, left;

	for (size_t i = 0; i < n; i++) {
		struct cpu_use u = cpu_use(j, v[i].row);
		double most = fmin(value_absent(u.limit) ? x->m.cpus : u.limit,
				   j->now->containers[v[i].row].v[CONTAINER_THREADS]);

		/* Other CPUs than these do not help it. */
		if (cpu_is_pinned(j, v[i].row))
			return VALUE_ABSENT;
		rest -= u.cores;
		wanted += fmax(u.cores, fmin(most, u.cores + x->waits[v[i].row].worst_wait));
	}
	left = floor((x->m.cpus - fmax(rest, 0) - wanted) * 10 + 1e-6) / 10;
	return left >= fmax(0.1, theirs / 4) && left <= theirs * 0.9 ? left : VALUE_ABSENT;
}

static void neighbour_advise(struct judging *j, struct finding *f, const struct contention *x, const struct victim *v,
			     size_t n)
{
	const struct container_row *culprit = &j->now->containers[v->culprit];
	const char *weight = advice_cpu_weight(j, v->culprit, v->row), *name = advice_name(j, culprit->name);
	double limit;

	if (!judge_is_own_home(culprit)) {
		finding_advice(j, f, "see which of its processes take the CPU: %s",
			       advice_top(j, "--view processes --sort cpu_cores --container %s", name));
		return;
	}
	if (weight)
		finding_advice(j, f, "let %s go last: %s", name, weight);
	limit = culprit->dead ? VALUE_ABSENT : limit_for(j, x, v, n);
	if (!value_absent(limit))
		finding_advice(j, f, "%slimit it to the %.1f CPUs that the others leave: %s", weight ? "or " : "",
			       limit, advice_cpu_limit(j, v->culprit, NULL, limit));
	else if (!weight)
		finding_advice(j, f, "limit %s, or let it work at another time or on another machine", name);
}

/* The victims behind the first one: as many as there is room for. */
static void victims_list(struct judging *j, struct finding *f, const struct contention *x, const struct victim *v,
			 size_t n)
{
	size_t shown = n <= 4 ? n : 3;

	for (size_t i = 1; i < shown; i++) {
		double wait = x->waits[v[i].row].worst_wait;

		finding_evidence(j, f, "wait_seconds_total", wait, "seconds_per_second",
				 "%s waited %.2f s in each second for it; %.0f %% of the time that it had work",
				 j->now->containers[v[i].row].name, wait, v[i].lost * 100);
	}
	if (shown < n)
		finding_evidence(j, f, "", (double)(n - shown), "count", "and %zu more containers waited for it",
				 n - shown);
}

static void neighbour_headline(struct judging *j, struct finding *f, const struct victim *v, size_t n, bool pinned)
{
	const char *c = j->now->containers[v->row].name, *culprit = j->now->containers[v->culprit].name;
	double lost = v->lost * 100;

	if (pinned)
		finding_headline(
			j, f, v->lost,
			"%s may use only %.0f of the %.0f CPUs, on which %s runs as well: %s waits for %.0f %% of "
			"the time that it has work",
			c, j->now->containers[v->row].v[CONTAINER_CPU_LIMIT], j->now->v[HOST_CPUS], culprit, c, lost);
	else if (n == 1)
		finding_headline(j, f, v->lost,
				 "%s has the CPUs that %s needs: %s waits for %.0f %% of the time that it has work",
				 culprit, c, c, lost);
	else
		finding_headline(
			j, f, v->lost,
			"%s has the CPUs that %zu others need: %s, the worst, waits for %.0f %% of the time that "
			"it has work",
			culprit, n, c, lost);
}

/* One of them waits longer than it runs, and not just because it has next to nothing to do. */
static bool victims_critical(const struct judging *j, const struct contention *x, const struct victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].lost >= judge_threshold(j, CPU_NEIGHBOUR_CRITICAL) &&
		    x->waits[v[i].row].others >= judge_threshold(j, CPU_NEIGHBOUR_CRITICAL_WAIT))
			return true;
	return false;
}

/* One finding for all that wait for the same container. */
static void neighbour_find(struct judging *j, const struct contention *x, const struct victim *v, size_t n)
{
	const struct container_row *c = &j->now->containers[v->row], *culprit = &j->now->containers[v->culprit];
	const struct cpu_waits *w = &x->waits[v->row];
	struct cpu_use u = cpu_use(j, v->row), theirs = cpu_use(j, v->culprit);
	bool pinned = cpu_is_pinned(j, v->row) && x->m.idle >= FREE_CPUS;
	struct finding *f =
		judge_find(j, v->row, victims_critical(j, x, v, n) && !pinned ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	/* CPUs were free: it may be where threads are bound to that decides, not who runs there. */
	f->confidence = x->m.idle >= FREE_CPUS ? FINDING_MEDIUM : FINDING_HIGH;
	finding_culprit(j, f, v->culprit);
	neighbour_headline(j, f, v, n, pinned);
	finding_evidence(j, f, "wait_seconds_total", w->worst_wait, "seconds_per_second",
			 "in each second threads of %s waited %.2f s for CPUs on which %s ran (%.0f %% of what they "
			 "waited for others)",
			 c->name, w->worst_wait, culprit->name, w->worst_wait / w->others * 100);
	finding_evidence(j, f, "cpu_cores", u.cores, "cores", "%s got %.2f CPU", c->name, u.cores);
	finding_evidence(j, f, "cpu_cores", theirs.cores, "cores", "%s used %.2f CPU of the machine's %.0f",
			 culprit->name, theirs.cores, x->m.cpus);
	victims_list(j, f, x, v, n);
	if (!value_absent(u.throttled) && u.throttled < w->others)
		finding_ruled_out(j, f, "the CPU quota of %s: %.2f s in each second", c->name, u.throttled);
	finding_ruled_out(j, f, "threads of %s in each other's way: %.2f s in each second", c->name, w->self);
	if (pinned)
		finding_advice(j, f, "%.1f CPUs were free; let it use more of them: %s", x->m.idle,
			       advice_cpu_set(j, v->row));
	neighbour_advise(j, f, x, v, n);
}

static bool neighbour_is(const struct judging *j, uint32_t i, const struct cpu_use *u, const struct cpu_waits *w)
{
	return w->others >= judge_threshold(j, CPU_NEIGHBOUR_WAIT) &&
	       cpu_lost_share(u->cores, u->wait, w->others) >= judge_threshold(j, CPU_NEIGHBOUR_LOST) &&
	       w->worst_wait >= w->others * judge_threshold(j, CPU_NEIGHBOUR_SHARE) &&
	       /* Rather its own queue, which cpu_self_contention is about. */
	       w->self <= w->others && w->worst != i &&
	       cpu_use(j, w->worst).cores >= u->cores * judge_threshold(j, CPU_NEIGHBOUR_MORE);
}

/* Who waits for a neighbour itself has not got the CPU that it needs, and is not to blame for others that wait. Their number. */
static size_t victims_of_innocents_drop(const struct judging *j, const struct contention *x, struct victim *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct cpu_use u = cpu_use(j, v[i].culprit);

		if (!judge_is_own_home(&j->now->containers[v[i].culprit]) ||
		    !neighbour_is(j, v[i].culprit, &u, &x->waits[v[i].culprit]))
			v[kept++] = v[i];
	}
	return kept;
}

void judge_cpu_neighbour(struct judging *j)
{
	_cleanup_free_ struct cpu_waits *waits = cpu_waits_collect(j);
	_cleanup_free_ struct victim *victims = calloc(j->now->n_containers + 1, sizeof(*victims));
	struct contention x = {machine_cpu(j), waits};
	size_t n = 0;

	if (!victims)
		j->failed = true;
	for (uint32_t i = 0; waits && victims && i < j->now->n_containers; i++) {
		const struct cpu_waits *w = &waits[i];
		struct cpu_use u;
		double lost;

		if (!(w->others > 0) || j->now->containers[i].dead || !judge_is_own_home(&j->now->containers[i]))
			continue;
		u = cpu_use(j, i);
		lost = cpu_lost_share(u.cores, u.wait, w->others);
		if (!neighbour_is(j, i, &u, w))
			judge_near(j, i,
				   fmin(lost / judge_threshold(j, CPU_NEIGHBOUR_LOST),
					w->others / judge_threshold(j, CPU_NEIGHBOUR_WAIT)),
				   1, "its threads waited %.0f %% of the time that they had work for CPUs of others",
				   lost * 100);
		else if (judge_wanted(j, i) || judge_wanted(j, w->worst))
			victims[n++] = (struct victim){i, w->worst, w->worst_wait, lost};
	}
	n = victims_of_innocents_drop(j, &x, victims, n);
	if (n)
		qsort(victims, n, sizeof(*victims), victim_order);
	for (size_t i = 0, begin = 0; i < n; i++) {
		if (i + 1 < n && victims[i + 1].culprit == victims[i].culprit)
			continue;
		neighbour_find(j, &x, &victims[begin], i + 1 - begin);
		begin = i + 1;
	}
}

/* ---- cpu_self_contention ---- */

/* `may_use`: the CPUs that it may use. */
static void self_contention_advise(struct judging *j, struct finding *f, const struct machine_cpu *m, uint32_t i,
				   double wanted, double may_use)
{
	const struct container_row *c = &j->now->containers[i];
	double cores = fmin(m->cpus, ceil(wanted * 10) / 10);
	bool limited = !value_absent(c->v[CONTAINER_CPU_LIMIT]) && may_use < m->cpus;

	if (cpu_is_pinned(j, i))
		finding_advice(j, f, "let it use more of the machine's %.0f CPUs%s: %s", m->cpus,
			       m->idle >= FREE_CPUS ? judge_text(j, ", of which %.1f were free", m->idle) : "",
			       advice_cpu_set(j, i));
	else if (limited && cores > may_use)
		finding_advice(j, f, "give it up to %.1f CPUs: %s", cores,
			       advice_cpu_limit(j, i, c->cpu_limit_of, cores));
	finding_advice(j, f, "%slet it work with no more threads at once than the %.*f CPU%s that it may use",
		       limited ? "or " : "", may_use == floor(may_use) ? 0 : 1, may_use, may_use == 1 ? "" : "s");
	if (!limited && m->idle >= FREE_CPUS)
		finding_advice(
			j, f,
			"%.1f CPUs were free meanwhile: its threads may be bound to some of the CPUs; taskset -p PID "
			"shows it",
			m->idle);
}

static void self_contention_find(struct judging *j, const struct contention *x, uint32_t i, const struct cpu_use *u)
{
	const struct container_row *c = &j->now->containers[i];
	const struct cpu_waits *w = &x->waits[i];
	double lost = cpu_lost_share(u->cores, u->wait, w->self);
	double runnable = window_average(j->w, WINDOW_CONTAINERS, i, TREND_CONTAINER_RUNNABLE), cpus = x->m.cpus;
	double may_use = value_absent(u->limit) ? cpus : fmin(u->limit, cpus);
	struct finding *f = judge_find(j, i, FINDING_NOTICE);

	if (!f)
		return;
	finding_headline(j, f, lost, "the threads of %s wait for each other: %.0f %% of the time that they have work",
			 c->name, lost * 100);
	finding_evidence(j, f, "wait_seconds_total", w->self, "seconds_per_second",
			 "in each second they waited %.2f s for CPUs on which threads of the same container ran",
			 w->self);
	finding_evidence(j, f, "cpu_cores", u->cores, "cores", "it used %.2f CPU", u->cores);
	if (!value_absent(runnable))
		finding_evidence(j, f, "runnable_average", runnable, "threads",
				 "on average %.1f of its threads ran or wanted to", runnable);
	if (cpu_is_pinned(j, i))
		finding_evidence(j, f, "cpu_limit_cores", may_use, "cores",
				 "it may use only %.0f of the machine's %.0f CPUs: a cpuset binds it", may_use, cpus);
	else if (may_use < cpus)
		finding_evidence(j, f, "cpu_limit_cores", may_use, "cores",
				 "it may use %.2f of the machine's %.0f CPUs", may_use, cpus);
	else
		finding_evidence(j, f, "", cpus, "cores", "it may use all %.0f CPUs of the machine", cpus);
	finding_ruled_out(j, f, "neighbours: %.2f s in each second", w->others);
	self_contention_advise(j, f, &x->m, i, u->cores + w->self, may_use);
}

void judge_cpu_self_contention(struct judging *j)
{
	_cleanup_free_ struct cpu_waits *waits = cpu_waits_collect(j);
	struct contention x = {machine_cpu(j), waits};

	for (uint32_t i = 0; waits && i < j->now->n_containers; i++) {
		const struct cpu_waits *w = &waits[i];
		struct cpu_use u;
		double lost;

		if (!(w->self > w->others) || j->now->containers[i].dead || !judge_is_own_home(&j->now->containers[i]))
			continue;
		u = cpu_use(j, i);
		lost = cpu_lost_share(u.cores, u.wait, w->self);
		if (w->self >= judge_threshold(j, CPU_SELF_CONTENTION_WAIT) &&
		    lost >= judge_threshold(j, CPU_SELF_CONTENTION_LOST))
			self_contention_find(j, &x, i, &u);
		else
			judge_near(j, i,
				   fmin(lost / judge_threshold(j, CPU_SELF_CONTENTION_LOST),
					w->self / judge_threshold(j, CPU_SELF_CONTENTION_WAIT)),
				   1, "its threads waited %.0f %% of the time that they had work for each other",
				   lost * 100);
	}
}
