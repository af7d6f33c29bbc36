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
#include "exporters/prometheus/series.h"

#define NO_SLOT UINT32_MAX

/* The rows of one key behind a series. */
struct origin {
	struct origin *next;
	uint64_t key;  /* hash of the row's key */
	uint64_t seen; /* scrape */
	double *sum;   /* per line: counters in this scrape */
	double *last;  /* per line: as last added to a total */
};

struct entry {
	struct series series; /* first: handed out */
	double *total;	      /* per line: a counter's running total, VALUE_ABSENT: not begun */
	struct origin *origins;
	uint64_t seen;	       /* scrape */
	struct line_set fresh; /* lines whose total began in this scrape */
	uint32_t slot;
	double rank;
	UT_hash_handle hh;
};

struct series_set {
	const struct metric_desc *lines;
	size_t n_lines;
	struct line_set used, counters, largest;
	unsigned int siblings[LINES_MAX]; /* lines of the same family, itself included */
	uint64_t folded[LINES_MAX];
	struct hash_seed seed;
	uint64_t scrape;
	struct entry *entries; /* uthash */
	struct entry *other;
	struct entry **slots; /* max_slots of them */
	size_t max_slots;
	struct entry **shown; /* what this scrape publishes */
	size_t n_shown, n_seen;
	bool any_folded;
};

/* Frees it; it is in no table. */
void series_free(struct entry *e);

/* The first row of a series in a scrape clears its values. */
void series_touch(struct series_set *set, struct entry *e);

void value_merge(const struct series_set *set, size_t line, double *into, double v);

#endif
