/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop_use.c - see loop_use.h. Called by the rules. */
#include <math.h>
#include <stdlib.h>

#include "diagnose/measure/loop_use.h"

/* An iteration under way counts from here on: whatever the threshold of stalls is, it is far beyond it. */
#define LONG_ITERATION 1.0

static double gained_seconds(const struct judging *j, uint32_t row, int metric)
{
	return window_loop(j->w, row, metric) / 1e9;
}

/* The iteration under way is a stall of this cause: no other could have taken half of it. */
static enum stall_cause open_cause(const struct loop_use *u, double in_window)
{
	double half = in_window / 2;

	if (u->blocked - u->stalled[STALL_BLOCKED] >= half)
		return STALL_BLOCKED;
	if (u->throttled - u->stalled[STALL_THROTTLED] >= half)
		return STALL_THROTTLED;
	if (u->runqueue - u->throttled - u->stalled[STALL_RUNQUEUE] >= half)
		return STALL_RUNQUEUE;
	return STALL_ONCPU;
}

static void loop_stalls_take(const struct judging *j, uint32_t row, struct loop_use *u)
{
	double open = j->now->loops[row].v[LOOP_OPEN] / 1e9;
	enum stall_cause cause;

	for (int i = 0; i < STALL_CAUSES; i++) {
		u->stalls[i] = window_loop(j->w, row, LOOP_STALLS_ONCPU + i);
		/* One that began before the window counts in it. */
		u->stalled[i] = fmin(gained_seconds(j, row, LOOP_STALLED_ONCPU + i), j->w->seconds);
	}
	if (!(open >= LONG_ITERATION))
		return;
	u->open = open;
	cause = open_cause(u, fmin(open, j->w->seconds));
	u->stalls[cause]++;
	u->stalled[cause] += fmin(open, j->w->seconds);
}

static struct loop_use loop_use_read(const struct judging *j, uint32_t row)
{
	struct loop_use u = {
		.asleep = gained_seconds(j, row, LOOP_ASLEEP),
		.oncpu = gained_seconds(j, row, LOOP_ONCPU),
		.runqueue = gained_seconds(j, row, LOOP_RUNQUEUE),
		.throttled = gained_seconds(j, row, LOOP_THROTTLED),
		.stopped = gained_seconds(j, row, LOOP_BLOCKED_STOPPED),
		.iterations = window_loop(j->w, row, LOOP_ITERATIONS),
	};

	for (int i = 0; i < WAIT_CLASSES; i++) {
		u.blocked_in[i] = gained_seconds(j, row, LOOP_BLOCKED_EPOLL + i);
		u.blocked += i == LOOP_BLOCKED_STOPPED - LOOP_BLOCKED_EPOLL ? 0 : u.blocked_in[i];
	}
	u.time = u.asleep + u.oncpu + u.runqueue + u.blocked + u.stopped;
	if (j->now->loops[row].scheduler || value_absent(u.time) ||
	    value_absent(window_loop(j->w, row, LOOP_STALLED_ONCPU)))
		return (struct loop_use){.known = false};
	u.known = true;
	loop_stalls_take(j, row, &u);
	return u;
}

struct loop_use loop_use(const struct judging *j, uint32_t row)
{
	return j->loops ? j->loops[row] : loop_use_read(j, row);
}

/* Seven rules look at each loop. Without memory each of them reads it again. */
static void loops_cache(struct judging *j)
{
	struct loop_use *all = j->loops ? NULL : malloc(j->now->n_loops * sizeof(*all));

	for (uint32_t i = 0; all && i < j->now->n_loops; i++)
		all[i] = loop_use_read(j, i);
	j->loops = j->loops ?: all;
}

uint32_t loop_container(const struct judging *j, uint32_t row)
{
	return j->now->processes[j->now->loops[row].process].container;
}

const char *loop_name(struct judging *j, uint32_t row)
{
	const struct loop_row *l = &j->now->loops[row];
	const struct process_row *p = &j->now->processes[l->process];

	if (l->tid == p->pid)
		return judge_text(j, "%s (pid %u)", p->comm, p->pid);
	return judge_text(j, "%s (pid %u, thread %u %s)", p->comm, p->pid, l->tid, l->thread);
}

void loops_cannot(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_loops; i++) {
		if (j->now->loops[i].scheduler || !value_absent(j->now->loops[i].v[LOOP_STALLED_ONCPU]))
			continue;
		judge_cannot(j, "the hook in use for epoll does not see iterations%s",
			     j->o->recorded ? "" : "; `sysscope doctor` says why");
		return;
	}
}

struct loop_worst *loops_worst(struct judging *j, loop_measure *measure)
{
	struct loop_worst *all = calloc(j->now->n_containers + 1, sizeof(*all));

	if (!all) {
		j->failed = true;
		return NULL;
	}
	loops_cannot(j);
	loops_cache(j);
	for (uint32_t i = 0; i < j->now->n_loops; i++) {
		struct loop_worst *w = &all[loop_container(j, i)];
		struct loop_use read;
		const struct loop_use *u = j->loops ? &j->loops[i] : &read;
		bool judged;
		double bad;

		if (!j->loops)
			read = loop_use_read(j, i);
		judged = u->known && !j->now->containers[loop_container(j, i)].dead;
		bad = judged ? measure(j, i, u) : 0;
		w->bad += bad >= 1;
		if (bad > w->measure) {
			w->measure = bad;
			w->row = i;
		}
	}
	return all;
}

void loops_judge(struct judging *j, loop_measure *measure, loop_finder *find, loop_words *words)
{
	_cleanup_free_ struct loop_worst *all = loops_worst(j, measure);

	for (uint32_t i = 0; all && i < j->now->n_containers; i++) {
		struct loop_use u;

		if (!(all[i].measure > 0))
			continue;
		u = loop_use(j, all[i].row);
		if (all[i].measure >= 1)
			find(j, &all[i], &u);
		else
			judge_near(j, i, all[i].measure, 1, "%s", words(j, all[i].row, &u));
	}
}

struct finding *loop_finding(struct judging *j, uint32_t row, enum finding_severity severity)
{
	const struct process_row *p = &j->now->processes[j->now->loops[row].process];
	struct finding *f = judge_find(j, p->container, severity);

	if (!f)
		return NULL;
	f->pid = p->pid;
	f->comm = p->comm;
	return f;
}

void loop_others(struct judging *j, struct finding *f, uint32_t row, uint32_t bad)
{
	if (bad > 1)
		finding_evidence(j, f, "", bad - 1, "count", "%u more event loop%s of %s %s in the same state", bad - 1,
				 bad == 2 ? "" : "s", j->now->containers[loop_container(j, row)].name,
				 bad == 2 ? "is" : "are");
}

void loops_throttled(struct judging *j, struct finding *f, uint32_t container)
{
	double most = 0;
	uint32_t worst = 0;

	for (uint32_t i = 0; i < j->now->n_loops; i++) {
		struct loop_use u;

		if (loop_container(j, i) != container)
			continue;
		u = loop_use(j, i);
		if (u.stalled[STALL_THROTTLED] > most) {
			most = u.stalled[STALL_THROTTLED];
			worst = i;
		}
	}
	if (most > 0)
		finding_evidence(j, f, "stall_seconds_total.throttled", most / j->w->seconds, "seconds_per_second",
				 "the event loop of %s stood still for %.0f %% of the time because of it",
				 loop_name(j, worst), fmin(most / j->w->seconds, 1) * 100);
}
