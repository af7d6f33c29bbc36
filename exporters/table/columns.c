/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * columns.c - what stands in a cell: human units, names made harmless, texts cut by the width that they take on a
 * screen. Which columns there are is in layout.c.
 */
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "exporters/table/table.h"

/* ---- numbers ---- */

static void format_bytes(struct buf *out, double v)
{
	static const char units[] = "KMGTPE";
	int u = -1;

	while (v >= 999.5 && u < (int)sizeof(units) - 2) {
		v /= 1024;
		u++;
	}
	if (u < 0)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
}

static void format_duration(struct buf *out, double seconds)
{
	unsigned long tenths = (unsigned long)(seconds * 10 + 0.5), s = (unsigned long)(seconds + 0.5);

	if (seconds < 59.995)
		buf_printf(out, "%.2fs", seconds);
	else if (tenths < 6000)
		buf_printf(out, "%lu:%02lu.%lu", tenths / 600, tenths % 600 / 10, tenths % 10);
	else if (s < 3600)
		buf_printf(out, "%lum%02lus", s / 60, s % 60);
	else if (s < 100 * 3600)
		buf_printf(out, "%luh%02lum", s / 3600, s % 3600 / 60);
	else if (s < 100 * 86400)
		buf_printf(out, "%lud%02luh", s / 86400, s % 86400 / 3600);
	else
		buf_printf(out, "%lud", s / 86400);
}

static void format_delay(struct buf *out, double us)
{
	if (us < 999.5)
		buf_printf(out, us < 9.95 && us > 0 ? "%.1fus" : "%.0fus", us);
	else if (us < 999.5e3)
		buf_printf(out, us < 9.95e3 ? "%.1fms" : "%.0fms", us / 1e3);
	else
		buf_printf(out, us < 99.95e6 ? "%.1fs" : "%.0fs", us / 1e6);
}

static void format_count(struct buf *out, double v)
{
	if (v < 99999.5)
		buf_printf(out, v == floor(v) || v >= 99.95 ? "%.0f" : "%.1f", v);
	else if (v < 999.5e6)
		buf_printf(out, v < 9.95e6 ? "%.2fM" : "%.0fM", v / 1e6);
	else
		buf_printf(out, "%.2fG", v / 1e9);
}

void format_value(struct buf *out, const struct metric_desc *d, double v)
{
	if (value_absent(v)) {
		buf_char(out, '-');
		return;
	}
	switch (d->unit) {
	case UNIT_NS:
		format_duration(out, v / 1e9);
		break;
	case UNIT_DELAY:
		format_delay(out, v / 1e3);
		break;
	case UNIT_UNIX_NS:
		buf_printf(out, "%.0f", v / 1e9);
		break;
	case UNIT_BYTES:
		format_bytes(out, v);
		break;
	case UNIT_CORES:
		buf_printf(out, v < 99.995 ? "%.2f" : "%.0f", v);
		break;
	case UNIT_RATIO:
		buf_printf(out, v < 0.0995 ? "%.1f" : "%.0f", v * 100);
		break;
	case UNIT_COUNT:
	case UNIT_RATE:
		format_count(out, v);
		break;
	}
}

/* ---- texts on a screen ---- */

static bool locale_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Bytes of the character at s, which is well-formed UTF-8, and how many columns it takes. */
static size_t character(const char *s, bool utf8, int *ret_columns)
{
	unsigned char c = (unsigned char)*s;
	size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	wchar_t wide = 0;

	*ret_columns = 1;
	for (size_t i = 1; i < length; i++)
		if (!s[i])
			return i;
	if (length > 1 && utf8 && mbtowc(&wide, s, length) > 0)
		*ret_columns = wcwidth(wide) < 0 ? 1 : wcwidth(wide);
	return length;
}

static int text_width(const char *text, bool utf8)
{
	int width = 0, columns;

	while (*text) {
		text += character(text, utf8, &columns);
		width += columns;
	}
	return width;
}

void text_fit(struct buf *out, const char *text, int width, bool right)
{
	bool utf8 = locale_is_utf8();
	int total = text_width(text, utf8), used = 0, columns;
	bool cut = total > width;

	if (right && !cut)
		buf_printf(out, "%*s", width - total, "");
	while (*text) {
		size_t length = character(text, utf8, &columns);

		if (used + columns > width - cut)
			break;
		if (length > 1 && !utf8)
			buf_char(out, '?');
		else
			buf_add(out, text, length);
		used += columns;
		text += length;
	}
	if (cut && width > 0) {
		buf_str(out, utf8 ? "\xe2\x80\xa6" : "~");
		used++;
	}
	if (!right || cut)
		buf_printf(out, "%*s", width - used, "");
}

/* ---- cells ---- */

static void add_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

#define INDENT_MAX 16

static void add_depth(struct buf *out, uint8_t depth)
{
	for (int i = 0; i < depth && i < INDENT_MAX; i++)
		buf_str(out, i + 1 == depth || i == INDENT_MAX - 1 ? "`-" : "  ");
}

/* A path is cut from the front only where enough of it remains. */
#define PATH_MIN 12

/* Of a path that is too long the end says more than the beginning. */
static void add_path(struct buf *out, const char *name, int width)
{
	_cleanup_buf_ struct buf text = {};
	bool utf8 = locale_is_utf8();
	const char *rest;
	int left, columns;

	text_terminal(&text, name, strlen(name));
	rest = text.data ? text.data : "";
	left = text_width(rest, utf8);
	if (name[0] != '/' || left <= width || width < PATH_MIN) {
		buf_str(out, rest);
		return;
	}
	/* Marks that stood on what is cut off go with it. */
	for (size_t n = character(rest, utf8, &columns); *rest && (left > width - 1 || columns == 0);
	     n = character(rest, utf8, &columns)) {
		rest += n;
		left -= columns;
	}
	buf_str(out, utf8 ? "\xe2\x80\xa6" : "~");
	buf_str(out, rest);
}

const char *container_kind_shown(const struct container_row *c)
{
	if (c->dead)
		return "dead";
	return strcmp(c->kind, "container") == 0 && c->runtime[0] ? c->runtime : c->kind;
}

static void cell_container(struct buf *out, const struct container_row *c, const struct table_column *column,
			   uint8_t depth)
{
	switch (column->kind) {
	case COLUMN_NAME:
		add_depth(out, depth);
		if (c->pod[0]) {
			add_name(out, c->pod);
			buf_char(out, '/');
		}
		add_path(out, c->name, column->width - 2 * (depth < INDENT_MAX ? depth : INDENT_MAX));
		break;
	case COLUMN_KIND:
		add_name(out, container_kind_shown(c));
		break;
	case COLUMN_IMAGE:
		add_name(out, c->image);
		break;
	default:
		break;
	}
}

static void add_user(struct buf *out, const struct table_choice *c, uint32_t uid)
{
	const char *name = c->user_name ? c->user_name(c->user_ctx, uid) : NULL;

	if (name)
		add_name(out, name);
	else
		buf_printf(out, "%u", uid);
}

static void cell_process(struct buf *out, const struct snapshot *s, const struct table_choice *c,
			 const struct process_row *p, const struct table_column *column, uint8_t depth)
{
	switch (column->kind) {
	case COLUMN_USER:
		add_user(out, c, p->uid);
		break;
	case COLUMN_PID:
		buf_printf(out, "%u", p->pid);
		break;
	case COLUMN_COMM:
		add_depth(out, depth);
		add_name(out, p->comm);
		break;
	case COLUMN_CONTAINER:
		add_name(out, process_container(s, p)->name);
		break;
	case COLUMN_STATE:
		buf_char(out, p->state);
		break;
	case COLUMN_MODEL:
		buf_str(out, p->model ?: "-");
		break;
	default:
		break;
	}
}

static void cell_loop(struct buf *out, const struct snapshot *s, const struct table_choice *c, const struct loop_row *l,
		      const struct table_column *column)
{
	if (column->kind == COLUMN_TURNS)
		buf_printf(out, "%u", l->threads);
	else
		cell_process(out, s, c, &s->processes[l->process], column, 0);
}

static void cell_neighbour(struct buf *out, const struct snapshot *s, const struct neighbour_row *n,
			   const struct table_column *column)
{
	if (column->kind == COLUMN_NAME)
		add_path(out, s->containers[n->waiter].name, column->width);
	else if (column->kind == COLUMN_RUNNER && n->runner == n->waiter)
		buf_str(out, "itself");
	else if (column->kind == COLUMN_RUNNER)
		add_path(out, neighbour_runner(s, n), column->width);
}

void table_cell(struct buf *out, const struct snapshot *s, const struct table_choice *c, uint32_t row, uint8_t depth,
		const struct table_column *column)
{
	size_t n;
	const struct metric_desc *d = metric_table(table_scope(c->view), &n);

	if (column->kind == COLUMN_METRIC)
		format_value(out, &d[column->metric], table_row_values(s, c->view, row)[column->metric]);
	else if (c->view == TABLE_CONTAINERS)
		cell_container(out, &s->containers[row], column, depth);
	else if (c->view == TABLE_LOOPS)
		cell_loop(out, s, c, &s->loops[row], column);
	else if (c->view == TABLE_NEIGHBOURS)
		cell_neighbour(out, s, &s->neighbours[row], column);
	else
		cell_process(out, s, c, &s->processes[row], column, depth);
}
