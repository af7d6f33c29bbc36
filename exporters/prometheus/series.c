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
#include "exporters/prometheus/series_internal.h"

#define METRICS_END(SCOPE) _Static_assert(SCOPE##_METRICS <= LINES_MAX, "room for every line");
#include "sysscope/metrics.def"

static void values_clear(double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = VALUE_ABSENT;
}

static struct entry *series_new(const struct series_set *set, const char *labels, size_t labels_len)
{
	struct entry *e = calloc(1, sizeof(*e) + 2 * set->n_lines * sizeof(double) + labels_len + 1);

	if (!e)
		return NULL;
	e->series.value = (double *)(e + 1);
	e->total = e->series.value + set->n_lines;
	e->series.labels = (char *)(e->total + set->n_lines);
	e->series.labels_len = labels_len;
	memcpy(e->series.labels, labels, labels_len);
	e->slot = NO_SLOT;
	values_clear(e->series.value, 2 * set->n_lines);
	return e;
}

void series_free(struct entry *e)
{
	if (!e)
		return;
	for (struct origin *o = e->origins, *next; o; o = next) {
		next = o->next;
		free(o);
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

struct series_set *series_set_new(const struct metric_desc *lines, size_t n, const struct line_set *used,
				  const char *other)
{
	struct series_set *set = n <= LINES_MAX ? calloc(1, sizeof(*set)) : NULL;

	if (!set)
		return NULL;
	set->lines = lines;
	set->n_lines = n;
	set->used = *used;
	hash_seed_make(&set->seed);
	for (size_t i = 0; i < n; i++) {
		if (!line_set_has(used, i))
			continue;
		if (metric_grows(&lines[i]))
			line_set_add(&set->counters, i);
		if (merges_by_largest(&lines[i]))
			line_set_add(&set->largest, i);
		for (size_t j = 0; j < n; j++)
			/* A histogram counts as one series. */
			if (line_set_has(used, j) && strcmp(lines[i].prom, lines[j].prom) == 0 &&
			    lines[j].kind != METRIC_BUCKET && lines[j].kind != METRIC_SUM)
				set->siblings[i]++;
	}
	set->other = series_new(set, other, strlen(other));
	if (!set->other) {
		free(set);
		return NULL;
	}
	return set;
}

void series_set_free(struct series_set *set)
{
	struct entry *e, *next;

	if (!set)
		return;
	HASH_ITER (hh, set->entries, e, next) {
		HASH_DEL(set->entries, e);
		series_free(e);
	}
	series_free(set->other);
	free(set->slots);
	free(set->shown);
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

void value_merge(const struct series_set *set, size_t line, double *into, double v)
{
	if (value_absent(v))
		return;
	if (value_absent(*into))
		*into = v;
	else if (line_set_has(&set->largest, line))
		*into = v > *into ? v : *into;
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
	values_clear(e->series.value, set->n_lines);
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
		series_free(e);
		return NULL;
	}
	return e;
}

static struct origin *origin_get(struct series_set *set, struct entry *e, uint64_t key)
{
	struct origin *o;

	for (o = e->origins; o && o->key != key;)
		o = o->next;
	if (!o) {
		o = malloc(sizeof(*o) + 2 * set->n_lines * sizeof(double));
		if (!o)
			return NULL;
		*o = (struct origin){.next = e->origins, .key = key, .sum = (double *)(o + 1)};
		o->last = o->sum + set->n_lines;
		values_clear(o->last, set->n_lines);
		e->origins = o;
	}
	if (o->seen != set->scrape) {
		o->seen = set->scrape;
		values_clear(o->sum, set->n_lines);
	}
	return o;
}

int series_set_add(struct series_set *set, const char *labels, size_t labels_len, const char *key, double rank,
		   const double *v)
{
	struct entry *e = series_get(set, labels, labels_len);
	struct origin *o;

	if (!e)
		return -ENOMEM;
	o = origin_get(set, e, hash_text(&set->seed, set->seed.begin, key));
	if (!o)
		return -ENOMEM;
	series_touch(set, e);
	if (!value_absent(rank))
		e->rank += rank;
	for (size_t i = 0; i < set->n_lines; i++) {
		if (line_set_has(&set->counters, i))
			value_merge(set, i, &o->sum[i], v[i]);
		else if (line_set_has(&set->used, i))
			value_merge(set, i, &e->series.value[i], v[i]);
	}
	return 0;
}
