/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * containers.c - the view of containers, services, sessions and all other homes. The detail says what a container is
 * and how it started. Names pass through text_terminal, numbers come from metrics.def.
 */
#include <stdio.h>
#include <string.h>

#include "exporters/table/table.h"
#include "exporters/detail/detail.h"
#include "exporters/views/views.h"

enum { NAME, KIND, IMAGE };

static size_t container_count(const struct snapshot *s)
{
	return s->n_containers;
}

static const double *container_metrics(const struct snapshot *s, uint32_t row)
{
	return s->containers[row].v;
}

static const struct container_row *container_home(const struct snapshot *s, uint32_t row)
{
	return &s->containers[row];
}

static const char *container_name(const struct snapshot *s, uint32_t row)
{
	return s->containers[row].name;
}

static const char *container_image(const struct snapshot *s, uint32_t row)
{
	return s->containers[row].image;
}

/* The runtime of a container, else the kind; a state other than "running" matters more than both. */
static const char *container_kind(const struct snapshot *s, uint32_t row)
{
	const struct container_row *c = &s->containers[row];

	if (strcmp(c->state, "running") != 0)
		return c->state;
	/* Its runtime says that it is stopped, and does not see it. */
	if (c->init_ended)
		return "no init";
	return strcmp(c->kind, "container") == 0 && c->runtime[0] ? c->runtime : c->kind;
}

static struct row_id container_id(const struct snapshot *s, uint32_t row)
{
	return (struct row_id){.cgroup = s->containers[row].cgroup};
}

static bool container_dim(const struct snapshot *s, uint32_t row)
{
	return s->containers[row].dead || strcmp(s->containers[row].state, "empty") == 0;
}

/* Bad in themselves: throttled periods, memory at its limit, OOM kills. */
static bool container_alarming(const struct snapshot *s, uint32_t row, int metric)
{
	const double *v = s->containers[row].v;

	return (metric == CONTAINER_THROTTLED_RATIO && v[metric] > 0.25) ||
	       (metric == CONTAINER_MEMORY_LIMIT_RATIO && v[metric] > 0.9) ||
	       (metric == CONTAINER_OOM_KILLS && v[metric] > 0);
}

/* A search by path, since names are not unique: few rows have a parent. */
static int container_parents(const struct snapshot *s, const uint32_t *index, size_t n, uint32_t *ret_parents)
{
	for (size_t i = 0; i < n; i++) {
		const char *parent = s->containers[index[i]].parent_cgroup;

		ret_parents[i] = ROW_NO_PARENT;
		for (size_t j = 0; parent[0] && j < n; j++)
			if (i != j && strcmp(parent, s->containers[index[j]].cgroup) == 0) {
				ret_parents[i] = (uint32_t)j;
				break;
			}
	}
	return 0;
}

static void container_name_cell(struct buf *out, const struct table_cell *cell)
{
	const struct container_row *c = &cell->s->containers[cell->row];
	int used = format_indent_width(cell->depth);

	format_indent(out, cell->depth);
	used += format_fold(out, cell->below);
	/* A pod's own name says it already. */
	if (c->pod[0] && strcmp(c->kind, "pod") != 0) {
		format_name(out, c->pod);
		buf_char(out, '/');
	}
	format_path(out, c->name, cell->width - used);
}

static void container_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct container_row *c = &s->containers[row];
	const char *texts[] = {c->name, c->kind,       c->runtime, c->id,    c->image,
			       c->pod,	c->namespace_, c->state,   c->cgroup};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		format_csv(out, texts[i]);
}

/* ---- detail ---- */

#define BAR_WIDTH 24

static void phase_seconds(struct buf *out, double seconds, int width)
{
	char text[32] = "-";

	if (seconds < 9.9995)
		snprintf(text, sizeof(text), "%.1f ms", seconds * 1e3);
	else if (!value_absent(seconds))
		snprintf(text, sizeof(text), "%.1f s", seconds);
	buf_printf(out, "%*s", width, text);
}

/* Its place between the first and the last known step. */
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

static void phase_lines(struct buf *out, const struct start_row *b)
{
	double whole = 0, at = 0;

	for (int i = 0; i < BIRTH_PHASES; i++)
		whole += value_absent(b->seconds[i]) ? 0 : b->seconds[i];
	for (int i = 0; i < BIRTH_PHASES; i++) {
		if (value_absent(b->seconds[i]))
			continue;
		buf_printf(out, "  %-8s", start_phase_names[i]);
		phase_seconds(out, b->seconds[i], 10);
		buf_str(out, "  CPU");
		phase_seconds(out, b->cpu_seconds[i], 10);
		buf_str(out, "  ");
		phase_bar(out, at, at + b->seconds[i], whole);
		buf_printf(out, "  %s\n", start_phase_texts[i]);
		at += b->seconds[i];
	}
}

static void start_lines(struct buf *out, const struct start_row *b)
{
	buf_str(out, "start          at ");
	detail_clock(out, b->time);
	buf_str(out, ": ");
	if (strcmp(b->state, "ready") == 0) {
		buf_str(out, "ready after ");
		phase_seconds(out, b->total_seconds, 0);
		buf_printf(out, ", %s\n",
			   strcmp(b->ready_by, "listen") == 0  ? "when it listened"
			   : strcmp(b->ready_by, "epoll") == 0 ? "when it first slept in epoll"
							       : "when it first slept in accept");
	} else if (strcmp(b->state, "starting") == 0) {
		buf_str(out, "not ready yet\n");
	} else {
		buf_str(out, strcmp(b->state, "ended") == 0
				     ? "ended before it was ready to serve\n"
				     : "did not become ready: no listen, epoll or accept within five minutes\n");
	}
	phase_lines(out, b);
}

/* The latest, if it was started more than once. */
static const struct start_row *start_find(const struct snapshot *s, const struct container_row *c)
{
	for (size_t i = s->n_births; i-- > 0;)
		if (strcmp(s->births[i].cgroup, c->cgroup) == 0)
			return &s->births[i];
	return NULL;
}

static void limit_cpu_line(struct buf *out, const struct container_row *c)
{
	buf_str(out, "CPU limit      ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_CPU_LIMIT);
	buf_str(out, c->cpu_limit_is_cpuset ? " CPUs; cpuset: " : " CPUs; quota: ");
	detail_limit_owner(out, c, c->cpu_limit_of);
	buf_char(out, '\n');
}

/* Which of the limits on the way up holds it back, and whose it is. */
static void limit_lines(struct buf *out, const struct container_row *c)
{
	if (c->cpu_limit_of)
		limit_cpu_line(out, c);
	if (c->throttled_by) {
		bool own = strcmp(c->throttled_by, c->cgroup) == 0;

		buf_printf(out, "throttled      in %.0f %% of the periods of ", c->v[CONTAINER_THROTTLED_RATIO] * 100);
		buf_str(out, own ? "its own quota" : "the quota of ");
		if (!own)
			format_name(out, c->throttled_by);
		buf_char(out, '\n');
	}
}

#define INSTANCES_SHOWN 10

static void instance_lines(struct buf *out, const struct container_row *c)
{
	size_t living = 0;

	while (living < c->n_instances && !c->instances[living].dead)
		living++;
	buf_printf(out, "instances      %zu now, %llu ended; the busiest:\n", living,
		   (unsigned long long)c->instances_ended);
	for (size_t i = 0; i < c->n_instances && i < INSTANCES_SHOWN; i++) {
		const struct instance_row *one = &c->instances[i];
		double v[CONTAINER_METRICS] = {
			[CONTAINER_CPU_USAGE] = one->cpu_ns, [CONTAINER_MEMORY_USAGE] = one->memory};

		buf_str(out, "               ");
		format_name(out, one->name);
		buf_str(out, "  CPU ");
		format_metric(out, SCOPE_CONTAINER, v, CONTAINER_CPU_USAGE);
		buf_str(out, one->dead ? "  dead" : "  memory ");
		if (!one->dead)
			format_metric(out, SCOPE_CONTAINER, v, CONTAINER_MEMORY_USAGE);
		buf_char(out, '\n');
	}
	if (c->n_instances > INSTANCES_SHOWN)
		buf_printf(out, "               and %zu more in `top --json`\n", c->n_instances - INSTANCES_SHOWN);
}

#define MACHINES_SHOWN 10

static void machine_lines(struct buf *out, const struct snapshot *s, uint32_t row)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process_row *p = &s->processes[i];

		if (!p->runs_machine || p->container != row)
			continue;
		if (n++ >= MACHINES_SHOWN)
			continue;
		buf_str(out, "machine        ");
		detail_machine(out, p);
	}
	if (n > MACHINES_SHOWN)
		buf_printf(out, "               and %zu more\n", n - MACHINES_SHOWN);
}

/* Its names, and what it is. */
static void identity_lines(struct buf *out, const struct container_row *c)
{
	format_name(out, c->name);
	buf_str(out, "  ");
	format_name(out, c->kind);
	if (*c->runtime) {
		buf_str(out, " of ");
		format_name(out, c->runtime);
	}
	buf_printf(out, "  %s", c->state);
	if (c->init_ended)
		buf_str(out, "\n               its first process lives on without its main thread: runtimes call it "
			     "stopped");
	if (*c->image) {
		buf_str(out, "\nimage          ");
		format_name(out, c->image);
	}
	if (*c->pod) {
		buf_str(out, "\npod            ");
		format_name(out, c->pod);
	}
	if (*c->namespace_) {
		buf_str(out, "\nnamespace      ");
		format_name(out, c->namespace_);
	}
	if (*c->id) {
		buf_str(out, "\nid             ");
		format_name(out, c->id);
	}
	buf_str(out, "\ncgroup         ");
	format_name(out, c->cgroup);
}

static void container_detail(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct container_row *c = &s->containers[row];
	const struct start_row *b = start_find(s, c);

	identity_lines(out, c);
	buf_char(out, '\n');
	detail_container_findings(out, s, c);
	detail_container_use(out, c, width);
	detail_container_course(out, s, row, width);
	buf_str(out, "CPU            ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_CPU_CORES);
	buf_str(out, " CPUs; total ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_CPU_USAGE);
	buf_str(out, "; ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_WAIT_RATE);
	buf_str(out, " per second waiting for a CPU\n");
	limit_lines(out, c);
	detail_container_waits(out, s, row, width);
	detail_container_memory(out, c);
	detail_container_disks(out, s, c);
	detail_pressure(out, s, c);
	if (c->n_instances || c->instances_ended)
		instance_lines(out, c);
	buf_str(out, "processes      ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_PROCESSES);
	buf_str(out, ", threads ");
	format_metric(out, SCOPE_CONTAINER, c->v, CONTAINER_THREADS);
	buf_char(out, '\n');
	detail_container_processes(out, s, c, &view_processes);
	detail_network(out, c);
	machine_lines(out, s, row);
	detail_tcp(out, c);
	if (strcmp(c->kind, "container") == 0) {
		detail_container_namespaces(out, s, c);
		if (container_capabilities_known(c))
			detail_capability_set(out, s, "capabilities   effective:", c->capabilities_effective);
		else
			buf_str(out, "capabilities   unknown: it has no process\n");
	}
	if (b)
		start_lines(out, b);
	else if (strcmp(c->kind, "container") == 0)
		buf_str(out, "start          unknown: it started before sysscope, or too many others have\n"
			     "               started since\n");
	detail_container_end(out, c);
	detail_container_events(out, s, c);
}

static const struct text_column container_columns[] = {
	[NAME] = {.title = "NAME",
		  .key = "name",
		  .width = 12,
		  .good = 22,
		  .max = 40,
		  .text = container_name,
		  .cell = container_name_cell},
	[KIND] = {.title = "KIND", .key = "kind", .width = 10, .good = 10, .max = 10, .text = container_kind},
	[IMAGE] = {.title = "IMAGE", .key = "image", .width = 16, .behind = true, .text = container_image},
};

static const int container_wishes[] = {
	TEXT_COLUMN(NAME), CONTAINER_CPU_CORES, CONTAINER_MEMORY_USAGE, CONTAINER_THROTTLED_RATIO, TEXT_COLUMN(KIND),
};

const struct view_desc view_containers = {
	.name = "containers",
	.scope = SCOPE_CONTAINER,
	.help = "Containers: MEM is all memory charged to it, page cache included; what\n"
		"`docker stats` shows leaves inactive cache out. MEM% is the working set\n"
		"(MEM without inactive cache) in percent of the memory limit, THR% the share of\n"
		"CPU quota periods that were throttled; 99 % of the waits for a CPU were shorter\n"
		"than P99. QUOTA%: of the time that its threads ran or wanted to run, the share\n"
		"in which a CPU quota held them back. Limits may be those of a cgroup above: the\n"
		"detail says whose.\n",
	.count = container_count,
	.values = container_metrics,
	.row_name = container_name,
	.home = container_home,
	.id = container_id,
	.parents = container_parents,
	.columns = container_columns,
	.n_columns = ARRAY_SIZE(container_columns),
	.wishes = container_wishes,
	.n_wishes = ARRAY_SIZE(container_wishes),
	.sort = CONTAINER_CPU_CORES,
	.sort_keys = {{'P', CONTAINER_CPU_CORES},
		      {'M', CONTAINER_MEMORY_USAGE},
		      {'T', CONTAINER_CPU_USAGE},
		      {'W', CONTAINER_WAIT_RATE},
		      {'N', TEXT_COLUMN(NAME)}},
	.csv_titles = "time,name,kind,runtime,id,image,pod,namespace,state,cgroup",
	.csv_values = container_csv,
	.detail = container_detail,
	.gone = "this container no longer exists",
	.enter = &view_processes,
	.alarming = container_alarming,
	.dim = container_dim,
};
