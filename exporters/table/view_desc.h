/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_desc.h - a view is one struct view_desc: which rows a snapshot has for it, its columns and which get room first,
 * its sort keys, CSV head, and the detail of a row. exporters/views/ has one file per view; everything else (table,
 * CSV, live screen, --view, --sort) works from the description.
 */
#ifndef SYSSCOPE_VIEW_DESC_H
#define SYSSCOPE_VIEW_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "sysscope/view.h"

struct table_choice;

/*
 * A column of a view is an integer: the index of a metric in the view's scope, or TEXT_COLUMN(i) for the i-th of its
 * columns of text. The same integer selects the sort order.
 */
#define TEXT_COLUMN(i) (-1 - (int)(i))

/* The cell of a column of text being written. */
struct table_cell {
	const struct snapshot *s;
	const struct table_choice *c;
	uint32_t row;
	uint8_t depth;	/* in the tree */
	uint32_t below; /* rows that are folded into this one */
	int width;
};

struct text_column {
	const char *title;
	const char *key, *alias; /* --sort names besides the title; key NULL: not sortable; alias NULL: none */
	int width, good, max;	 /* on a short line, on a long one, and the largest useful width */
	bool right;		 /* aligned, as numbers are */
	bool fills;		 /* where it is wished it takes all that is left, up to `good` */
	bool behind;		 /* comes after the metrics and takes the rest, if that is more than `width` */
	int twice_without;	 /* a TEXT_COLUMN: twice `max` while that one is not shown; 0: never */

	/* The value of a row, one of the two: raw text, "" if unknown; or a number. */
	const char *(*text)(const struct snapshot *s, uint32_t row);
	double (*number)(const struct snapshot *s, uint32_t row);
	/* Writes the cell, unpadded, any length. NULL: the sanitised value. */
	void (*cell)(struct buf *out, const struct table_cell *cell);
	/* As qsort; `direction` -1 reverses. NULL: by value, unknown last whatever the direction. */
	int (*compare)(const struct table_choice *c, const struct snapshot *s, uint32_t x, uint32_t y, int direction);
};

/* Identifies a row across snapshots; fields that do not apply are 0 or NULL. */
struct row_id {
	uint64_t pid, start_ns;
	const char *cgroup, *other;
};

/* A key of the live screen that sorts by a column. */
struct sort_key {
	char key;
	int column;
};
#define SORT_KEYS_MAX 5
#define ROW_NO_PARENT UINT32_MAX

struct view_desc {
	const char *name;	 /* of --view and in the footer; also the key of its rows in the JSON */
	enum metric_scope scope; /* of its columns of numbers, which come from metrics.def; SCOPE_COUNT: it has none */
	bool findings;		 /* it shows those of the snapshot, which are judged for it only */
	bool loops;		 /* it shows event loops in full */
	uint32_t look;		 /* enum source_look: what has to be made for it */
	const char *help; /* what its columns mean: lines for the help of the live screen, each with a line feed */

	/* Rows: by index into the snapshot. */
	size_t (*count)(const struct snapshot *s);
	const double *(*values)(const struct snapshot *s, uint32_t row);
	const char *(*row_name)(const struct snapshot *s, uint32_t row); /* raw; breaks ties */
	const struct container_row *(*home)(const struct snapshot *s, uint32_t row);
	struct row_id (*id)(const struct snapshot *s, uint32_t row);
	/* The second container of a row and its process, or NULL; as functions NULL where no row has one. */
	const struct container_row *(*other)(const struct snapshot *s, uint32_t row);
	const struct process_row *(*process)(const struct snapshot *s, uint32_t row);
	bool (*hidden)(const struct snapshot *s, uint32_t row); /* NULL: none is */
	/*
	 * Writes for each of the n rows of `index` the position of its parent there, or ROW_NO_PARENT. 0 or -ENOMEM.
	 * NULL: there is no tree.
	 */
	int (*parents)(const struct snapshot *s, const uint32_t *index, size_t n, uint32_t *ret_parents);

	/* Columns of text in screen order; then the columns that get room first, before the other metrics. */
	const struct text_column *columns;
	size_t n_columns;
	const int *wishes;
	size_t n_wishes;
	int sort; /* initial sort column */
	struct sort_key sort_keys[SORT_KEYS_MAX];

	/* CSV: titles and values of the fields before the metrics; each value begins with a comma. */
	const char *csv_titles;
	void (*csv_values)(struct buf *out, const struct snapshot *s, uint32_t row);

	/* Live screen: lines about one row, NULL: none; and what to say when the row is gone. */
	void (*detail)(struct buf *out, const struct snapshot *s, uint32_t row, int width);
	const char *gone;
	const struct view_desc *enter; /* what Enter opens for the row's container; NULL: its detail */
	/* Lines below the rows, of which `shown` are shown; NULL: none. */
	void (*below)(struct buf *out, const struct snapshot *s, size_t shown, int width);
	bool (*alarming)(const struct snapshot *s, uint32_t row, int column); /* NULL: never */
	bool (*dim)(const struct snapshot *s, uint32_t row);		      /* NULL: never */
};

#endif
