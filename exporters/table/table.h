/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - a snapshot as a table: which rows, in which order (rows.c), which columns fit and what stands in a cell
 * (columns.c), and the plain and CSV outputs of `top --batch` (table.c). The live screen draws from the same.
 */
#ifndef SYSSCOPE_TABLE_H
#define SYSSCOPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "sysscope/view.h"

enum table_view { TABLE_CONTAINERS, TABLE_PROCESSES, TABLE_NEIGHBOURS, TABLE_LOOPS, TABLE_VIEWS };
extern const char *const table_view_names[TABLE_VIEWS]; /* "containers", "processes", "neighbours", "loops" */

/* What is looked at, and how. */
struct table_choice {
	enum table_view view;
	int sort[TABLE_VIEWS]; /* index of the metric in the view's scope, or of enum sort_text */
	bool reverse;	       /* against the metric's own direction */
	bool tree;
	bool containers_only;  /* leaves out services, sessions, the host and the kernel */
	const char *filter;    /* in a name, comm or container as shown, whatever the case; NULL or "": all */
	const char *container; /* as container_matches() takes it; NULL: all */
	const char *cgroup;    /* the one home with this path; NULL: all */
	/* The raw name of a user, valid until the next snapshot; NULL: none, or (the function) numbers only. */
	const char *(*user_name)(void *ctx, uint32_t uid);
	void *user_ctx;
};
/* By what is no metric. Texts in the order of their bytes, from A to Z; pids from the smallest. */
enum sort_text {
	SORT_NAME = -1, /* of processes: the comm; of neighbours: who waited */
	SORT_KIND = -2,
	SORT_IMAGE = -3,
	SORT_PID = -4,
	SORT_CONTAINER = -5,
	SORT_STATE = -6,
	SORT_USER = -7, /* by name, those without one behind them by number */
	SORT_RUNNER = -8,
	SORT_MODEL = -9,
};

void table_choice_init(struct table_choice *c);
enum metric_scope table_scope(enum table_view view);

/* What a view shows of a snapshot. */
size_t table_row_count(const struct snapshot *s, enum table_view view);
const struct process_row *table_row_process(const struct snapshot *s, enum table_view view, uint32_t i); /* or NULL */
const double *table_row_values(const struct snapshot *s, enum table_view view, uint32_t i);
const char *table_row_name(const struct snapshot *s, enum table_view view,
			   uint32_t i); /* container, comm, waiter, comm of the loop */
const struct container_row *table_row_home(const struct snapshot *s, enum table_view view, uint32_t i);

/* What people call `key`: JSON key, column title or identifier, whatever the case. -ENOENT: nothing in this view. */
int table_sort_find(enum table_view view, const char *key, int *ret_sort);
void table_sort_keys(enum table_view view, struct buf *out);	 /* their names, separated by blanks */
const char *table_sort_title(enum table_view view, int sort);	 /* of its column */
int table_sort_beside(enum table_view view, int sort, int step); /* the column right (1) or left (-1); itself: none */

/* ---- rows ---- */
struct table_rows {
	uint32_t *index; /* into the view's rows of the snapshot, in the order to show */
	uint8_t *depth;	 /* in the tree */
	size_t n, cap;
};
int table_rows_select(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c);
void table_rows_free(struct table_rows *rows);

/* ---- columns ---- */
enum column_kind {
	COLUMN_NAME,
	COLUMN_KIND,
	COLUMN_PID,
	COLUMN_USER,
	COLUMN_COMM,
	COLUMN_CONTAINER,
	COLUMN_RUNNER,
	COLUMN_TURNS, /* threads that take turns in a loop */
	COLUMN_STATE,
	COLUMN_MODEL,
	COLUMN_METRIC,
	COLUMN_IMAGE
};
struct table_column {
	enum column_kind kind;
	int metric; /* for COLUMN_METRIC */
	const char *title;
	int width;
	bool right; /* numbers */
};
#define TABLE_COLUMNS_MAX 40
bool table_column_sorts(const struct table_column *column, int sort); /* the one that the rows are sorted by */
/* Those that fit into `width`; names get what is left over. Returns how many. */
size_t table_columns(enum table_view view, int width, struct table_column *columns);

/* Appends what stands in the cell, unpadded, any length; numbers in human units, `-` when not known. */
void table_cell(struct buf *out, const struct snapshot *s, const struct table_choice *c, uint32_t row, uint8_t depth,
		const struct table_column *column);
const char *
container_kind_shown(const struct container_row *c); /* runtime of a container, "dead", else its kind; raw */
void format_value(struct buf *out, const struct metric_desc *d, double v);

/*
 * Appends `text` (already through text_terminal) cut to `width` columns with a sign that it was, and padded. In a
 * locale without UTF-8 what is not ASCII becomes '?'.
 */
void text_fit(struct buf *out, const char *text, int width, bool right);

/* Lines about one process, each with its line feed (detail.c). */
void table_detail(struct buf *out, const struct snapshot *s, const struct process_row *p);

/* The same about one event loop; a stall as a sentence without a full stop (loop_detail.c). */
void table_loop_detail(struct buf *out, const struct snapshot *s, const struct loop_row *l);
void sentence_time(struct buf *out, double seconds); /* "164 ms" */
void stall_sentence(struct buf *out, const struct stall *s);

/* Lines about one container, how it started among them (container_detail.c). */
void detail_container_namespaces(struct buf *out, const struct snapshot *s, const struct container_row *home);
void detail_capability_set(struct buf *out, const struct snapshot *s, const char *title, uint64_t set);
void table_container_detail(struct buf *out, const struct snapshot *s, const struct container_row *c);

/* ---- outputs ---- */
#define TABLE_HEADER_LINES 3
/* Line 0..TABLE_HEADER_LINES-1 of what stands above the table, not longer than width; *ret_alarm: it names a loss. */
void table_header(struct buf *out, const struct snapshot *s, int line, int width, bool *ret_alarm);

/* Header, titles and all rows; at most `width` columns. 0 or -ENOMEM. */
int table_write_plain(struct buf *out, const struct snapshot *s, const struct table_choice *c, int width);
/* Every metric with a JSON key, in base units; unknown is empty. `titles`: with the line of names. 0 or -ENOMEM. */
int table_write_csv(struct buf *out, const struct snapshot *s, const struct table_choice *c, bool titles);

#endif
