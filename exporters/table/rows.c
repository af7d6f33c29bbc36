/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.c - which rows of a snapshot a table shows, and in which order. Used by table.c and by the live screen; changes
 * nothing in the snapshot. What one may sort by is in sort.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"
#include "view/match.h"

const char *const table_view_names[TABLE_VIEWS] = {"containers", "processes", "neighbours", "loops"};

void table_choice_init(struct table_choice *c)
{
	*c = (struct table_choice){
		.sort = {CONTAINER_CPU_CORES, PROCESS_CPU_CORES, NEIGHBOUR_WAIT_RATE, LOOP_UTILIZATION}};
}

enum metric_scope table_scope(enum table_view view)
{
	static const enum metric_scope scopes[TABLE_VIEWS] = {SCOPE_CONTAINER, SCOPE_PROCESS, SCOPE_NEIGHBOUR,
							      SCOPE_LOOP};

	return scopes[view];
}

size_t table_row_count(const struct snapshot *s, enum table_view view)
{
	const size_t counts[TABLE_VIEWS] = {s->n_containers, s->n_processes, s->n_neighbours, s->n_loops};

	return counts[view];
}

const double *table_row_values(const struct snapshot *s, enum table_view view, uint32_t i)
{
	switch (view) {
	case TABLE_PROCESSES:
		return s->processes[i].v;
	case TABLE_NEIGHBOURS:
		return s->neighbours[i].v;
	case TABLE_LOOPS:
		return s->loops[i].v;
	default:
		return s->containers[i].v;
	}
}

const struct process_row *table_row_process(const struct snapshot *s, enum table_view view, uint32_t i)
{
	return view == TABLE_PROCESSES ? &s->processes[i]
	       : view == TABLE_LOOPS   ? &s->processes[s->loops[i].process]
				       : NULL;
}

const struct container_row *table_row_home(const struct snapshot *s, enum table_view view, uint32_t i)
{
	const struct process_row *p = table_row_process(s, view, i);

	if (p)
		return process_container(s, p);
	return view == TABLE_NEIGHBOURS ? &s->containers[s->neighbours[i].waiter] : &s->containers[i];
}

const char *table_row_name(const struct snapshot *s, enum table_view view, uint32_t i)
{
	const struct process_row *p = table_row_process(s, view, i);

	return p ? p->comm : table_row_home(s, view, i)->name;
}

static bool row_wanted(const struct snapshot *s, const struct table_choice *c, struct match_filter *f, uint32_t i)
{
	const struct process_row *p = table_row_process(s, c->view, i);
	const struct container_row *home = table_row_home(s, c->view, i);
	/* A neighbour is wanted for either of the two. */
	const struct neighbour_row *pair = c->view == TABLE_NEIGHBOURS ? &s->neighbours[i] : NULL;
	const struct container_row *runner =
		pair && pair->runner != NEIGHBOUR_OTHERS ? &s->containers[pair->runner] : NULL;

	if (pair && value_absent(pair->v[NEIGHBOUR_WAIT]))
		return false;
	if (c->container && !container_matches(home, c->container) &&
	    !(runner && container_matches(runner, c->container)))
		return false;
	if (c->cgroup && strcmp(home->cgroup, c->cgroup) != 0)
		return false;
	if (c->containers_only && strcmp(home->kind, "container") != 0)
		return false;
	return match_filter_row(f, home, p) || (runner && match_filter_row(f, runner, NULL));
}

struct order {
	const struct snapshot *s;
	const struct table_choice *c;
	int metric, direction; /* -1: largest first */
};

static const char *row_name(const struct order *o, uint32_t i)
{
	return table_row_name(o->s, o->c->view, i);
}

static double row_value(const struct order *o, uint32_t i)
{
	return table_row_values(o->s, o->c->view, i)[o->metric];
}

/* "" is not known. */
static const char *row_text(const struct order *o, uint32_t i)
{
	const struct container_row *home = table_row_home(o->s, o->c->view, i);

	switch (o->metric) {
	case SORT_KIND:
		return container_kind_shown(home);
	case SORT_IMAGE:
		return home->image;
	case SORT_CONTAINER:
		return home->name;
	case SORT_MODEL:
		return o->s->processes[i].model ?: "";
	case SORT_RUNNER:
		return neighbour_runner(o->s, &o->s->neighbours[i]);
	default:
		return row_name(o, i);
	}
}

static int text_compare(const struct order *o, uint32_t x, uint32_t y)
{
	const char *v = row_text(o, x), *w = row_text(o, y);

	if (!v[0] || !w[0])
		return !v[0] - !w[0];
	return strcmp(v, w) * o->direction;
}

static int value_compare(const struct order *o, uint32_t x, uint32_t y)
{
	double v = row_value(o, x), w = row_value(o, y);

	if (value_absent(v) || value_absent(w))
		return value_absent(v) - value_absent(w);
	return v == w ? 0 : (v < w ? -1 : 1) * o->direction;
}

/* Numbers stand behind names, whatever the direction. */
static int user_compare(const struct order *o, uint32_t v, uint32_t w)
{
	const char *name = NULL, *other = NULL;
	int r;

	if (o->c->user_name) {
		name = o->c->user_name(o->c->user_ctx, v);
		other = o->c->user_name(o->c->user_ctx, w);
	}
	if (!name != !other)
		return !name - !other;
	r = name ? strcmp(name, other) : 0;
	return (r ? r : (v > w) - (v < w)) * o->direction;
}

/* What is not known comes last, whatever the direction; equals in the order of names, then of the snapshot. */
static int row_compare(const void *a, const void *b, void *ctx)
{
	const struct order *o = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct process_row *p = table_row_process(o->s, o->c->view, x);
	const struct process_row *q = table_row_process(o->s, o->c->view, y);
	int r;

	if (o->metric >= 0)
		r = value_compare(o, x, y);
	else if (o->metric == SORT_PID)
		r = ((p->pid > q->pid) - (p->pid < q->pid)) * o->direction;
	else if (o->metric == SORT_USER)
		r = user_compare(o, p->uid, q->uid);
	else if (o->metric == SORT_STATE)
		r = (p->state - q->state) * o->direction;
	else
		r = text_compare(o, x, y);
	if (r == 0)
		r = strcmp(row_name(o, x), row_name(o, y));
	return r ? r : (x > y) - (x < y);
}

static bool is_child(const struct snapshot *s, enum table_view view, uint32_t child, uint32_t parent)
{
	if (child == parent)
		return false;
	if (view == TABLE_PROCESSES)
		return s->processes[child].ppid == s->processes[parent].pid && s->processes[child].ppid;
	return s->containers[child].parent[0] && strcmp(s->containers[child].parent, s->containers[parent].name) == 0;
}

/* Positions in `sorted` by parent's key, so that the tree costs a sort and not a square. */
struct link {
	uint32_t parent, child; /* positions; parent UINT32_MAX: a root */
};

static int link_compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return (x->child > y->child) - (x->child < y->child);
}

struct by_pid {
	uint32_t pid, position;
};

static int pid_compare(const void *a, const void *b)
{
	const struct by_pid *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int links_make(struct link *links, const struct table_rows *rows, const struct snapshot *s, enum table_view view)
{
	_cleanup_free_ struct by_pid *pids = calloc(rows->n + 1, sizeof(*pids));

	if (!pids)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		pids[i] = (struct by_pid){view == TABLE_PROCESSES ? s->processes[rows->index[i]].pid : 0, (uint32_t)i};
	if (view == TABLE_PROCESSES)
		qsort(pids, rows->n, sizeof(*pids), pid_compare);
	for (size_t i = 0; i < rows->n; i++) {
		links[i] = (struct link){UINT32_MAX, (uint32_t)i};
		if (view == TABLE_PROCESSES) {
			struct by_pid key = {s->processes[rows->index[i]].ppid, 0};
			struct by_pid *found = bsearch(&key, pids, rows->n, sizeof(*pids), pid_compare);

			if (found && is_child(s, view, rows->index[i], rows->index[found->position]))
				links[i].parent = found->position;
			continue;
		}
		for (size_t j = 0; s->containers[rows->index[i]].parent[0] && j < rows->n; j++)
			if (is_child(s, view, rows->index[i], rows->index[j])) {
				links[i].parent = (uint32_t)j;
				break;
			}
	}
	qsort(links, rows->n, sizeof(*links), link_compare);
	return 0;
}

/* A chain that is longer, as anybody can make one, goes on at the root. */
#define DEPTH_MAX 100

static void tree_place(struct table_rows *to, const struct table_rows *from, const struct link *links, uint32_t parent,
		       uint8_t depth)
{
	struct link key = {parent, 0};
	size_t low = 0, high = from->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (link_compare(&links[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < from->n && links[low].parent == parent && to->n < from->n; low++) {
		to->index[to->n] = from->index[links[low].child];
		to->depth[to->n++] = depth;
		if (depth < DEPTH_MAX)
			tree_place(to, from, links, links[low].child, depth + 1);
	}
}

static int index_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Who is too deep, or in a circle of parents, as hostile names of containers can be, comes last and without depth. */
static int rows_append_missing(struct table_rows *to, const struct table_rows *from)
{
	_cleanup_free_ uint32_t *there = calloc(to->n + 1, sizeof(*there));
	size_t n = to->n;

	if (!there)
		return -ENOMEM;
	memcpy(there, to->index, n * sizeof(*there));
	qsort(there, n, sizeof(*there), index_compare);
	for (size_t i = 0; i < from->n; i++) {
		if (bsearch(&from->index[i], there, n, sizeof(*there), index_compare))
			continue;
		to->depth[to->n] = 0;
		to->index[to->n++] = from->index[i];
	}
	return 0;
}

static int tree_order(struct table_rows *rows, const struct snapshot *s, enum table_view view)
{
	_cleanup_free_ struct link *links = calloc(rows->n + 1, sizeof(*links));
	struct table_rows placed = {calloc(rows->n + 1, sizeof(uint32_t)), calloc(rows->n + 1, 1), 0, rows->n + 1};
	int r = -ENOMEM;

	if (links && placed.index && placed.depth)
		r = links_make(links, rows, s, view);
	if (r < 0) {
		table_rows_free(&placed);
		return r;
	}
	tree_place(&placed, rows, links, UINT32_MAX, 0);
	r = placed.n == rows->n ? 0 : rows_append_missing(&placed, rows);
	if (r < 0) {
		table_rows_free(&placed);
		return r;
	}
	table_rows_free(rows);
	*rows = placed;
	return 0;
}

int table_rows_select(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c)
{
	size_t all = table_row_count(s, c->view), n_metrics;
	const struct metric_desc *d = metric_table(table_scope(c->view), &n_metrics);
	struct order order = {.s = s, .c = c, .metric = c->sort[c->view], .direction = 1};
	cleanup(match_filter_free) struct match_filter filter;

	match_filter_init(&filter, c->filter);
	if (all > rows->cap || !rows->index) {
		table_rows_free(rows);
		rows->cap = all + all / 2 + 16;
		rows->index = calloc(rows->cap, sizeof(*rows->index));
		rows->depth = calloc(rows->cap, sizeof(*rows->depth));
		if (!rows->index || !rows->depth) {
			table_rows_free(rows);
			return -ENOMEM;
		}
	}
	rows->n = 0;
	for (uint32_t i = 0; i < all; i++) {
		if (!row_wanted(s, c, &filter, i))
			continue;
		rows->depth[rows->n] = 0;
		rows->index[rows->n++] = i;
	}
	if (order.metric >= 0)
		order.direction = d[order.metric].sort;
	if (c->reverse)
		order.direction = -order.direction;
	qsort_r(rows->index, rows->n, sizeof(*rows->index), row_compare, &order);
	return c->tree && (c->view == TABLE_CONTAINERS || c->view == TABLE_PROCESSES) ? tree_order(rows, s, c->view)
										      : 0;
}

void table_rows_free(struct table_rows *rows)
{
	free(rows->index);
	free(rows->depth);
	*rows = (struct table_rows){};
}
