/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.c - rules about memory that is taken back and needed again, about swap, and about page faults. Called by judge.c through
 * the table in rules.def. Limits are in memory_limit.c, what grows in growth.c, the OOM killer in oom.c.
 */
#include <math.h>

#include "diagnose/case/advice.h"

#define PAGE_BYTES 4096.0

/* ---- memory_thrash ---- */

/* What it costs a container that its memory is taken back, per second. */
struct thrash {
	double limit, machine; /* stalls in reclaim, by cause, in seconds; 0 if not known */
	double pressure;       /* share of the time in which one of its tasks waited for memory; absent: not known */
	double blocked;	       /* in page faults and files, in seconds; absent: not known */
	double again;	       /* pages that were read again; where nobody counts them, major faults */
	bool counted;	       /* they are pages that were read again */
	bool known;	       /* stalls or pressure are */
};

static struct thrash thrash_of(const struct judging *j, uint32_t i)
{
	double limit = judge_seconds(j, window_container(j->w, i, CONTAINER_RECLAIM_LIMIT)),
	       files = window_container(j->w, i, CONTAINER_REFAULTS_FILE),
	       anon = window_container(j->w, i, CONTAINER_REFAULTS_ANON);
	struct thrash t = {
		.limit = value_or_zero(limit),
		.machine = value_or_zero(judge_seconds(j, window_container(j->w, i, CONTAINER_RECLAIM_MACHINE))),
		.pressure = judge_seconds(j, window_container(j->w, i, CONTAINER_PRESSURE_MEMORY_SOME)),
		.blocked = judge_seconds(j, window_container(j->w, i, CONTAINER_BLOCKED_FAULT) +
						    window_container(j->w, i, CONTAINER_BLOCKED_FILE)),
		.counted = !value_absent(files) || !value_absent(anon),
	};

	t.known = !value_absent(limit) || !value_absent(t.pressure);
	t.again = t.counted ? judge_rate(j, value_or_zero(files) + value_or_zero(anon))
			    : judge_rate(j, window_container(j->w, i, CONTAINER_PGMAJFAULT));
	return t;
}

static double thrash_lost(const struct thrash *t)
{
	return fmax(t->limit + t->machine, value_or_zero(t->pressure));
}

/*
 * It waits for memory, and reads again what was thrown out. Or it reads so much of it again that it waits for that: reclaim of the
 * page cache is fast, and the price is in the reads.
 */
static bool thrash_is_one(const struct judging *j, const struct thrash *t)
{
	if (!(t->again >= judge_threshold(j, MEMORY_THRASH_REFAULTS)))
		return false;
	if (thrash_lost(t) >= judge_threshold(j, MEMORY_THRASH_STALL))
		return true;
	return t->counted && t->again >= judge_threshold(j, MEMORY_THRASH_MANY) &&
	       t->blocked >= judge_threshold(j, MEMORY_THRASH_BLOCKED);
}

/* Whose memory is short: its limit, unless only the machine's reclaim stalled it, or the limit is far. */
static bool thrash_by_limit(const struct container_row *c, const struct thrash *t)
{
	double limit = c->v[CONTAINER_MEMORY_LIMIT];

	if (t->limit > 0 || t->machine > 0)
		return t->limit >= t->machine && limit > 0;
	return c->v[CONTAINER_MEMORY_USAGE] >= limit * 0.9 || (!memory_limit_is_own(c) && limit > 0);
}

static void thrash_price(struct judging *j, struct finding *f, const struct thrash *t)
{
	if (t->limit + t->machine > 0)
		finding_evidence(j, f, "reclaim_stall_seconds_total", t->limit + t->machine, "seconds_per_second",
				 "its threads lost %.3f s in each second to taking memory back", t->limit + t->machine);
	if (t->pressure > 0)
		finding_evidence(j, f, "pressure_seconds_total.memory_some", t->pressure, "ratio",
				 "in %.0f %% of the time at least one of them waited for memory", t->pressure * 100);
}

static void thrash_evidence(struct judging *j, struct finding *f, const struct container_row *c, const struct thrash *t)
{
	if (t->counted)
		finding_evidence(j, f, "memory_refaults_total", t->again, "rate",
				 "%.0f pages a second (%s) were read again after they had been thrown out", t->again,
				 advice_bytes(j, t->again * PAGE_BYTES));
	else
		finding_evidence(j, f, "major_page_faults_total", t->again, "rate",
				 "%.0f page faults a second had to read the disk", t->again);
	thrash_price(j, f, t);
	if (t->blocked > 0)
		finding_evidence(j, f, "blocked_seconds_total", t->blocked, "seconds_per_second",
				 "they were blocked in files and page faults for %.2f s in each second", t->blocked);
	finding_evidence(j, f, "memory_bytes", c->v[CONTAINER_MEMORY_USAGE], "bytes",
			 "it uses %s, %s of it its own (anonymous)", advice_bytes(j, c->v[CONTAINER_MEMORY_USAGE]),
			 advice_bytes(j, value_or_zero(c->v[CONTAINER_MEMORY_RSS])));
}

static void thrash_find(struct judging *j, uint32_t i, const struct thrash *t)
{
	const struct container_row *c = &j->now->containers[i];
	bool limit = thrash_by_limit(c, t), lost = thrash_lost(t) >= judge_threshold(j, MEMORY_THRASH_STALL);
	struct finding *f = judge_find(j, i, FINDING_WARNING);

	if (!f)
		return;
	f->confidence = t->counted && lost ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(
		j, f, lost ? thrash_lost(t) : t->blocked,
		t->counted ? "%s has too little memory for what it works with: it reads again what was thrown "
			     "out to stay within %s"
			   : "%s has too little memory for what it works with: it waits for %s, and for pages from "
			     "the disk",
		c->name,
		!limit ? "the memory of the machine"
		: memory_limit_is_own(c)
			? judge_text(j, "its limit of %s", advice_bytes(j, c->v[CONTAINER_MEMORY_LIMIT]))
			: judge_text(j, "the limit of %s, %s", c->memory_limit_of,
				     advice_bytes(j, c->v[CONTAINER_MEMORY_LIMIT])));
	thrash_evidence(j, f, c, t);
	if (limit)
		finding_ruled_out(j, f, "the memory of the machine: it was at this limit that the kernel made room");
	if (t->counted)
		finding_ruled_out(j, f, "files that are read for the first time: only pages that had been there count");
	if (limit)
		finding_advice(
			j, f, "give it more memory: %s",
			advice_memory_limit(j, i, c->memory_limit_of ?: c->cgroup, c->v[CONTAINER_MEMORY_LIMIT] * 2));
	else
		finding_advice(j, f, "find out who has the memory of the machine: %s", advice_top(j, "--sort rss"));
	finding_advice(j, f,
		       "or have it read less: a job that reads large files from begin to end again looks the same");
}

void judge_memory_thrash(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		struct thrash t;

		if (c->dead || !judge_is_own_home(c))
			continue;
		t = thrash_of(j, i);
		if (thrash_is_one(j, &t)) {
			thrash_find(j, i, &t);
			continue;
		}
		if (!t.known && t.again >= judge_threshold(j, MEMORY_THRASH_REFAULTS))
			judge_cannot(j, "%s reads pages again, but nobody knows how long it waits for memory", c->name);
		else if (thrash_lost(&t) < judge_threshold(j, MEMORY_THRASH_STALL))
			judge_near(j, i, thrash_lost(&t), judge_threshold(j, MEMORY_THRASH_STALL),
				   "it lost %.3f s in each second to waits for memory", thrash_lost(&t));
		else
			judge_near(j, i, t.again, judge_threshold(j, MEMORY_THRASH_REFAULTS),
				   t.counted ? "it reads %.0f pages a second again"
					     : "%.0f page faults a second read the disk",
				   t.again);
	}
}

/* ---- swap_thrash ---- */

/* Pages of its own that came back from swap, per second, if they are more than those of files. Absent: not known. */
static double swapped_in(const struct judging *j, uint32_t i)
{
	double anon = window_container(j->w, i, CONTAINER_REFAULTS_ANON),
	       files = value_or_zero(window_container(j->w, i, CONTAINER_REFAULTS_FILE));

	return anon < files ? 0 : judge_rate(j, anon);
}

static double swap_lost(const struct thrash *t, double faults)
{
	return fmax(thrash_lost(t), value_or_zero(faults));
}

static void swap_find(struct judging *j, uint32_t i, const struct thrash *t, double pages, double faults)
{
	const struct container_row *c = &j->now->containers[i];
	double swap = c->v[CONTAINER_MEMORY_SWAP], limit = c->v[CONTAINER_MEMORY_LIMIT];
	bool by_limit = thrash_by_limit(c, t);
	struct finding *f = judge_find(j, i, FINDING_WARNING);

	if (!f)
		return;
	finding_headline(
		j, f, swap_lost(t, faults),
		"%s waits for its own memory: %.0f pages a second (%s) come back from swap, as %s is too little",
		c->name, pages, advice_bytes(j, pages * PAGE_BYTES),
		!by_limit		 ? "the memory of the machine"
		: memory_limit_is_own(c) ? judge_text(j, "its limit of %s", advice_bytes(j, limit))
					 : judge_text(j, "the limit of %s", c->memory_limit_of));
	finding_evidence(j, f, "memory_refaults_total.anon", pages, "rate",
			 "%.0f pages a second came back from swap soon after they had been taken", pages);
	if (!value_absent(swap))
		finding_evidence(j, f, "memory_swap_bytes", swap, "bytes", "%s of it are in swap now",
				 advice_bytes(j, swap));
	thrash_price(j, f, t);
	if (faults > 0)
		finding_evidence(j, f, "blocked_seconds_total.fault", faults, "seconds_per_second",
				 "its threads were blocked in page faults for %.2f s in each second", faults);
	finding_ruled_out(j, f, "memory that went to swap and is not needed: only pages that came back count");
	if (by_limit)
		finding_advice(j, f, "give it more memory: %s",
			       advice_memory_limit(j, i, c->memory_limit_of ?: c->cgroup,
						   ceil((limit + value_or_zero(swap)) / 1048576) * 1048576));
	else
		finding_advice(j, f, "find out who has the memory of the machine: %s", advice_top(j, "--sort rss"));
}

/* Where nobody counts these pages by container: the machine's own counts, both ways. */
static void swap_of_the_machine(struct judging *j)
{
	double in = judge_rate(j, window_host(j->w, HOST_SWAP_IN)),
	       out = judge_rate(j, window_host(j->w, HOST_SWAP_OUT));
	double waits = judge_seconds(j, window_host(j->w, HOST_PRESSURE_MEMORY_SOME));
	double least = judge_threshold(j, SWAP_THRASH_PAGES);
	struct finding *f;

	if (value_absent(in) || value_absent(out)) {
		judge_cannot(j, "the machine has swap, and this kernel does not tell what came back from it");
		return;
	}
	if (!(in >= least && out >= least) || waits < judge_threshold(j, SWAP_THRASH_STALL)) {
		judge_near(j, NO_CONTAINER, fmin(in, out), least,
			   "%.0f pages a second came back from swap, %.0f went there", in, out);
		return;
	}
	f = judge_find(j, NO_CONTAINER, FINDING_WARNING);
	if (!f)
		return;
	f->confidence = FINDING_MEDIUM;
	finding_headline(j, f, value_or_zero(waits),
			 "the machine swaps all the time: %.0f pages a second come back, %.0f go there", in, out);
	finding_evidence(j, f, "swap_pages_total.in", in, "rate", "%.0f pages a second came back from swap", in);
	finding_evidence(j, f, "swap_pages_total.out", out, "rate", "%.0f pages a second went there", out);
	if (waits > 0)
		finding_evidence(j, f, "pressure_seconds_total.memory_some", waits, "ratio",
				 "in %.0f %% of the time some task waited for memory", waits * 100);
	finding_advice(j, f, "find out who is in swap: %s", advice_top(j, "--sort swap"));
}

void judge_swap_thrash(struct judging *j)
{
	double least = judge_threshold(j, SWAP_THRASH_PAGES), price = judge_threshold(j, SWAP_THRASH_STALL);
	bool known = false;

	if (!(j->now->v[HOST_SWAP_TOTAL] > 0)) {
		if (value_absent(j->now->v[HOST_SWAP_TOTAL]))
			judge_cannot(j, "it is not known whether the machine has swap");
		return;
	}
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double pages = swapped_in(j, i),
		       faults = judge_seconds(j, window_container(j->w, i, CONTAINER_BLOCKED_FAULT));
		struct thrash t;

		if (c->dead || !judge_is_own_home(c) || value_absent(pages))
			continue;
		known = true;
		t = thrash_of(j, i);
		if (pages < least)
			judge_near(j, i, pages, least, "%.0f of its pages a second came back from swap", pages);
		else if (swap_lost(&t, faults) >= price)
			swap_find(j, i, &t, pages, faults);
		else if (!t.known && value_absent(faults))
			judge_cannot(j, "%s gets pages back from swap, but nobody knows how long it waits for them",
				     c->name);
		else
			judge_near(j, i, swap_lost(&t, faults), price, "it lost %.3f s in each second to pages in swap",
				   swap_lost(&t, faults));
	}
	if (!known)
		swap_of_the_machine(j);
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
		finding_headline(j, f, judge_excess(rate, judge_threshold(j, MAJOR_FAULTS_RATE)),
				 "%s waits for the disk in %.0f page faults a second", c->name, rate);
		finding_evidence(j, f, "major_page_faults_total", rate, "rate",
				 "%.0f of its page faults a second had to read the disk", rate);
		finding_advice(j, f,
			       "after a start this is normal and ends; else the machine, or its limit, has too little "
			       "memory to keep its programs and mapped files");
	}
}
