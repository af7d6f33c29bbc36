/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - the view of processes. The detail is all that is known about one. Names pass through text_terminal,
 * numbers come from metrics.def.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"
#include "exporters/views/detail.h"
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

/* ---- detail ---- */

#define BLOCKED_PREFIX "blocked_seconds_total."

struct blocked_share {
	const char *name;
	double ns;
};

static int blocked_share_compare(const void *a, const void *b)
{
	const struct blocked_share *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* Blocked time by class, the most first. */
static void process_blocked(struct buf *out, const double *v)
{
	size_t n, count = 0;
	const struct metric_desc *d = metric_table(SCOPE_PROCESS, &n);
	struct blocked_share shares[32];
	double sum = 0;

	for (size_t i = 0; i < n && count < ARRAY_SIZE(shares); i++) {
		if (!d[i].json || strncmp(d[i].json, BLOCKED_PREFIX, strlen(BLOCKED_PREFIX)) != 0 || !(v[i] > 0))
			continue;
		shares[count++] = (struct blocked_share){d[i].json + strlen(BLOCKED_PREFIX), v[i]};
		sum += v[i];
	}
	if (!count)
		return;
	buf_str(out, "blocked        summed over threads, since sysscope first saw them:\n");
	qsort(shares, count, sizeof(*shares), blocked_share_compare);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "  %-12s %5.1f %%  ", shares[i].name, shares[i].ns / sum * 100);
		format_value(out, &d[PROCESS_BLOCKED_EPOLL], shares[i].ns);
		buf_char(out, '\n');
	}
	buf_str(out, "  of this ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_UNINTERRUPTIBLE);
	buf_str(out, " uninterruptible (state D), ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_IOWAIT);
	buf_str(out, " waiting for I/O");
	if (v[PROCESS_IOWAIT_IO_URING] > 0) {
		buf_str(out, ",\n  of that ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_IOWAIT_IO_URING);
		buf_str(out, " in io_uring, which the kernel counts also when it is idle");
	}
	buf_char(out, '\n');
}

/* How much is resident, and of what. */
static void process_memory(struct buf *out, const double *v)
{
	if (value_absent(v[PROCESS_RSS])) {
		buf_str(out, "none of its own");
		return;
	}
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS);
	buf_str(out, " resident: ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_ANONYMOUS);
	buf_str(out, " anonymous, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_FILE);
	buf_str(out, " of files, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_SHMEM);
	buf_str(out, " shared memory\n               ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_PEAK);
	buf_str(out, " at its peak, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_SWAP);
	buf_str(out, " swapped out");
	if (!(v[PROCESS_HUGETLB] > 0))
		return;
	buf_str(out, "; besides, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_HUGETLB);
	buf_str(out, " in huge pages");
}

static void bytes_put(struct buf *out, double bytes)
{
	size_t n;

	format_value(out, &metric_table(SCOPE_PROCESS, &n)[PROCESS_RSS], bytes);
}

/* Only where the detail is open on a live screen. */
static void process_rollup_lines(struct buf *out, const struct rollup_row *r, const struct process_row *p)
{
	if (!r->pid || r->pid != p->pid || r->start_ns != p->start_ns)
		return;
	if (r->reason) {
		buf_printf(out, "\n               its share of shared pages is not known: %s", r->reason);
		return;
	}
	buf_str(out, "\n               PSS ");
	bytes_put(out, r->pss);
	buf_str(out, ": ");
	bytes_put(out, r->anonymous);
	buf_str(out, " anonymous, ");
	bytes_put(out, r->file);
	buf_str(out, " of files, ");
	bytes_put(out, r->shmem);
	buf_str(out, " shared; swap ");
	bytes_put(out, r->swap);
	if (r->age_seconds >= 10)
		buf_printf(out, " (%.0f s ago)", r->age_seconds);
}

static void process_waits(struct buf *out, const double *v)
{
	buf_str(out, "waits for CPU  ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_WAIT_RATE);
	buf_str(out, " per second");
	if (!value_absent(v[PROCESS_WAKEUP_WAIT])) {
		buf_str(out, "; total ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_WAKEUP_WAIT);
		buf_str(out, " after wakeups, ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_PREEMPTED_WAIT);
		buf_str(out, " after preemptions,\n               of this ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_THROTTLED_WAIT);
		buf_str(out, " throttled by a CPU limit");
	}
	buf_char(out, '\n');
}

static void process_capabilities(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	detail_capability_set(out, s, "capabilities   effective:", p->capabilities_effective);
	detail_capability_set(out, s, "               permitted:", p->capabilities_permitted);
	detail_capability_set(out, s, "               bounding: ", p->capabilities_bounding);
}

/* Namespaces that its container shares with the host, processes in them from outside, and where this process is. */
static void process_namespaces(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	uint32_t index = (uint32_t)(p - s->processes);

	detail_container_namespaces(out, s, process_container(s, p));
	for (size_t c = 0; c < s->n_containers; c++)
		for (size_t i = 0; i < s->containers[c].n_outside; i++) {
			if (s->containers[c].outside[i].process != index)
				continue;
			buf_str(out, "               inside the namespaces of ");
			format_name(out, s->containers[c].name);
			buf_char(out, ':');
			detail_kinds(out, s->containers[c].outside[i].kinds);
			buf_char(out, '\n');
		}
}

static void process_lines(struct buf *out, const struct concurrency_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		buf_str(out, "  ");
		format_name(out, lines->line[i]);
		buf_char(out, '\n');
	}
}

/* Its concurrency model, the reasons for that verdict, and how well it does. */
static void process_model_lines(struct buf *out, const struct process_row *p)
{
	struct concurrency_lines lines;

	if (!p->model)
		return;
	buf_printf(out, "model          %s\n", p->model);
	concurrency_reasons(p, &lines);
	process_lines(out, &lines);
	concurrency_health(p, &lines);
	if (lines.n)
		buf_str(out, "  health:\n");
	process_lines(out, &lines);
}

static void process_detail(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct process_row *p = &s->processes[row];
	const double *v = p->v;

	format_name(out, p->comm);
	if (strcmp(p->comm, p->thread) != 0) {
		buf_str(out, "  main thread ");
		format_name(out, p->thread);
	}
	buf_printf(out, "  pid %u  parent %u  in ", p->pid, p->ppid);
	format_name(out, process_container(s, p)->name);
	buf_printf(out, "  state %c  uid %u  started ", p->state, p->uid);
	format_metric(out, SCOPE_PROCESS, v, PROCESS_AGE);
	buf_str(out, " ago\nCPU            ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_CORES);
	buf_str(out, " CPUs; total ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_USAGE);
	buf_str(out, " (");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_USER);
	buf_str(out, " user, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_SYSTEM);
	buf_str(out, " system)\nthreads        ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_THREADS);
	buf_str(out, "; runnable on average ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RUNNABLE);
	buf_str(out, "\nmemory         ");
	process_memory(out, v);
	process_rollup_lines(out, &s->rollup, p);
	buf_str(out, "\nfaults         ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MAJOR_FAULTS);
	buf_str(out, " from the disk, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MINOR_FAULTS);
	buf_str(out, " without it\nswitches       ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_SWITCH_RATE);
	buf_str(out, " per second; total ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_VOLUNTARY_SWITCHES);
	buf_str(out, " voluntary, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_INVOLUNTARY_SWITCHES);
	buf_str(out, " involuntary, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MIGRATIONS);
	buf_str(out, " migrations\n");
	if (p->runs_machine) {
		buf_str(out, "machine        ");
		detail_machine(out, p);
	}
	process_model_lines(out, p);
	process_waits(out, v);
	process_blocked(out, v);
	process_namespaces(out, s, p);
	process_capabilities(out, s, p);
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
	.detail = process_detail,
	.gone = "this process has ended",
};
