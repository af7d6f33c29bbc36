/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loops.c - the view of event loops: threads that run one, or take turns in one. The detail is all that is known about
 * one. Names pass through text_terminal, numbers come from metrics.def.
 */
#include "exporters/table/table.h"
#include "exporters/detail/detail.h"
#include "exporters/views/views.h"

enum { CONTAINER, PID, COMM, TID, THREAD, TURNS };

static size_t loop_count(const struct snapshot *s)
{
	return s->n_loops;
}

static const double *loop_metrics(const struct snapshot *s, uint32_t row)
{
	return s->loops[row].v;
}

static const struct process_row *loop_process(const struct snapshot *s, uint32_t row)
{
	return &s->processes[s->loops[row].process];
}

static const struct container_row *loop_home(const struct snapshot *s, uint32_t row)
{
	return process_container(s, loop_process(s, row));
}

static const char *loop_comm(const struct snapshot *s, uint32_t row)
{
	return loop_process(s, row)->comm;
}

static const char *loop_thread(const struct snapshot *s, uint32_t row)
{
	return s->loops[row].thread;
}

static double loop_tid(const struct snapshot *s, uint32_t row)
{
	return s->loops[row].tid;
}

static const char *loop_home_name(const struct snapshot *s, uint32_t row)
{
	return loop_home(s, row)->name;
}

static double loop_pid(const struct snapshot *s, uint32_t row)
{
	return loop_process(s, row)->pid;
}

static double loop_turns(const struct snapshot *s, uint32_t row)
{
	return s->loops[row].threads;
}

static struct row_id loop_id(const struct snapshot *s, uint32_t row)
{
	return (struct row_id){.pid = s->loops[row].tid, .start_ns = loop_process(s, row)->start_ns};
}

static void loop_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct loop_row *l = &s->loops[row];

	buf_printf(out, ",%u,%u", loop_process(s, row)->pid, l->tid);
	format_csv(out, loop_comm(s, row));
	format_csv(out, l->thread);
	format_csv(out, loop_home_name(s, row));
	buf_printf(out, ",%s,%u", l->scheduler ? "scheduler" : "loop", l->threads);
}

/* ---- detail ---- */

static void loop_waits(struct buf *out, const double *v)
{
	buf_str(out, "waits          ");
	format_metric(out, SCOPE_LOOP, v, LOOP_WAITS);
	buf_str(out, " in total, with ");
	format_metric(out, SCOPE_LOOP, v, LOOP_EVENTS);
	buf_str(out, " events");
	if (!value_absent(v[LOOP_EVENTS_PER_WAIT])) {
		buf_str(out, ", ");
		format_metric(out, SCOPE_LOOP, v, LOOP_EVENTS_PER_WAIT);
		buf_str(out, " per wait that returned any");
	}
	buf_str(out, "\n               of these ");
	format_metric(out, SCOPE_LOOP, v, LOOP_POLLS);
	buf_str(out, " polls, ");
	format_metric(out, SCOPE_LOOP, v, LOOP_TIMEOUTS);
	buf_str(out, " timed out, ");
	format_metric(out, SCOPE_LOOP, v, LOOP_INTERRUPTED);
	buf_str(out, " interrupted\nspurious       ");
	format_metric(out, SCOPE_LOOP, v, LOOP_EMPTY_WAKEUPS);
	buf_str(out, " wakeups");
	if (!value_absent(v[LOOP_EMPTY])) {
		buf_str(out, ", ");
		format_metric(out, SCOPE_LOOP, v, LOOP_EMPTY);
		buf_str(out, " % of all");
	}
	buf_str(out, "\ndescriptors    added ");
	format_metric(out, SCOPE_LOOP, v, LOOP_ADDS);
	buf_str(out, ", changed ");
	format_metric(out, SCOPE_LOOP, v, LOOP_MODIFIES);
	buf_str(out, ", removed ");
	format_metric(out, SCOPE_LOOP, v, LOOP_DELETES);
	buf_char(out, '\n');
}

static void loop_split_line(struct buf *out, const double *v, int metric, const char *name, double sum)
{
	if (value_absent(v[metric]))
		return;
	buf_printf(out, "  %-12s %5.1f %%  ", name, sum > 0 ? v[metric] / sum * 100 : 0);
	format_metric(out, SCOPE_LOOP, v, metric);
	if (metric == LOOP_RUNQUEUE && v[LOOP_THROTTLED] > 0) {
		buf_str(out, ", of this ");
		format_metric(out, SCOPE_LOOP, v, LOOP_THROTTLED);
		buf_str(out, " throttled by its CPU limit");
	}
	buf_char(out, '\n');
}

/* Where its time went; classes in which it never blocked are left out. */
static void loop_split_lines(struct buf *out, const double *v)
{
	double sum = v[LOOP_ASLEEP];

	if (value_absent(sum))
		return;
	if (!value_absent(v[LOOP_ONCPU])) {
		sum += v[LOOP_ONCPU] + v[LOOP_RUNQUEUE];
		for (int i = 0; i < WAIT_CLASSES; i++)
			sum += v[LOOP_BLOCKED_EPOLL + i];
	}
	buf_str(out, "time           since sysscope first saw the loop:\n");
	loop_split_line(out, v, LOOP_ASLEEP, "in epoll", sum);
	loop_split_line(out, v, LOOP_ONCPU, "on CPU", sum);
	loop_split_line(out, v, LOOP_RUNQUEUE, "run queue", sum);
	for (int i = 0; i < WAIT_CLASSES; i++)
		if (v[LOOP_BLOCKED_EPOLL + i] > 0)
			loop_split_line(out, v, LOOP_BLOCKED_EPOLL + i, wait_class_names[i], sum);
}

static void loop_stalls(struct buf *out, const struct loop_row *l)
{
	buf_str(out, "stalls         ");
	format_metric(out, SCOPE_LOOP, l->v, LOOP_STALLS);
	if (l->last_stall.time > 0) {
		buf_str(out, "; last at ");
		detail_clock(out, l->last_stall.time);
		buf_str(out, ":\n  ");
		stall_sentence(out, &l->last_stall);
	}
	buf_char(out, '\n');
}

static void loop_detail(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct loop_row *l = &s->loops[row];
	const struct process_row *p = &s->processes[l->process];
	const double *v = l->v;

	(void)width;
	format_name(out, p->comm);
	buf_printf(out, "  pid %u  ", p->pid);
	if (l->scheduler) {
		buf_printf(out, "%u threads", l->threads);
	} else {
		buf_str(out, "thread ");
		format_name(out, l->thread);
		buf_printf(out, " %u", l->tid);
	}
	buf_str(out, "  in ");
	format_name(out, process_container(s, p)->name);
	if (l->scheduler) {
		buf_str(out,
			"\nscheduler      its threads take turns in epoll, as in Go or Tokio: the utilisation and the\n"
			"               iterations of a single thread say nothing about the whole\n");
		loop_waits(out, v);
		return;
	}
	buf_str(out, "\nutilisation    ");
	format_metric(out, SCOPE_LOOP, v, LOOP_UTILIZATION);
	buf_str(out, value_absent(v[LOOP_UTILIZATION]) ? "" : " % of the interval not asleep in epoll");
	buf_str(out, "\niterations     ");
	format_metric(out, SCOPE_LOOP, v, LOOP_ITERATION_RATE);
	buf_str(out, " per second; total ");
	format_metric(out, SCOPE_LOOP, v, LOOP_ITERATIONS);
	buf_str(out, "\n               99 % shorter than ");
	format_metric(out, SCOPE_LOOP, v, LOOP_ITERATION_P99);
	buf_str(out, " in the interval; longest ");
	format_metric(out, SCOPE_LOOP, v, LOOP_LONGEST);
	buf_char(out, '\n');
	loop_waits(out, v);
	loop_split_lines(out, v);
	loop_stalls(out, l);
}

static const struct text_column loop_columns[] = {
	[CONTAINER] =
		{.title = "CONTAINER", .key = "container", .width = 12, .good = 12, .max = 40, .text = loop_home_name},
	[PID] = {.title = "PID", .key = "pid", .width = 7, .good = 7, .max = 7, .right = true, .number = loop_pid},
	[COMM] = {.title = "COMMAND",
		  .key = "comm",
		  .alias = "name",
		  .width = 12,
		  .good = 12,
		  .max = 15,
		  .twice_without = TEXT_COLUMN(CONTAINER),
		  .text = loop_comm},
	[TID] = {.title = "TID", .key = "tid", .width = 7, .good = 7, .max = 7, .right = true, .number = loop_tid},
	[THREAD] = {.title = "THREAD", .key = "thread", .width = 12, .good = 12, .max = 15, .text = loop_thread},
	[TURNS] = {.title = "THR", .width = 3, .good = 3, .max = 3, .right = true, .number = loop_turns},
};

static const int loop_wishes[] = {
	TEXT_COLUMN(COMM),    LOOP_UTILIZATION, TEXT_COLUMN(TID),   TEXT_COLUMN(CONTAINER), TEXT_COLUMN(THREAD),
	LOOP_ITERATION_RATE,  LOOP_STALLS,	LOOP_ITERATION_P99, LOOP_LONGEST,	    TEXT_COLUMN(PID),
	LOOP_EVENTS_PER_WAIT, LOOP_EMPTY,	TEXT_COLUMN(TURNS),
};

const struct view_desc view_loops = {
	.name = "loops",
	.loops = true,
	.scope = SCOPE_LOOP,
	.help = "Loops: UTIL% is the time not asleep in epoll, EV/W events per wait, P99 and\n"
		"MAX of the iterations, STALLS iterations over the threshold, EMPTY% spurious\n"
		"wakeups, THR threads that take turns in one epoll instance.\n",
	.count = loop_count,
	.values = loop_metrics,
	.row_name = loop_comm,
	.home = loop_home,
	.process = loop_process,
	.id = loop_id,
	.columns = loop_columns,
	.n_columns = ARRAY_SIZE(loop_columns),
	.wishes = loop_wishes,
	.n_wishes = ARRAY_SIZE(loop_wishes),
	.sort = LOOP_UTILIZATION,
	.sort_keys = {{'P', LOOP_UTILIZATION},
		      {'M', LOOP_ITERATION_P99},
		      {'T', LOOP_LONGEST},
		      {'W', LOOP_STALLS},
		      {'N', TEXT_COLUMN(COMM)}},
	.csv_titles = "time,pid,tid,comm,thread,container,kind,threads",
	.csv_values = loop_csv,
	.detail = loop_detail,
	.gone = "this thread no longer runs an event loop",
};
