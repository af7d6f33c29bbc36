/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.c - rules about memory: limits, reclaim, page faults, the OOM killer. Called by judge.c through the table in rules.def.
 */
#include <math.h>
#include <string.h>

#include "diagnose/case/advice.h"

static double zero_if_absent(double v)
{
	return value_absent(v) ? 0 : v;
}

/* ---- memory_near_limit ---- */

/* What of the limit cannot be taken back: without pages of files, and slabs that can be reclaimed. Absent: not known. */
static double memory_held(const struct container_row *c, bool own)
{
	if (!own)
		return c->memory_limit_working_set;
	return c->v[CONTAINER_MEMORY_USAGE] - zero_if_absent(c->v[CONTAINER_MEMORY_ACTIVE_FILE]) -
	       zero_if_absent(c->v[CONTAINER_MEMORY_INACTIVE_FILE]) - zero_if_absent(c->v[CONTAINER_SLAB_RECLAIMABLE]);
}

static void near_limit_find(struct judging *j, uint32_t i, double held, double limit)
{
	const struct container_row *c = &j->now->containers[i];
	bool own = !c->memory_limit_of || strcmp(c->memory_limit_of, c->cgroup) == 0;
	double grows = judge_rate(j, window_container(j->w, i, CONTAINER_MEMORY_RSS));
	double share = held / limit;
	struct finding *f = judge_find(
		j, i, share >= judge_threshold(j, MEMORY_NEAR_LIMIT_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	finding_headline(j, f, share,
			 "%s has filled %.0f %% of %s memory limit of %s with memory that it cannot give back", c->name,
			 share * 100, own ? "its" : judge_text(j, "%s's", c->memory_limit_of), advice_bytes(j, limit));
	finding_evidence(j, f, "memory_bytes", c->v[CONTAINER_MEMORY_USAGE], "bytes",
			 "it uses %s, %s of it for the cache of files", advice_bytes(j, c->v[CONTAINER_MEMORY_USAGE]),
			 advice_bytes(j, zero_if_absent(c->v[CONTAINER_MEMORY_CACHE])));
	finding_evidence(j, f, "memory_rss_bytes", c->v[CONTAINER_MEMORY_RSS], "bytes",
			 "its own memory (anonymous) is %s",
			 advice_bytes(j, zero_if_absent(c->v[CONTAINER_MEMORY_RSS])));
	if (grows > 0 && grows * 3600 > limit - held)
		finding_evidence(j, f, "memory_rss_bytes", grows, "bytes_per_second",
				 "it grew by %s in each second: the limit is reached in %.0f s", advice_bytes(j, grows),
				 (limit - held) / grows);
	finding_ruled_out(j, f, "the cache of files: it is not counted, the kernel takes it back first");
	finding_advice(j, f, "if it needs that much, give it more: %s",
		       advice_memory_limit(j, i, c->memory_limit_of, ceil(held * 1.25 / 1048576) * 1048576));
	finding_advice(j, f, "if it grows without end, it leaks: restart it before the limit does");
}

void judge_memory_near_limit(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double limit = c->v[CONTAINER_MEMORY_LIMIT], held;

		if (c->dead || !(limit > 0))
			continue;
		held = memory_held(c, !c->memory_limit_of || strcmp(c->memory_limit_of, c->cgroup) == 0);
		if (held >= limit * judge_threshold(j, MEMORY_NEAR_LIMIT_SHARE))
			near_limit_find(j, i, held, limit);
		else
			judge_near(j, i, held, limit * judge_threshold(j, MEMORY_NEAR_LIMIT_SHARE),
				   "%.0f %% of its memory limit is filled with memory that it cannot give back",
				   held / limit * 100);
	}
}

/* ---- memory_thrash ---- */

/* Pages a second that came back too soon; where the kernel does not count them, major faults. */
static double refaults(const struct judging *j, uint32_t i, bool *ret_counted)
{
	double files = window_container(j->w, i, CONTAINER_REFAULTS_FILE),
	       anon = window_container(j->w, i, CONTAINER_REFAULTS_ANON);

	*ret_counted = !value_absent(files) || !value_absent(anon);
	if (*ret_counted)
		return judge_rate(j, zero_if_absent(files) + zero_if_absent(anon));
	return judge_rate(j, window_container(j->w, i, CONTAINER_PGMAJFAULT));
}

void judge_memory_thrash(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double stall = judge_seconds(j, window_container(j->w, i, CONTAINER_RECLAIM_LIMIT)), rate;
		struct finding *f;
		bool counted;

		if (c->dead || !(stall > 0))
			continue;
		rate = refaults(j, i, &counted);
		if (stall < judge_threshold(j, MEMORY_THRASH_STALL) ||
		    !(rate >= judge_threshold(j, MEMORY_THRASH_REFAULTS))) {
			judge_near(j, i, stall, judge_threshold(j, MEMORY_THRASH_STALL),
				   "its threads lost %.3f s in each second to reclaim of its own limit", stall);
			continue;
		}
		f = judge_find(j, i, FINDING_WARNING);
		if (!f)
			return;
		f->confidence = counted ? FINDING_HIGH : FINDING_MEDIUM;
		finding_headline(
			j, f, stall,
			"%s has too little memory for what it works with: its limit of %s makes it read again what "
			"was just thrown out",
			c->name, advice_bytes(j, c->v[CONTAINER_MEMORY_LIMIT]));
		finding_evidence(j, f, "", stall, "seconds_per_second",
				 "its threads lost %.2f s in each second to taking memory back at this limit", stall);
		finding_evidence(j, f, counted ? "refaults_per_second" : "major_page_faults_total", rate, "rate",
				 counted ? "%.0f pages a second came back soon after they were thrown out"
					 : "%.0f page faults a second had to read the disk",
				 rate);
		finding_evidence(j, f, "memory_bytes", c->v[CONTAINER_MEMORY_USAGE], "bytes", "it uses %s",
				 advice_bytes(j, c->v[CONTAINER_MEMORY_USAGE]));
		finding_ruled_out(j, f, "the memory of the machine: it was this limit that the kernel made room in");
		finding_advice(j, f, "give it more memory: %s",
			       advice_memory_limit(j, i, c->memory_limit_of, c->v[CONTAINER_MEMORY_LIMIT] * 2));
	}
}

/* ---- major_faults ---- */

void judge_major_faults(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double rate = judge_rate(j, window_container(j->w, i, CONTAINER_PGMAJFAULT));
		struct finding *f;

		if (c->dead || !(rate > 0) || !judge_is_own_home(c))
			continue;
		if (rate < judge_threshold(j, MAJOR_FAULTS_RATE)) {
			judge_near(j, i, rate, judge_threshold(j, MAJOR_FAULTS_RATE),
				   "%.0f page faults a second read the disk", rate);
			continue;
		}
		f = judge_find(j, i, FINDING_NOTICE);
		if (!f)
			return;
		finding_headline(j, f, rate, "%s waits for the disk in %.0f page faults a second", c->name, rate);
		finding_evidence(j, f, "major_page_faults_total", rate, "rate",
				 "%.0f of its page faults a second had to read the disk", rate);
		finding_advice(j, f,
			       "after a start this is normal and ends; else the machine, or its limit, has too little "
			       "memory to keep "
			       "its programs and mapped files");
	}
}

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
	finding_headline(j, f, (double)kills, "the OOM killer ended %s (pid %u) in %s: %s",
			 *k->comm ? k->comm : "a process", k->pid, who, exhausted_text(j, k));
	if (kills > 1)
		finding_evidence(j, f, "oom_kills_total", (double)kills, "count",
				 "%lu processes of it were killed while this watched", kills);
	if (!value_absent(k->rss))
		finding_evidence(j, f, "rss_bytes", k->rss, "bytes", "the victim had %s", advice_bytes(j, k->rss));
	for (size_t n = 0; n < k->n_largest && n < 3; n++)
		finding_evidence(j, f, "rss_bytes", k->largest[n].rss, "bytes", "%s (pid %u) had %s, %.1f s before",
				 k->largest[n].comm, k->largest[n].pid, advice_bytes(j, k->largest[n].rss),
				 k->largest_age);
	if (*k->limit_scope && i != NO_CONTAINER)
		finding_advice(j, f, "if it needs that much, give it more: %s",
			       advice_memory_limit(j, i, strcmp(k->limit_scope, "own") == 0 ? NULL : k->limit_of,
						   k->limit * 1.5));
	if (!*k->container_cgroup)
		finding_advice(j, f, "find out who grew: sysscope top --view processes --sort rss");
	else if (!f->ended)
		finding_advice(j, f, "find out who grew: sysscope top --container %s, then Enter", advice_name(j, who));
}

void judge_oom_killed(struct judging *j)
{
	for (size_t i = 0; i < j->now->n_oom_kills; i++) {
		const struct oom_row *k = &j->now->oom_kills[i];
		uint64_t kills = 1;
		bool last = true;

		if (k->time < j->w->began)
			continue;
		/* One finding for each container: its last kill. */
		for (size_t n = i + 1; n < j->now->n_oom_kills; n++)
			last &= strcmp(j->now->oom_kills[n].container_cgroup, k->container_cgroup) != 0;
		for (size_t n = 0; n < i; n++)
			kills += j->now->oom_kills[n].time >= j->w->began &&
				 strcmp(j->now->oom_kills[n].container_cgroup, k->container_cgroup) == 0;
		if (last)
			oom_find(j, k, kills);
	}
}
