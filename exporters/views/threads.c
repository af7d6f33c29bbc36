/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.c - the view of threads: what each does at the moment, and what it waits for. Their rows are made only while somebody
 * looks. Names pass through text_terminal, numbers come from metrics.def.
 */
#include <string.h>

#include "exporters/detail/detail.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "sysscope/source.h"

enum { PID, TID, COMM, THREAD_NAME, CONTAINER, STATE, LAST_CPU, WAITS_FOR };

static const struct thread_row *thread_at(const struct snapshot *s, uint32_t row)
{
	return &s->looked.threads[row];
}

static size_t thread_count(const struct snapshot *s)
{
	return s->looked.n_threads;
}

static const double *thread_metrics(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->v;
}

static const struct process_row *thread_process(const struct snapshot *s, uint32_t row)
{
	return &s->processes[thread_at(s, row)->process];
}

static const struct container_row *thread_home(const struct snapshot *s, uint32_t row)
{
	return &s->containers[thread_at(s, row)->container];
}

static const char *thread_home_name(const struct snapshot *s, uint32_t row)
{
	return thread_home(s, row)->name;
}

static const char *thread_comm(const struct snapshot *s, uint32_t row)
{
	return thread_process(s, row)->comm;
}

static const char *thread_own_name(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->comm;
}

static const char *thread_wait(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->waits_for;
}

static double thread_pid(const struct snapshot *s, uint32_t row)
{
	return thread_process(s, row)->pid;
}

static double thread_tid(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->tid;
}

static double thread_state(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->state;
}

static double thread_last_cpu(const struct snapshot *s, uint32_t row)
{
	return thread_at(s, row)->cpu;
}

static struct row_id thread_id(const struct snapshot *s, uint32_t row)
{
	return (struct row_id){.pid = thread_at(s, row)->tid, .start_ns = thread_at(s, row)->start_ns};
}

static void thread_state_cell(struct buf *out, const struct table_cell *cell)
{
	buf_char(out, thread_at(cell->s, cell->row)->state);
}

static void thread_waits_cell(struct buf *out, const struct table_cell *cell)
{
	const char *what = thread_wait(cell->s, cell->row);

	buf_str(out, *what ? what : "-");
}

static void thread_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct thread_row *t = thread_at(s, row);

	buf_printf(out, ",%u,%u", thread_process(s, row)->pid, t->tid);
	format_csv(out, thread_comm(s, row));
	format_csv(out, t->comm);
	format_csv(out, thread_home_name(s, row));
	buf_printf(out, ",%c,%u,%s,%.3f", t->state, t->cpu, t->waits_for, t->start_time);
}

static void thread_detail(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct thread_row *t = thread_at(s, row);
	const double *v = t->v;

	(void)width;
	format_name(out, t->comm);
	buf_printf(out, "  thread %u of ", t->tid);
	format_name(out, thread_comm(s, row));
	buf_printf(out, " (pid %u)  in ", thread_process(s, row)->pid);
	format_name(out, thread_home_name(s, row));
	buf_printf(out, "\nstate          %c, on CPU %u", t->state, t->cpu);
	if (*t->waits_for) {
		buf_printf(out, ", has waited for %s for ", t->waits_for);
		format_metric(out, SCOPE_THREAD, v, THREAD_WAITS_FOR_TIME);
	}
	buf_str(out, "\nCPU            ");
	format_metric(out, SCOPE_THREAD, v, THREAD_CPU_CORES);
	buf_str(out, " CPUs; total ");
	format_metric(out, SCOPE_THREAD, v, THREAD_CPU_USAGE);
	buf_str(out, "; ");
	format_metric(out, SCOPE_THREAD, v, THREAD_WAIT_RATE);
	buf_str(out, " per second waiting for a CPU\nswitches       ");
	format_metric(out, SCOPE_THREAD, v, THREAD_VOLUNTARY_SWITCHES);
	buf_str(out, " voluntary, ");
	format_metric(out, SCOPE_THREAD, v, THREAD_INVOLUNTARY_SWITCHES);
	buf_str(out, " involuntary, ");
	format_metric(out, SCOPE_THREAD, v, THREAD_MIGRATIONS);
	buf_str(out, " to another CPU\n");
	detail_blocked(out, SCOPE_THREAD, v, "since sysscope first saw it");
}

/* The list is empty, and why. */
static void thread_below(struct buf *out, const struct snapshot *s, size_t shown, int width)
{
	(void)shown;
	if (!s->looked.threads)
		line_below(out, width, "%s", s->looked.threads_reason ?: "threads are not in this recording");
}

static bool thread_alarming(const struct snapshot *s, uint32_t row, int column)
{
	return column == TEXT_COLUMN(WAITS_FOR) && strcmp(thread_wait(s, row), "quota") == 0;
}

static const struct text_column thread_columns[] = {
	[PID] = {.title = "PID", .key = "pid", .width = 7, .good = 7, .max = 7, .right = true, .number = thread_pid},
	[TID] = {.title = "TID", .key = "tid", .width = 7, .good = 7, .max = 7, .right = true, .number = thread_tid},
	[COMM] = {.title = "COMMAND", .key = "comm", .width = 12, .good = 12, .max = 15, .text = thread_comm},
	[THREAD_NAME] = {.title = "THREAD",
			 .key = "thread",
			 .alias = "name",
			 .width = 12,
			 .good = 15,
			 .max = 15,
			 .text = thread_own_name},
	[CONTAINER] = {.title = "CONTAINER",
		       .key = "container",
		       .width = 10,
		       .good = 12,
		       .max = 40,
		       .text = thread_home_name},
	[STATE] = {.title = "S",
		   .key = "state",
		   .width = 1,
		   .good = 1,
		   .max = 1,
		   .number = thread_state,
		   .cell = thread_state_cell},
	[LAST_CPU] = {.title = "ON",
		      .key = "cpu",
		      .width = 3,
		      .good = 3,
		      .max = 3,
		      .right = true,
		      .number = thread_last_cpu},
	[WAITS_FOR] = {.title = "WAITS-FOR",
		       .key = "waits_for",
		       .width = 9,
		       .good = 9,
		       .max = 9,
		       .text = thread_wait,
		       .cell = thread_waits_cell},
};

static const int thread_wishes[] = {
	TEXT_COLUMN(THREAD_NAME), THREAD_CPU_CORES,	  TEXT_COLUMN(TID),   TEXT_COLUMN(WAITS_FOR),
	THREAD_WAIT_RATE,	  TEXT_COLUMN(CONTAINER), TEXT_COLUMN(STATE), TEXT_COLUMN(PID),
	THREAD_WAITS_FOR_TIME,	  TEXT_COLUMN(LAST_CPU),  TEXT_COLUMN(COMM),
};

const struct view_desc view_threads = {
	.name = "threads",
	.scope = SCOPE_THREAD,
	.look = LOOK_THREADS,
	.help = "Threads: ON is the CPU that it runs on, ran on last, or waits for; WAITS-FOR:\n"
		"cpu, others run on it; quota, a CPU quota is used up; else what it sleeps in,\n"
		"SINCE: for how long. WAITED: for CPUs, in all; VOL INVOL: context switches.\n",
	.count = thread_count,
	.values = thread_metrics,
	.row_name = thread_own_name,
	.home = thread_home,
	.process = thread_process,
	.id = thread_id,
	.columns = thread_columns,
	.n_columns = ARRAY_SIZE(thread_columns),
	.wishes = thread_wishes,
	.n_wishes = ARRAY_SIZE(thread_wishes),
	.sort = THREAD_CPU_CORES,
	.sort_keys = {{'P', THREAD_CPU_CORES},
		      {'M', THREAD_WAITS_FOR_TIME},
		      {'T', THREAD_CPU_USAGE},
		      {'W', THREAD_WAIT_RATE},
		      {'N', TEXT_COLUMN(THREAD_NAME)}},
	.csv_titles = "time,pid,tid,comm,thread,container,state,cpu,waits_for,start_time",
	.csv_values = thread_csv,
	.detail = thread_detail,
	.gone = "this thread has ended",
	.below = thread_below,
	.alarming = thread_alarming,
};
