/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sort.c - the names of the columns that the rows of a view can be sorted by: every metric of its scope, and its
 * columns of text. Used for --sort and by the live screen; rows.c compares.
 */
#include <errno.h>
#include <strings.h>

#include "exporters/table/table.h"

static bool text_column_is(const struct text_column *t, const char *key)
{
	return t->key && (strcasecmp(key, t->key) == 0 || strcasecmp(key, t->title) == 0 ||
			  (t->alias && strcasecmp(key, t->alias) == 0));
}

int table_sort_find(const struct view_desc *view, const char *key, int *ret_sort)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);

	for (size_t i = 0; i < view->n_columns; i++)
		if (text_column_is(&view->columns[i], key)) {
			*ret_sort = TEXT_COLUMN(i);
			return 0;
		}
	for (size_t i = 0; i < n; i++)
		if ((d[i].json && strcasecmp(key, d[i].json) == 0) ||
		    (d[i].title && strcasecmp(key, d[i].title) == 0) || strcasecmp(key, d[i].id) == 0) {
			*ret_sort = (int)i;
			return 0;
		}
	return -ENOENT;
}

void table_sort_titles(const struct view_desc *view, struct buf *out)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);

	for (size_t i = 0; i < view->n_columns; i++)
		if (view->columns[i].key && view->columns[i].title)
			buf_printf(out, "%s%s", out->len ? ", " : "", view->columns[i].title);
	for (size_t i = 0; i < n; i++)
		if (d[i].title)
			buf_printf(out, "%s%s", out->len ? ", " : "", d[i].title);
}

void table_sort_keys(const struct view_desc *view, struct buf *out)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);

	for (size_t i = 0; i < view->n_columns; i++)
		if (view->columns[i].key)
			buf_printf(out, "%s%s", out->len ? " " : "", view->columns[i].key);
	for (size_t i = 0; i < n; i++)
		if (d[i].json)
			buf_printf(out, "%s%s", out->len ? " " : "", d[i].json);
}

const char *table_sort_title(const struct view_desc *view, int sort)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);

	if (sort < 0)
		return view->columns[TEXT_COLUMN(sort)].title;
	return d[sort].title ? d[sort].title : d[sort].json ? d[sort].json : d[sort].id;
}

static size_t texts_in_order(const struct view_desc *view, bool behind, int *sorts, size_t n, size_t max)
{
	for (size_t i = 0; i < view->n_columns && n < max; i++)
		if (view->columns[i].key && view->columns[i].behind == behind)
			sorts[n++] = TEXT_COLUMN(i);
	return n;
}

/* All that have a column, in the order of a wide screen. */
static size_t sorts_in_order(const struct view_desc *view, int *sorts, size_t max)
{
	size_t n_metrics, n;
	const struct metric_desc *d = metric_table(view->scope, &n_metrics);

	n = texts_in_order(view, false, sorts, 0, max);
	for (size_t i = 0; i < n_metrics && n < max; i++)
		if (d[i].title)
			sorts[n++] = (int)i;
	return texts_in_order(view, true, sorts, n, max);
}

int table_sort_beside(const struct view_desc *view, int sort, int step)
{
	int sorts[TABLE_COLUMNS_MAX];
	size_t n = sorts_in_order(view, sorts, ARRAY_SIZE(sorts)), at = 0;

	while (at < n && sorts[at] != sort)
		at++;
	if (at == n) /* --sort named one without a column */
		return n ? sorts[step > 0 ? 0 : n - 1] : sort;
	if (step < 0)
		return sorts[at ? at - 1 : 0];
	return sorts[at + 1 < n ? at + 1 : at];
}
