/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.c - which rows of a snapshot a table shows, and in which order. Used by table.c and by the live screen; changes
 * nothing in the snapshot. Names of columns are in sort.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"
#include "view/match.h"

void table_choice_init(struct table_choice *c, const struct view_desc *view)
{
	*c = (struct table_choice){.view = view, .sort = view->sort};
}

/* A row with two containers matches by either of them. */
static bool row_wanted(const struct snapshot *s, const struct table_choice *c, struct match_filter *f, uint32_t row)
{
	const struct view_desc *view = c->view;
	const struct container_row *home = view->home(s, row), *other = view->other ? view->other(s, row) : NULL;

	if (view->hidden && view->hidden(s, row))
		return false;
	if (!match_choice_row(c->containers, home) && !(other && match_choice_row(c->containers, other)))
		return false;
	if (c->cgroup && strcmp(home->cgroup, c->cgroup) != 0)
		return false;
	if (c->containers_only && strcmp(home->kind, "container") != 0)
		return false;
	return match_filter_row(f, home, view->process ? view->process(s, row) : NULL) ||
	       (other && match_filter_row(f, other, NULL));
}

/* Nobody has chosen: then nothing of the rows is read for that. */
static bool rows_all_wanted(const struct table_choice *c, const struct match_filter *f)
{
	return !c->view->hidden && !(c->containers && c->containers->n) && !c->cgroup && !c->containers_only &&
	       !f->wanted.len;
}

struct row_order {
	const struct snapshot *s;
	const struct table_choice *c;
	const struct text_column *text; /* sort by this column; NULL: c->sort is a metric */
	int direction;			/* -1: largest first */
};

static int number_compare(double v, double w, int direction)
{
	if (value_absent(v) || value_absent(w))
		return value_absent(v) - value_absent(w);
	return v == w ? 0 : (v < w ? -1 : 1) * direction;
}

static int text_compare(const char *v, const char *w, int direction)
{
	if (!v[0] || !w[0])
		return !v[0] - !w[0];
	return direction < 0 ? strcmp(w, v) : strcmp(v, w);
}

static int column_compare(const struct row_order *o, uint32_t x, uint32_t y)
{
	const struct view_desc *view = o->c->view;

	if (!o->text)
		return number_compare(view->values(o->s, x)[o->c->sort], view->values(o->s, y)[o->c->sort],
				      o->direction);
	if (o->text->compare)
		return o->text->compare(o->c, o->s, x, y, o->direction);
	if (o->text->number)
		return number_compare(o->text->number(o->s, x), o->text->number(o->s, y), o->direction);
	return text_compare(o->text->text(o->s, x), o->text->text(o->s, y), o->direction);
}

/* Unknown comes last, whatever the direction; equals are in the order of names, then of the snapshot. */
static int row_compare(const void *a, const void *b, void *ctx)
{
	const struct row_order *o = ctx;
	const struct view_desc *view = o->c->view;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int r = column_compare(o, x, y);

	if (r == 0)
		r = strcmp(view->row_name(o->s, x), view->row_name(o->s, y));
	return r ? r : (x > y) - (x < y);
}

static int rows_reserve(struct table_rows *rows, size_t n)
{
	if (n <= rows->cap && rows->index)
		return 0;
	table_rows_free(rows);
	rows->cap = n + n / 2 + 16;
	rows->index = calloc(rows->cap, sizeof(*rows->index));
	rows->depth = calloc(rows->cap, sizeof(*rows->depth));
	if (rows->index && rows->depth)
		return 0;
	table_rows_free(rows);
	return -ENOMEM;
}

/* Sinks the first of n rows, of which each stands behind the two that follow it, to its place. */
static void row_sink(uint32_t *index, size_t n, struct row_order *order)
{
	for (size_t at = 0, below; (below = 2 * at + 1) < n; at = below) {
		uint32_t row = index[at];

		if (below + 1 < n && row_compare(&index[below], &index[below + 1], order) < 0)
			below++;
		if (row_compare(&index[at], &index[below], order) >= 0)
			return;
		index[at] = index[below];
		index[below] = row;
	}
}

/* Rows are far apart in memory, and of most only this one value is read: it is on its way while others are compared. */
#define AHEAD 16

static void value_fetch(const struct row_order *o, uint32_t row)
{
	if (!o->text)
		__builtin_prefetch(&o->c->view->values(o->s, row)[o->c->sort]);
}

/* The first rows in order, and those that are not shown behind them: most are compared with the last that is shown only. */
static void rows_sort(struct table_rows *rows, size_t first, struct row_order *order)
{
	rows->in_order = first && first < rows->n ? first : rows->n;
	qsort_r(rows->index, rows->in_order, sizeof(*rows->index), row_compare, order);
	if (rows->in_order == rows->n)
		return;
	for (size_t i = 0; i < first / 2; i++) {
		uint32_t row = rows->index[i];

		rows->index[i] = rows->index[first - 1 - i];
		rows->index[first - 1 - i] = row;
	}
	for (size_t i = first; i < rows->n; i++) {
		uint32_t row = rows->index[i];

		if (i + AHEAD < rows->n)
			value_fetch(order, rows->index[i + AHEAD]);
		if (row_compare(&row, &rows->index[0], order) >= 0)
			continue;
		rows->index[i] = rows->index[0];
		rows->index[0] = row;
		row_sink(rows->index, first, order);
	}
	qsort_r(rows->index, first, sizeof(*rows->index), row_compare, order);
}

int table_rows_select(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c)
{
	size_t all = c->view->count(s), n_metrics;
	const struct metric_desc *d = metric_table(c->view->scope, &n_metrics);
	struct row_order order = {.s = s, .c = c, .direction = 1};
	cleanup(match_filter_free) struct match_filter filter = {};
	bool whole;

	match_filter_init(&filter, c->filter);
	if (rows_reserve(rows, all) < 0)
		return -ENOMEM;
	rows->n = 0;
	free(rows->below);
	rows->below = NULL;
	whole = rows_all_wanted(c, &filter);
	for (uint32_t i = 0; i < all; i++) {
		if (!whole && !row_wanted(s, c, &filter, i))
			continue;
		rows->depth[rows->n] = 0;
		rows->index[rows->n++] = i;
	}
	if (c->sort < 0)
		order.text = &c->view->columns[TEXT_COLUMN(c->sort)];
	else
		order.direction = d[c->sort].sort;
	if (c->reverse)
		order.direction = -order.direction;
	rows_sort(rows, c->tree && c->view->parents ? 0 : c->in_order, &order);
	if (!c->tree || !c->view->parents)
		return 0;
	return table_rows_tree(rows, s, c->view) ?: table_rows_fold(rows, s, c);
}

void table_rows_free(struct table_rows *rows)
{
	free(rows->index);
	free(rows->depth);
	free(rows->below);
	*rows = (struct table_rows){};
}
