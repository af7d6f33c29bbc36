/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.c - puts the selected rows of a table below their parents, siblings in their sorted order. Called by rows.c; the
 * view knows the parents.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"

/* Sorted by parent, so that building the tree is not quadratic. */
struct tree_link {
	uint32_t parent, child; /* positions; ROW_NO_PARENT: a root */
};

static int link_compare(const void *a, const void *b)
{
	const struct tree_link *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return (x->child > y->child) - (x->child < y->child);
}

static int links_make(struct tree_link *links, const struct table_rows *rows, const struct snapshot *s,
		      const struct view_desc *view)
{
	_cleanup_free_ uint32_t *parents = calloc(rows->n + 1, sizeof(*parents));
	int r;

	if (!parents)
		return -ENOMEM;
	r = view->parents(s, rows->index, rows->n, parents);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows->n; i++)
		links[i] = (struct tree_link){parents[i], (uint32_t)i};
	qsort(links, rows->n, sizeof(*links), link_compare);
	return 0;
}

/* A longer chain, which anybody can make, continues at the root. */
#define TREE_DEPTH_MAX 100

static void tree_place(struct table_rows *to, const struct table_rows *from, const struct tree_link *links,
		       uint32_t parent, uint8_t depth)
{
	struct tree_link key = {parent, 0};
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
		if (depth < TREE_DEPTH_MAX)
			tree_place(to, from, links, links[low].child, depth + 1);
	}
}

static int index_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Rows that are too deep or in a circle of parents, as hostile names of containers can be, come last, without depth. */
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

int table_rows_tree(struct table_rows *rows, const struct snapshot *s, const struct view_desc *view)
{
	_cleanup_free_ struct tree_link *links = calloc(rows->n + 1, sizeof(*links));
	struct table_rows placed = {
		.index = calloc(rows->n + 1, sizeof(uint32_t)), .depth = calloc(rows->n + 1, 1), .cap = rows->n + 1};
	int r = -ENOMEM;

	if (links && placed.index && placed.depth)
		r = links_make(links, rows, s, view);
	if (r < 0) {
		table_rows_free(&placed);
		return r;
	}
	tree_place(&placed, rows, links, ROW_NO_PARENT, 0);
	r = placed.n == rows->n ? 0 : rows_append_missing(&placed, rows);
	if (r < 0) {
		table_rows_free(&placed);
		return r;
	}
	table_rows_free(rows);
	*rows = placed;
	return 0;
}
