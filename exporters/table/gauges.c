/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gauges.c - the lines of the live screen's header that plain output does not have: how busy each CPU is, how full the memory, how
 * long the machine waited for what, and what sysscope itself costs. Draws with ASCII only, so that every terminal shows it, and
 * without colour.
 */
#include <string.h>

#include "exporters/table/table.h"

#define BAR_MIN	   4
#define BAR_MAX	   20
#define CPU_FRAME  12 /* "cpu12[] 100%" and "memory[]100%" */
#define NEARLY_ALL 0.9
#define HALF	   0.5

/* "[||||    ] 50%" */
static void bar_draw(struct buf *out, double share, int bar)
{
	int filled = value_absent(share) ? 0 : (int)(share * bar + 0.5);

	buf_char(out, '[');
	for (int i = 0; i < bar; i++)
		buf_char(out, i < filled ? '|' : ' ');
	buf_char(out, ']');
	if (value_absent(share))
		buf_str(out, "   -");
	else
		buf_printf(out, "%3.0f%%", share * 100);
}

static void cpu_bar(struct buf *out, const struct cpu_row *cpu, int bar)
{
	buf_printf(out, "%scpu%u", out->len ? "  " : "", cpu->number);
	bar_draw(out, cpu->busy, bar);
}

/* What line 1 of the header has in bytes. */
static void memory_bar(struct buf *out, const struct snapshot *s, int bar)
{
	double used = s->v[HOST_MEMORY_USED], total = s->v[HOST_MEMORY_TOTAL];

	buf_str(out, "  memory");
	bar_draw(out, total > 0 ? used / total : VALUE_ABSENT, bar);
}

/* Where there is no room for a bar each. */
static void cpus_count(struct buf *out, const struct snapshot *s)
{
	size_t full = 0, half = 0, unknown = 0;

	for (size_t i = 0; i < s->n_cpus; i++) {
		double busy = s->cpus[i].busy;

		unknown += value_absent(busy);
		full += busy >= NEARLY_ALL;
		half += busy >= HALF && busy < NEARLY_ALL;
	}
	buf_printf(out, "CPUs: %zu busy for 90%% and more, %zu for 50%% and more, %zu for less", full, half,
		   s->n_cpus - full - half - unknown);
	if (unknown)
		buf_printf(out, ", %zu not known", unknown);
}

static int bar_width(size_t bars, int width)
{
	int each = bars ? (width + 2) / (int)bars - 2 - CPU_FRAME : 0;

	return each < BAR_MAX ? each : BAR_MAX;
}

/* A bar for each CPU and one for the memory; where there is no room for all, only for the CPUs, or only for the memory. */
static void gauge_bars(struct buf *out, const struct snapshot *s, int width)
{
	int each = bar_width(s->n_cpus + 1, width), left;

	if (each < BAR_MIN)
		each = bar_width(s->n_cpus, width);
	if (!s->n_cpus)
		buf_str(out, "each CPU: not known");
	else if (each < BAR_MIN)
		cpus_count(out, s);
	else
		for (size_t i = 0; i < s->n_cpus; i++)
			cpu_bar(out, &s->cpus[i], each);
	left = width - (int)out->len - 2 - CPU_FRAME;
	if (left >= BAR_MIN)
		memory_bar(out, s, each >= BAR_MIN && each < left ? each : left < BAR_MAX ? left : BAR_MAX);
}

static bool is_self(const struct table_choice *c, const struct process_row *p)
{
	return p->namespace_pid == c->self_pid && p->namespaces[0] == c->self_namespace;
}

/* Rows come and go, and its own is seldom far from where it was: the nearest first. */
static const struct process_row *self_find(const struct snapshot *s, const struct table_choice *c)
{
	size_t n = s->n_processes, at = c->self_row && *c->self_row < n ? *c->self_row : 0;

	for (size_t far = 0; c->self_pid && far < n; far++) {
		size_t behind = at + far, before = at - far; /* of one that is not there, n or more */
		size_t found = behind < n && is_self(c, &s->processes[behind])	 ? behind
			       : before < n && is_self(c, &s->processes[before]) ? before
										 : n;

		if (found == n)
			continue;
		if (c->self_row)
			*c->self_row = (uint32_t)found;
		return &s->processes[found];
	}
	return NULL;
}

static void gauge_share(struct buf *out, const char *before, double share)
{
	buf_str(out, before);
	if (value_absent(share))
		buf_char(out, '-');
	else
		buf_printf(out, "%.0f%%", share * 100);
}

static void gauge_waits(struct buf *out, const struct snapshot *s, const struct table_choice *c)
{
	const struct process_row *self = self_find(s, c);

	gauge_share(out, "waits: CPU ", s->v[HOST_PRESSURE_CPU_SOME_RATIO]);
	gauge_share(out, ", memory ", s->v[HOST_PRESSURE_MEMORY_SOME_RATIO]);
	gauge_share(out, ", disks ", s->v[HOST_PRESSURE_IO_SOME_RATIO]);
	buf_str(out, " of the time  sysscope: CPU ");
	if (self)
		format_metric(out, SCOPE_PROCESS, self->v, PROCESS_CPU_CORES);
	buf_str(out, self ? ", RSS " : "-, RSS -");
	if (self)
		format_metric(out, SCOPE_PROCESS, self->v, PROCESS_RSS);
}

void table_gauge(struct buf *out, const struct snapshot *s, const struct table_choice *c, int line, int width)
{
	_cleanup_buf_ struct buf text = {};

	if (line == 0)
		gauge_bars(&text, s, width);
	else
		gauge_waits(&text, s, c);
	if (!text.data || text.failed) {
		out->failed = true;
		return;
	}
	text_fit(out, text.data, width, false);
}
