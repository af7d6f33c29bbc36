/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.c - which series of a scrape are published, and what their counters show: see series.h.
 *
 * A series gets a slot when it is first seen and keeps it while it exists, so that series do not move in and out of
 * `~other` at every scrape; a free slot goes to the highest rank behind it. Where slots are scarce, what has ended, and
 * was published so, loses its own: what comes after many that went at once would have none for as long as the model
 * remembers these. A line with k series per label set publishes the first max/k slots, so the limit holds per family.
 * Counters are running totals of the increases of each row behind the series: a row that vanishes (an ended container
 * whose name is used again, a folded one) subtracts nothing. That costs two doubles per row and line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/series/series_internal.h"

static void origins_drop_unseen(struct series_set *set, struct entry *e)
{
	for (struct origin **at = &e->origins, *o; (o = *at);) {
		if (o->seen == set->scrape) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		origin_free(set, o);
	}
}

static int compare_rank(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? 1 : -1;
	return strcmp(x->series.labels, y->series.labels);
}

/* Lists the entries of this scrape in `shown`; frees entries that vanished, and their slots. */
static int entries_sweep(struct series_set *set)
{
	struct entry *e, *next, **shown;
	size_t n = 0;

	shown = realloc(set->shown, (set->n_seen + 1) * sizeof(struct entry *));
	if (!shown)
		return -ENOMEM;
	set->shown = shown;
	HASH_ITER (hh, set->entries, e, next) {
		if (e->seen == set->scrape) {
			origins_drop_unseen(set, e);
			shown[n++] = e;
			continue;
		}
		if (e->slot != NO_SLOT)
			set->slots[e->slot] = NULL;
		HASH_DEL(set->entries, e);
		series_free(set, e);
	}
	origins_drop_unseen(set, set->other);
	return 0;
}

static bool slots_scarce(const struct series_set *set)
{
	return set->n_seen > set->max_slots;
}

static void slots_yield(struct series_set *set)
{
	for (size_t i = 0; i < set->max_slots && slots_scarce(set); i++) {
		if (!set->slots[i] || !set->slots[i]->ended)
			continue;
		set->slots[i]->slot = NO_SLOT;
		set->slots[i] = NULL;
	}
}

/*
 * Closes every gap in the slots with the highest-ranked entry behind it. No entry moves back, where it would be folded:
 * a published series stays published.
 */
static void slots_fill(struct series_set *set)
{
	size_t next = 0, full = 0;
	bool scarce = slots_scarce(set);

	while (full < set->max_slots && set->slots[full])
		full++;
	/* No gap, or nobody behind it. */
	if (full == set->max_slots || full == set->n_seen)
		return;
	if (set->n_seen) /* pointers are sorted */
		/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
		qsort(set->shown, set->n_seen, sizeof(*set->shown), compare_rank);
	for (size_t i = full; i < set->max_slots; i++) {
		struct entry *e;

		if (set->slots[i])
			continue;
		/* NO_SLOT is behind all. */
		while (next < set->n_seen && (set->shown[next]->slot < i || (scarce && set->shown[next]->ended)))
			next++;
		if (next == set->n_seen)
			break;
		e = set->shown[next];
		if (e->slot != NO_SLOT)
			set->slots[e->slot] = NULL;
		set->slots[i] = e;
		e->slot = (uint32_t)i;
	}
}

/* Adds the increases of the rows behind `e` to its own total or to that of `~other`. */
static void counter_add(struct series_set *set, struct entry *e, size_t column, bool folded)
{
	struct entry *target = folded ? set->other : e;
	size_t counter = set->columns[column].counter;

	if (folded && e != set->other)
		e->total[counter] = VALUE_ABSENT; /* a series that it gets later is a new one */
	for (struct origin *o = e->origins; o; o = o->next) {
		double now = o->sum[counter], *last = &origin_last(set, o)[counter], gain;

		if (value_absent(now))
			continue;
		if (value_absent(target->total[counter])) {
			target->total[counter] = 0;
			line_set_add(&target->fresh, counter);
		}
		/*
		 * A new series starts with the whole total of its rows, an existing one adds increases only: the past
		 * of a row that moves to ~other was published before, and adding it would look like a burst.
		 */
		if (value_absent(*last) || (!folded && line_set_has(&target->fresh, counter)))
			gain = now;
		else
			gain = now > *last ? now - *last : 0;
		target->total[counter] += gain;
		target->series.value[column] = target->total[counter];
		*last = now;
	}
}

static void entry_publish(struct series_set *set, struct entry *e)
{
	for (size_t i = 0; i < set->n_columns; i++) {
		struct column *c = &set->columns[i];
		size_t limit = set->max_slots / c->siblings;
		bool folded;

		/* ~other counts towards the limit. */
		if (set->n_seen > limit && limit)
			limit--;
		folded = e->slot >= limit;
		if (folded && e != set->other) {
			c->folded++;
			set->any_folded = true;
		}
		if (c->counter != NO_COLUMN) {
			counter_add(set, e, i, folded);
		} else if (folded && e != set->other) {
			value_merge(c, &set->other->series.value[i], e->series.value[i]);
			e->series.value[i] = VALUE_ABSENT;
		}
	}
}

int series_set_end(struct series_set *set)
{
	int r;

	r = entries_sweep(set);
	if (r)
		return r;
	slots_yield(set);
	slots_fill(set);
	set->any_folded = set->other->seen == set->scrape;
	series_touch(set, set->other);
	entry_publish(set, set->other);
	for (size_t i = 0; i < set->n_seen; i++)
		if (set->shown[i]->slot == NO_SLOT)
			entry_publish(set, set->shown[i]);
	/* Entries without a slot are all folded: from here on `shown` is what is published. */
	for (size_t i = 0; i < set->max_slots && set->slots[i]; i++) {
		entry_publish(set, set->slots[i]);
		set->shown[set->n_shown++] = set->slots[i];
	}
	if (set->any_folded)
		set->shown[set->n_shown++] = set->other;
	return 0;
}

size_t series_set_count(const struct series_set *set)
{
	return set->n_shown;
}

const struct series *series_set_at(const struct series_set *set, size_t i)
{
	return &set->shown[i]->series;
}

uint64_t series_set_folded(const struct series_set *set, size_t line)
{
	uint16_t column = series_set_column(set, line);

	return column == NO_COLUMN ? 0 : set->columns[column].folded;
}
