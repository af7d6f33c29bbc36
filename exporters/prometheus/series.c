/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.c - label sets, their cap and their counters across scrapes. Used by prometheus.c only.
 *
 * A series gets a slot when it is first seen and keeps it while it exists, so that series do not move in and out of
 * `~other` at every scrape; a free slot goes to the highest rank behind it. A line with k series per label set
 * publishes the first max/k slots, so the limit holds per family. Counters are running totals of the increases of each
 * row behind the series: a row that vanishes (an ended container whose name is used again, a folded one) subtracts
 * nothing. That costs two doubles per row and line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
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
	uint64_t seen;	 /* scrape */
	line_mask fresh; /* lines whose total began in this scrape */
	uint32_t slot;
	double rank;
	UT_hash_handle hh;
};

struct series_set {
	const struct metric_desc *lines;
	size_t n_lines;
	line_mask used, counters, largest;
	unsigned int siblings[LINES_MAX]; /* lines of the same family, itself included */
	uint64_t folded[LINES_MAX];
	uint64_t seed[2];
	uint64_t scrape;
	struct entry *entries; /* uthash */
	struct entry *other;
	struct entry **slots; /* max_slots of them */
	size_t max_slots;
	struct entry **shown; /* what this scrape publishes */
	size_t n_shown, n_seen;
	bool any_folded;
};

/* Processes choose their names: without the seed nobody can aim them at one bucket. */
static uint64_t hash_text(const struct series_set *set, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = set->seed[0] ^ len;

	while (len) {
		size_t n = len < 8 ? len : 8;
		uint64_t chunk = 0;
		unsigned __int128 wide;

		memcpy(&chunk, p, n);
		wide = (unsigned __int128)(h ^ chunk ^ 0x9e3779b97f4a7c15ULL) * (set->seed[1] | 1);
		h = (uint64_t)wide ^ (uint64_t)(wide >> 64);
		p += n;
		len -= n;
	}
	return h;
}

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

static void series_free(struct entry *e)
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
		strstr(d->prom, "_max") || strstr(d->prom, "_info"));
}

struct series_set *series_set_new(const struct metric_desc *lines, size_t n, line_mask used, const char *other)
{
	struct series_set *set = n <= LINES_MAX ? calloc(1, sizeof(*set)) : NULL;

	if (!set)
		return NULL;
	set->lines = lines;
	set->n_lines = n;
	set->used = used;
	/* Early in the boot there may be no entropy: then the table is only easier to attack. */
	if (getrandom(set->seed, sizeof(set->seed), GRND_NONBLOCK) != sizeof(set->seed))
		set->seed[0] = set->seed[1] = clock_boot_ns();
	for (size_t i = 0; i < n; i++) {
		if (!(used >> i & 1))
			continue;
		if (metric_grows(&lines[i]))
			set->counters |= LINE_BIT(i);
		if (merges_by_largest(&lines[i]))
			set->largest |= LINE_BIT(i);
		for (size_t j = 0; j < n; j++)
			/* A histogram counts as one series. */
			if ((used >> j & 1) && strcmp(lines[i].prom, lines[j].prom) == 0 &&
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

static void value_merge(const struct series_set *set, size_t line, double *into, double v)
{
	if (value_absent(v))
		return;
	if (value_absent(*into))
		*into = v;
	else if (set->largest >> line & 1)
		*into = v > *into ? v : *into;
	else
		*into += v;
}

/* The first row of a series in a scrape clears its values. */
static void series_touch(struct series_set *set, struct entry *e)
{
	if (e->seen == set->scrape)
		return;
	e->seen = set->scrape;
	e->fresh = 0;
	e->rank = 0;
	values_clear(e->series.value, set->n_lines);
	if (e != set->other)
		set->n_seen++;
}

static struct entry *series_get(struct series_set *set, const char *labels, size_t labels_len)
{
	unsigned int hash = (unsigned int)hash_text(set, labels, labels_len);
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
	o = origin_get(set, e, hash_text(set, key, strlen(key)));
	if (!o)
		return -ENOMEM;
	series_touch(set, e);
	if (!value_absent(rank))
		e->rank += rank;
	for (size_t i = 0; i < set->n_lines; i++) {
		if (set->counters >> i & 1)
			value_merge(set, i, &o->sum[i], v[i]);
		else if (set->used >> i & 1)
			value_merge(set, i, &e->series.value[i], v[i]);
	}
	return 0;
}

static void origins_drop_unseen(const struct series_set *set, struct entry *e)
{
	for (struct origin **at = &e->origins, *o; (o = *at);) {
		if (o->seen == set->scrape) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		free(o);
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
		series_free(e);
	}
	origins_drop_unseen(set, set->other);
	return 0;
}

/*
 * Closes every gap in the slots with the highest-ranked entry behind it. No entry moves back, where it would be folded:
 * a published series stays published.
 */
static void slots_fill(struct series_set *set)
{
	size_t next = 0;

	if (set->n_seen) /* pointers are sorted */
		/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
		qsort(set->shown, set->n_seen, sizeof(*set->shown), compare_rank);
	for (size_t i = 0; i < set->max_slots; i++) {
		struct entry *e;

		if (set->slots[i])
			continue;
		/* NO_SLOT is behind all. */
		while (next < set->n_seen && set->shown[next]->slot < i)
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
static void counter_add(struct series_set *set, struct entry *e, size_t line, bool folded)
{
	struct entry *target = folded ? set->other : e;
	line_mask bit = LINE_BIT(line);

	if (folded && e != set->other)
		e->total[line] = VALUE_ABSENT; /* a series that it gets later is a new one */
	for (struct origin *o = e->origins; o; o = o->next) {
		double now = o->sum[line], before = o->last[line], gain;

		if (value_absent(now))
			continue;
		if (value_absent(target->total[line])) {
			target->total[line] = 0;
			target->fresh |= bit;
		}
		/*
		 * A new series starts with the whole total of its rows, an existing one adds increases only: the past
		 * of a row that moves to ~other was published before, and adding it would look like a burst.
		 */
		if (value_absent(before) || (!folded && (target->fresh & bit)))
			gain = now;
		else
			gain = now > before ? now - before : 0;
		target->total[line] += gain;
		target->series.value[line] = target->total[line];
		o->last[line] = now;
	}
}

static void line_publish(struct series_set *set, struct entry *e, size_t line, size_t kept)
{
	bool folded = e->slot >= kept;

	if (folded && e != set->other) {
		set->folded[line]++;
		set->any_folded = true;
	}
	if (set->counters >> line & 1) {
		counter_add(set, e, line, folded);
	} else if (folded && e != set->other) {
		value_merge(set, line, &set->other->series.value[line], e->series.value[line]);
		e->series.value[line] = VALUE_ABSENT;
	}
}

static void entry_publish(struct series_set *set, struct entry *e)
{
	for (size_t i = 0; i < set->n_lines; i++) {
		size_t limit;

		if (!(set->used >> i & 1))
			continue;
		limit = set->max_slots / set->siblings[i];
		/* ~other counts towards the limit. */
		if (set->n_seen > limit && limit)
			limit--;
		line_publish(set, e, i, limit);
	}
}

int series_set_end(struct series_set *set)
{
	int r;

	r = entries_sweep(set);
	if (r)
		return r;
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
	return set->folded[line];
}
