/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neighbours.c - the view of pairs: a container that waited for a CPU, and the one that ran on it instead.
 */
#include "exporters/table/table.h"
#include "exporters/views/views.h"

enum { WAITER, RUNNER };

static size_t pair_count(const struct snapshot *s)
{
	return s->n_neighbours;
}

static const double *pair_metrics(const struct snapshot *s, uint32_t row)
{
	return s->neighbours[row].v;
}

static const struct container_row *pair_waiter(const struct snapshot *s, uint32_t row)
{
	return &s->containers[s->neighbours[row].waiter];
}

static const struct container_row *pair_runner(const struct snapshot *s, uint32_t row)
{
	uint32_t runner = s->neighbours[row].runner;

	return runner == NEIGHBOUR_OTHERS ? NULL : &s->containers[runner];
}

static const char *pair_waiter_name(const struct snapshot *s, uint32_t row)
{
	return pair_waiter(s, row)->name;
}

static const char *pair_runner_name(const struct snapshot *s, uint32_t row)
{
	return neighbour_runner(s, &s->neighbours[row]);
}

static bool pair_hidden(const struct snapshot *s, uint32_t row)
{
	return value_absent(s->neighbours[row].v[NEIGHBOUR_WAIT]);
}

static struct row_id pair_id(const struct snapshot *s, uint32_t row)
{
	const struct container_row *runner = pair_runner(s, row);

	return (struct row_id){.cgroup = pair_waiter(s, row)->cgroup, .other = runner ? runner->cgroup : "~"};
}

static void pair_waiter_cell(struct buf *out, const struct table_cell *cell)
{
	format_path(out, pair_waiter_name(cell->s, cell->row), cell->width);
}

static void pair_runner_cell(struct buf *out, const struct table_cell *cell)
{
	const struct neighbour_row *n = &cell->s->neighbours[cell->row];

	if (n->runner == n->waiter)
		buf_str(out, "itself");
	else
		format_path(out, pair_runner_name(cell->s, cell->row), cell->width);
}

static void pair_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	format_csv(out, pair_waiter_name(s, row));
	format_csv(out, pair_runner_name(s, row));
}

static const struct text_column pair_columns[] = {
	[WAITER] = {.title = "WAITER",
		    .key = "waiter",
		    .alias = "name",
		    .width = 12,
		    .good = 22,
		    .max = 40,
		    .text = pair_waiter_name,
		    .cell = pair_waiter_cell},
	[RUNNER] = {.title = "RAN INSTEAD",
		    .key = "runner",
		    .width = 12,
		    .good = 22,
		    .max = 40,
		    .text = pair_runner_name,
		    .cell = pair_runner_cell},
};
static const int pair_wishes[] = {TEXT_COLUMN(WAITER), TEXT_COLUMN(RUNNER)};

const struct view_desc view_neighbours = {
	.name = "neighbours",
	.scope = SCOPE_NEIGHBOUR,
	.help = "Neighbours: while WAITER waited for a CPU, RAN INSTEAD ran on it; SHARE% of\n"
		"all its waits for others and for itself.\n",
	.count = pair_count,
	.values = pair_metrics,
	.row_name = pair_waiter_name,
	.home = pair_waiter,
	.other = pair_runner,
	.id = pair_id,
	.hidden = pair_hidden,
	.columns = pair_columns,
	.n_columns = ARRAY_SIZE(pair_columns),
	.wishes = pair_wishes,
	.n_wishes = ARRAY_SIZE(pair_wishes),
	.sort = NEIGHBOUR_WAIT_RATE,
	.sort_keys = {{'P', NEIGHBOUR_SHARE},
		      {'M', NEIGHBOUR_WAIT_RATE},
		      {'T', NEIGHBOUR_WAIT},
		      {'W', NEIGHBOUR_WAIT_RATE},
		      {'N', TEXT_COLUMN(WAITER)}},
	.csv_titles = "time,waiter,runner",
	.csv_values = pair_csv,
};
