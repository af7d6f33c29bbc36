/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - the view of what happened lately, the latest first. The snapshot has the texts; they are made by exporters/events/.
 * Names pass through text_terminal.
 */
#include <stdio.h>
#include <string.h>

#include "exporters/detail/detail.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "sysscope/source.h"

#define TIME_WITH_MS 12 /* "22:30:01.250" */

enum { AT, TYPE, CONTAINER, COMM, PID, TEXT };

static const struct event_row *event_at(const struct snapshot *s, uint32_t row)
{
	return &s->looked.events[row];
}

static size_t event_count(const struct snapshot *s)
{
	return s->looked.n_events;
}

static const double *event_metrics(const struct snapshot *s, uint32_t row)
{
	(void)s;
	(void)row;
	return NULL;
}

/* The container as it was then; it may be gone. Valid until the next call. */
static const struct container_row *event_home(const struct snapshot *s, uint32_t row)
{
	static struct container_row home = {.image = "", .pod = ""};
	const struct event_row *e = event_at(s, row);

	home.name = e->container;
	home.cgroup = e->cgroup;
	home.id = e->id;
	home.kind = e->kind;
	return &home;
}

static const char *event_comm(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->comm;
}

/* Only what a filter asks for. Valid until the next call. */
static const struct process_row *event_process(const struct snapshot *s, uint32_t row)
{
	static struct process_row process;

	process.pid = event_at(s, row)->pid;
	process.comm = process.thread = event_comm(s, row);
	return &process;
}

static struct row_id event_id(const struct snapshot *s, uint32_t row)
{
	return (struct row_id){.pid = event_at(s, row)->number};
}

static const char *event_type(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->type;
}

static const char *event_container(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->container;
}

static const char *event_words(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->text;
}

static double event_pid(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->pid ? event_at(s, row)->pid : VALUE_ABSENT;
}

static double event_time(const struct snapshot *s, uint32_t row)
{
	return event_at(s, row)->time;
}

static void event_time_cell(struct buf *out, const struct table_cell *cell)
{
	double time = event_time(cell->s, cell->row);

	detail_clock(out, time);
	if (cell->width >= TIME_WITH_MS)
		buf_printf(out, ".%03d", (int)((time - floor(time)) * 1000));
}

static void event_container_cell(struct buf *out, const struct table_cell *cell)
{
	const char *name = event_container(cell->s, cell->row);

	if (*name)
		format_path(out, name, cell->width);
	else
		buf_char(out, '-');
}

static void event_pid_cell(struct buf *out, const struct table_cell *cell)
{
	uint32_t pid = event_at(cell->s, cell->row)->pid;

	if (pid)
		buf_printf(out, "%u", pid);
	else
		buf_char(out, '-');
}

/* The latest first, as the snapshot has them, though not every fact comes in the order of time. */
static int event_compare(const struct table_choice *c, const struct snapshot *s, uint32_t x, uint32_t y, int direction)
{
	(void)c;
	(void)s;
	return (x < y ? -1 : x > y) * direction;
}

static void event_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct event_row *e = event_at(s, row);

	buf_printf(out, ",%llu,%.6f,%s", (unsigned long long)e->number, e->time, e->type);
	format_csv(out, e->container);
	format_csv(out, e->cgroup);
	format_csv(out, e->comm);
	buf_printf(out, ",%u,%u", e->pid, e->tid);
	format_csv(out, e->text);
}

/* In lines of this width, cut between characters of one byte. */
static void event_detail(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct event_row *e = event_at(s, row);
	size_t left = strlen(e->text), most = width > 30 ? (size_t)width - 15 : 15;
	const char *text = e->text;

	detail_clock(out, e->time);
	buf_printf(out, "  %s\n", e->type);
	buf_str(out, "container      ");
	format_name(out, *e->container ? e->container : "-");
	buf_str(out, "\ncgroup         ");
	format_name(out, *e->cgroup ? e->cgroup : "-");
	buf_str(out, "\nprocess        ");
	format_name(out, *e->comm ? e->comm : "-");
	if (e->pid)
		buf_printf(out, " %u", e->pid);
	if (e->tid != e->pid)
		buf_printf(out, "/%u", e->tid);
	buf_str(out, "\nwhat           ");
	for (;;) {
		size_t n = left > most ? most : left, blank = n;

		/* A word that is longer than half of a line is cut where the line ends. */
		while (n < left && blank > most / 2 && text[blank] != ' ')
			blank--;
		if (n < left && text[blank] == ' ')
			n = blank;
		while (n < left && ((unsigned char)text[n] & 0xc0) == 0x80)
			n++;
		buf_add(out, text, n);
		buf_char(out, '\n');
		text += n + (text[n] == ' ');
		left = strlen(text);
		if (!left)
			return;
		buf_str(out, "               ");
	}
}

static void event_below(struct buf *out, const struct snapshot *s, size_t shown, int width)
{
	const struct looked_at *l = &s->looked;
	_cleanup_buf_ struct buf clock = {};

	(void)shown;
	if (!l->events)
		line_below(out, width, "%s", l->events_reason ?: "events are not in this recording");
	if (l->events && l->events_lost)
		line_below(out, width, "%llu more were lost", (unsigned long long)l->events_lost);
	if (l->events && l->events_dropped)
		line_below(out, width, "%llu older ones are no longer kept", (unsigned long long)l->events_dropped);
	detail_clock(&clock, l->events_since);
	if (l->events && l->events_since > 0)
		line_below(out, width, "since %s with the starts, execs and ends of processes", clock.data ?: "");
}

static bool event_alarming(const struct snapshot *s, uint32_t row, int column)
{
	return column == TEXT_COLUMN(TYPE) && strcmp(event_type(s, row), "oom_kill") == 0;
}

static const struct text_column event_columns[] = {
	[AT] = {.title = "TIME",
		.key = "time",
		.width = 8,
		.good = 8,
		.max = TIME_WITH_MS,
		.number = event_time,
		.cell = event_time_cell,
		.compare = event_compare},
	[TYPE] = {.title = "WHAT", .key = "type", .width = 15, .good = 15, .max = 17, .text = event_type},
	[CONTAINER] = {.title = "CONTAINER",
		       .key = "container",
		       .width = 10,
		       .good = 12,
		       .max = 24,
		       .text = event_container,
		       .cell = event_container_cell},
	[COMM] = {.title = "COMMAND",
		  .key = "comm",
		  .alias = "name",
		  .width = 10,
		  .good = 12,
		  .max = 15,
		  .text = event_comm},
	[PID] = {.title = "PID",
		 .key = "pid",
		 .width = 7,
		 .good = 7,
		 .max = 7,
		 .right = true,
		 .number = event_pid,
		 .cell = event_pid_cell},
	[TEXT] = {.title = "HOW",
		  .key = "text",
		  .width = 12,
		  .good = 60,
		  .max = 400,
		  .fills = true,
		  .text = event_words},
};

static const int event_wishes[] = {TEXT_COLUMN(AT),   TEXT_COLUMN(TYPE), TEXT_COLUMN(CONTAINER),
				   TEXT_COLUMN(COMM), TEXT_COLUMN(TEXT), TEXT_COLUMN(PID)};

const struct view_desc view_events = {
	.name = "events",
	.scope = SCOPE_COUNT,
	.look = LOOK_EVENTS,
	.loops = true,
	.help = "Events: what happened, the latest first, as `sysscope events` tells it. What\n"
		"processes start and end is noted while this view, or the detail of a\n"
		"container, is open; containers, OOM kills and stalls always.\n",
	.count = event_count,
	.values = event_metrics,
	.row_name = event_type,
	.home = event_home,
	.process = event_process,
	.id = event_id,
	.columns = event_columns,
	.n_columns = ARRAY_SIZE(event_columns),
	.wishes = event_wishes,
	.n_wishes = ARRAY_SIZE(event_wishes),
	.sort = TEXT_COLUMN(AT),
	.sort_keys = {{'T', TEXT_COLUMN(AT)}, {'N', TEXT_COLUMN(COMM)}, {'P', TEXT_COLUMN(PID)}},
	.csv_titles = "time,number,event_time,type,container,container_cgroup,comm,pid,tid,text",
	.csv_values = event_csv,
	.detail = event_detail,
	.gone = "this event is no longer kept",
	.below = event_below,
	.alarming = event_alarming,
};
