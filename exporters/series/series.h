/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.h - the label sets of one kind of row and what each of their series publishes. Used by prometheus.c only. Rows
 * with the same labels after sanitising become one series; series over the limit become `~other`; a counter never goes
 * down, whatever happens to the rows behind it. Knows no format.
 */
#ifndef SYSSCOPE_SERIES_H
#define SYSSCOPE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/view.h"

struct series {
	char *labels; /* as written between the braces */
	size_t labels_len;
	uint64_t number; /* no other series of any set has or had it: the same number means the same labels */
	double *value;	 /* per column: what to publish now, VALUE_ABSENT: nothing */
};

struct series_set;

/* Lines of one scope: raise it when metrics.def has more (`make` says so). */
#define LINES_MAX 256
struct line_set {
	uint64_t words[LINES_MAX / 64];
};

static inline void line_set_add(struct line_set *lines, size_t i)
{
	lines->words[i / 64] |= 1ULL << i % 64;
}

static inline bool line_set_has(const struct line_set *lines, size_t i)
{
	return lines->words[i / 64] >> i % 64 & 1;
}

/*
 * `lines`: descriptors in the order of the rows' values, at most LINES_MAX; `used`: those that this set
 * publishes; only they take memory. `other`: labels of the overflow series. NULL when out of memory.
 */
struct series_set *series_set_new(const struct metric_desc *lines, size_t n, const struct line_set *used,
				  const char *other);
void series_set_free(struct series_set *set);

/*
 * One scrape: begin, add every row, end. `key` tells rows with the same labels apart (a cgroup's path); with too
 * many rows those with the largest `rank` get series of their own, and a row of rank SERIES_ENDED, which was published after its
 * end before, gives up its own. 0 or -ENOMEM: drop the scrape; the set stays usable.
 *
 * `row`: a hash of everything from which the labels and the key are made. series_set_again adds a row that has been added under
 * this hash in an earlier scrape, and is true; else the labels have to be made. 0: not remembered.
 */
#define SERIES_ENDED (-INFINITY)
int series_set_begin(struct series_set *set, unsigned int max_series);
bool series_set_again(struct series_set *set, uint64_t row, double rank, const double *v);
int series_set_add(struct series_set *set, uint64_t row, const char *labels, size_t labels_len, const char *key,
		   double rank, const double *v);
int series_set_end(struct series_set *set);

/* After the end: the series in a stable order; the overflow series, if any, is the last. */
size_t series_set_count(const struct series_set *set);
const struct series *series_set_at(const struct series_set *set, size_t i);

/* Where a series has the value of a line; NO_COLUMN: the set does not publish it. */
#define NO_COLUMN UINT16_MAX
uint16_t series_set_column(const struct series_set *set, size_t line);

/* How many series of this line were folded into `~other`, summed over all scrapes. */
uint64_t series_set_folded(const struct series_set *set, size_t line);

#endif
