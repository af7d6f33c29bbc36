/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - rules about processes as such: dead children, limits of their number, stopped ones. Called by judge.c through the
 * table in rules.def.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/case/advice.h"

/* ---- zombies ---- */

#define PROCESS_IDS 32768 /* of a machine, unless kernel.pid_max says otherwise */

static int pid_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Of the process ids that it may have: what others lose of their time counts more than a few of these. */
static double zombies_share(const struct container_row *c, double count)
{
	double limit = c->v[CONTAINER_THREADS_LIMIT];

	return count / (limit > 0 ? limit : PROCESS_IDS);
}

static void zombies_find(struct judging *j, uint32_t parent, size_t count)
{
	const struct process_row *p = index_pid(j, parent);
	struct finding *f;

	if (!p)
		return;
	if ((double)count < judge_threshold(j, ZOMBIES_COUNT)) {
		judge_near(j, p->container, (double)count, judge_threshold(j, ZOMBIES_COUNT),
			   "%s (pid %u) has %zu dead %s that it has not claimed", p->comm, parent, count,
			   text_noun((double)count, "child", "children"));
		return;
	}
	f = judge_find(j, p->container, FINDING_WARNING);
	if (!f)
		return;
	f->pid = parent;
	f->comm = p->comm;
	finding_headline(j, f, zombies_share(&j->now->containers[p->container], (double)count),
			 "%s (pid %u) in %s leaves %zu dead children unclaimed", p->comm, parent,
			 j->now->containers[p->container].name, count);
	finding_evidence(j, f, "", (double)count, "count", "%zu zombies have this parent", count);
	finding_ruled_out(j, f, "the children: they have ended, and use nothing but a process id each");
	if (p->namespace_pid == 1)
		finding_advice(j, f, "run the container with a small init, which claims them: docker run --init");
	finding_advice(j, f, "the parent has to call wait(); restarting it removes them all");
}

void judge_zombies(struct judging *j)
{
	_cleanup_free_ uint32_t *parents = calloc(j->now->n_processes + 1, sizeof(*parents));
	size_t n = 0;

	if (!parents) {
		j->failed = true;
		return;
	}
	for (size_t i = 0; i < j->now->n_processes; i++)
		if (j->now->processes[i].state == 'Z' && j->now->processes[i].ppid)
			parents[n++] = j->now->processes[i].ppid;
	qsort(parents, n, sizeof(*parents), pid_order);
	for (size_t i = 0, begin = 0; i < n; i++) {
		if (i + 1 < n && parents[i + 1] == parents[i])
			continue;
		zombies_find(j, parents[i], i + 1 - begin);
		begin = i + 1;
	}
}

/* ---- pids_limit ---- */

static void threads_advice(struct judging *j, struct finding *f, uint32_t i, const char *of, double limit)
{
	finding_advice(j, f, "find out which program makes them: %s",
		       advice_top(j, "--view processes --sort threads --container %s",
				  advice_name(j, j->now->containers[i].name)));
	finding_advice(j, f, "if it needs them, raise the limit: %s", advice_threads_limit(j, i, of, limit * 2));
}

static void own_threads_judge(struct judging *j, uint32_t i)
{
	const struct container_row *c = &j->now->containers[i];
	double limit = c->v[CONTAINER_THREADS_LIMIT], threads = c->v[CONTAINER_THREADS];
	double processes = c->v[CONTAINER_PROCESSES];
	struct finding *f;

	if (!(limit > 0) || value_absent(threads))
		return;
	if (threads < limit * judge_threshold(j, PIDS_LIMIT_SHARE)) {
		judge_near(j, i, threads, limit * judge_threshold(j, PIDS_LIMIT_SHARE),
			   "it has %.0f %s of the %.0f that it may have", threads,
			   text_noun(threads, "thread", "threads"), limit);
		return;
	}
	f = judge_find(j, i, threads >= limit ? FINDING_CRITICAL : FINDING_WARNING);
	if (!f)
		return;
	finding_headline(j, f, threads / limit, "%s has %.0f %s of the %.0f that it may have", c->name, threads,
			 text_noun(threads, "thread", "threads"), limit);
	finding_evidence(j, f, "threads", threads, "count", "%.0f %s in %.0f %s", threads,
			 text_noun(threads, "thread", "threads"), processes,
			 text_noun(processes, "process", "processes"));
	finding_evidence(j, f, "threads_limit", limit, "count", "the limit of the pids controller is %.0f", limit);
	threads_advice(j, f, i, NULL, limit);
}

/* It has a limit above that is nearly reached; its own tells the same of itself, and of less. */
static bool threads_above_full(const struct judging *j, const struct container_row *c)
{
	return !c->dead && c->threads_limit_above_of && c->threads_limit_above > 0 &&
	       c->threads_above >= c->threads_limit_above * judge_threshold(j, PIDS_LIMIT_SHARE);
}

/* Of those below one limit the one with the most threads is told about, and before it the first. */
static bool has_most_below(const struct judging *j, uint32_t i)
{
	const struct container_row *c = &j->now->containers[i];

	for (uint32_t k = 0; k < j->now->n_containers; k++) {
		const struct container_row *other = &j->now->containers[k];

		if (k == i || !threads_above_full(j, other) ||
		    strcmp(other->threads_limit_above_of, c->threads_limit_above_of) != 0)
			continue;
		if (other->v[CONTAINER_THREADS] > c->v[CONTAINER_THREADS] ||
		    (k < i && !(other->v[CONTAINER_THREADS] < c->v[CONTAINER_THREADS])))
			return false;
	}
	return true;
}

static void threads_above_judge(struct judging *j, uint32_t i)
{
	const struct container_row *c = &j->now->containers[i];
	double limit = c->threads_limit_above, threads = c->threads_above;
	struct finding *f;

	if (!c->threads_limit_above_of || !(limit > 0))
		return;
	if (!threads_above_full(j, c)) {
		judge_near(j, i, threads, limit * judge_threshold(j, PIDS_LIMIT_SHARE),
			   "the cgroup above it has %.0f %s of the %.0f that it may have", threads,
			   text_noun(threads, "thread", "threads"), limit);
		return;
	}
	if (!has_most_below(j, i))
		return;
	f = judge_find(j, i, threads >= limit ? FINDING_CRITICAL : FINDING_WARNING);
	if (!f)
		return;
	finding_headline(j, f, threads / limit, "all in %s have %.0f %s of the %.0f that they may have; %s has %.0f",
			 c->threads_limit_above_of, threads, text_noun(threads, "thread", "threads"), limit, c->name,
			 c->v[CONTAINER_THREADS]);
	finding_evidence(j, f, "threads_above", threads, "count", "%.0f %s are below that limit", threads,
			 text_noun(threads, "thread", "threads"));
	finding_evidence(j, f, "threads_limit_above", limit, "count",
			 "the limit of the pids controller of a cgroup above is %.0f", limit);
	threads_advice(j, f, i, c->threads_limit_above_of, limit);
}

void judge_pids_limit(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		if (j->now->containers[i].dead)
			continue;
		own_threads_judge(j, i);
		threads_above_judge(j, i);
	}
}

/* ---- stopped ---- */

static const struct process_row *stopped_process(struct judging *j, uint32_t container, double *ret_count)
{
	const struct process_row *first = NULL;
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	*ret_count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct process_row *p = &j->now->processes[rows[i]];

		if (p->state == 'T') {
			first = first ?: p;
			(*ret_count)++;
		}
	}
	return first;
}

void judge_stopped(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		bool paused = strcmp(c->state, "paused") == 0;
		const struct process_row *p;
		struct finding *f;
		double count;

		if (c->dead || (!paused && !(c->v[CONTAINER_TASKS_STOPPED] > 0)))
			continue;
		p = stopped_process(j, i, &count);
		if (!paused && !p)
			continue;
		f = judge_find(j, i, FINDING_NOTICE);
		if (!f)
			return;
		if (paused) {
			finding_headline(j, f, 1, "%s is paused: its processes are frozen", c->name);
			finding_evidence(j, f, "processes", c->v[CONTAINER_PROCESSES], "count",
					 "it has %.0f %s, none of which runs", c->v[CONTAINER_PROCESSES],
					 text_noun(c->v[CONTAINER_PROCESSES], "process", "processes"));
			finding_advice(j, f, "if that is not meant: docker unpause, or the same of its runtime");
			continue;
		}
		f->pid = p->pid;
		f->comm = p->comm;
		finding_headline(j, f, judge_excess(count, 1), "%s (pid %u) in %s was stopped by a signal%s", p->comm,
				 p->pid, c->name, count > 1 ? ", and others with it" : "");
		finding_evidence(j, f, "tasks.stopped", c->v[CONTAINER_TASKS_STOPPED], "count", "%.0f %s stopped",
				 c->v[CONTAINER_TASKS_STOPPED],
				 text_noun(c->v[CONTAINER_TASKS_STOPPED], "thread is", "threads are"));
		finding_advice(j, f, "if that is not meant: kill -CONT %u", p->pid);
	}
}
