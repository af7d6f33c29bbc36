/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.c - which columns fit on a line, and how wide each is. On a short line the wishes of the view are met in their
 * order, then its other metrics. Used by table.c and by the live screen.
 */
#include "exporters/table/table.h"

#define TEXTS_MAX 16

/* The line being filled. */
struct table_layout {
	const struct view_desc *view;
	const struct metric_desc *metrics;
	size_t n_texts, n_metrics, n;
	bool text_shown[TEXTS_MAX], metric_shown[TABLE_COLUMNS_MAX * 4];
	int text_width[TEXTS_MAX]; /* of those that are shown */
	int width, used;	   /* used: including the blanks between columns */
};

static bool layout_take(struct table_layout *l, int width)
{
	int with = l->used + (l->used ? 1 : 0) + width;

	if (l->n + 1 >= TABLE_COLUMNS_MAX || (l->n && with > l->width))
		return false;
	l->used = with;
	l->n++;
	return true;
}

/* A column of names takes its good width, or a third of the line where that is less; one that fills, the rest of the line. */
static int width_wanted(const struct table_layout *l, const struct text_column *t)
{
	int most = t->fills ? l->width - l->used - (l->used ? 1 : 0) : l->width / 3;
	int wanted = most < t->good ? most : t->good;

	return wanted > t->width ? wanted : t->width;
}

static bool layout_wish(struct table_layout *l, int column)
{
	bool *shown = column < 0 ? &l->text_shown[TEXT_COLUMN(column)] : &l->metric_shown[column];
	int width;

	if (*shown)
		return true;
	width = column < 0 ? width_wanted(l, &l->view->columns[TEXT_COLUMN(column)]) : l->metrics[column].width;
	*shown = layout_take(l, width);
	if (*shown && column < 0)
		l->text_width[TEXT_COLUMN(column)] = width;
	return *shown;
}

/* In the order of wishes, until one does not fit: a column is shown only if all that matter more are. */
static void layout_fill(struct table_layout *l)
{
	for (size_t i = 0; i < l->view->n_wishes; i++)
		if (!layout_wish(l, l->view->wishes[i]))
			return;
	for (size_t i = 0; i < l->n_metrics; i++)
		if (l->metrics[i].title && !layout_wish(l, (int)i))
			return;
}

/* The chosen columns in the order of the screen. What is left of the line goes to the names from left to right. */
static size_t layout_place(const struct table_layout *l, struct table_column *columns)
{
	const struct text_column *texts = l->view->columns;
	int left = l->width - l->used;
	size_t n = 0;

	for (size_t i = 0; i < l->n_texts; i++) {
		const struct text_column *t = &texts[i];
		int width = l->text_width[i], max = t->max, more;

		if (!l->text_shown[i])
			continue;
		if (t->twice_without && !l->text_shown[TEXT_COLUMN(t->twice_without)])
			max *= 2;
		more = max - width < left ? max - width : left;
		more = more > 0 ? more : 0;
		columns[n++] = (struct table_column){TEXT_COLUMN(i), t->title, width + more, t->right};
		left -= more;
	}
	for (size_t i = 0; i < l->n_metrics; i++)
		if (l->metric_shown[i])
			columns[n++] = (struct table_column){(int)i, l->metrics[i].title, l->metrics[i].width, true};
	for (size_t i = 0; i < l->n_texts; i++)
		if (texts[i].behind && left > texts[i].width && n < TABLE_COLUMNS_MAX) {
			columns[n++] = (struct table_column){TEXT_COLUMN(i), texts[i].title, left - 1, texts[i].right};
			left = 0;
		}
	return n;
}

size_t table_columns(const struct view_desc *view, int width, struct table_column *columns)
{
	struct table_layout l = {.view = view, .width = width};
	size_t n;

	l.metrics = metric_table(view->scope, &l.n_metrics);
	if (l.n_metrics > ARRAY_SIZE(l.metric_shown))
		l.n_metrics = ARRAY_SIZE(l.metric_shown);
	l.n_texts = view->n_columns < TEXTS_MAX ? view->n_columns : TEXTS_MAX;
	layout_fill(&l);
	n = layout_place(&l, columns);
	if (n == 1 && columns[0].width > width)
		columns[0].width = width > 0 ? width : 1;
	return n;
}
