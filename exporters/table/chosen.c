/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chosen.c - the columns of a view as somebody has chosen them: which there are, what they are called in a file, and how they are
 * laid out. Used by the live screen only: what programs read has the view's own columns.
 */
#include <stdio.h>

#include "exporters/table/table.h"

static size_t texts_add(const struct view_desc *view, bool behind, int *columns, size_t n)
{
	for (size_t i = 0; i < view->n_columns && n < TABLE_CHOICES_MAX; i++)
		if (view->columns[i].behind == behind)
			columns[n++] = TEXT_COLUMN(i);
	return n;
}

size_t table_columns_all(const struct view_desc *view, int *columns)
{
	size_t n_metrics, n;
	const struct metric_desc *d = metric_table(view->scope, &n_metrics);

	n = texts_add(view, false, columns, 0);
	for (size_t i = 0; i < n_metrics && n < TABLE_CHOICES_MAX; i++)
		if (d[i].title)
			columns[n++] = (int)i;
	return texts_add(view, true, columns, n);
}

void table_column_name(const struct view_desc *view, int column, char *out, size_t size)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);
	const struct text_column *t = column < 0 ? &view->columns[TEXT_COLUMN(column)] : NULL;

	snprintf(out, size, "%s", t ? (t->key ?: t->title) : (d[column].json ?: d[column].id));
	for (char *p = out; *p; p++)
		if (*p == ' ')
			*p = '_';
}

/* A column of the chosen ones with its least width, which a metric keeps. */
static struct table_column column_make(const struct view_desc *view, int column)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);
	const struct text_column *t = column < 0 ? &view->columns[TEXT_COLUMN(column)] : NULL;

	return (struct table_column){.column = column,
				     .title = table_sort_title(view, column),
				     .width = t ? t->width : d[column].width,
				     .right = !t || t->right};
}

/* What is left of the line goes to the texts from left to right: first what is good for them, then what is useful at most. */
static int texts_widen(const struct view_desc *view, struct table_column *columns, size_t n, bool most, int left)
{
	for (size_t i = 0; i < n; i++) {
		const struct text_column *t;
		int wanted, more;

		if (columns[i].column >= 0)
			continue;
		t = &view->columns[TEXT_COLUMN(columns[i].column)];
		wanted = !most ? t->good : t->behind || t->fills ? columns[i].width + left : t->max;
		more = wanted - columns[i].width;
		more = more < left ? more : left;
		if (more > 0) {
			columns[i].width += more;
			left -= more;
		}
	}
	return left;
}

size_t table_columns_of(const struct table_choice *c, int width, struct table_column *columns)
{
	int left = width + 1;
	size_t n = 0;

	if (!c->chosen || !c->chosen->n)
		return table_columns(c->view, width, columns);
	for (size_t i = 0; i < c->chosen->n && n < TABLE_COLUMNS_MAX; i++) {
		columns[n] = column_make(c->view, c->chosen->columns[i]);
		if (n && columns[n].width + 1 > left)
			break;
		left -= columns[n++].width + 1;
	}
	left = texts_widen(c->view, columns, n, false, left);
	texts_widen(c->view, columns, n, true, left);
	if (n == 1 && columns[0].width > width)
		columns[0].width = width > 0 ? width : 1;
	return n;
}
