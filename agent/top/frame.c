/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.c - see frame.h. */
#include <curses.h>
#include <string.h>

#include "base/text.h"
#include "top/frame.h"
#include "top/terminal/suspend.h"

#define MIN_LINES   5
#define MIN_COLUMNS 20

enum { PAIR_ALARM = 1, PAIR_TITLE, PAIR_WARN };

#define GAUGES_MIN_LINES 18

/* A detail and the help get their room. */
static bool gauges_shown(const struct top_state *t)
{
	return LINES >= GAUGES_MIN_LINES && !t->detail && !t->help;
}

/* The line that says where in a recording this is. On a low screen only the footer does. */
static int past_lines(const struct top_state *t)
{
	return t->past && LINES >= 10;
}

/* Lines above the titles: only one on a low screen, to leave room for rows. */
static int header_lines(const struct top_state *t)
{
	return LINES < 10 ? 1 : past_lines(t) + TABLE_HEADER_LINES + (gauges_shown(t) ? TABLE_GAUGE_LINES : 0);
}

size_t frame_page_size(const struct top_state *t)
{
	int rows = LINES - header_lines(t) - 2; /* titles, footer */

	return rows > 0 ? (size_t)rows : 0;
}

static attr_t paint(const struct frame *f, short pair, attr_t without)
{
	return f->color ? (attr_t)COLOR_PAIR(pair) | (without & A_BOLD) : without;
}

static void put(struct frame *f, int line, int column, attr_t attributes)
{
	attrset(attributes);
	mvaddnstr(line, column, f->text.data ? f->text.data : "", (int)f->text.len);
	attrset(A_NORMAL);
}

static void draw_past(struct frame *f)
{
	buf_reset(&f->cell);
	past_line(&f->cell, &f->place, COLS);
	buf_reset(&f->text);
	text_fit(&f->text, f->cell.data ? f->cell.data : "", COLS, false);
	put(f, 0, 0, paint(f, PAIR_WARN, A_BOLD) | A_REVERSE);
}

static void draw_header(struct frame *f)
{
	int gauges = gauges_shown(&f->state) ? TABLE_GAUGE_LINES : 0, above = past_lines(&f->state);
	bool alarm;

	if (above)
		draw_past(f);
	for (int i = 0; i < gauges; i++) {
		buf_reset(&f->text);
		table_gauge(&f->text, f->snapshot, &f->state.choice, i, COLS);
		put(f, above + TABLE_HEADER_LINES - 1 + i, 0, A_NORMAL);
	}
	for (int i = 0; i < TABLE_HEADER_LINES; i++) {
		int line = header_lines(&f->state) == 1	 ? 0
			   : i == TABLE_HEADER_LINES - 1 ? above + i + gauges
							 : above + i;

		buf_reset(&f->text);
		table_header(&f->text, f->snapshot, i, COLS, &alarm);
		/* The one line of a low screen: losses, else usage. */
		if (header_lines(&f->state) == 1 && i != 1 && !alarm)
			continue;
		put(f, line, 0, alarm ? paint(f, PAIR_ALARM, A_BOLD | A_REVERSE) : A_NORMAL);
	}
}

static void draw_titles(struct frame *f, const struct table_column *columns, size_t n)
{
	const struct table_choice *c = &f->state.choice;
	int x = 0;

	for (size_t i = 0; i < n; i++) {
		const struct table_column *t = &columns[i];
		bool sorted = t->column == c->sort;

		buf_reset(&f->text);
		text_fit(&f->text, t->title, t->width, t->right);
		if (i + 1 < n)
			buf_char(&f->text, ' ');
		put(f, header_lines(&f->state), x, sorted ? A_REVERSE | A_BOLD : paint(f, PAIR_TITLE, A_BOLD));
		x += t->width + 1;
	}
}

static void draw_row(struct frame *f, int line, size_t position, const struct table_column *columns, size_t n)
{
	const struct table_choice *c = &f->state.choice;
	const struct view_desc *view = c->view;
	uint32_t row = f->rows.index[position];
	bool dim = view->dim && view->dim(f->snapshot, row);
	attr_t base = position == f->state.selected ? A_REVERSE : dim ? A_DIM : A_NORMAL;
	int x = 0;

	for (size_t i = 0; i < n; i++) {
		bool alarm = view->alarming && view->alarming(f->snapshot, row, columns[i].column);

		buf_reset(&f->cell);
		buf_reset(&f->text);
		table_cell(&f->cell, f->snapshot, c, &f->rows, position, &columns[i]);
		text_fit(&f->text, f->cell.data ? f->cell.data : "", columns[i].width, columns[i].right);
		if (i + 1 < n) /* behind the last column of a full line it would wrap into the next line */
			buf_char(&f->text, ' ');
		put(f, line, x, alarm && base != A_REVERSE ? paint(f, PAIR_ALARM, A_BOLD) : base);
		x += columns[i].width + 1;
	}
}

static void draw_footer(struct frame *f)
{
	_cleanup_buf_ struct buf line = {};
	bool stands_out = footer_text(&line, f, COLS, past_lines(&f->state) > 0);

	buf_reset(&f->text);
	text_fit(&f->text, line.data ? line.data : "", COLS - 1, false);
	put(f, LINES - 1, 0, stands_out ? paint(f, PAIR_WARN, A_REVERSE) : A_DIM);
}

/* Where to cut a help line to this width, at a blank if there is one. */
static size_t help_cut(const char *text, size_t width)
{
	size_t cut = strlen(text);

	if (cut <= width)
		return cut;
	for (cut = width; cut > width / 2 && text[cut] != ' ';)
		cut--;
	return cut > width / 2 ? cut : width;
}

#define HELP_INDENT 12 /* where the texts begin in lines of keys */

/* Wraps the lines of the help; with `draw`, draws those after the first `skip`. Returns how many there are. */
static size_t help_lines(struct frame *f, size_t skip, bool draw)
{
	_cleanup_buf_ struct buf text = {};
	int line = header_lines(&f->state), last = LINES - 1;
	size_t all = 0;
	char *next;

	top_help_text(&text, &f->state);
	next = text.data;
	for (char *rest = strsep(&next, "\n"); rest && next; rest = strsep(&next, "\n")) {
		bool keys = strlen(rest) > HELP_INDENT && strncmp(rest + HELP_INDENT - 2, "  ", 2) == 0;
		size_t indent = 0;

		do {
			size_t n = help_cut(rest, (size_t)COLS - indent);

			if (draw && all >= skip && line < last) {
				buf_reset(&f->text);
				buf_printf(&f->text, "%*s%.*s", (int)indent, "", (int)n, rest);
				put(f, line++, 0, A_NORMAL);
			}
			all++;
			rest += n;
			rest += strspn(rest, " ");
			indent = keys && COLS > 2 * HELP_INDENT ? HELP_INDENT : 0;
		} while (*rest);
	}
	return all;
}

/* On a low screen the arrows scroll it. */
static void draw_help(struct frame *f)
{
	size_t room = (size_t)(LINES - 1 - header_lines(&f->state)), all = help_lines(f, 0, false);

	if (f->state.help_first + room > all)
		f->state.help_first = all > room ? all - room : 0;
	help_lines(f, f->state.help_first, true);
}

static void draw_detail(struct frame *f)
{
	const struct view_desc *view = f->state.choice.view;
	size_t room = (size_t)(LINES - 1 - header_lines(&f->state)), lines = 0;
	char *line, *rest;
	uint32_t row;

	buf_reset(&f->cell);
	if (top_state_selected(&f->state, f->snapshot, &row))
		view->detail(&f->cell, f->snapshot, row, COLS);
	else
		buf_str(&f->cell, view->gone);
	/* The arrows scroll it as far as its last line. */
	for (const char *p = f->cell.data; p && *p; p++)
		lines += *p == '\n' || !p[1];
	if (f->state.detail_first + room > lines)
		f->state.detail_first = lines > room ? lines - room : 0;
	rest = f->cell.data;
	for (size_t skip = f->state.detail_first; skip && rest; skip--)
		strsep(&rest, "\n");
	for (int y = header_lines(&f->state); rest && (line = strsep(&rest, "\n")) && y < LINES - 1; y++) {
		buf_reset(&f->text);
		text_fit(&f->text, line, COLS, false);
		put(f, y, 0, A_NORMAL);
	}
}

static void draw_line(struct frame *f, int line, const char *text)
{
	buf_reset(&f->text);
	text_fit(&f->text, text, COLS > 0 ? COLS : 1, false);
	put(f, line, 0, A_NORMAL);
}

/* Before the first snapshot: programs are being loaded into the kernel, which takes seconds on a busy machine. */
static void draw_loading(struct frame *f)
{
	struct table_column columns[TABLE_COLUMNS_MAX];

	draw_line(f, 0, header_lines(&f->state) > 1 ? "sysscope" : "sysscope: loading ...");
	if (header_lines(&f->state) > 1)
		draw_line(f, 1, "loading ...");
	draw_titles(f, columns, table_columns_of(&f->state.choice, COLS, columns));
	draw_footer(f);
}

/* As much as there is room for. */
static void draw_below(struct frame *f, int line)
{
	const struct view_desc *view = f->state.choice.view;
	char *text, *rest;

	if (!view->below)
		return;
	buf_reset(&f->cell);
	view->below(&f->cell, f->snapshot, f->rows.n, COLS);
	rest = f->cell.data;
	while (rest && line < LINES - 1 && (text = strsep(&rest, "\n"))) {
		buf_reset(&f->text);
		text_fit(&f->text, text, COLS, false);
		put(f, line++, 0, A_NORMAL);
	}
}

/* Below the titles as they are going to be. */
static void draw_setup(struct frame *f)
{
	struct setup *setup = &f->state.setup;
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n = table_columns_of(&f->state.choice, COLS, columns), page = frame_page_size(&f->state);

	draw_titles(f, columns, n);
	setup_scroll(setup, page);
	for (size_t i = 0; i < page && setup->first + i < setup->n; i++) {
		buf_reset(&f->text);
		setup_line(&f->text, setup, f->state.choice.view, setup->first + i, COLS);
		put(f, header_lines(&f->state) + 1 + (int)i, 0,
		    setup->first + i == setup->selected ? A_REVERSE : A_NORMAL);
	}
}

static void draw_rows(struct frame *f)
{
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n = table_columns_of(&f->state.choice, COLS, columns);

	draw_titles(f, columns, n);
	for (size_t i = 0; i < frame_page_size(&f->state) && f->state.first + i < f->rows.n; i++)
		draw_row(f, header_lines(&f->state) + 1 + (int)i, f->state.first + i, columns, n);
	draw_below(f, header_lines(&f->state) + 1 + (int)(f->rows.n - f->state.first) + (f->rows.n ? 1 : 0));
}

struct frame_hit frame_hit(const struct frame *f, int line, int x)
{
	int titles = header_lines(&f->state);
	size_t position = f->state.first + (size_t)(line > titles ? line - titles - 1 : 0);
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n = table_columns_of(&f->state.choice, COLS, columns);

	if (!f->snapshot || f->state.help || f->state.setup.open || f->state.detail || line >= LINES - 1 ||
	    line < titles)
		return (struct frame_hit){HIT_NOTHING, 0, 0};
	if (line > titles)
		return (struct frame_hit){position < f->rows.n ? HIT_ROW : HIT_NOTHING, position, 0};
	for (size_t i = 0; i < n; i++) {
		if (x <= columns[i].width)
			return (struct frame_hit){HIT_TITLE, 0, columns[i].column};
		x -= columns[i].width + 1;
	}
	return (struct frame_hit){HIT_NOTHING, 0, 0};
}

/* So many of them in order; 0: all. */
static void rows_choose(struct frame *f, size_t in_order)
{
	struct table_choice c = f->state.choice;

	c.in_order = in_order;
	if (table_rows_select(&f->rows, f->snapshot, &c) < 0)
		f->rows.n = 0;
}

void frame_rows_complete(struct frame *f)
{
	if (f->snapshot && f->rows.in_order < f->rows.n)
		rows_choose(f, 0);
}

void frame_rows(struct frame *f)
{
	const struct top_state *t = &f->state;

	/* As long as nobody has moved, only the rows at the top are shown. */
	rows_choose(f, t->chosen || t->selected || t->first || t->follow ? 0 : frame_page_size(t) + 1);
	top_state_follow(&f->state, f->snapshot, &f->rows, frame_page_size(&f->state));
}

static void draw_snapshot(struct frame *f)
{
	draw_header(f);
	if (f->state.help)
		draw_help(f);
	else if (f->state.setup.open)
		draw_setup(f);
	else if (f->state.detail)
		draw_detail(f);
	else
		draw_rows(f);
	draw_footer(f);
}

void frame_draw(struct frame *f)
{
	suspend_hold();
	erase();
	f->state.width = COLS;
	if (f->snapshot)
		frame_rows(f);
	if (LINES < MIN_LINES || COLS < MIN_COLUMNS || (!f->snapshot && f->error))
		draw_line(f, 0, f->error && !f->snapshot ? strerror(-f->error) : "terminal too small");
	else if (!f->snapshot)
		draw_loading(f);
	else
		draw_snapshot(f);
	refresh();
	suspend_allow();
}

void frame_colors(void)
{
	start_color();
	use_default_colors();
	init_pair(PAIR_ALARM, COLOR_RED, -1);
	init_pair(PAIR_TITLE, COLOR_CYAN, -1);
	init_pair(PAIR_WARN, COLOR_YELLOW, -1);
}

void frame_free(struct frame *f)
{
	table_rows_free(&f->rows);
	buf_free(&f->text);
	buf_free(&f->cell);
}
