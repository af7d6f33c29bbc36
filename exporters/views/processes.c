/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - the view of processes; process_detail.c has all that is known about one. Names pass through text_terminal,
 * numbers come from metrics.def.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"
#include "exporters/detail/detail.h"
#include "exporters/views/views.h"

enum { PID, USER, COMM, CONTAINER, STATE, MODEL };

static size_t process_count(const struct snapshot *s)
{
	return s->n_processes;
}

static const double *process_metrics(const struct snapshot *s, uint32_t row)
{
	return s->processes[row].v;
}

static const struct process_row *process_of(const struct snapshot *s, uint32_t row)
{
	return &s->processes[row];
}

static const struct container_row *process_home(const struct snapshot *s, uint32_t row)
{
	return process_container(s, &s->processes[row]);
}

static const char *process_comm(const struct snapshot *s, uint32_t row)
{
	return s->processes[row].comm;
}

static const char *process_home_name(const struct snapshot *s, uint32_t row)
{
	return process_home(s, row)->name;
}

static const char *process_model(const struct snapshot *s, uint32_t row)
{
	return s->processes[row].model ?: "";
}

static double process_pid(const struct snapshot *s, uint32_t row)
{
	return s->processes[row].pid;
}

static double process_state(const struct snapshot *s, uint32_t row)
{
	return s->processes[row].state;
}

static struct row_id process_id(const struct snapshot *s, uint32_t row)
{
	return (struct row_id){.pid = s->processes[row].pid, .start_ns = s->processes[row].start_ns};
}

/* ---- tree ---- */

struct pid_position {
	uint32_t pid, position;
};

static int pid_position_compare(const void *a, const void *b)
{
	const struct pid_position *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int process_parents(const struct snapshot *s, const uint32_t *index, size_t n, uint32_t *ret_parents)
{
	_cleanup_free_ struct pid_position *pids = calloc(n + 1, sizeof(*pids));

	if (!pids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		pids[i] = (struct pid_position){s->processes[index[i]].pid, (uint32_t)i};
	qsort(pids, n, sizeof(*pids), pid_position_compare);
	for (size_t i = 0; i < n; i++) {
		struct pid_position key = {s->processes[index[i]].ppid, 0};
		struct pid_position *found =
			key.pid ? bsearch(&key, pids, n, sizeof(*pids), pid_position_compare) : NULL;

		ret_parents[i] = found && found->position != i ? found->position : ROW_NO_PARENT;
	}
	return 0;
}

/* ---- cells ---- */

static void process_user_cell(struct buf *out, const struct table_cell *cell)
{
	uint32_t uid = cell->s->processes[cell->row].uid;
	const char *name = cell->c->user_name ? cell->c->user_name(cell->c->user_ctx, uid) : NULL;

	if (name)
		format_name(out, name);
	else
		buf_printf(out, "%u", uid);
}

/* Users without a name come last, by number, whatever the direction. */
static int process_user_compare(const struct table_choice *c, const struct snapshot *s, uint32_t x, uint32_t y,
				int direction)
{
	uint32_t v = s->processes[x].uid, w = s->processes[y].uid;
	const char *name = NULL, *other = NULL;
	int r;

	if (c->user_name) {
		name = c->user_name(c->user_ctx, v);
		other = c->user_name(c->user_ctx, w);
	}
	if (!name != !other)
		return !name - !other;
	r = name ? strcmp(name, other) : 0;
	return (r ? r : (v > w) - (v < w)) * direction;
}

static void process_comm_cell(struct buf *out, const struct table_cell *cell)
{
	format_indent(out, cell->depth);
	format_fold(out, cell->below);
	format_name(out, process_comm(cell->s, cell->row));
}

static void process_state_cell(struct buf *out, const struct table_cell *cell)
{
	buf_char(out, cell->s->processes[cell->row].state);
}

static void process_model_cell(struct buf *out, const struct table_cell *cell)
{
	buf_str(out, cell->s->processes[cell->row].model ?: "-");
}

static void process_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct process_row *p = &s->processes[row];

	buf_printf(out, ",%u,%u", p->pid, p->ppid);
	format_csv(out, p->comm);
	format_csv(out, process_container(s, p)->name);
	buf_printf(out, ",%c,%.3f,%s", p->state, p->start_time, p->model ?: "");
}

static const struct text_column process_columns[] = {
	[PID] = {.title = "PID", .key = "pid", .width = 7, .good = 7, .max = 7, .right = true, .number = process_pid},
	[USER] = {.title = "USER",
		  .key = "user",
		  .alias = "uid",
		  .width = 8,
		  .good = 8,
		  .max = 8,
		  .cell = process_user_cell,
		  .compare = process_user_compare},
	/* Deep trees need the room; without the column of containers it is free. */
	[COMM] = {.title = "COMMAND",
		  .key = "comm",
		  .alias = "name",
		  .width = 12,
		  .good = 15,
		  .max = 15,
		  .twice_without = TEXT_COLUMN(CONTAINER),
		  .text = process_comm,
		  .cell = process_comm_cell},
	[CONTAINER] = {.title = "CONTAINER",
		       .key = "container",
		       .width = 12,
		       .good = 20,
		       .max = 40,
		       .text = process_home_name},
	[STATE] = {.title = "S",
		   .key = "state",
		   .width = 1,
		   .good = 1,
		   .max = 1,
		   .number = process_state,
		   .cell = process_state_cell},
	[MODEL] = {.title = "MODEL",
		   .key = "model",
		   .width = 12,
		   .good = 12,
		   .max = 12,
		   .text = process_model,
		   .cell = process_model_cell},
};

static const int process_wishes[] = {
	TEXT_COLUMN(COMM), PROCESS_CPU_CORES, TEXT_COLUMN(PID),	  PROCESS_RSS,	      TEXT_COLUMN(CONTAINER),
	TEXT_COLUMN(USER), PROCESS_CPU_USAGE, TEXT_COLUMN(STATE), TEXT_COLUMN(MODEL),
};

const struct view_desc view_processes = {
	.name = "processes",
	.scope = SCOPE_PROCESS,
	.count = process_count,
	.values = process_metrics,
	.row_name = process_comm,
	.home = process_home,
	.process = process_of,
	.id = process_id,
	.parents = process_parents,
	.columns = process_columns,
	.n_columns = ARRAY_SIZE(process_columns),
	.wishes = process_wishes,
	.n_wishes = ARRAY_SIZE(process_wishes),
	.sort = PROCESS_CPU_CORES,
	.sort_keys = {{'P', PROCESS_CPU_CORES},
		      {'M', PROCESS_RSS},
		      {'T', PROCESS_CPU_USAGE},
		      {'W', PROCESS_WAIT_RATE},
		      {'N', TEXT_COLUMN(COMM)}},
	.csv_titles = "time,pid,ppid,comm,container,state,start_time,model",
	.csv_values = process_csv,
	.detail = detail_process,
	.gone = "this process has ended",
};
