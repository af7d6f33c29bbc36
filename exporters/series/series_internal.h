/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series_internal.h - what a set of series keeps. Shared by series.c, which collects the rows of a scrape, and publish.c,
 * which decides what of them is published; used by nobody else.
 */
#ifndef SYSSCOPE_SERIES_INTERNAL_H
#define SYSSCOPE_SERIES_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/hash.h"
#include "exporters/series/series.h"

#define NO_SLOT UINT32_MAX

struct entry;

/* The rows of one key behind a series. */
struct origin {
	struct origin *next;
	struct origin *chain; /* the next one in the same place of the table of rows */
	struct entry *entry;
	uint64_t key;  /* hash of the row's key */
	uint64_t row;  /* hash under which its row was last added; 0: it is not in the table */
	uint64_t seen; /* scrape */
	double sum[];  /* per counter: in this scrape; then per counter: as last added to a total */
};

struct entry {
	struct series series; /* first: handed out */
	double *total;	      /* per counter: its running total, VALUE_ABSENT: not begun */
	struct origin *origins;
	uint64_t seen;	       /* scrape */
	struct line_set fresh; /* counters whose total began in this scrape */
	uint32_t slot;
	bool ended; /* all its rows are of rank SERIES_ENDED */
	double rank;
	UT_hash_handle hh;
};

/* A line that is published: where its value stands in a row, and what happens to it. */
struct column {
	uint16_t line;
	uint16_t counter;      /* index among the counters; NO_COLUMN: a gauge */
	bool largest;	       /* of several rows the largest value counts */
	bool smallest;	       /* or the smallest */
	unsigned int siblings; /* lines of the same family, itself included */
	uint64_t folded;
};

struct series_set {
	struct column columns[LINES_MAX];
	size_t n_columns, n_counters;
	struct hash_seed seed;
	uint64_t scrape;
	struct entry *entries; /* uthash */
	struct entry *other;
	struct entry **slots; /* max_slots of them */
	size_t max_slots;
	struct entry **shown; /* what this scrape publishes */
	size_t n_shown, n_seen;
	bool any_folded;
	struct origin **rows; /* by hash of the row, chained; `row_places` of them, a power of two or 0 */
	size_t row_places, n_rows;
};

static inline double *origin_last(const struct series_set *set, struct origin *o)
{
	return o->sum + set->n_counters;
}

/* Frees it; it is in no table of entries. */
void series_free(struct series_set *set, struct entry *e);
/* Frees it and forgets its row; it is in no list. */
void origin_free(struct series_set *set, struct origin *o);

/* The first row of a series in a scrape clears its values. */
void series_touch(struct series_set *set, struct entry *e);

void value_merge(const struct column *c, double *into, double v);

#endif
