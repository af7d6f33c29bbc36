/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oom.c - the rule about the OOM killer. Called by judge.c through the table in rules.def. */
#include <math.h>
#include <string.h>

#include "diagnose/case/advice.h"

/* ---- oom_killed ---- */

static const char *exhausted_text(struct judging *j, const struct oom_row *k)
{
	if (!*k->exhausted)
		return "what was exhausted is not known";
	if (strcmp(k->exhausted, "machine") == 0)
		return "the memory of the machine was exhausted";
	if (strcmp(k->exhausted, "nodes") == 0)
		return "the memory nodes that it may use were exhausted";
	if (strcmp(k->limit_scope, "own") == 0)
		return judge_text(j, "its own limit of %s was exhausted", advice_bytes(j, k->limit));
	return judge_text(j, "the limit of %s, %s, was exhausted", *k->limit_of ? k->limit_of : "a cgroup",
			  advice_bytes(j, k->limit));
}

/* How the victim came there, as far as it was watched: whether it grew, or held that much all the time. */
static void victim_course(struct judging *j, struct finding *f, const struct oom_row *k)
{
	const struct trend_row *t = trend_process(window_courses(j->w), k->pid, k->start_time);
	const struct course *c = t ? &t->courses[COURSE_MEMORY] : NULL;

	if (k->start_time >= j->w->began)
		finding_evidence(j, f, "", k->time - k->start_time, "seconds", "it had run for %.1f s",
				 k->time - k->start_time);
	if (!c || c->n < 2)
		return;
	if (c->last - c->first > c->last / 10)
		finding_evidence(j, f, "rss_anonymous_bytes", course_slope(c), "bytes_per_second",
				 "its own memory (anonymous) had grown from %s to %s in %.0f s",
				 advice_bytes(j, c->first), advice_bytes(j, c->last), c->last_time - c->first_time);
	else
		finding_evidence(j, f, "rss_anonymous_bytes", c->last, "bytes",
				 "it had not grown: it held %s all the time that it was watched",
				 advice_bytes(j, c->last));
}

/* Another process in the container that grew more, and lives. */
static void other_course(struct judging *j, struct finding *f, const struct oom_row *k)
{
	const struct trend_row *victim = trend_process(window_courses(j->w), k->pid, k->start_time);
	double most = victim ? victim->courses[COURSE_MEMORY].last - victim->courses[COURSE_MEMORY].first : 0;
	const struct process_row *grower = NULL;
	size_t n;
	const uint32_t *rows = index_processes(j, k->container, &n);

	most = fmax(most, k->limit / 20);
	for (size_t i = 0; i < n; i++) {
		const struct trend_row *t = window_trend(j->w, WINDOW_PROCESSES, rows[i]);
		const struct course *c = t ? &t->courses[COURSE_MEMORY] : NULL;

		if (!c || c->n < 2 || c->last - c->first <= most)
			continue;
		most = c->last - c->first;
		grower = &j->now->processes[rows[i]];
	}
	if (grower)
		finding_evidence(j, f, "rss_anonymous_bytes", most, "bytes",
				 "%s (pid %u), which lives, grew by %s meanwhile", grower->comm, grower->pid,
				 advice_bytes(j, most));
}

/* Of a limit above, or of the machine: who had the most, if that is in another container. */
static void largest_blame(struct judging *j, struct finding *f, const struct oom_row *k)
{
	const struct oom_process *largest = &k->largest[0];

	if (!k->n_largest || !(largest->rss > value_or_zero(k->rss)) ||
	    strcmp(largest->container, k->container_name) == 0)
		return;
	for (uint32_t i = 0; i < j->now->n_containers; i++)
		if (strcmp(j->now->containers[i].name, largest->container) == 0 &&
		    judge_is_own_home(&j->now->containers[i])) {
			finding_culprit(j, f, i);
			f->culprit_pid = largest->pid;
			f->culprit_process = largest->comm;
			return;
		}
}

static void oom_find(struct judging *j, const struct oom_row *k, uint64_t kills)
{
	uint32_t i = k->container == OOM_NOWHERE ? NO_CONTAINER : k->container;
	const char *who = *k->container_name ? k->container_name : "the machine";
	struct finding *f = judge_find(j, i, FINDING_CRITICAL);

	if (!f)
		return;
	if (i == NO_CONTAINER) {
		f->container = k->container_name;
		f->container_cgroup = k->container_cgroup;
		f->ended = *k->container_cgroup;
	}
	f->pid = k->pid;
	f->comm = k->comm;
	f->since = k->time;
	f->confidence = *k->exhausted ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, judge_excess((double)kills, 1), "the OOM killer ended %s (pid %u) in %s: %s",
			 *k->comm ? k->comm : "a process", k->pid, who, exhausted_text(j, k));
	if (kills > 1)
		finding_evidence(j, f, "oom_kills_total", (double)kills, "count",
				 "%lu of its processes were killed while this watched; this one had the most memory",
				 kills);
	if (!value_absent(k->rss))
		finding_evidence(j, f, "rss_bytes", k->rss, "bytes", "the victim had %s", advice_bytes(j, k->rss));
	victim_course(j, f, k);
	for (size_t n = 0; n < k->n_largest && n < 3; n++)
		finding_evidence(j, f, "rss_bytes", k->largest[n].rss, "bytes",
				 "%s (pid %u) in %s had %s, %.1f s before", k->largest[n].comm, k->largest[n].pid,
				 k->largest[n].container, advice_bytes(j, k->largest[n].rss), k->largest_age);
	if (i != NO_CONTAINER)
		other_course(j, f, k);
	largest_blame(j, f, k);
	if (*k->limit_scope && i != NO_CONTAINER && !value_absent(k->limit))
		finding_advice(j, f, "if it needs that much, give it more: %s",
			       advice_memory_limit(j, i, strcmp(k->limit_scope, "own") == 0 ? NULL : k->limit_of,
						   k->limit * 1.5));
	if (!*k->container_cgroup)
		finding_advice(j, f, "find out who grew: %s", advice_top(j, "--view processes --sort rss"));
	else if (!f->ended)
		finding_advice(j, f, "find out who grew: %s, then Enter",
			       advice_top(j, "--container %s", advice_name(j, who)));
}

static bool same_container(const struct oom_row *a, const struct oom_row *b)
{
	return strcmp(a->container_cgroup, b->container_cgroup) == 0;
}

/* Of the victims in a container the one that had the most says the most; of equal ones the last. */
static bool more_telling(const struct oom_row *a, const struct oom_row *b)
{
	double x = value_or_zero(a->rss), y = value_or_zero(b->rss);

	return x > y || (x == y && a > b);
}

/* One finding for each container. */
void judge_oom_killed(struct judging *j)
{
	for (size_t i = 0; i < j->now->n_oom_kills; i++) {
		const struct oom_row *k = &j->now->oom_kills[i];
		uint64_t kills = 0;
		bool best = true;

		if (k->time < j->w->began)
			continue;
		for (size_t n = 0; n < j->now->n_oom_kills; n++) {
			const struct oom_row *other = &j->now->oom_kills[n];

			if (other->time < j->w->began || !same_container(other, k))
				continue;
			kills++;
			best &= other == k || more_telling(k, other);
		}
		if (best)
			oom_find(j, k, kills);
	}
}
