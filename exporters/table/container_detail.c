/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container_detail.c - who a container is and how it started, as lines for a person. Called by the live screen; names pass
 * through text_terminal, numbers come from metrics.def.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "exporters/table/table.h"

#define BAR_WIDTH 24

static void add_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

static void add_value(struct buf *out, const double *v, int metric)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_CONTAINER, &n);

	format_value(out, &d[metric], v[metric]);
}

static void add_seconds(struct buf *out, double seconds, int width)
{
	char text[32] = "-";

	if (seconds < 9.9995)
		snprintf(text, sizeof(text), "%.1f ms", seconds * 1e3);
	else if (!value_absent(seconds))
		snprintf(text, sizeof(text), "%.1f s", seconds);
	buf_printf(out, "%*s", width, text);
}

/* Where on the way from the first to the last step known it was. */
static void phase_bar(struct buf *out, double begin, double end, double whole)
{
	int from = whole > 0 ? (int)(begin / whole * BAR_WIDTH) : 0,
	    to = whole > 0 ? (int)(end / whole * BAR_WIDTH) : 0;

	if (from >= BAR_WIDTH)
		from = BAR_WIDTH - 1;
	if (to <= from)
		to = from + 1;
	for (int i = 0; i < BAR_WIDTH; i++)
		buf_char(out, i >= from && i < to ? '#' : '.');
}

static void phase_lines(struct buf *out, const struct birth_row *b)
{
	double whole = 0, at = 0;

	for (int i = 0; i < BIRTH_PHASES; i++)
		whole += value_absent(b->seconds[i]) ? 0 : b->seconds[i];
	for (int i = 0; i < BIRTH_PHASES; i++) {
		if (value_absent(b->seconds[i]))
			continue;
		buf_printf(out, "  %-8s", birth_phase_names[i]);
		add_seconds(out, b->seconds[i], 10);
		buf_str(out, "  CPU");
		add_seconds(out, b->cpu_seconds[i], 10);
		buf_str(out, "  ");
		phase_bar(out, at, at + b->seconds[i], whole);
		buf_printf(out, "  %s\n", birth_phase_texts[i]);
		at += b->seconds[i];
	}
}

static void birth_lines(struct buf *out, const struct birth_row *b)
{
	time_t then = (time_t)b->time;
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&then, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_printf(out, "start          at %s: ", clock);
	if (strcmp(b->state, "ready") == 0) {
		buf_str(out, "ready after ");
		add_seconds(out, b->total_seconds, 0);
		buf_printf(out, ", %s\n",
			   strcmp(b->ready_by, "listen") == 0  ? "when it listened"
			   : strcmp(b->ready_by, "epoll") == 0 ? "when it first slept in epoll"
							       : "when it first slept in accept");
	} else if (strcmp(b->state, "starting") == 0) {
		buf_str(out, "not ready yet\n");
	} else {
		buf_str(out, strcmp(b->state, "ended") == 0
				     ? "ended before it was ready to serve\n"
				     : "never seen to serve: no listening, no epoll, no accept\n");
	}
	phase_lines(out, b);
}

/* The latest, if it was started more than once. */
static const struct birth_row *birth_find(const struct snapshot *s, const struct container_row *c)
{
	for (size_t i = s->n_births; i-- > 0;)
		if (strcmp(s->births[i].id, c->id) == 0 && strcmp(s->births[i].container, c->name) == 0)
			return &s->births[i];
	return NULL;
}

void table_container_detail(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	const struct birth_row *b = birth_find(s, c);

	add_name(out, c->name);
	buf_str(out, "  ");
	add_name(out, c->kind);
	if (*c->runtime) {
		buf_str(out, " of ");
		add_name(out, c->runtime);
	}
	buf_printf(out, "  %s", c->state);
	if (*c->image) {
		buf_str(out, "\nimage          ");
		add_name(out, c->image);
	}
	if (*c->id) {
		buf_str(out, "\nid             ");
		add_name(out, c->id);
	}
	buf_str(out, "\ncgroup         ");
	add_name(out, c->cgroup);
	buf_str(out, "\nCPU            ");
	add_value(out, c->v, CONTAINER_CPU_CORES);
	buf_str(out, " CPUs; in all ");
	add_value(out, c->v, CONTAINER_CPU_USAGE);
	buf_str(out, "; waits for CPU ");
	add_value(out, c->v, CONTAINER_WAIT_RATE);
	buf_str(out, " per second\nmemory         ");
	add_value(out, c->v, CONTAINER_MEMORY_USAGE);
	buf_str(out, ", working set ");
	add_value(out, c->v, CONTAINER_MEMORY_WORKING_SET);
	buf_str(out, "\nprocesses      ");
	add_value(out, c->v, CONTAINER_PROCESSES);
	buf_str(out, ", threads ");
	add_value(out, c->v, CONTAINER_THREADS);
	buf_char(out, '\n');
	if (strcmp(c->kind, "container") == 0) {
		detail_container_namespaces(out, s, c);
		detail_capability_set(out, s, "capabilities   effective:", c->capabilities_effective);
	}
	if (b)
		birth_lines(out, b);
	else if (strcmp(c->kind, "container") == 0)
		buf_str(out,
			"start          not known: it was there before sysscope, or many others have started since\n");
}
