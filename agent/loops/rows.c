/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.c - what is shown of event loops: a row for each loop, one row for all threads of a process that take turns, the
 * values of groups, and what a process's loops amount to. Taken from what read.c found; see loops.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "loops/loops.h"
#include "homes/arithmetic.h"

/* The part of its iterations that it was asleep. A stop is no part of an iteration. */
static uint64_t blocked_sum(const struct ss_loop *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < SS_WAIT_STOPPED; i++)
		sum += l->blocked_ns[i];
	return sum;
}

static uint64_t stalls_sum(const struct ss_loop *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < SS_STALL_CAUSES; i++)
		sum += l->stalls[i];
	return sum;
}

static double iteration_p99(const struct ss_loop *now, const uint64_t *before)
{
	uint64_t counts[SS_LOOP_SLOTS], total = 0, below = 0;

	for (int i = 0; i < SS_LOOP_SLOTS; i++) {
		counts[i] = sub_sat(now->slots[i], before[i]);
		total += counts[i];
	}
	for (int i = 0; i < SS_LOOP_SLOTS - 1 && total; i++) {
		below += counts[i];
		if (below * 100 >= total * 99)
			return (double)(2000ULL << i);
	}
	/* The last slot has no upper edge. */
	return total ? (double)now->longest_ns : VALUE_ABSENT;
}

static void loop_counters(const struct ss_loop *l, double *v)
{
	v[LOOP_STALLS] = (double)stalls_sum(l);
	for (int i = 0; i < SS_STALL_CAUSES; i++) {
		v[LOOP_STALLS_ONCPU + i] = (double)l->stalls[i];
		v[LOOP_STALLED_ONCPU + i] = (double)l->stall_ns[i];
	}
	v[LOOP_ITERATIONS] = (double)l->iterations;
	v[LOOP_EVENTS] = (double)l->events;
	v[LOOP_WAITS] = (double)l->waits;
	v[LOOP_POLLS] = (double)l->polls;
	v[LOOP_TIMEOUTS] = (double)l->timeouts;
	v[LOOP_INTERRUPTED] = (double)l->interrupted;
	v[LOOP_EMPTY_WAKEUPS] = (double)(l->empty_wakeups + l->taken);
	v[LOOP_LONGEST] = (double)l->longest_ns;
}

static void loop_controls(const struct ss_loop *l, double *v)
{
	v[LOOP_ADDS] = (double)l->adds;
	v[LOOP_MODIFIES] = (double)l->modifies;
	v[LOOP_DELETES] = (double)l->deletes;
}

static uint64_t oncpu_ns(const struct ss_loop *l)
{
	return sub_sat(l->iteration_ns, l->runqueue_ns + blocked_sum(l)) + sub_sat(l->poll_ns, l->poll_runqueue_ns);
}

static uint64_t runqueue_ns(const struct ss_loop *l)
{
	return l->runqueue_ns + l->wait_runqueue_ns + l->poll_runqueue_ns;
}

/* Where its time went. Without the scheduler's hooks only the time in epoll is known. */
static void loop_split(const struct ss_loop *l, double *v)
{
	v[LOOP_ONCPU] = (double)oncpu_ns(l);
	v[LOOP_RUNQUEUE] = (double)runqueue_ns(l);
	v[LOOP_THROTTLED] = (double)l->throttled_ns;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		v[LOOP_BLOCKED_EPOLL + i] = (double)l->blocked_ns[i];
}

static double grown(const struct loop *l, const double *v, int metric)
{
	return v[metric] - l->before[metric];
}

static void loop_rates(struct loop *l, double *v)
{
	double interval = (double)sub_sat(l->read_ns, l->before_ns), wakeups, productive, wait;

	l->wakeups = VALUE_ABSENT;
	if (!l->before_ns || interval <= 0)
		return;
	wait = (double)sub_sat(l->now.wait_ns, l->wait_before_ns) +
	       (double)sub_sat(l->now.blocked_ns[SS_WAIT_STOPPED], l->stopped_before_ns);
	v[LOOP_UTILIZATION] = wait >= interval ? 0 : 1 - wait / interval;
	if (l->guessed)
		return;
	productive = (double)sub_sat(l->now.productive, l->productive_before);
	wakeups = productive - (double)sub_sat(l->now.taken, l->taken_before) + grown(l, v, LOOP_TIMEOUTS) +
		  grown(l, v, LOOP_EMPTY_WAKEUPS);
	v[LOOP_ITERATION_RATE] = grown(l, v, LOOP_ITERATIONS) / interval * 1e9;
	if (productive > 0)
		v[LOOP_EVENTS_PER_WAIT] = grown(l, v, LOOP_EVENTS) / productive;
	l->wakeups = wakeups;
	l->empty = grown(l, v, LOOP_EMPTY_WAKEUPS);
	if (wakeups > 0)
		v[LOOP_EMPTY] = grown(l, v, LOOP_EMPTY_WAKEUPS) / wakeups;
	v[LOOP_ITERATION_P99] = iteration_p99(&l->now, l->slots_before);
}

static void loop_row(const struct moment *now, struct loop *l, struct loop_row *row)
{
	double *v;

	*row = (struct loop_row){
		.process = l->process->row,
		.tid = (uint32_t)l->key.tid,
		.thread = l->comm,
		.threads = 1,
		.last_stall = l->stall,
	};
	row->last_stall.runner = l->runner ?: "";
	row->last_stall.runner_cgroup = l->runner_cgroup ?: "";
	v = row->v;
	for (int i = 0; i < LOOP_METRICS; i++)
		v[i] = VALUE_ABSENT;
	if (!l->guessed) {
		loop_counters(&l->now, v);
		v[LOOP_OPEN] = (double)l->open_ns;
	}
	if (!l->guessed && now->controls_known)
		loop_controls(&l->now, v);
	if (!l->guessed && now->waits_known)
		loop_split(&l->now, v);
	v[LOOP_ASLEEP] = (double)sub_sat(l->now.wait_ns, l->now.wait_runqueue_ns);
	counters_hold(SCOPE_LOOP, v, l->held, false);
	loop_rates(l, v);
	memcpy(l->before, v, sizeof(l->before));
	memcpy(l->slots_before, l->now.slots, sizeof(l->slots_before));
	l->before_ns = l->read_ns;
	l->wait_before_ns = l->now.wait_ns;
	l->stopped_before_ns = l->now.blocked_ns[SS_WAIT_STOPPED];
	l->productive_before = l->now.productive;
	l->taken_before = l->now.taken;
}

/* Values of a thread that takes turns that mean something for the whole: its waits in epoll, and what it found there. */
static const unsigned char turns_metrics[] = {
	LOOP_WAITS,	    LOOP_EVENTS, LOOP_POLLS,	LOOP_TIMEOUTS, LOOP_INTERRUPTED,
	LOOP_EMPTY_WAKEUPS, LOOP_ADDS,	 LOOP_MODIFIES, LOOP_DELETES,
};

/* One row for all threads of a process that take turns: the sums of the values that mean something. */
static void scheduler_row(struct loop_row *into, const struct loop_row *one)
{
	double v[LOOP_METRICS];

	for (int i = 0; i < LOOP_METRICS; i++)
		v[i] = VALUE_ABSENT;
	for (size_t i = 0; i < ARRAY_SIZE(turns_metrics); i++) {
		int metric = turns_metrics[i];

		v[metric] = one->v[metric];
		if (into->scheduler && !value_absent(into->v[metric]) && !value_absent(v[metric]))
			v[metric] += into->v[metric];
	}
	if (!into->scheduler)
		*into = (struct loop_row){.process = one->process, .tid = one->tid, .thread = "", .scheduler = true};
	into->tid = one->tid < into->tid ? one->tid : into->tid;
	into->threads++;
	memcpy(into->v, v, sizeof(v));
}

static void loop_rows(struct loops *loops, const struct moment *now)
{
	const struct process *scheduler = NULL; /* the process of the last row, if its threads take turns */
	struct loop_row *rows = loops->rows.at;
	size_t n = 0;

	for (size_t i = 0; i < loops->sorted.n; i++) {
		struct loop *l = loops->sorted.at[i];
		struct loop_row row;

		loop_row(now, l, &row);
		if (!loop_counts(l))
			continue;
		if (l->process->turns) {
			if (l->process != scheduler)
				rows[n++] = (struct loop_row){.scheduler = false};
			scheduler_row(&rows[n - 1], &row);
			scheduler = l->process;
		} else if (l->is_loop) {
			rows[n++] = row;
		}
	}
	loops->rows.n = n;
}

/* ---- processes: what their loops amount to ---- */

/* Which epoll instances its loops wait in. The list is in the order of processes and instances. */
static void instances_count(const struct loops *loops)
{
	struct loop *const *list = loops->sorted.at;

	for (size_t i = 0, n; i < loops->sorted.n; i += n) {
		struct process_loops *p = process_loops_of(list[i]->process);

		for (n = 1; i + n < loops->sorted.n && list[i + n]->process == list[i]->process &&
			    list[i + n]->instance == list[i]->instance;
		     n++)
			;
		p->turns = list[i]->process->turns;
		if (!list[i]->instance)
			continue;
		p->instances++;
		if (n > p->sharing)
			p->sharing = (uint32_t)n;
	}
}

static void processes_measure(const struct loops *loops)
{
	for (size_t i = 0; i < loops->sorted.n; i++) {
		const struct loop *l = loops->sorted.at[i];
		struct process_loops *p = process_loops_of(l->process);
		double busy = l->before[LOOP_UTILIZATION];

		if (l->is_loop && loop_counts(l) && !value_absent(busy)) {
			p->busiest = !p->measured || busy > p->busiest ? busy : p->busiest;
			p->sum += busy;
			p->measured++;
		}
		if (!value_absent(l->wakeups)) {
			p->wakeups += l->wakeups;
			p->empty += l->empty;
		}
	}
}

/* ---- groups ---- */

/* Upper bounds of the buckets as powers of two of microseconds; the last has none. */
#define BUCKET_BITS(NAME, LE, BITS) BITS,
static const unsigned char loop_bits[] = {LOOP_BUCKETS(BUCKET_BITS)};

static void group_values(const struct group_loops *group, bool waits_known, double *v)
{
	const struct ss_loop *l = &group->now;
	uint64_t sum = 0;
	size_t bucket = 0;

	v[GROUP_LOOP_EVENTS] = (double)l->events;
	v[GROUP_LOOP_WAKEUPS_EVENTS] = (double)sub_sat(l->productive, l->taken);
	v[GROUP_LOOP_WAKEUPS_TIMEOUT] = (double)l->timeouts;
	v[GROUP_LOOP_WAKEUPS_EMPTY] = (double)(l->empty_wakeups + l->taken);
	v[GROUP_LOOP_WAKEUPS_POLL] = (double)sub_sat(l->waits, l->productive + l->timeouts + l->interrupted);
	v[GROUP_LOOP_WAKEUPS_INTERRUPTED] = (double)l->interrupted;
	if (group->turns)
		return;
	v[GROUP_LOOP_ASLEEP] = (double)sub_sat(l->wait_ns, l->wait_runqueue_ns);
	if (waits_known) {
		v[GROUP_LOOP_ONCPU] = (double)oncpu_ns(l);
		v[GROUP_LOOP_RUNQUEUE] = (double)(l->runqueue_ns + l->poll_runqueue_ns);
		v[GROUP_LOOP_WAKING] = (double)l->wait_runqueue_ns;
		v[GROUP_LOOP_BLOCKED] = (double)blocked_sum(l);
		v[GROUP_LOOP_STOPPED] = (double)l->blocked_ns[SS_WAIT_STOPPED];
	}
	for (unsigned int slot = 0; slot < SS_LOOP_SLOTS; slot++) {
		sum += l->slots[slot];
		if (bucket < ARRAY_SIZE(loop_bits) && slot + 1 == loop_bits[bucket])
			v[GROUP_LOOP_64US + bucket++] = (double)sum;
	}
	v[GROUP_LOOP_INF] = v[GROUP_LOOP_COUNT] = (double)sum;
	v[GROUP_LOOP_SUM] = (double)sub_sat(l->iteration_ns, group->open_ns + group->unfinished_ns);
	v[GROUP_LOOP_ITERATIONS] = (double)l->iterations;
	for (int i = 0; i < SS_STALL_CAUSES; i++)
		v[GROUP_LOOP_STALLS_ONCPU + i] = (double)l->stalls[i];
}

static void groups_fill(const struct homes *homes, struct group_row *rows, const struct moment *now)
{
	for (struct group *g = homes->groups; g && now->loops_known && !now->loops_guessed; g = g->hh.next) {
		if (!g->loops || g->row == GROUP_NO_ROW)
			continue;
		group_values(g->loops, now->waits_known, rows[g->row].v);
		counters_hold(SCOPE_GROUP, rows[g->row].v, g->held, false);
	}
}

int loop_rows_fill(struct loops *loops, const struct homes *homes, struct group_row *groups, const struct moment *now,
		   struct snapshot *snapshot)
{
	if (list_reserve(&loops->rows, loops->sorted.n) < 0)
		return -ENOMEM;
	loop_rows(loops, now);
	instances_count(loops);
	processes_measure(loops);
	groups_fill(homes, groups, now);
	snapshot->loops = loops->rows.at;
	snapshot->n_loops = loops->rows.n;
	return stall_rows_fill(&loops->stalls, now, snapshot);
}

void loops_free(struct loops *loops)
{
	struct loop *l, *next;

	HASH_ITER (hh, loops->all, l, next) {
		HASH_DEL(loops->all, l);
		loop_free(l);
	}
	list_free(&loops->sorted);
	list_free(&loops->rows);
	list_free(&loops->stalls.notes);
	list_free(&loops->stalls.rows);
}
