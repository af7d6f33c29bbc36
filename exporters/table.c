/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - a snapshot as plain text for a person or as CSV for a program. Names pass through text_terminal or
 * text_csv; no number is computed here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "table.h"

static void host_value(struct buf *out, const struct snapshot *s, int metric)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_HOST, &n);

	format_value(out, &d[metric], s->v[metric]);
}

static void header_host(struct buf *out, const struct snapshot *s)
{
	time_t now = (time_t)s->time;
	char clock[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_str(out, "sysscope  ");
	text_terminal(out, s->hostname, strlen(s->hostname));
	buf_printf(out, "  %s  Linux ", clock);
	text_terminal(out, s->kernel, strlen(s->kernel));
	buf_str(out, "  load ");
	host_value(out, s, HOST_LOAD1);
}

static void header_use(struct buf *out, const struct snapshot *s)
{
	buf_str(out, "CPU ");
	host_value(out, s, HOST_CPU_CORES);
	buf_str(out, " of ");
	host_value(out, s, HOST_CPUS);
	buf_str(out, ", attributed ");
	host_value(out, s, HOST_ATTRIBUTED);
	if (!value_absent(s->v[HOST_ATTRIBUTED]))
		buf_char(out, '%');
	buf_str(out, "  memory ");
	host_value(out, s, HOST_MEMORY_USED);
	buf_str(out, " of ");
	host_value(out, s, HOST_MEMORY_TOTAL);
	buf_str(out, "  ");
	host_value(out, s, HOST_CONTAINERS);
	buf_str(out, " containers ");
	host_value(out, s, HOST_PROCESSES);
	buf_str(out, " procs");
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
		header_host(&text, s);
	else if (line == 1)
		header_use(&text, s);
	else
		*ret_alarm = header_losses(&text, s);
	if (!text.data || text.failed) {
		out->failed = true;
		return;
	}
	text_fit(out, text.data, width, false);
}

static void trim(struct buf *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

static void line_end(struct buf *out)
{
	trim(out);
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
		line_end(out);
	}
	buf_char(out, '\n');
	for (size_t i = 0; i < n; i++) {
		text_fit(out, columns[i].title, columns[i].width, columns[i].right);
		buf_char(out, ' ');
	}
	line_end(out);
	for (size_t row = 0; row < rows.n; row++) {
		for (size_t i = 0; i < n; i++) {
			buf_reset(&cell);
			table_cell(&cell, s, c->view, rows.index[row], rows.depth[row], &columns[i]);
			text_fit(out, cell.data ? cell.data : "", columns[i].width, columns[i].right);
			buf_char(out, ' ');
		}
		line_end(out);
	}
	table_rows_free(&rows);
	return out->failed || cell.failed ? -ENOMEM : 0;
}

/* ---- CSV ---- */

static void csv_text(struct buf *out, const char *text)
{
	buf_char(out, ',');
	text_csv(out, text, strlen(text));
}

static void csv_titles(struct buf *out, enum table_view view, const struct metric_desc *d, size_t n)
{
	static const char *const identities[TABLE_VIEWS] = {
		[TABLE_CONTAINERS] = "time,name,kind,runtime,id,image,pod,namespace,state,cgroup",
		[TABLE_PROCESSES] = "time,pid,ppid,comm,container,state,start_time",
		[TABLE_NEIGHBOURS] = "time,waiter,runner",
	};

	buf_str(out, identities[view]);
	for (size_t i = 0; i < n; i++)
		if (d[i].json)
			csv_text(out, d[i].json);
	buf_str(out, "\r\n");
}

static void csv_identity(struct buf *out, const struct snapshot *s, enum table_view view, uint32_t i)
{
	if (view == TABLE_CONTAINERS) {
		const struct container_row *c = &s->containers[i];
		const char *texts[] = {c->name, c->kind,       c->runtime, c->id,    c->image,
				       c->pod,	c->namespace_, c->state,   c->cgroup};

		for (size_t t = 0; t < ARRAY_SIZE(texts); t++)
			csv_text(out, texts[t]);
	} else if (view == TABLE_NEIGHBOURS) {
		csv_text(out, s->containers[s->neighbours[i].waiter].name);
		csv_text(out, neighbour_runner(s, &s->neighbours[i]));
	} else {
		const struct process_row *p = &s->processes[i];

		buf_printf(out, ",%u,%u", p->pid, p->ppid);
		csv_text(out, p->comm);
		csv_text(out, process_container(s, p)->name);
		buf_printf(out, ",%c,%.3f", p->state, p->start_time);
	}
}

int table_write_csv(struct buf *out, const struct snapshot *s, const struct table_choice *c, bool titles)
{
	struct table_rows rows = {};
	size_t n;
	const struct metric_desc *d = metric_table(table_scope(c->view), &n);
	int r = table_rows_select(&rows, s, c);

	if (r < 0)
		return r;
	if (titles)
		csv_titles(out, c->view, d, n);
	for (size_t row = 0; row < rows.n; row++) {
		uint32_t i = rows.index[row];
		const double *v = table_row_values(s, c->view, i);

		buf_printf(out, "%.3f", s->time);
		csv_identity(out, s, c->view, i);
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
