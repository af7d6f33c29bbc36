/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * growth.c - rules about what rises without a pause: the memory of a process, its threads. Called by judge.c through the table in
 * rules.def. What is near its limit already is in memory_limit.c.
 */
#include <math.h>
#include <string.h>

#include "diagnose/case/advice.h"

/* What rose, and for how long it may: the least of what is known. */
struct rise {
	enum course_gauge gauge;
	const struct course *course;
	double grown, slope; /* in the watch; per second */
	double seconds;	     /* for which it rose */
	double left;	     /* seconds until `end`; absent: not known */
	const char *end;     /* "its memory limit of 512M is reached" */
};

/* So many snapshots make a course. */
#define NOTES_LEAST 5

static bool trend_is_known(struct judging *j)
{
	size_t notes = (size_t)window_courses(j->w)->notes;

	if (notes >= NOTES_LEAST)
		return true;
	judge_cannot(j, "what rises shows in %d snapshots, and the watch had %zu%s", NOTES_LEAST, notes,
		     j->o->recorded ? "" : "; diagnose takes one a second");
	return false;
}

static const char *time_text(struct judging *j, double seconds)
{
	if (seconds < 120)
		return judge_text(j, "%.0f s", seconds);
	if (seconds < 7200)
		return judge_text(j, "%.0f min", seconds / 60);
	return judge_text(j, "%.0f h", seconds / 3600);
}

static struct rise rise_of(const struct course *c, enum course_gauge gauge)
{
	return (struct rise){gauge,	   c, c->last - c->first, course_slope(c), c->last_time - c->first_time,
			     VALUE_ABSENT, ""};
}

static void rise_end(struct rise *r, double room, const char *end)
{
	double left = (room > 0 ? room : 0) / r->slope;

	if (value_absent(room) || left >= r->left)
		return;
	r->left = left;
	r->end = end;
}

/* What all in the container have did not rise by a quarter of what a finding takes: no process of it needs a look. */
static bool container_is_flat(const struct judging *j, uint32_t i, enum course_gauge gauge, double least)
{
	const struct trend_row *trend = window_trend(j->w, WINDOW_CONTAINERS, i);
	const struct course *c = trend ? &trend->courses[gauge] : NULL;

	return c && c->n >= NOTES_LEAST && c->last - c->first < least / 4;
}

/* The process of a container, old enough, whose gauge rose the most of those that rose without a pause. */
static const struct process_row *riser_find(struct judging *j, uint32_t container, double age, struct rise *ret)
{
	const struct process_row *riser = NULL;
	enum course_gauge gauge = ret->gauge;
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	for (size_t i = 0; i < n; i++) {
		const struct process_row *p = &j->now->processes[rows[i]];
		const struct trend_row *trend = window_trend(j->w, WINDOW_PROCESSES, rows[i]);
		const struct course *c = trend ? &trend->courses[gauge] : NULL;

		if (!c || !(p->v[PROCESS_AGE] / 1e9 >= age) || !course_is_steady(c) ||
		    (riser && c->last - c->first <= ret->grown))
			continue;
		riser = p;
		*ret = rise_of(c, gauge);
	}
	return riser;
}

static enum finding_severity rise_severity(const struct judging *j, const struct rise *r, enum threshold soon)
{
	return r->left <= r->seconds * judge_threshold(j, soon) ? FINDING_WARNING : FINDING_NOTICE;
}

/* A course of some seconds does not tell what comes; one of minutes does better. */
static enum finding_confidence rise_confidence(const struct rise *r)
{
	return r->seconds >= 300 ? FINDING_HIGH : r->seconds >= 60 ? FINDING_MEDIUM : FINDING_LOW;
}

/* "; its memory limit of 512M is reached in 21 s" */
static const char *left_text(struct judging *j, const struct rise *r)
{
	return value_absent(r->left) ? "" : judge_text(j, "; at that rate %s in %s", r->end, time_text(j, r->left));
}

/* ---- memory_leak ---- */

static void memory_evidence(struct judging *j, struct finding *f, const struct rise *r)
{
	const struct course *c = r->course;

	finding_evidence(j, f, "rss_anonymous_bytes", r->slope, "bytes_per_second",
			 "its own memory (anonymous, swap included) rose from %s to %s in %.0f s",
			 advice_bytes(j, c->first), advice_bytes(j, c->last), r->seconds);
	finding_evidence(j, f, "", c->rises / (c->n - 1.0), "ratio", "it rose in %u of %u steps, and fell in %u",
			 c->rises, c->n - 1, c->falls);
	finding_ruled_out(j, f, "one large allocation: the largest step was %.0f %% of the rise",
			  c->jump / r->grown * 100);
}

static void leak_ends(struct judging *j, const struct container_row *c, struct rise *r)
{
	double limit = c->v[CONTAINER_MEMORY_LIMIT];

	if (limit > 0)
		rise_end(r, limit - c->v[CONTAINER_MEMORY_LIMIT_HELD],
			 memory_limit_is_own(c) ? judge_text(j, "its limit of %s is reached", advice_bytes(j, limit))
						: judge_text(j, "the limit of %s, %s, is reached", c->memory_limit_of,
							     advice_bytes(j, limit)));
	rise_end(r, j->now->v[HOST_MEMORY_TOTAL] - j->now->v[HOST_MEMORY_USED], "the memory of the machine is full");
}

static void leak_find(struct judging *j, uint32_t i, const struct process_row *p, const struct rise *r)
{
	const struct container_row *c = &j->now->containers[i];
	struct finding *f = judge_find(j, i, rise_severity(j, r, MEMORY_LEAK_SOON));

	if (!f)
		return;
	f->pid = p->pid;
	f->comm = p->comm;
	f->confidence = rise_confidence(r);
	finding_headline(j, f, fmin(1, r->seconds / fmax(r->left, 1)),
			 "the memory of %s (pid %u) in %s rises without a pause, by %s in each second%s", p->comm,
			 p->pid, c->name, advice_bytes(j, r->slope), left_text(j, r));
	memory_evidence(j, f, r);
	finding_ruled_out(j, f, "a start: the process has run for %s", time_text(j, p->v[PROCESS_AGE] / 1e9));
	if (r->seconds < 300)
		finding_advice(j, f, "a cache that fills looks the same; to be sure, %s: %s",
			       j->o->recorded ? "judge a longer time" : "watch longer",
			       advice_longer(j, "--rule memory_leak --container %s", advice_name(j, c->name)));
	finding_advice(j, f,
		       "if it goes on, it leaks: take a profile of its heap, and restart it before nothing is left");
}

/* Of a container that lives: the process that grows. */
static void leak_judge(struct judging *j, uint32_t i)
{
	double least = judge_threshold(j, MEMORY_LEAK_GROWTH), horizon = judge_threshold(j, MEMORY_LEAK_HORIZON);
	struct rise r = {.gauge = COURSE_MEMORY};
	const struct process_row *p;

	if (container_is_flat(j, i, COURSE_MEMORY, least))
		return;
	p = riser_find(j, i, judge_threshold(j, MEMORY_LEAK_AGE), &r);
	if (!p)
		return;
	r.left = VALUE_ABSENT;
	leak_ends(j, &j->now->containers[i], &r);
	if (r.grown < least)
		judge_near(j, i, r.grown, least, "the memory of %s (pid %u) rose by %s", p->comm, p->pid,
			   advice_bytes(j, r.grown));
	else if (r.left > horizon)
		judge_near(j, i, horizon, r.left, "the memory of %s (pid %u) rises, and %s in %s", p->comm, p->pid,
			   r.end, time_text(j, r.left));
	else
		leak_find(j, i, p, &r);
}

/* It rose until it was killed: whether it would have stopped is no question. */
static bool victim_rose(const struct judging *j, const struct course *c)
{
	double grown = c->last - c->first, steps = c->n - 1.0;

	return c->n >= 3 && grown >= judge_threshold(j, MEMORY_LEAK_GROWTH) && c->rises >= steps * 0.75 &&
	       c->falls <= steps / 10 && c->jump <= grown * 0.75;
}

static void victim_find(struct judging *j, const struct oom_row *k, const struct course *c)
{
	struct rise r = rise_of(c, COURSE_MEMORY);
	struct finding *f = judge_find(j, k->container, FINDING_WARNING);

	if (!f)
		return;
	f->pid = k->pid;
	f->comm = k->comm;
	finding_headline(
		j, f, 1,
		"the memory of %s (pid %u) in %s rose without a pause, by %s in each second, until the OOM killer "
		"ended it",
		*k->comm ? k->comm : "a process", k->pid, k->container_name, advice_bytes(j, r.slope));
	memory_evidence(j, f, &r);
	finding_advice(j, f, "if it shall not need %s, it leaks: take a profile of its heap before it is killed again",
		       advice_bytes(j, c->last));
}

/* The victim in each container that rose the most; the others fell for it. */
static void victims_judge(struct judging *j)
{
	for (size_t i = 0; i < j->now->n_oom_kills; i++) {
		const struct oom_row *k = &j->now->oom_kills[i];
		const struct trend_row *trend = trend_process(window_courses(j->w), k->pid, k->start_time);
		bool first = true;

		if (k->time < j->w->began || k->container == OOM_NOWHERE || !trend ||
		    !victim_rose(j, &trend->courses[COURSE_MEMORY]))
			continue;
		for (size_t n = 0; n < j->found.n; n++)
			first &= strcmp(j->found.at[n].rule, j->rule->name) != 0 ||
				 strcmp(j->found.at[n].container_cgroup, k->container_cgroup) != 0;
		if (first)
			victim_find(j, k, &trend->courses[COURSE_MEMORY]);
	}
}

void judge_memory_leak(struct judging *j)
{
	victims_judge(j);
	if (!trend_is_known(j))
		return;
	for (uint32_t i = 0; i < j->now->n_containers; i++)
		if (!j->now->containers[i].dead && judge_is_own_home(&j->now->containers[i]))
			leak_judge(j, i);
}

/* ---- thread_growth ---- */

static void threads_find(struct judging *j, uint32_t i, const struct process_row *p, const struct rise *r)
{
	const struct container_row *c = &j->now->containers[i];
	struct finding *f = judge_find(j, i, rise_severity(j, r, THREAD_GROWTH_SOON));

	if (!f)
		return;
	f->pid = p->pid;
	f->comm = p->comm;
	f->confidence = rise_confidence(r);
	finding_headline(j, f, fmin(1, r->seconds / fmax(value_absent(r->left) ? 86400 : r->left, 1)),
			 "the threads of %s (pid %u) in %s become more without a pause, by %.1f in each second%s",
			 p->comm, p->pid, c->name, r->slope, left_text(j, r));
	finding_evidence(j, f, "threads", p->v[PROCESS_THREADS], "count", "they rose from %.0f to %.0f in %.0f s",
			 r->course->first, r->course->last, r->seconds);
	if (!value_absent(c->v[CONTAINER_THREADS_LIMIT]))
		finding_evidence(j, f, "threads_limit", c->v[CONTAINER_THREADS_LIMIT], "count",
				 "all in the container are %.0f of the %.0f that it may have", c->v[CONTAINER_THREADS],
				 c->v[CONTAINER_THREADS_LIMIT]);
	finding_ruled_out(j, f, "a start: the process has run for %s", time_text(j, p->v[PROCESS_AGE] / 1e9));
	finding_advice(j, f, "look what they wait for: cat /proc/%u/task/*/wchan | sort | uniq -c", p->pid);
	finding_advice(
		j, f, "if it goes on, threads are started and never end; restart it before it may start none any more");
}

void judge_thread_growth(struct judging *j)
{
	double least = judge_threshold(j, THREAD_GROWTH_GROWTH);

	if (!trend_is_known(j))
		return;
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		struct rise r = {.gauge = COURSE_THREADS};
		const struct process_row *p;

		if (c->dead || !judge_is_own_home(c) || container_is_flat(j, i, COURSE_THREADS, least))
			continue;
		p = riser_find(j, i, judge_threshold(j, THREAD_GROWTH_AGE), &r);
		if (!p)
			continue;
		rise_end(&r, c->v[CONTAINER_THREADS_LIMIT] - c->v[CONTAINER_THREADS],
			 judge_text(j, "its limit of %.0f is reached", c->v[CONTAINER_THREADS_LIMIT]));
		if (c->threads_limit_above_of)
			rise_end(&r, c->threads_limit_above - c->threads_above,
				 judge_text(j, "the limit of %s, %.0f, is reached", c->threads_limit_above_of,
					    c->threads_limit_above));
		if (r.grown < least)
			judge_near(j, i, r.grown, least, "the threads of %s (pid %u) became %.0f more", p->comm, p->pid,
				   r.grown);
		else
			threads_find(j, i, p, &r);
	}
}
