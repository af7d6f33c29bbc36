/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_detail.c - all that is known of one event loop, as lines for a person, and a stall as a sentence. Called by the live
 * screen; names pass through text_terminal, numbers come from metrics.def.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "exporters/table/table.h"

static void add_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

static void add_value(struct buf *out, const double *v, int metric)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_LOOP, &n);

	format_value(out, &d[metric], v[metric]);
}

void sentence_time(struct buf *out, double seconds)
{
	if (seconds < 0.00095)
		buf_printf(out, "%.0f us", seconds * 1e6);
	else if (seconds < 0.00995)
		buf_printf(out, "%.1f ms", seconds * 1e3);
	else if (seconds < 0.9995)
		buf_printf(out, "%.0f ms", seconds * 1e3);
	else
		buf_printf(out, "%.1f s", seconds);
}

/* What an iteration went to. */
enum part { PART_ONCPU = WAIT_CLASSES, PART_RUNQUEUE, PART_THROTTLED, PARTS };

static void part_text(struct buf *out, const struct stall *s, int part, double seconds)
{
	if (part == PART_RUNQUEUE)
		buf_str(out, "run queue ");
	sentence_time(out, seconds);
	if (part == PART_RUNQUEUE && s->runner[0]) {
		buf_str(out, ", CPU held by ");
		add_name(out, s->runner);
	} else if (part == PART_ONCPU) {
		buf_str(out, " on CPU");
	} else if (part == PART_THROTTLED) {
		buf_str(out, " held back by its own CPU limit");
	} else if (part < WAIT_CLASSES) {
		buf_char(out, ' ');
		buf_str(out, wait_class_phrases[part]);
	}
}

void stall_sentence(struct buf *out, const struct stall *s)
{
	double parts[PARTS];
	bool first = true;

	memcpy(parts, s->blocked, sizeof(s->blocked));
	parts[PART_ONCPU] = s->oncpu;
	parts[PART_RUNQUEUE] = s->runqueue > s->throttled ? s->runqueue - s->throttled : 0;
	parts[PART_THROTTLED] = s->throttled;
	buf_str(out, "blocked ");
	sentence_time(out, s->seconds);
	/* From the longest on, until what is left says nothing any more. */
	for (;;) {
		int most = 0;

		for (int i = 1; i < PARTS; i++)
			if (parts[i] > parts[most])
				most = i;
		if (!(parts[most] > 0) || (!first && parts[most] < s->seconds / 10))
			break;
		buf_str(out, first ? ": " : "; ");
		part_text(out, s, most, parts[most]);
		parts[most] = 0;
		first = false;
	}
	if (s->suppressed)
		buf_printf(out, " (%" PRIu64 " more just before it)", s->suppressed);
}

static void detail_waits(struct buf *out, const double *v)
{
	buf_str(out, "waits          ");
	add_value(out, v, LOOP_WAITS);
	buf_str(out, " in all, with ");
	add_value(out, v, LOOP_EVENTS);
	buf_str(out, " events");
	if (!value_absent(v[LOOP_EVENTS_PER_WAIT])) {
		buf_str(out, ", ");
		add_value(out, v, LOOP_EVENTS_PER_WAIT);
		buf_str(out, " in each with any");
	}
	buf_str(out, "\n               of them ");
	add_value(out, v, LOOP_POLLS);
	buf_str(out, " polls, ");
	add_value(out, v, LOOP_TIMEOUTS);
	buf_str(out, " timed out, ");
	add_value(out, v, LOOP_INTERRUPTED);
	buf_str(out, " interrupted\nfor nothing    woken ");
	add_value(out, v, LOOP_EMPTY_WAKEUPS);
	buf_str(out, " times");
	if (!value_absent(v[LOOP_EMPTY])) {
		buf_str(out, ", ");
		add_value(out, v, LOOP_EMPTY);
		buf_str(out, " % of its wakeups");
	}
	buf_str(out, "\ndescriptors    added ");
	add_value(out, v, LOOP_ADDS);
	buf_str(out, ", changed ");
	add_value(out, v, LOOP_MODIFIES);
	buf_str(out, ", removed ");
	add_value(out, v, LOOP_DELETES);
	buf_char(out, '\n');
}

static void split_line(struct buf *out, const double *v, int metric, const char *name, double sum)
{
	if (value_absent(v[metric]))
		return;
	buf_printf(out, "  %-12s %5.1f %%  ", name, sum > 0 ? v[metric] / sum * 100 : 0);
	add_value(out, v, metric);
	if (metric == LOOP_RUNQUEUE && v[LOOP_THROTTLED] > 0) {
		buf_str(out, ", of it ");
		add_value(out, v, LOOP_THROTTLED);
		buf_str(out, " held back by its CPU limit");
	}
	buf_char(out, '\n');
}

/* Where its time went; of what it slept for only what is worth a line. */
static void detail_split(struct buf *out, const double *v)
{
	double sum = v[LOOP_ASLEEP];

	if (value_absent(sum))
		return;
	if (!value_absent(v[LOOP_ONCPU])) {
		sum += v[LOOP_ONCPU] + v[LOOP_RUNQUEUE];
		for (int i = 0; i < WAIT_CLASSES; i++)
			sum += v[LOOP_BLOCKED_EPOLL + i];
	}
	buf_str(out, "its time       since sysscope saw it:\n");
	split_line(out, v, LOOP_ASLEEP, "in epoll", sum);
	split_line(out, v, LOOP_ONCPU, "on CPU", sum);
	split_line(out, v, LOOP_RUNQUEUE, "run queue", sum);
	for (int i = 0; i < WAIT_CLASSES; i++)
		if (v[LOOP_BLOCKED_EPOLL + i] > 0)
			split_line(out, v, LOOP_BLOCKED_EPOLL + i, wait_class_names[i], sum);
}

static void detail_stalls(struct buf *out, const struct loop_row *l)
{
	time_t then = (time_t)l->last_stall.time;
	char clock[16];
	struct tm tm;

	buf_str(out, "stalls         ");
	add_value(out, l->v, LOOP_STALLS);
	if (l->last_stall.time > 0) {
		localtime_r(&then, &tm);
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		buf_printf(out, "; the last at %s:\n  ", clock);
		stall_sentence(out, &l->last_stall);
	}
	buf_char(out, '\n');
}

void table_loop_detail(struct buf *out, const struct snapshot *s, const struct loop_row *l)
{
	const struct process_row *p = &s->processes[l->process];
	const double *v = l->v;

	add_name(out, p->comm);
	buf_printf(out, "  pid %u  ", p->pid);
	if (l->scheduler)
		buf_printf(out, "%u threads", l->threads);
	else
		buf_printf(out, "thread %u", l->tid);
	buf_str(out, "  in ");
	add_name(out, process_container(s, p)->name);
	if (l->scheduler) {
		buf_str(out, "\nscheduler      its threads take turns in epoll, as in Go or Tokio: how busy one of "
			     "them is,\n"
			     "               and what it does between two waits, says nothing of the whole\n");
		detail_waits(out, v);
		return;
	}
	buf_str(out, "\nutilisation    ");
	add_value(out, v, LOOP_UTILIZATION);
	buf_str(out, value_absent(v[LOOP_UTILIZATION]) ? "" : " % of the interval not in epoll");
	buf_str(out, "\niterations     ");
	add_value(out, v, LOOP_ITERATION_RATE);
	buf_str(out, " per second; in all ");
	add_value(out, v, LOOP_ITERATIONS);
	buf_str(out, "\n               99 % below ");
	add_value(out, v, LOOP_ITERATION_P99);
	buf_str(out, " in the interval, the longest ever ");
	add_value(out, v, LOOP_LONGEST);
	buf_char(out, '\n');
	detail_waits(out, v);
	detail_split(out, v);
	detail_stalls(out, l);
}
