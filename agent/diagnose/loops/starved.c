/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * starved.c - the rule about event loops that wait for a CPU, and who has it; rules/contention.c has those about containers as a
 * whole. Called by judge.c through the table in rules.def.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/measure/cpu_use.h"
#include "diagnose/measure/loop_use.h"

/*
 * For how long a loop waited for a CPU that others had, at least. What a quota took of its iterations is known; what it took of
 * moments after a sleep is known of the container only, and cannot be more than that.
 */
static double starved_seconds(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	double quota = window_container(j->w, loop_container(j, row), CONTAINER_THROTTLED_WAIT) / 1e9;
	double least = value_absent(quota) ? 0 : u->runqueue - fmax(quota, u->throttled);

	return fmax(least, u->stalled[STALL_RUNQUEUE]);
}

static double starved_measure(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	double starved = starved_seconds(j, row, u);

	return fmin(starved / j->w->seconds / judge_threshold(j, LOOP_STARVED_WAITED),
		    cpu_lost_share(u->oncpu, u->runqueue, starved) / judge_threshold(j, LOOP_STARVED_LOST));
}

/* Who had the CPU that a loop waits for. */
struct starved {
	uint32_t container; /* of the loop */
	uint32_t runner;    /* the same: its own threads; NO_CONTAINER: nobody in particular */
	double share;	    /* of the container's waits; 0: it ran in the loop's last stall for want of a CPU */
};

/* Who ran in the last stall of a loop that waited for a CPU; NO_CONTAINER: not known. */
static uint32_t last_runner(const struct judging *j, uint32_t row)
{
	const struct stall *last = &j->now->loops[row].last_stall;

	if (!(last->time >= j->w->began) || strcmp(last->cause, "runqueue") != 0 || !*last->runner_cgroup)
		return NO_CONTAINER;
	for (uint32_t i = 0; i < j->now->n_containers; i++)
		if (strcmp(j->now->containers[i].cgroup, last->runner_cgroup) == 0)
			return i;
	return NO_CONTAINER;
}

static struct starved starved_by(const struct judging *j, uint32_t row, const struct cpu_waits *w)
{
	struct starved s = {.container = loop_container(j, row), .runner = NO_CONTAINER};
	double all = w->self + w->others;

	if (w->self > w->others) {
		s.runner = s.container;
		s.share = w->self / all;
	} else if (!(w->others > 0) || w->worst_wait < w->others * judge_threshold(j, CPU_NEIGHBOUR_SHARE)) {
		s.runner = last_runner(j, row);
	} else if (cpu_use(j, w->worst).cores >=
		   cpu_use(j, s.container).cores * judge_threshold(j, CPU_NEIGHBOUR_MORE)) {
		/* Among equals nobody is to blame, as in cpu_neighbour. */
		s.runner = w->worst;
		s.share = w->worst_wait / all;
	}
	return s;
}

static void starved_headline(struct judging *j, struct finding *f, const struct starved *s, uint32_t row, double share)
{
	if (s->runner == NO_CONTAINER)
		finding_headline(j, f, share, "the event loop of %s in %s waits for a CPU for %.0f %% of the time",
				 loop_name(j, row), f->container, share * 100);
	else if (s->runner == s->container)
		finding_headline(
			j, f, share,
			"the event loop of %s in %s waits for a CPU for %.0f %% of the time: threads of the same "
			"container have it",
			loop_name(j, row), f->container, share * 100);
	else
		finding_headline(
			j, f, share,
			"%s has the CPU that the event loop of %s in %s needs: it waits for %.0f %% of the time",
			j->now->containers[s->runner].name, loop_name(j, row), f->container, share * 100);
}

static void starved_culprit(struct judging *j, struct finding *f, const struct starved *s)
{
	const struct container_row *runner = s->runner == NO_CONTAINER ? NULL : &j->now->containers[s->runner];
	const char *weight;

	if (!runner) {
		f->confidence = FINDING_MEDIUM;
		finding_advice(j, f, "see who has the CPUs: %s",
			       advice_top(j, "--view neighbours --filter %s", advice_name(j, f->container)));
		return;
	}
	if (s->share > 0)
		finding_evidence(j, f, "wait_seconds_total", s->share, "ratio",
				 "%s ran in %.0f %% of the time that threads of %s waited for a CPU", runner->name,
				 s->share * 100, f->container);
	else
		finding_evidence(j, f, "", 0, "", "%s ran for most of the wait in its last stall", runner->name);
	if (s->runner == s->container) {
		finding_advice(j, f, "let it work with fewer threads beside the loop, or give it more CPUs");
		return;
	}
	finding_culprit(j, f, s->runner);
	if (!judge_is_own_home(runner))
		return;
	weight = advice_cpu_weight(j, s->runner, s->container);
	if (weight)
		finding_advice(j, f, "let %s go last: %s", advice_name(j, runner->name), weight);
	if (!runner->dead)
		finding_advice(
			j, f,
			"or keep it off the CPUs of the loop (docker update --cpuset-cpus, AllowedCPUs= of a unit)");
}

/* `more`: containers beside this one whose loops wait for the same neighbour. */
static void starved_find(struct judging *j, const struct loop_worst *w, const struct starved *s, uint32_t more)
{
	struct loop_use u = loop_use(j, w->row);
	double starved = starved_seconds(j, w->row, &u), share = fmin(starved / j->w->seconds, 1);
	struct finding *f = loop_finding(
		j, w->row, share >= judge_threshold(j, LOOP_STARVED_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	starved_headline(j, f, s, w->row, share);
	finding_evidence(j, f, "runqueue_seconds_total", starved / j->w->seconds, "seconds_per_second",
			 "in each second the loop ran for %.2f s and waited %.2f s for a CPU, quotas apart",
			 u.oncpu / j->w->seconds, starved / j->w->seconds);
	if (u.stalls[STALL_RUNQUEUE] > 0)
		finding_evidence(j, f, "stalls_by_cause_total.runqueue", u.stalls[STALL_RUNQUEUE], "count",
				 "it stood still %.0f time%s for that, for %.2f s on average", u.stalls[STALL_RUNQUEUE],
				 u.stalls[STALL_RUNQUEUE] > 1 ? "s" : "",
				 u.stalled[STALL_RUNQUEUE] / u.stalls[STALL_RUNQUEUE]);
	loop_others(j, f, w->row, w->bad);
	if (more)
		finding_evidence(j, f, "", more, "count", "event loops in %u more container%s wait for it as well",
				 more, more > 1 ? "s" : "");
	if (u.throttled < starved / 2)
		finding_ruled_out(j, f, "its own CPU quota: %.2f s in each second", u.throttled / j->w->seconds);
	if (u.blocked < starved / 2)
		finding_ruled_out(j, f, "files, locks and other waits: %.2f s in each second",
				  u.blocked / j->w->seconds);
	starved_culprit(j, f, s);
}

/* Of the containers whose loops wait for this neighbour the worst one; the number of the others. */
static uint32_t starved_worst(const struct judging *j, const struct loop_worst *all, const struct starved *by,
			      uint32_t runner, uint32_t *ret_more)
{
	uint32_t worst = NO_CONTAINER, n = 0;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		if (all[i].measure < 1 || by[i].runner != runner || by[i].runner == i)
			continue;
		n++;
		if (worst == NO_CONTAINER || all[i].measure > all[worst].measure)
			worst = i;
	}
	*ret_more = n ? n - 1 : 0;
	return worst;
}

/* The victims of one neighbour are one finding. */
static void starved_judge(struct judging *j, struct loop_worst *all, struct starved *by)
{
	_cleanup_free_ struct cpu_waits *waits = cpu_waits_collect(j);

	for (uint32_t i = 0; waits && i < j->now->n_containers; i++)
		if (all[i].measure >= 1) {
			by[i] = starved_by(j, all[i].row, &waits[i]);
			if (!judge_wanted(j, i) && (by[i].runner == NO_CONTAINER || !judge_wanted(j, by[i].runner)))
				all[i].measure = 0;
		}
	for (uint32_t i = 0; waits && i < j->now->n_containers; i++) {
		uint32_t more = 0;
		struct loop_use u;

		if (!(all[i].measure > 0))
			continue;
		if (all[i].measure < 1) {
			u = loop_use(j, all[i].row);
			judge_near(j, i, all[i].measure, 1, "the event loop of %s waited %.1f %% of the time for a CPU",
				   loop_name(j, all[i].row), starved_seconds(j, all[i].row, &u) / j->w->seconds * 100);
			continue;
		}
		if (by[i].runner == NO_CONTAINER || by[i].runner == i ||
		    starved_worst(j, all, by, by[i].runner, &more) == i)
			starved_find(j, &all[i], &by[i], more);
	}
}

void judge_loop_starved(struct judging *j)
{
	_cleanup_free_ struct loop_worst *all = loops_worst(j, starved_measure);
	_cleanup_free_ struct starved *by = calloc(j->now->n_containers + 1, sizeof(*by));

	if (all && by)
		starved_judge(j, all, by);
	else
		j->failed = true;
}
