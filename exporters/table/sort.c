/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sort.c - what the rows of a table may be sorted by, and what each is called: every metric of the view, and its columns
 * of text. Used by cmd_top.c for --sort and by the live screen; the comparing itself is in rows.c.
 */
#include <errno.h>
#include <strings.h>

#include "exporters/table/table.h"

/* The columns of text that one can sort by, in the order of the screen: those before the numbers, then those behind. */
struct text_sort {
	int sort;
	enum table_view view;
	bool behind;
	enum column_kind column;
	const char *title, *key, *alias; /* alias: NULL for none */
};

static const struct text_sort text_sorts[] = {
	{SORT_NAME, TABLE_CONTAINERS, false, COLUMN_NAME, "NAME", "name", NULL},
	{SORT_KIND, TABLE_CONTAINERS, false, COLUMN_KIND, "KIND", "kind", NULL},
	{SORT_IMAGE, TABLE_CONTAINERS, true, COLUMN_IMAGE, "IMAGE", "image", NULL},
	{SORT_PID, TABLE_PROCESSES, false, COLUMN_PID, "PID", "pid", NULL},
	{SORT_USER, TABLE_PROCESSES, false, COLUMN_USER, "USER", "user", "uid"},
	{SORT_NAME, TABLE_PROCESSES, false, COLUMN_COMM, "COMMAND", "comm", "name"},
	{SORT_CONTAINER, TABLE_PROCESSES, false, COLUMN_CONTAINER, "CONTAINER", "container", NULL},
	{SORT_STATE, TABLE_PROCESSES, false, COLUMN_STATE, "S", "state", NULL},
	{SORT_MODEL, TABLE_PROCESSES, false, COLUMN_MODEL, "MODEL", "model", NULL},
	{SORT_NAME, TABLE_NEIGHBOURS, false, COLUMN_NAME, "WAITER", "waiter", "name"},
	{SORT_CONTAINER, TABLE_LOOPS, false, COLUMN_CONTAINER, "CONTAINER", "container", NULL},
	{SORT_PID, TABLE_LOOPS, false, COLUMN_PID, "PID", "pid", NULL},
	{SORT_NAME, TABLE_LOOPS, false, COLUMN_COMM, "COMMAND", "comm", "name"},
	{SORT_RUNNER, TABLE_NEIGHBOURS, false, COLUMN_RUNNER, "HAD THE CPU", "runner", NULL},
};

static const struct text_sort *text_sort_find(enum table_view view, int sort)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_sorts); i++)
		if (text_sorts[i].view == view && text_sorts[i].sort == sort)
			return &text_sorts[i];
	return NULL;
}

int table_sort_find(enum table_view view, const char *key, int *ret_sort)
{
	size_t n;
	const struct metric_desc *d = metric_table(table_scope(view), &n);

	for (size_t i = 0; i < ARRAY_SIZE(text_sorts); i++) {
		const struct text_sort *t = &text_sorts[i];

		if (t->view == view && (strcasecmp(key, t->key) == 0 || strcasecmp(key, t->title) == 0 ||
					(t->alias && strcasecmp(key, t->alias) == 0))) {
			*ret_sort = t->sort;
			return 0;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if ((d[i].json && strcasecmp(key, d[i].json) == 0) ||
		    (d[i].title && strcasecmp(key, d[i].title) == 0) || strcasecmp(key, d[i].id) == 0) {
			*ret_sort = (int)i;
			return 0;
		}
	}
	return -ENOENT;
}

void table_sort_keys(enum table_view view, struct buf *out)
{
	size_t n;
	const struct metric_desc *d = metric_table(table_scope(view), &n);

	for (size_t i = 0; i < ARRAY_SIZE(text_sorts); i++)
		if (text_sorts[i].view == view)
			buf_printf(out, "%s%s", out->len ? " " : "", text_sorts[i].key);
	for (size_t i = 0; i < n; i++)
		if (d[i].json)
			buf_printf(out, " %s", d[i].json);
}

const char *table_sort_title(enum table_view view, int sort)
{
	size_t n;
	const struct metric_desc *d = metric_table(table_scope(view), &n);
	const struct text_sort *t = text_sort_find(view, sort);

	return t ? t->title : d[sort].title ? d[sort].title : d[sort].json ? d[sort].json : d[sort].id;
}

/* All that have a column, as they stand on a screen that is wide enough. */
static size_t sorts_in_order(enum table_view view, int *sorts, size_t max)
{
	size_t n_metrics, n = 0;
	const struct metric_desc *d = metric_table(table_scope(view), &n_metrics);

	for (size_t i = 0; i < ARRAY_SIZE(text_sorts) && n < max; i++)
		if (text_sorts[i].view == view && !text_sorts[i].behind)
			sorts[n++] = text_sorts[i].sort;
	for (size_t i = 0; i < n_metrics && n < max; i++)
		if (d[i].title)
			sorts[n++] = (int)i;
	for (size_t i = 0; i < ARRAY_SIZE(text_sorts) && n < max; i++)
		if (text_sorts[i].view == view && text_sorts[i].behind)
			sorts[n++] = text_sorts[i].sort;
	return n;
}

int table_sort_beside(enum table_view view, int sort, int step)
{
	int sorts[TABLE_COLUMNS_MAX];
	size_t n = sorts_in_order(view, sorts, ARRAY_SIZE(sorts)), at = 0;

	while (at < n && sorts[at] != sort)
		at++;
	if (at == n) /* --sort took one without a column */
		return n ? sorts[step > 0 ? 0 : n - 1] : sort;
	if (step < 0)
		return sorts[at ? at - 1 : 0];
	return sorts[at + 1 < n ? at + 1 : at];
}

bool table_column_sorts(const struct table_column *column, int sort)
{
	if (column->kind == COLUMN_METRIC)
		return column->metric == sort;
	for (size_t i = 0; i < ARRAY_SIZE(text_sorts); i++)
		if (text_sorts[i].column == column->kind)
			return text_sorts[i].sort == sort;
	return false;
}
