/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contention.c - rules about threads that wait for CPUs on which others run: neighbours, and threads of the same container. Called
 * by judge.c through the table in rules.def.
 */
#include <math.h>
#include <stdlib.h>

#include "diagnose/case/advice.h"
#include "diagnose/rules/cpu_use.h"

/* For what a container's threads waited, per second of the window, apart from its quota. */
struct cpu_waits {
	double others, self; /* for other containers; for its own threads */
	double worst_wait;   /* the largest part of `others` that one container with a name made */
	uint32_t worst;
};

/* Of all containers; freed by the caller. NULL: no memory. */
static struct cpu_waits *waits_collect(struct judging *j)
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

static void neighbour_find(struct judging *j, uint32_t i, const struct cpu_use *u, const struct cpu_waits *w)
{
	double lost = cpu_lost_share(u->cores, u->wait, w->others);
	const struct container_row *c = &j->now->containers[i], *culprit = &j->now->containers[w->worst];
	struct cpu_use theirs = cpu_use(j, w->worst);
	struct finding *f = judge_find(
		j, i, lost >= judge_threshold(j, CPU_NEIGHBOUR_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	finding_culprit(j, f, w->worst);
	finding_headline(j, f, lost, "%s has the CPUs that %s needs: %s waits for %.0f %% of the time that it has work",
			 culprit->name, c->name, c->name, lost * 100);
	finding_evidence(j, f, "wait_seconds_total", w->worst_wait, "seconds_per_second",
			 "in each second its threads waited %.2f s for CPUs on which %s ran (%.0f %% of these waits)",
			 w->worst_wait, culprit->name, w->worst_wait / w->others * 100);
	finding_evidence(j, f, "cpu_cores", u->cores, "cores", "%s got %.2f CPU", c->name, u->cores);
	if (!value_absent(theirs.cores))
		finding_evidence(j, f, "cpu_cores", theirs.cores, "cores", "%s used %.2f CPU of the machine's %.0f",
				 culprit->name, theirs.cores, j->now->v[HOST_CPUS]);
	if (!value_absent(u->throttled) && u->throttled < w->others)
		finding_ruled_out(j, f, "its own CPU quota: %.2f s in each second", u->throttled);
	if (w->self < w->others)
		finding_ruled_out(j, f, "its own threads in each other's way: %.2f s in each second", w->self);
	if (judge_is_own_home(culprit)) {
		finding_advice(j, f, "let %s go last: %s", advice_name(j, culprit->name),
			       advice_cpu_weight(j, w->worst));
		if (!culprit->dead)
			finding_advice(j, f, "or limit it: %s",
				       advice_cpu_limit(j, w->worst, NULL, fmax(0.1, theirs.cores - w->worst_wait)));
	}
}

void judge_cpu_neighbour(struct judging *j)
{
	_cleanup_free_ struct cpu_waits *waits = waits_collect(j);

	for (uint32_t i = 0; waits && i < j->now->n_containers; i++) {
		const struct cpu_waits *w = &waits[i];
		struct cpu_use u;
		double lost;

		if (!(w->others > 0) || j->now->containers[i].dead || !judge_is_own_home(&j->now->containers[i]))
			continue;
		u = cpu_use(j, i);
		lost = cpu_lost_share(u.cores, u.wait, w->others);
		if (w->others >= judge_threshold(j, CPU_NEIGHBOUR_WAIT) &&
		    lost >= judge_threshold(j, CPU_NEIGHBOUR_LOST) &&
		    w->worst_wait >= w->others * judge_threshold(j, CPU_NEIGHBOUR_SHARE) &&
		    cpu_use(j, w->worst).cores >= u.cores * judge_threshold(j, CPU_NEIGHBOUR_MORE))
			neighbour_find(j, i, &u, w);
		else
			judge_near(j, i,
				   fmin(lost / judge_threshold(j, CPU_NEIGHBOUR_LOST),
					w->others / judge_threshold(j, CPU_NEIGHBOUR_WAIT)),
				   1, "its threads waited %.0f %% of the time that they had work for CPUs of others",
				   lost * 100);
	}
}

static void self_contention_find(struct judging *j, uint32_t i, const struct cpu_use *u, const struct cpu_waits *w)
{
	const struct container_row *c = &j->now->containers[i];
	double lost = cpu_lost_share(u->cores, u->wait, w->self);
	double runnable = c->v[CONTAINER_RUNNABLE], cpus = value_absent(u->limit) ? j->now->v[HOST_CPUS] : u->limit;
	struct finding *f = judge_find(j, i, FINDING_NOTICE);

	if (!f)
		return;
	finding_headline(j, f, lost, "the threads of %s wait for each other: %.0f %% of the time that they have work",
			 c->name, lost * 100);
	finding_evidence(j, f, "wait_seconds_total", w->self, "seconds_per_second",
			 "in each second they waited %.2f s for CPUs on which threads of the same container ran",
			 w->self);
	if (!value_absent(runnable))
		finding_evidence(j, f, "runnable_average", runnable, "threads",
				 "on average %.1f of its threads ran or wanted to, with %.2f CPUs to use", runnable,
				 cpus);
	if (w->others < w->self)
		finding_ruled_out(j, f, "neighbours: %.2f s in each second", w->others);
	finding_advice(j, f, "give it about %.1f CPUs, or let it work with no more threads than it has CPUs",
		       u->cores + w->self);
}

void judge_cpu_self_contention(struct judging *j)
{
	_cleanup_free_ struct cpu_waits *waits = waits_collect(j);

	for (uint32_t i = 0; waits && i < j->now->n_containers; i++) {
		const struct cpu_waits *w = &waits[i];
		struct cpu_use u;

		if (!(w->self > w->others) || j->now->containers[i].dead || !judge_is_own_home(&j->now->containers[i]))
			continue;
		u = cpu_use(j, i);
		if (w->self >= judge_threshold(j, CPU_SELF_CONTENTION_WAIT) &&
		    cpu_lost_share(u.cores, u.wait, w->self) >= judge_threshold(j, CPU_SELF_CONTENTION_LOST))
			self_contention_find(j, i, &u, w);
	}
}
