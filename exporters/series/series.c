/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.c - label sets and the rows behind them in a scrape: see series.h. What of them is published, and what counters
 * show, is decided in publish.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "exporters/series/series_internal.h"

#define METRICS_END(SCOPE) _Static_assert(SCOPE##_METRICS <= LINES_MAX, "room for every line");
#include "sysscope/metrics.def"

static void values_clear(double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = VALUE_ABSENT;
}

static struct entry *series_new(const struct series_set *set, const char *labels, size_t labels_len)
{
	static uint64_t numbers;
	size_t n = set->n_columns + set->n_counters;
	struct entry *e = calloc(1, sizeof(*e) + n * sizeof(double) + labels_len + 1);

	if (!e)
		return NULL;
	e->series.value = (double *)(e + 1);
	e->total = e->series.value + set->n_columns;
	e->series.labels = (char *)(e->total + set->n_counters);
	e->series.labels_len = labels_len;
	e->series.number = ++numbers;
	memcpy(e->series.labels, labels, labels_len);
	e->slot = NO_SLOT;
	values_clear(e->series.value, n);
	return e;
}

void series_free(struct series_set *set, struct entry *e)
{
	if (!e)
		return;
	for (struct origin *o = e->origins, *next; o; o = next) {
		next = o->next;
		origin_free(set, o);
	}
	free(e);
}

/* Times and limits of several rows cannot be added. */
static bool merges_by_largest(const struct metric_desc *d)
{
	return d->kind == METRIC_GAUGE &&
	       (d->unit == UNIT_UNIX_NS || strstr(d->prom, "_spec_") || strstr(d->prom, "_limit") ||
		strstr(d->prom, "_max") || strstr(d->prom, "_min_") || strstr(d->prom, "_high_") ||
		strstr(d->prom, "_info"));
}

static bool merges_by_smallest(const struct metric_desc *d)
{
	return d->kind == METRIC_GAUGE && strstr(d->prom, "_oldest_");
}

/* How many series per label set the family of a line has. A histogram counts as one series. */
static unsigned int siblings_count(const struct metric_desc *lines, size_t n, const struct line_set *used, size_t line)
{
	unsigned int siblings = 0;

	for (size_t i = 0; i < n; i++)
		if (line_set_has(used, i) && strcmp(lines[line].prom, lines[i].prom) == 0 &&
		    lines[i].kind != METRIC_BUCKET && lines[i].kind != METRIC_SUM)
			siblings++;
	return siblings;
}

struct series_set *series_set_new(const struct metric_desc *lines, size_t n, const struct line_set *used,
				  const char *other)
{
	struct series_set *set = n <= LINES_MAX ? calloc(1, sizeof(*set)) : NULL;

	if (!set)
		return NULL;
	hash_seed_make(&set->seed);
	for (size_t i = 0; i < n; i++) {
		if (!line_set_has(used, i))
			continue;
		set->columns[set->n_columns++] = (struct column){
			.line = (uint16_t)i,
			.counter = metric_grows(&lines[i]) ? (uint16_t)set->n_counters++ : NO_COLUMN,
			.largest = merges_by_largest(&lines[i]) && !merges_by_smallest(&lines[i]),
			.smallest = merges_by_smallest(&lines[i]),
			.siblings = siblings_count(lines, n, used, i),
		};
	}
	set->other = series_new(set, other, strlen(other));
	if (!set->other) {
		free(set);
		return NULL;
	}
	return set;
}

uint16_t series_set_column(const struct series_set *set, size_t line)
{
	for (size_t i = 0; i < set->n_columns; i++)
		if (set->columns[i].line == line)
			return (uint16_t)i;
	return NO_COLUMN;
}

void series_set_free(struct series_set *set)
{
	struct entry *e, *next;

	if (!set)
		return;
	HASH_ITER (hh, set->entries, e, next) {
		HASH_DEL(set->entries, e);
		series_free(set, e);
	}
	series_free(set, set->other);
	free(set->slots);
	free(set->shown);
	free(set->rows);
	free(set);
}

int series_set_begin(struct series_set *set, unsigned int max_series)
{
	if (set->max_slots != max_series) {
		struct entry **slots = calloc(max_series ? max_series : 1, sizeof(struct entry *));

		if (!slots)
			return -ENOMEM;
		for (size_t i = 0; i < set->max_slots; i++) {
			if (i < max_series && set->slots[i])
				slots[i] = set->slots[i];
			else if (set->slots[i])
				set->slots[i]->slot = NO_SLOT;
		}
		free(set->slots);
		set->slots = slots;
		set->max_slots = max_series;
	}
	set->scrape++;
	set->n_seen = 0;
	set->n_shown = 0;
	return 0;
}

void value_merge(const struct column *c, double *into, double v)
{
	if (value_absent(v))
		return;
	if (value_absent(*into))
		*into = v;
	else if (c->largest)
		*into = v > *into ? v : *into;
	else if (c->smallest)
		*into = v < *into ? v : *into;
	else
		*into += v;
}

void series_touch(struct series_set *set, struct entry *e)
{
	if (e->seen == set->scrape)
		return;
	e->seen = set->scrape;
	e->fresh = (struct line_set){};
	e->rank = 0;
	e->ended = true;
	values_clear(e->series.value, set->n_columns);
	if (e != set->other)
		set->n_seen++;
}

static struct entry *series_get(struct series_set *set, const char *labels, size_t labels_len)
{
	unsigned int hash = (unsigned int)hash_data(&set->seed, set->seed.begin, labels, labels_len);
	struct entry *e;

	/* A container called ~other joins the overflow series, or that would be there twice. */
	if (labels_len == set->other->series.labels_len && memcmp(labels, set->other->series.labels, labels_len) == 0)
		return set->other;
	HASH_FIND_BYHASHVALUE(hh, set->entries, labels, labels_len, hash, e);
	if (e)
		return e;
	e = series_new(set, labels, labels_len);
	if (!e)
		return NULL;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, set->entries, e->series.labels, labels_len, hash, e);
	if (!e->hh.tbl) {
		series_free(set, e);
		return NULL;
	}
	return e;
}

/* ---- rows that were added before ---- */
static struct origin **row_place(const struct series_set *set, uint64_t row)
{
	return &set->rows[row & (set->row_places - 1)];
}

static void row_forget(struct series_set *set, struct origin *o)
{
	if (!o->row)
		return;
	for (struct origin **at = row_place(set, o->row); *at; at = &(*at)->chain) {
		if (*at != o)
			continue;
		*at = o->chain;
		set->n_rows--;
		break;
	}
	o->row = 0;
}

/* Twice the places, or the first ones. Without memory the table stays as it is, and chains get longer. */
static void rows_grow(struct series_set *set)
{
	struct series_set wider = {.row_places = set->row_places ? 2 * set->row_places : 16};

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): they are pointers */
	wider.rows = calloc(wider.row_places, sizeof(*wider.rows));
	if (!wider.rows)
		return;
	for (size_t i = 0; i < set->row_places; i++) {
		for (struct origin *o = set->rows[i], *next; o; o = next) {
			struct origin **place = row_place(&wider, o->row);

			next = o->chain;
			o->chain = *place;
			*place = o;
		}
	}
	free(set->rows);
	set->rows = wider.rows;
	set->row_places = wider.row_places;
}

static void row_remember(struct series_set *set, struct origin *o, uint64_t row)
{
	row_forget(set, o);
	if (set->n_rows >= set->row_places)
		rows_grow(set);
	if (!row || !set->row_places)
		return;
	o->row = row;
	o->chain = *row_place(set, row);
	*row_place(set, row) = o;
	set->n_rows++;
}

/* ---- rows of a scrape ---- */
void origin_free(struct series_set *set, struct origin *o)
{
	row_forget(set, o);
	free(o);
}

static struct origin *origin_get(struct series_set *set, struct entry *e, uint64_t key)
{
	struct origin *o;

	for (o = e->origins; o && o->key != key;)
		o = o->next;
	if (o)
		return o;
	o = malloc(sizeof(*o) + 2 * set->n_counters * sizeof(double));
	if (!o)
		return NULL;
	*o = (struct origin){.next = e->origins, .entry = e, .key = key};
	values_clear(origin_last(set, o), set->n_counters);
	e->origins = o;
	return o;
}

static void origin_add(struct series_set *set, struct origin *o, double rank, const double *v)
{
	struct entry *e = o->entry;

	if (o->seen != set->scrape) {
		o->seen = set->scrape;
		values_clear(o->sum, set->n_counters);
	}
	series_touch(set, e);
	if (rank != SERIES_ENDED) {
		e->ended = false;
		e->rank += value_absent(rank) ? 0 : rank;
	}
	for (size_t i = 0; i < set->n_columns; i++) {
		const struct column *c = &set->columns[i];

		value_merge(c, c->counter == NO_COLUMN ? &e->series.value[i] : &o->sum[c->counter], v[c->line]);
	}
}

bool series_set_again(struct series_set *set, uint64_t row, double rank, const double *v)
{
	struct origin *o = row && set->row_places ? *row_place(set, row) : NULL;

	while (o && o->row != row)
		o = o->chain;
	if (!o)
		return false;
	origin_add(set, o, rank, v);
	return true;
}

int series_set_add(struct series_set *set, uint64_t row, const char *labels, size_t labels_len, const char *key,
		   double rank, const double *v)
{
	struct entry *e = series_get(set, labels, labels_len);
	struct origin *o;

	if (!e)
		return -ENOMEM;
	o = origin_get(set, e, hash_text(&set->seed, set->seed.begin, key));
	if (!o)
		return -ENOMEM;
	row_remember(set, o, row);
	origin_add(set, o, rank, v);
	return 0;
}
