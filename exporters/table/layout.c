/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.c - which columns fit on a line, and how wide each is. On a short line those that matter least go first; the
 * name and the CPU stay. Columns of numbers come from metrics.def. Used by table.c and by the live screen.
 */
#include "exporters/table/table.h"

#define IMAGE_MIN 16
/* A column of text: its width on a short line, on one that is long enough, and the most that is of use. */
struct text_column {
	struct table_column column;
	int good, max;
};

/* As they stand on the screen, before the numbers. */
static const struct text_column texts_containers[] = {
	{{COLUMN_NAME, 0, "NAME", 12, false}, 22, 40},
	{{COLUMN_KIND, 0, "KIND", 10, false}, 10, 10},
};
static const struct text_column texts_processes[] = {
	{{COLUMN_PID, 0, "PID", 7, true}, 7, 7},	  {{COLUMN_USER, 0, "USER", 8, false}, 8, 8},
	{{COLUMN_COMM, 0, "COMMAND", 12, false}, 15, 15}, {{COLUMN_CONTAINER, 0, "CONTAINER", 12, false}, 20, 40},
	{{COLUMN_STATE, 0, "S", 1, false}, 1, 1},	  {{COLUMN_MODEL, 0, "MODEL", 12, false}, 12, 12},
};

static const struct text_column texts_neighbours[] = {
	{{COLUMN_NAME, 0, "WAITER", 12, false}, 22, 40},
	{{COLUMN_RUNNER, 0, "HAD THE CPU", 12, false}, 22, 40},
};

/* What is given room first. The metrics that are not named here follow in their own order. */
struct wish {
	enum column_kind kind;
	int metric;
};
static const struct wish wishes_containers[] = {
	{COLUMN_NAME, 0},
	{COLUMN_METRIC, CONTAINER_CPU_CORES},
	{COLUMN_METRIC, CONTAINER_MEMORY_USAGE},
	{COLUMN_METRIC, CONTAINER_THROTTLED_RATIO},
	{COLUMN_KIND, 0},
};
static const struct wish wishes_processes[] = {
	{COLUMN_COMM, 0},
	{COLUMN_METRIC, PROCESS_CPU_CORES},
	{COLUMN_PID, 0},
	{COLUMN_METRIC, PROCESS_RSS},
	{COLUMN_CONTAINER, 0},
	{COLUMN_USER, 0},
	{COLUMN_METRIC, PROCESS_CPU_USAGE},
	{COLUMN_STATE, 0},
	{COLUMN_MODEL, 0},
};

static const struct text_column texts_loops[] = {
	{{COLUMN_CONTAINER, 0, "CONTAINER", 12, false}, 12, 40},
	{{COLUMN_PID, 0, "PID", 7, true}, 7, 7},
	{{COLUMN_COMM, 0, "COMMAND", 12, false}, 12, 15},
	{{COLUMN_TURNS, 0, "THR", 3, true}, 3, 3},
};
static const struct wish wishes_loops[] = {
	{COLUMN_COMM, 0},
	{COLUMN_METRIC, LOOP_UTILIZATION},
	{COLUMN_PID, 0},
	{COLUMN_CONTAINER, 0},
	{COLUMN_METRIC, LOOP_ITERATION_RATE},
	{COLUMN_METRIC, LOOP_EVENTS_PER_WAIT},
	{COLUMN_METRIC, LOOP_ITERATION_P99},
	{COLUMN_METRIC, LOOP_LONGEST},
	{COLUMN_METRIC, LOOP_STALLS},
	{COLUMN_METRIC, LOOP_EMPTY},
	{COLUMN_TURNS, 0},
};

static const struct wish wishes_neighbours[] = {
	{COLUMN_NAME, 0},
	{COLUMN_RUNNER, 0},
};

static const struct {
	const struct text_column *texts;
	size_t n_texts;
	const struct wish *wishes;
	size_t n_wishes;
} views[TABLE_VIEWS] = {
	[TABLE_CONTAINERS] = {texts_containers, ARRAY_SIZE(texts_containers), wishes_containers,
			      ARRAY_SIZE(wishes_containers)},
	[TABLE_PROCESSES] = {texts_processes, ARRAY_SIZE(texts_processes), wishes_processes,
			     ARRAY_SIZE(wishes_processes)},
	[TABLE_LOOPS] = {texts_loops, ARRAY_SIZE(texts_loops), wishes_loops, ARRAY_SIZE(wishes_loops)},
	[TABLE_NEIGHBOURS] = {texts_neighbours, ARRAY_SIZE(texts_neighbours), wishes_neighbours,
			      ARRAY_SIZE(wishes_neighbours)},
};

/* A line that is being filled. */
struct layout {
	enum table_view view;
	const struct text_column *texts;
	const struct wish *wishes;
	const struct metric_desc *metrics;
	size_t n_texts, n_wishes, n_metrics, n;
	bool text_shown[8], metric_shown[TABLE_COLUMNS_MAX * 4];
	int width, used; /* used: with a blank behind each column but the last */
};

static bool layout_take(struct layout *l, int width)
{
	int with = l->used + (l->used ? 1 : 0) + width;

	if (l->n + 1 >= TABLE_COLUMNS_MAX || (l->n && with > l->width))
		return false;
	l->used = with;
	l->n++;
	return true;
}

/* A column of names takes its good width, or a third of the line where that is less. */
static int width_wanted(const struct layout *l, const struct text_column *t)
{
	int wanted = l->width / 3 < t->good ? l->width / 3 : t->good;

	return wanted > t->column.width ? wanted : t->column.width;
}

static bool layout_wish(struct layout *l, const struct wish *w)
{
	if (w->kind == COLUMN_METRIC) {
		if (l->metric_shown[w->metric])
			return true;
		return l->metric_shown[w->metric] = layout_take(l, l->metrics[w->metric].width);
	}
	for (size_t i = 0; i < l->n_texts; i++)
		if (l->texts[i].column.kind == w->kind)
			return l->text_shown[i] = layout_take(l, width_wanted(l, &l->texts[i]));
	return false;
}

/* In the order of wishes, until one does not fit: a column never stands there without all that matter more. */
static void layout_fill(struct layout *l)
{
	for (size_t i = 0; i < l->n_wishes; i++)
		if (!layout_wish(l, &l->wishes[i]))
			return;
	for (size_t i = 0; i < l->n_metrics; i++)
		if (l->metrics[i].title && !layout_wish(l, &(struct wish){COLUMN_METRIC, (int)i}))
			return;
}

/* The chosen columns as they stand on the screen. What is left of the line goes to the names from left to right. */
static size_t layout_place(const struct layout *l, struct table_column *columns)
{
	int left = l->width - l->used;
	bool container = false;
	size_t n = 0;

	for (size_t i = 0; i < l->n_texts; i++)
		container |= l->text_shown[i] && l->texts[i].column.kind == COLUMN_CONTAINER;
	for (size_t i = 0; i < l->n_texts; i++) {
		const struct text_column *t = &l->texts[i];
		int width = width_wanted(l, t), max = t->max, more;

		if (!l->text_shown[i])
			continue;
		/* Deep trees need it, and nobody else wants it. */
		if (t->column.kind == COLUMN_COMM && !container)
			max *= 2;
		more = max - width < left ? max - width : left;
		columns[n] = t->column;
		columns[n].width = width + (more > 0 ? more : 0);
		left -= more > 0 ? more : 0;
		n++;
	}
	for (size_t i = 0; i < l->n_metrics; i++)
		if (l->metric_shown[i])
			columns[n++] = (struct table_column){COLUMN_METRIC, (int)i, l->metrics[i].title,
							     l->metrics[i].width, true};
	if (l->view == TABLE_CONTAINERS && left > IMAGE_MIN)
		columns[n++] = (struct table_column){COLUMN_IMAGE, 0, "IMAGE", left - 1, false};
	return n;
}

size_t table_columns(enum table_view view, int width, struct table_column *columns)
{
	struct layout l = {.view = view,
			   .width = width,
			   .texts = views[view].texts,
			   .n_texts = views[view].n_texts,
			   .wishes = views[view].wishes,
			   .n_wishes = views[view].n_wishes};
	size_t n;

	l.metrics = metric_table(table_scope(view), &l.n_metrics);
	if (l.n_metrics > ARRAY_SIZE(l.metric_shown))
		l.n_metrics = ARRAY_SIZE(l.metric_shown);
	layout_fill(&l);
	n = layout_place(&l, columns);
	if (n == 1 && columns[0].width > width)
		columns[0].width = width > 0 ? width : 1;
	return n;
}
