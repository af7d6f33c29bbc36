/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - a snapshot as plain text for people or as CSV for programs. Names pass through text_terminal or text_csv;
 * no number is computed here.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "exporters/table/table.h"

/* A piece of a header line: on a short line pieces are left out whole, the largest `rank` first. */
struct header_piece {
	const char *before; /* separator from the piece to its left */
	int rank;
	struct buf text;
};
#define PIECES_MAX 7

static size_t pieces_width(const struct header_piece *p, size_t n, int rank)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i].rank <= rank && p[i].text.len)
			width += (width ? strlen(p[i].before) : 0) + p[i].text.len;
	return width;
}

/* Counts bytes as columns: with a wide name a piece is left out early. */
static void pieces_join(struct buf *out, struct header_piece *p, size_t n, int width)
{
	int rank = PIECES_MAX;

	while (rank > 0 && pieces_width(p, n, rank) > (size_t)(width > 0 ? width : 0))
		rank--;
	for (size_t i = 0; i < n; i++) {
		if (p[i].rank <= rank && p[i].text.data) {
			buf_str(out, out->len ? p[i].before : "");
			buf_str(out, p[i].text.data);
		}
		out->failed |= p[i].text.failed;
		buf_free(&p[i].text);
	}
}

void table_cell(struct buf *out, const struct snapshot *s, const struct table_choice *c, const struct table_rows *rows,
		size_t position, const struct table_column *column)
{
	uint32_t row = rows->index[position];
	const struct table_cell cell = {.s = s,
					.c = c,
					.row = row,
					.depth = rows->depth[position],
					.below = rows->below ? rows->below[position] : 0,
					.width = column->width};
	const struct text_column *t;

	if (column->column >= 0) {
		format_metric(out, c->view->scope, c->view->values(s, row), column->column);
		return;
	}
	t = &c->view->columns[TEXT_COLUMN(column->column)];
	if (t->cell)
		t->cell(out, &cell);
	else if (t->number)
		buf_printf(out, "%.0f", t->number(s, row));
	else
		format_name(out, t->text(s, row));
}

/* "docker in kvm": what the machine is. Nothing for a real one, or if that is not known. */
static void header_machine(struct buf *out, const struct snapshot *s)
{
	bool container = s->in_container && strcmp(s->in_container, "none") != 0;
	bool vm = s->machine && strcmp(s->machine, "none") != 0;

	if (container)
		buf_str(out, s->in_container);
	if (container && vm)
		buf_str(out, " in ");
	if (vm)
		buf_str(out, s->machine);
}

static void header_uptime(struct buf *out, double seconds)
{
	if (value_absent(seconds))
		buf_char(out, '-');
	else if (seconds >= 86400)
		buf_printf(out, "%.0f d %.0f h", floor(seconds / 86400), floor(fmod(seconds, 86400) / 3600));
	else
		buf_printf(out, "%.0f:%02.0f", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

static void header_host(struct buf *out, const struct snapshot *s, int width)
{
	struct header_piece p[] = {{"", 0, {}},	  {"  ", 1, {}}, {"  ", 0, {}}, {"  ", 3, {}},
				   {"  ", 5, {}}, {"  ", 2, {}}, {"  ", 4, {}}};
	double boot = s->v[HOST_BOOT_TIME] / 1e9;
	time_t now = (time_t)s->time;
	char clock[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_str(&p[0].text, "sysscope");
	text_terminal(&p[1].text, s->hostname, strlen(s->hostname));
	buf_str(&p[2].text, clock);
	buf_str(&p[3].text, "Linux ");
	text_terminal(&p[3].text, s->kernel, strlen(s->kernel));
	header_machine(&p[4].text, s);
	buf_str(&p[5].text, "load ");
	format_metric(&p[5].text, SCOPE_HOST, s->v, HOST_LOAD1);
	buf_str(&p[6].text, "up ");
	header_uptime(&p[6].text, boot > 0 && s->time > boot ? s->time - boot : VALUE_ABSENT);
	pieces_join(out, p, ARRAY_SIZE(p), width);
}

/* A share below this is no news. */
#define STEAL_SHOWN 0.005

static void header_use(struct buf *out, const struct snapshot *s, int width)
{
	struct header_piece p[] = {{"", 0, {}},	  {", ", 1, {}}, {", ", 3, {}},
				   {"  ", 2, {}}, {"  ", 4, {}}, {" ", 5, {}}};

	buf_str(&p[0].text, "CPU ");
	format_metric(&p[0].text, SCOPE_HOST, s->v, HOST_CPU_CORES);
	buf_str(&p[0].text, " of ");
	format_metric(&p[0].text, SCOPE_HOST, s->v, HOST_CPUS);
	if (s->v[HOST_STEAL_RATIO] >= STEAL_SHOWN)
		buf_printf(&p[1].text, "stolen %.0f%%", s->v[HOST_STEAL_RATIO] * 100);
	buf_str(&p[2].text, "attributed ");
	format_metric(&p[2].text, SCOPE_HOST, s->v, HOST_ATTRIBUTED);
	if (!value_absent(s->v[HOST_ATTRIBUTED]))
		buf_char(&p[2].text, '%');
	buf_str(&p[3].text, "memory ");
	format_metric(&p[3].text, SCOPE_HOST, s->v, HOST_MEMORY_USED);
	buf_str(&p[3].text, " of ");
	format_metric(&p[3].text, SCOPE_HOST, s->v, HOST_MEMORY_TOTAL);
	format_metric(&p[4].text, SCOPE_HOST, s->v, HOST_CONTAINERS);
	buf_str(&p[4].text, " containers");
	format_metric(&p[5].text, SCOPE_HOST, s->v, HOST_PROCESSES);
	buf_str(&p[5].text, " procs");
	pieces_join(out, p, ARRAY_SIZE(p), width);
}

static bool header_losses(struct buf *out, const struct snapshot *s)
{
	size_t lost = 0;

	for (size_t i = 0; i < s->n_losses; i++)
		if (s->losses[i].count)
			buf_printf(out, "%s%s %lu", lost++ ? ", " : "LOST: ", s->losses[i].kind, s->losses[i].count);
	for (size_t i = 0, off = 0; i < s->n_collectors; i++) {
		if (s->collectors[i].ok)
			continue;
		buf_printf(out, "%s%s",
			   off++  ? ", "
			   : lost ? "  partial, without: "
				  : "partial, without: ",
			   s->collectors[i].name);
		lost++;
	}
	if (!lost)
		buf_str(out, "nothing lost");
	return lost > 0;
}

void table_header(struct buf *out, const struct snapshot *s, int line, int width, bool *ret_alarm)
{
	_cleanup_buf_ struct buf text = {};

	*ret_alarm = false;
	if (line == 0)
		header_host(&text, s, width);
	else if (line == 1)
		header_use(&text, s, width);
	else
		*ret_alarm = header_losses(&text, s);
	if (!text.data || text.failed) {
		out->failed = true;
		return;
	}
	text_fit(out, text.data, width, false);
}

static void trailing_blanks_cut(struct buf *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

static void plain_line_end(struct buf *out)
{
	trailing_blanks_cut(out);
	buf_char(out, '\n');
}

int table_write_plain(struct buf *out, const struct snapshot *s, const struct table_choice *c, int width)
{
	struct table_column columns[TABLE_COLUMNS_MAX];
	_cleanup_buf_ struct buf cell = {};
	struct table_rows rows = {};
	size_t n = table_columns(c->view, width, columns);
	bool alarm;
	int r = table_rows_select(&rows, s, c);

	if (r < 0)
		return r;
	for (int i = 0; i < TABLE_HEADER_LINES; i++) {
		table_header(out, s, i, width, &alarm);
		plain_line_end(out);
	}
	buf_char(out, '\n');
	for (size_t i = 0; i < n; i++) {
		text_fit(out, columns[i].title, columns[i].width, columns[i].right);
		buf_char(out, ' ');
	}
	plain_line_end(out);
	for (size_t row = 0; row < rows.n; row++) {
		for (size_t i = 0; i < n; i++) {
			buf_reset(&cell);
			table_cell(&cell, s, c, &rows, row, &columns[i]);
			text_fit(out, cell.data ? cell.data : "", columns[i].width, columns[i].right);
			buf_char(out, ' ');
		}
		plain_line_end(out);
	}
	if (c->view->below) {
		buf_str(out, rows.n ? "\n" : "");
		c->view->below(out, s, rows.n, width);
	}
	table_rows_free(&rows);
	return out->failed || cell.failed ? -ENOMEM : 0;
}

/* ---- CSV ---- */

static void csv_titles(struct buf *out, const struct view_desc *view)
{
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);

	buf_str(out, view->csv_titles);
	for (size_t i = 0; i < n; i++)
		if (d[i].json)
			format_csv(out, d[i].json);
	buf_str(out, "\r\n");
}

int table_write_csv(struct buf *out, const struct snapshot *s, const struct table_choice *c, bool titles)
{
	struct table_rows rows = {};
	size_t n;
	const struct metric_desc *d = metric_table(c->view->scope, &n);
	int r = table_rows_select(&rows, s, c);

	if (r < 0)
		return r;
	if (titles)
		csv_titles(out, c->view);
	for (size_t row = 0; row < rows.n; row++) {
		uint32_t i = rows.index[row];
		const double *v = c->view->values(s, i);

		buf_printf(out, "%.3f", s->time);
		c->view->csv_values(out, s, i);
		for (size_t m = 0; m < n; m++) {
			if (!d[m].json)
				continue;
			buf_char(out, ',');
			if (!value_absent(v[m]))
				buf_printf(out, "%.15g", metric_base_value(&d[m], v[m]));
		}
		buf_str(out, "\r\n");
	}
	table_rows_free(&rows);
	return out->failed ? -ENOMEM : 0;
}
