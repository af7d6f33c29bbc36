/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window.c - see window.h. Called by judge.c and the rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/window.h"

/* ---- which values are kept ---- */

#define KEPT_BEGIN(KIND) KEPT_##KIND##_FIRST = -1,
#define KEPT(METRIC)	 KEPT_##METRIC,
#define KEPT_END(KIND)	 KEPT_##KIND,
enum kept_column {
#include "diagnose/case/kept.def"
};

#define METRICS_MOST 256
_Static_assert(CONTAINER_METRICS < METRICS_MOST && DISK_METRICS < METRICS_MOST, "columns have room for each metric");

/* Of each metric its column among those kept, plus one; 0: it is not kept. */
#define KEPT_BEGIN(KIND) static const uint8_t columns_##KIND[METRICS_MOST] = {
#define KEPT(METRIC)	 [METRIC] = KEPT_##METRIC + 1,
#define KEPT_END(KIND) \
	}              \
	;              \
	_Static_assert(KEPT_##KIND < METRICS_MOST - 1, "a column and one more fit a byte");
/* clang-format off */
#include "diagnose/case/kept.def"
#define KEPT_BEGIN(KIND) static const uint8_t metrics_##KIND[] = {
#define KEPT(METRIC)	 METRIC,
#define KEPT_END(KIND)	 };
#include "diagnose/case/kept.def"
/* clang-format on */

/* Where the rows of each kind are, and what makes two of them the same. */
static const struct window_desc {
	size_t rows, n;			  /* offsets in a snapshot: the pointer to them, their number */
	size_t size, values;		  /* of a row; offset of its value array there */
	size_t kept;			  /* values of a row that are kept */
	const uint8_t *columns, *metrics; /* columns_KIND, metrics_KIND; NULL: all values are kept */
	row_key *key;
} descs[WINDOW_KINDS] = {
#define ROWS(KIND, rows, type, values, kept, columns, metrics, key) \
	[WINDOW_##KIND] = {offsetof(struct snapshot, rows),         \
			   offsetof(struct snapshot, n_##rows),     \
			   sizeof(struct type),                     \
			   offsetof(struct type, values),           \
			   kept,                                    \
			   columns,                                 \
			   metrics,                                 \
			   key}
#define ROWS_WHOLE(KIND, rows, type, values, METRICS, key) ROWS(KIND, rows, type, values, METRICS, NULL, NULL, key)
#define ROWS_PARTS(KIND, rows, type, values, key) \
	ROWS(KIND, rows, type, values, KEPT_##KIND, columns_##KIND, metrics_##KIND, key)
	ROWS_PARTS(CONTAINERS, containers, container_row, v, container_key),
	ROWS_PARTS(TCP, containers, container_row, tcp, container_key),
	ROWS_PARTS(PROCESSES, processes, process_row, v, process_key),
	ROWS_WHOLE(OUTSIDE, outside, outsider_row, container, 0, outside_key),
	ROWS_PARTS(GROUPS, groups, group_row, v, group_key),
	ROWS_WHOLE(LOOPS, loops, loop_row, v, LOOP_METRICS, loop_key),
	ROWS_WHOLE(NEIGHBOURS, neighbours, neighbour_row, v, NEIGHBOUR_METRICS, neighbour_key),
	ROWS_PARTS(DISKS, disks, disk_row, v, disk_key),
	ROWS_WHOLE(DISK_NEIGHBOURS, disk_neighbours, disk_neighbour_row, v, DISK_NEIGHBOUR_METRICS, disk_neighbour_key),
	ROWS_WHOLE(DEVICES, devices, device_row, v, DEVICE_METRICS, device_key),
	ROWS_PARTS(PORTS, ports, port_row, v, port_key),
	ROWS_WHOLE(INTERFACES, interfaces, interface_row, v, INTERFACE_METRICS, interface_key),
#undef ROWS
#undef ROWS_WHOLE
#undef ROWS_PARTS
};

static size_t rows_count(const struct window_desc *d, const struct snapshot *s)
{
	size_t n;

	memcpy(&n, (const char *)s + d->n, sizeof(n));
	return n;
}

static const double *row_values(const struct window_desc *d, const struct snapshot *s, size_t i)
{
	const char *rows;

	memcpy(&rows, (const char *)s + d->rows, sizeof(rows));
	return (const double *)(const void *)(rows + i * d->size + d->values);
}

/* ---- the table of the first snapshot's rows ---- */

/*
 * Room for `n` elements. Most windows are as large as the one before, and memory that is given back is expensive to get again; but
 * a burst of rows shall not stay for ever.
 */
static int room_fit(void *array, size_t *cap, size_t n, size_t size)
{
	void **p = array;
	void *more;

	if (n <= *cap && n >= *cap / 8)
		return 0;
	more = reallocarray(*p, n + n / 4 + 64, size);
	if (!more)
		return -ENOMEM;
	*p = more;
	*cap = n + n / 4 + 64;
	return 0;
}

static size_t slot_first(const struct window_scope *scope, uint64_t key)
{
	return (key ^ key >> 32) & scope->slots_mask;
}

static int homes_make(struct window *w, const struct snapshot *s)
{
	if (!w->keys.seed.factor)
		hash_seed_make(&w->keys.seed);
	if (room_fit(&w->keys.homes, &w->homes_cap, s->n_containers, sizeof(*w->keys.homes)) < 0)
		return -ENOMEM;
	w->keys.s = s;
	homes_hash(&w->keys);
	return 0;
}

static int slots_make(struct window_scope *scope)
{
	size_t slots = 64;

	while (slots < scope->n * 2)
		slots *= 2;
	if (room_fit(&scope->slots, &scope->slots_cap, slots, sizeof(*scope->slots)) < 0)
		return -ENOMEM;
	scope->slots_mask = slots - 1;
	memset(scope->slots, 0, slots * sizeof(*scope->slots));
	for (size_t i = 0; i < scope->n; i++) {
		size_t slot = slot_first(scope, scope->keys[i]);

		while (scope->slots[slot])
			slot = (slot + 1) & scope->slots_mask;
		scope->slots[slot] = (uint32_t)i + 1;
	}
	return 0;
}

static uint32_t row_find(const struct window_scope *scope, uint64_t key)
{
	size_t slot = slot_first(scope, key);

	if (!scope->n)
		return WINDOW_NEW;
	for (; scope->slots[slot]; slot = (slot + 1) & scope->slots_mask)
		if (scope->keys[scope->slots[slot] - 1] == key)
			return scope->slots[slot] - 1;
	return WINDOW_NEW;
}

static void scope_free(struct window_scope *scope)
{
	free(scope->keys);
	free(scope->slots);
	free(scope->values);
	free(scope->before);
	free(scope->gained);
	*scope = (struct window_scope){};
}

static void row_keep(const struct window_desc *d, double *to, const double *from)
{
	/* Of some kinds nothing is kept but that they were there; then there is no room to copy to. */
	if (d->metrics)
		for (size_t i = 0; i < d->kept; i++)
			to[i] = from[d->metrics[i]];
	else if (d->kept)
		memcpy(to, from, d->kept * sizeof(*to));
}

static int scope_begin(struct window_scope *scope, const struct window_desc *d, const struct row_keys *keys)
{
	size_t n = rows_count(d, keys->s);

	scope->n = scope->n_before = 0;
	if (room_fit(&scope->keys, &scope->keys_cap, n, sizeof(*scope->keys)) < 0 ||
	    room_fit(&scope->values, &scope->values_cap, n * d->kept, sizeof(*scope->values)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		scope->keys[i] = d->key(keys, i);
		row_keep(d, scope->values + i * d->kept, row_values(d, keys->s, i));
	}
	scope->n = n;
	if (slots_make(scope) == 0)
		return 0;
	scope->n = 0;
	return -ENOMEM;
}

static double gained_between(double before, double now)
{
	if (value_absent(before) || value_absent(now))
		return VALUE_ABSENT;
	return now > before ? now - before : 0;
}

static int gains_make(struct window_scope *scope, const struct window_desc *d, const struct snapshot *s)
{
	size_t n = scope->n_before;

	if (room_fit(&scope->gained, &scope->gained_cap, n * d->kept, sizeof(*scope->gained)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const double *now = row_values(d, s, i);
		const double *before =
			scope->before[i] == WINDOW_NEW ? NULL : scope->values + scope->before[i] * d->kept;

		for (size_t k = 0; k < d->kept; k++)
			scope->gained[k * n + i] = gained_between(before ? before[k] : 0, now[d->metrics[k]]);
	}
	return 0;
}

static int scope_end(struct window_scope *scope, const struct window_desc *d, const struct row_keys *keys)
{
	size_t n = rows_count(d, keys->s);

	scope->n_before = 0;
	if (room_fit(&scope->before, &scope->before_cap, n, sizeof(*scope->before)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = d->key(keys, i);

		/* Most rows stand where they stood. */
		scope->before[i] = i < scope->n && scope->keys[i] == key ? (uint32_t)i : row_find(scope, key);
	}
	scope->n_before = n;
	if (d != &descs[WINDOW_CONTAINERS] || gains_make(scope, d, keys->s) == 0)
		return 0;
	scope->n_before = 0;
	return -ENOMEM;
}

int watch_begin(struct window *w, const struct snapshot *s)
{
	int r = homes_make(w, s);

	w->began = s->time;
	w->seconds = 0;
	w->now = s;
	memcpy(w->host, s->v, sizeof(w->host));
	for (size_t i = 0; i < s->n_losses && i < WINDOW_LOSSES; i++)
		w->losses[i] = s->losses[i].count;
	for (int k = 0; r == 0 && k < WINDOW_KINDS; k++)
		r = scope_begin(&w->scopes[k], &descs[k], &w->keys);
	trend_begin(&w->trend);
	return r ?: trend_note(&w->trend, &w->keys);
}

int window_note(struct window *w, const struct snapshot *s)
{
	return homes_make(w, s) ?: trend_note(&w->trend, &w->keys);
}

int watch_end(struct window *w, const struct snapshot *s)
{
	int r = w->began ? 0 : watch_begin(w, s);

	w->now = s;
	w->seconds = s->time > w->began ? s->time - w->began : 0;
	r = r ?: window_note(w, s);
	for (int k = 0; r == 0 && k < WINDOW_KINDS; k++)
		r = scope_end(&w->scopes[k], &descs[k], &w->keys);
	return r;
}

void window_free(struct window *w)
{
	for (int k = 0; k < WINDOW_KINDS; k++)
		scope_free(&w->scopes[k]);
	trend_free(&w->trend);
	free(w->keys.homes);
	w->keys.homes = NULL;
	w->homes_cap = 0;
}

/* The column of a metric among those kept; false, having noted it: there is none. */
static bool column_find(const struct window *w, enum window_kind kind, int metric, size_t *ret)
{
	const uint8_t *columns = descs[kind].columns;

	if (columns && !columns[metric]) {
		if (w->missed)
			*w->missed = (struct window_missed){kind, metric + 1};
		return false;
	}
	*ret = columns ? columns[metric] - 1U : (size_t)metric;
	return true;
}

bool window_is_new(const struct window *w, enum window_kind kind, uint32_t row)
{
	const struct window_scope *scope = &w->scopes[kind];

	return row >= scope->n_before || scope->before[row] == WINDOW_NEW;
}

double window_before(const struct window *w, enum window_kind kind, uint32_t row, int metric)
{
	const struct window_scope *scope = &w->scopes[kind];
	size_t column;

	if (!column_find(w, kind, metric, &column) || window_is_new(w, kind, row))
		return VALUE_ABSENT;
	return scope->values[scope->before[row] * descs[kind].kept + column];
}

double window_gained(const struct window *w, enum window_kind kind, uint32_t row, int metric)
{
	const struct window_scope *scope = &w->scopes[kind];
	double before, now;
	size_t column;

	if (!column_find(w, kind, metric, &column) || !(w->seconds > 0) || row >= scope->n_before)
		return VALUE_ABSENT;
	if (kind == WINDOW_CONTAINERS)
		return scope->gained[column * scope->n_before + row];
	before = window_is_new(w, kind, row) ? 0 : scope->values[scope->before[row] * descs[kind].kept + column];
	now = row_values(&descs[kind], w->now, row)[metric];
	return gained_between(before, now);
}

static const struct trend_row *trend_of(const struct window *w, const struct trend *t, enum window_kind kind,
					uint32_t row)
{
	return row < w->scopes[kind].n_before ? trend_find(t, descs[kind].key(&w->keys, row)) : NULL;
}

const struct trend *window_courses(const struct window *w)
{
	return w->courses ?: &w->trend;
}

const struct trend_row *window_trend(const struct window *w, enum window_kind kind, uint32_t row)
{
	return trend_of(w, window_courses(w), kind, row);
}

double window_average(const struct window *w, enum window_kind kind, uint32_t row, enum trend_average which)
{
	return trend_average(&w->trend, trend_of(w, &w->trend, kind, row), which);
}

double window_host_average(const struct window *w, int metric)
{
	return trend_host_average(&w->trend, metric);
}

double window_host(const struct window *w, int metric)
{
	return w->seconds > 0 ? w->now->v[metric] - w->host[metric] : VALUE_ABSENT;
}

double window_loss(const struct window *w, size_t kind)
{
	if (!(w->seconds > 0) || kind >= WINDOW_LOSSES || w->now->losses[kind].count < w->losses[kind])
		return VALUE_ABSENT;
	return (double)(w->now->losses[kind].count - w->losses[kind]);
}
