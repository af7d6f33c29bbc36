/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trend.c - see trend.h. Called by window.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "diagnose/case/trend.h"

/* What an allocator, or the kernel's counters of each CPU, move by themselves. */
static const double noise[COURSES] = {[COURSE_MEMORY] = 32768, [COURSE_THREADS] = 0.5};

/* ---- the table ---- */

/* Slots of a table that is not worth to be given back. */
#define ROOM_KEPT 4096

static size_t trend_slot(const struct trend *t, uint64_t key)
{
	size_t slot = (key ^ key >> 32) & (t->n_slots - 1);

	while (t->slots[slot] && t->rows[t->slots[slot] - 1].key != key)
		slot = (slot + 1) & (t->n_slots - 1);
	return slot;
}

/* What ended after a glimpse says nothing of a course. */
static void glimpses_drop(struct trend *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct trend_row *row = &t->rows[i];
		bool glimpse = t->part != TREND_ONLY_AVERAGES && row->courses[COURSE_MEMORY].n < 3 &&
			       row->courses[COURSE_THREADS].n < 3;

		if (!glimpse || row->seen + 1 >= t->notes)
			t->rows[kept++] = *row;
	}
	t->n = kept;
}

/* Room for this many rows more. */
static int table_reserve(struct trend *t, size_t more)
{
	size_t slots = t->n_slots ?: 64;
	struct trend_row *rows;
	uint32_t *table;

	if (t->n_slots && (t->n + more) * 2 <= t->n_slots && t->n + more <= t->cap)
		return 0;
	glimpses_drop(t);
	while (slots < (t->n + more) * 2)
		slots *= 2;
	rows = reallocarray(t->rows, slots / 2, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	t->cap = slots / 2;
	table = reallocarray(t->slots, slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	t->slots = table;
	t->n_slots = slots;
	memset(table, 0, slots * sizeof(*table));
	for (size_t i = 0; i < t->n; i++)
		table[trend_slot(t, t->rows[i].key)] = (uint32_t)i + 1;
	return 0;
}

static struct trend_row *row_take(struct trend *t, uint64_t key)
{
	size_t slot = trend_slot(t, key);

	if (!t->slots[slot]) {
		t->rows[t->n] = (struct trend_row){.key = key};
		t->slots[slot] = (uint32_t)++t->n;
	}
	t->rows[t->slots[slot] - 1].seen = t->notes;
	return &t->rows[t->slots[slot] - 1];
}

/* ---- what is noted ---- */

static void course_note(struct course *c, enum course_gauge gauge, double time, double value)
{
	double step = value - c->last;

	if (value_absent(value))
		return;
	if (!c->n) {
		c->first = value;
		c->first_time = time;
	} else {
		c->rises += step > noise[gauge];
		c->falls += step < -noise[gauge];
		if (step > c->jump)
			c->jump = step;
		c->area += (value + c->last) / 2 * (time - c->last_time);
	}
	c->last = value;
	c->last_time = time;
	c->n++;
}

static void average_add(const struct trend *t, double *sum, double *seconds, double value)
{
	/* The interval before the first snapshot is not watched. */
	if (t->notes == 1 || value_absent(value))
		return;
	*sum += value * t->interval;
	*seconds += t->interval;
}

/* -ENOMEM: it has no room for averages. */
static int averages_take(struct trend *t, struct trend_row *row)
{
	if (row->averages)
		return 0;
	if (array_reserve(&t->averages, &t->averages_cap, t->n_averages + 1, sizeof(*t->averages)) < 0)
		return -ENOMEM;
	t->averages[t->n_averages++] = (struct trend_averages){};
	row->averages = (uint32_t)t->n_averages;
	return 0;
}

static void average_note(struct trend *t, const struct trend_row *row, enum trend_average which, double value)
{
	struct trend_averages *a = &t->averages[row->averages - 1];

	average_add(t, &a->sums[which], &a->seconds[which], value);
}

static double with_swap(double memory, double swap)
{
	return memory + (value_absent(swap) ? 0 : swap);
}

static int container_note(struct trend *t, const struct row_keys *keys, size_t i)
{
	const struct container_row *c = &keys->s->containers[i];
	struct trend_row *row;

	if (c->dead)
		return 0;
	row = row_take(t, container_key(keys, i));
	if (t->part != TREND_ONLY_AVERAGES) {
		course_note(&row->courses[COURSE_MEMORY], COURSE_MEMORY, keys->s->time,
			    with_swap(c->v[CONTAINER_MEMORY_RSS], c->v[CONTAINER_MEMORY_SWAP]));
		course_note(&row->courses[COURSE_THREADS], COURSE_THREADS, keys->s->time, c->v[CONTAINER_THREADS]);
	}
	if (t->part == TREND_ONLY_COURSES)
		return 0;
	if (averages_take(t, row) < 0)
		return -ENOMEM;
	average_note(t, row, TREND_CONTAINER_CPU_CORES, c->v[CONTAINER_CPU_CORES]);
	average_note(t, row, TREND_CONTAINER_THROTTLED_RATIO, c->v[CONTAINER_THROTTLED_RATIO]);
	average_note(t, row, TREND_CONTAINER_RUNNABLE, c->v[CONTAINER_RUNNABLE]);
	return 0;
}

static int device_note(struct trend *t, const struct row_keys *keys, size_t i)
{
	struct trend_row *row = row_take(t, device_key(keys, i));

	if (averages_take(t, row) < 0)
		return -ENOMEM;
	average_note(t, row, TREND_DEVICE_BUSY, keys->s->devices[i].v[DEVICE_BUSY]);
	return 0;
}

static void process_note(struct trend *t, const struct row_keys *keys, size_t i)
{
	const struct process_row *p = &keys->s->processes[i];
	struct trend_row *row;

	if (p->kernel)
		return;
	row = row_take(t, process_key(keys, i));
	row->pid = p->pid;
	row->start_time = p->start_time;
	course_note(&row->courses[COURSE_MEMORY], COURSE_MEMORY, keys->s->time,
		    with_swap(p->v[PROCESS_RSS_ANONYMOUS], p->v[PROCESS_SWAP]));
	course_note(&row->courses[COURSE_THREADS], COURSE_THREADS, keys->s->time, p->v[PROCESS_THREADS]);
}

/* Room for many more than were there this time is what a burst has left. */
static void room_give_back(struct trend *t)
{
	if (t->n_slots < ROOM_KEPT || t->n >= t->n_slots / 8)
		return;
	free(t->rows);
	free(t->slots);
	free(t->averages);
	t->rows = NULL;
	t->slots = NULL;
	t->averages = NULL;
	t->cap = t->n_slots = t->averages_cap = 0;
}

void trend_begin(struct trend *t)
{
	room_give_back(t);
	if (t->slots)
		memset(t->slots, 0, t->n_slots * sizeof(*t->slots));
	t->n = t->n_averages = 0;
	t->notes = t->sequence = 0;
	memset(t->host_sums, 0, sizeof(t->host_sums));
	memset(t->host_seconds, 0, sizeof(t->host_seconds));
}

int trend_note(struct trend *t, const struct row_keys *keys)
{
	const struct snapshot *s = keys->s;
	int r = 0;

	if (t->notes && t->sequence == s->sequence && t->time == s->time)
		return 0;
	/* Of processes there are courses only, of devices averages. */
	if (table_reserve(t, s->n_containers + (t->part == TREND_ONLY_AVERAGES ? 0 : s->n_processes) +
				     (t->part == TREND_ONLY_COURSES ? 0 : s->n_devices)) < 0)
		return -ENOMEM;
	t->sequence = s->sequence;
	t->interval = s->time - t->time;
	t->time = s->time;
	if (!t->notes++)
		t->began = s->time;
	for (size_t i = 0; i < s->n_containers && r == 0; i++)
		r = container_note(t, keys, i);
	for (size_t i = 0; i < s->n_processes && t->part != TREND_ONLY_AVERAGES; i++)
		process_note(t, keys, i);
	if (t->part == TREND_ONLY_COURSES)
		return r;
	for (size_t i = 0; i < s->n_devices && r == 0; i++)
		r = device_note(t, keys, i);
	for (int m = 0; m < HOST_METRICS; m++)
		average_add(t, &t->host_sums[m], &t->host_seconds[m], s->v[m]);
	return r;
}

void trend_free(struct trend *t)
{
	free(t->rows);
	free(t->averages);
	free(t->slots);
	*t = (struct trend){};
}

/* ---- what is asked ---- */

const struct trend_row *trend_find(const struct trend *t, uint64_t key)
{
	uint32_t found = t->n_slots ? t->slots[trend_slot(t, key)] : 0;

	return found ? &t->rows[found - 1] : NULL;
}

const struct trend_row *trend_process(const struct trend *t, uint32_t pid, double start_time)
{
	const struct trend_row *latest = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct trend_row *row = &t->rows[i];

		/* Both are made from the same clock; a number is not used again within a second. */
		if (row->pid == pid && pid && !(fabs(row->start_time - start_time) > 1) &&
		    (!latest || row->start_time > latest->start_time))
			latest = row;
	}
	return latest;
}

double trend_average(const struct trend *t, const struct trend_row *row, enum trend_average which)
{
	const struct trend_averages *a = row && row->averages ? &t->averages[row->averages - 1] : NULL;

	return a && a->seconds[which] > 0 ? a->sums[which] / a->seconds[which] : VALUE_ABSENT;
}

double trend_host_average(const struct trend *t, int metric)
{
	return t->host_seconds[metric] > 0 ? t->host_sums[metric] / t->host_seconds[metric] : VALUE_ABSENT;
}

double course_slope(const struct course *c)
{
	return c->last_time > c->first_time ? (c->last - c->first) / (c->last_time - c->first_time) : VALUE_ABSENT;
}

bool course_is_steady(const struct course *c)
{
	double grown = c->last - c->first, seconds = c->last_time - c->first_time, steps = c->n - 1.0, bend;

	if (c->n < 5 || !(grown > 0) || c->rises < steps * 0.75 || c->falls > steps / 10 || c->jump > grown / 2)
		return false;
	/* Of a straight line the average lies in the middle; of what rises ever more slowly it lies higher. */
	bend = (c->area / seconds - c->first) / grown;
	return bend > 0.4 && bend < 0.6;
}
