/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loops/loops.c - what is shown of event loops: the row of each loop, one row for threads that take turns, and the values of
 * a group. What they are made of comes from loops/read.c. Part of the model (model_internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

static uint64_t blocked_sum(const struct ss_loop *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < SS_WAIT_CLASSES; i++)
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

static double p99(const struct ss_loop *now, const uint64_t *before)
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
	v[LOOP_ITERATIONS] = (double)l->iterations;
	v[LOOP_EVENTS] = (double)l->events;
	v[LOOP_WAITS] = (double)l->waits;
	v[LOOP_POLLS] = (double)l->polls;
	v[LOOP_TIMEOUTS] = (double)l->timeouts;
	v[LOOP_INTERRUPTED] = (double)l->interrupted;
	v[LOOP_EMPTY_WAKEUPS] = (double)(l->empty_wakeups + l->taken);
	v[LOOP_ADDS] = (double)l->adds;
	v[LOOP_MODIFIES] = (double)l->modifies;
	v[LOOP_DELETES] = (double)l->deletes;
	v[LOOP_LONGEST] = (double)l->longest_ns;
}

static uint64_t oncpu_ns(const struct ss_loop *l)
{
	return sub_sat(l->iteration_ns, l->runqueue_ns + blocked_sum(l)) + sub_sat(l->poll_ns, l->poll_runqueue_ns);
}

static uint64_t runqueue_ns(const struct ss_loop *l)
{
	return l->runqueue_ns + l->wait_runqueue_ns + l->poll_runqueue_ns;
}

/* Where its time went. Without the scheduler's hooks only how long it was in epoll is known. */
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
	wait = (double)sub_sat(l->now.wait_ns, l->wait_before_ns);
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
	v[LOOP_ITERATION_P99] = p99(&l->now, l->slots_before);
}

static void loop_row(const struct model *m, struct loop *l, struct loop_row *row)
{
	double *v = row->v;

	*row = (struct loop_row){
		.process = l->process->row, .tid = (uint32_t)l->key.tid, .threads = 1, .last_stall = l->stall};
	row->last_stall.runner = l->runner;
	for (int i = 0; i < LOOP_METRICS; i++)
		v[i] = VALUE_ABSENT;
	if (!l->guessed)
		loop_counters(&l->now, v);
	if (!l->guessed && m->waits_known)
		loop_split(&l->now, v);
	v[LOOP_ASLEEP] = (double)sub_sat(l->now.wait_ns, l->now.wait_runqueue_ns);
	counters_hold(SCOPE_LOOP, v, l->held);
	loop_rates(l, v);
	memcpy(l->before, v, sizeof(l->before));
	memcpy(l->slots_before, l->now.slots, sizeof(l->slots_before));
	l->before_ns = l->read_ns;
	l->wait_before_ns = l->now.wait_ns;
	l->productive_before = l->now.productive;
	l->taken_before = l->now.taken;
}

/* What of a thread that takes turns says something of the whole: how often it was in epoll, and what it found there. */
static const unsigned char turns_metrics[] = {
	LOOP_WAITS,	    LOOP_EVENTS, LOOP_POLLS,	LOOP_TIMEOUTS, LOOP_INTERRUPTED,
	LOOP_EMPTY_WAKEUPS, LOOP_ADDS,	 LOOP_MODIFIES, LOOP_DELETES,
};

/* One row for all threads of a process that take turns: the sum of what says something. */
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
		*into = (struct loop_row){.process = one->process, .tid = one->tid, .scheduler = true};
	into->tid = one->tid < into->tid ? one->tid : into->tid;
	into->threads++;
	memcpy(into->v, v, sizeof(v));
}

int loops_finish(struct model *m, const struct sample *s)
{
	const struct process *scheduler = NULL; /* whose row is the last one */
	size_t n = 0;
	int r = array_reserve(&m->loop_rows, &m->cap_loops, m->n_loop_list, sizeof(*m->loop_rows));

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n_loop_list; i++) {
		struct loop *l = m->loop_list[i];
		struct loop_row row;

		loop_row(m, l, &row);
		if (l->process->turns) {
			if (l->process != scheduler)
				m->loop_rows[n++] = (struct loop_row){.scheduler = false};
			scheduler_row(&m->loop_rows[n - 1], &row);
			scheduler = l->process;
		} else if (l->is_loop) {
			m->loop_rows[n++] = row;
		}
	}
	m->snapshot.loops = m->loop_rows;
	m->snapshot.n_loops = n;
	return stalls_finish(m, s);
}

/* Upper bounds of the buckets as powers of two of microseconds; the last has none. */
#define BUCKET_BITS(NAME, LE, BITS) BITS,
static const unsigned char loop_bits[] = {LOOP_BUCKETS(BUCKET_BITS)};

void group_loop_values(const struct model *m, const struct group *g, double *v)
{
	const struct ss_loop *l = &g->loops_now;
	uint64_t sum = 0;
	size_t bucket = 0;

	if (!g->has_loops || !m->loops_known)
		return;
	v[GROUP_LOOP_EVENTS] = (double)l->events;
	v[GROUP_LOOP_WAKEUPS_EVENTS] = (double)sub_sat(l->productive, l->taken);
	v[GROUP_LOOP_WAKEUPS_TIMEOUT] = (double)l->timeouts;
	v[GROUP_LOOP_WAKEUPS_EMPTY] = (double)(l->empty_wakeups + l->taken);
	v[GROUP_LOOP_WAKEUPS_POLL] = (double)sub_sat(l->waits, l->productive + l->timeouts + l->interrupted);
	v[GROUP_LOOP_WAKEUPS_INTERRUPTED] = (double)l->interrupted;
	if (g->turns)
		return;
	v[GROUP_LOOP_ASLEEP] = (double)sub_sat(l->wait_ns, l->wait_runqueue_ns);
	if (m->waits_known) {
		v[GROUP_LOOP_ONCPU] = (double)oncpu_ns(l);
		v[GROUP_LOOP_RUNQUEUE] = (double)runqueue_ns(l);
		v[GROUP_LOOP_BLOCKED] = (double)blocked_sum(l);
	}
	for (unsigned int slot = 0; slot < SS_LOOP_SLOTS; slot++) {
		sum += l->slots[slot];
		if (bucket < ARRAY_SIZE(loop_bits) && slot + 1 == loop_bits[bucket])
			v[GROUP_LOOP_64US + bucket++] = (double)sum;
	}
	v[GROUP_LOOP_INF] = v[GROUP_LOOP_COUNT] = (double)sum;
	v[GROUP_LOOP_SUM] = (double)sub_sat(l->iteration_ns, g->loops_open_ns);
	v[GROUP_LOOP_ITERATIONS] = (double)l->iterations;
	for (int i = 0; i < SS_STALL_CAUSES; i++)
		v[GROUP_LOOP_STALLS_ONCPU + i] = (double)l->stalls[i];
}

void loops_free(struct model *m)
{
	struct loop *l, *next;

	HASH_ITER (hh, m->loops, l, next) {
		HASH_DEL(m->loops, l);
		free(l);
	}
	free(m->loop_list);
	free(m->stalls_told);
	free(m->stall_rows);
}
