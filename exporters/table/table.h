/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - a snapshot as a table, whatever the view: which rows, in which order (rows.c, tree.c), which columns fit
 * (layout.c), and the plain and CSV outputs of `top --batch` (table.c). The live screen draws from the same.
 */
#ifndef SYSSCOPE_TABLE_H
#define SYSSCOPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "exporters/table/format.h"
#include "exporters/table/stall.h"
#include "exporters/table/view_desc.h"
#include "sysscope/view.h"

struct match_choice;

/* Columns of a view in the order of the screen, as somebody has chosen them. */
#define TABLE_CHOICES_MAX 64
struct table_chosen {
	int columns[TABLE_CHOICES_MAX];
	size_t n; /* 0: those of the view */
};

/* What is shown, and how. */
struct table_choice {
	const struct view_desc *view;
	int sort;     /* a column of the view */
	bool reverse; /* against the column's own direction */
	bool tree;
	/* Of the tree: what is below this row is left out. NULL: nothing is. */
	bool (*folded)(void *ctx, const struct row_id *id);
	void *fold_ctx;
	const struct table_chosen *chosen;     /* NULL: the columns of the view */
	bool containers_only;		       /* leaves out services, sessions, the host and the kernel */
	const char *filter;		       /* as match_filter_init() takes it */
	const struct match_choice *containers; /* NULL: all */
	size_t in_order;		       /* so many rows, and not all, need to be in order; 0: all */
	const char *cgroup;		       /* the one home with this path; NULL: all */
	/* The raw name of a user, valid until the next snapshot; NULL: none, or (the function) numbers only. */
	const char *(*user_name)(void *ctx, uint32_t uid);
	void *user_ctx;
	uint32_t self_pid, self_namespace; /* sysscope's pid in its pid namespace, and that one's inode; 0: not known */
	uint32_t *self_row; /* where its row was last, which is looked at first; NULL: nobody remembers */
};
void table_choice_init(struct table_choice *c, const struct view_desc *view);

/* ---- sorting ---- */
/* The column called `key`: JSON key, column title or identifier, ignoring case. -ENOENT: there is none in this view. */
int table_sort_find(const struct view_desc *view, const char *key, int *ret_sort);
void table_sort_titles(const struct view_desc *view, struct buf *out);	 /* titles of its columns, separated by ", " */
void table_sort_keys(const struct view_desc *view, struct buf *out);	 /* names of all, separated by blanks */
const char *table_sort_title(const struct view_desc *view, int sort);	 /* of its column */
int table_sort_beside(const struct view_desc *view, int sort, int step); /* to the right (1), left (-1); itself: none */

/* ---- rows ---- */
struct table_rows {
	uint32_t *index; /* into the view's rows of the snapshot, in the order to show */
	uint8_t *depth;	 /* in the tree */
	uint32_t *below; /* how many rows are folded into each; NULL: none into any */
	size_t n, cap;
	size_t in_order; /* those behind so many are in any order */
};
int table_rows_select(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c);
int table_rows_tree(struct table_rows *rows, const struct snapshot *s, const struct view_desc *view); /* tree.c */
int table_rows_fold(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c); /* fold.c */
void table_rows_free(struct table_rows *rows);

/* ---- columns ---- */
struct table_column {
	int column; /* of the view */
	const char *title;
	int width;
	bool right; /* numbers */
};
#define TABLE_COLUMNS_MAX 40
/* Those that fit into `width`; names get the rest. Returns how many. */
size_t table_columns(const struct view_desc *view, int width, struct table_column *columns);
/* The same of the chosen columns, if there are any: as many as fit, in their order. */
size_t table_columns_of(const struct table_choice *c, int width, struct table_column *columns);
/* Every column that the view may show, in the order of a wide screen: at most TABLE_CHOICES_MAX. */
size_t table_columns_all(const struct view_desc *view, int *columns);
/* Its name in a file, without blanks; in `out` of this size. Its sort key, JSON key or title. */
void table_column_name(const struct view_desc *view, int column, char *out, size_t size);

/* Appends the text of the cell, unpadded, any length; numbers in human units, `-` when unknown. */
void table_cell(struct buf *out, const struct snapshot *s, const struct table_choice *c, const struct table_rows *rows,
		size_t position, const struct table_column *column);

/* ---- outputs ---- */
#define TABLE_HEADER_LINES 3
/* Line 0..TABLE_HEADER_LINES-1 above the table, not longer than width; *ret_alarm: it names a loss. */
void table_header(struct buf *out, const struct snapshot *s, int line, int width, bool *ret_alarm);

/* The same of the further lines of the live screen: each CPU, pressure, and what sysscope itself costs (gauges.c). */
#define TABLE_GAUGE_LINES 2
void table_gauge(struct buf *out, const struct snapshot *s, const struct table_choice *c, int line, int width);

/* Header, titles and all rows; at most `width` columns. 0 or -ENOMEM. */
int table_write_plain(struct buf *out, const struct snapshot *s, const struct table_choice *c, int width);
/* Every metric with a JSON key, in base units; unknown is empty. `titles`: with the line of names. 0 or -ENOMEM. */
int table_write_csv(struct buf *out, const struct snapshot *s, const struct table_choice *c, bool titles);

#endif
