/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.c - see detail.h.
 */
#include <string.h>
#include <time.h>

#include "exporters/table/table.h"
#include "exporters/detail/detail.h"
#include "sysscope/findings.h"

void detail_kinds(struct buf *out, uint32_t kinds)
{
	for (unsigned int i = 0; i < NAMESPACE_OWN; i++)
		if (kinds >> i & 1)
			buf_printf(out, " %s", namespace_names[i]);
}

void detail_container_namespaces(struct buf *out, const struct snapshot *s, const struct container_row *home)
{
	if (home->host_namespaces_known) {
		buf_str(out, "namespaces     this container shares with the host:");
		detail_kinds(out, home->host_namespaces);
		buf_str(out, home->host_namespaces ? "\n" : " none\n");
	}
	for (size_t i = 0; i < home->n_outside; i++) {
		const struct process_row *other = &s->processes[home->outside[i].process];

		buf_printf(out, "               entered from outside: pid %u ", other->pid);
		format_name(out, other->comm);
		buf_str(out, " of ");
		format_name(out, process_container(s, other)->name);
		buf_str(out, " in");
		detail_kinds(out, home->outside[i].kinds);
		buf_char(out, '\n');
	}
}

void detail_capability_set(struct buf *out, const struct snapshot *s, const char *title, uint64_t set)
{
	buf_str(out, title);
	if (s->capabilities_all && set == s->capabilities_all)
		buf_str(out, " all");
	else if (!set)
		buf_str(out, " none");
	for (unsigned int i = 0; i < 64 && set != s->capabilities_all; i++)
		if (set >> i & 1) {
			buf_char(out, ' ');
			capability_name(out, i);
		}
	buf_char(out, '\n');
}

void detail_clock(struct buf *out, double time)
{
	time_t then = (time_t)time;
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&then, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_str(out, clock);
}

void detail_machine(struct buf *out, const struct process_row *p)
{
	if (p->guest && p->guest[0])
		format_name(out, p->guest);
	else
		buf_str(out, "a guest without a name");
	buf_printf(out, " (pid %u): ", p->pid);
	if (value_absent(p->v[PROCESS_VCPUS])) {
		buf_str(out, "which threads are its virtual CPUs is not known\n");
		return;
	}
	format_metric(out, SCOPE_PROCESS, p->v, PROCESS_VCPUS);
	buf_str(out, p->v[PROCESS_VCPUS] == 1 ? " virtual CPU used " : " virtual CPUs used ");
	format_metric(out, SCOPE_PROCESS, p->v, PROCESS_VCPU_CPU);
	buf_str(out, ", I/O and all else ");
	format_metric(out, SCOPE_PROCESS, p->v, PROCESS_VM_IO_CPU);
	buf_char(out, '\n');
}

void detail_limit_owner(struct buf *out, const struct container_row *c, const char *path)
{
	if (strcmp(path, c->cgroup) == 0)
		buf_str(out, "its own");
	else
		format_name(out, path);
}

void detail_container_end(struct buf *out, const struct container_row *c)
{
	const double *v = c->v;

	if (v[CONTAINER_LAST_SIGNAL] > 0)
		buf_printf(out, "last end       killed by signal %.0f", v[CONTAINER_LAST_SIGNAL]);
	else if (!value_absent(v[CONTAINER_LAST_STATUS]))
		buf_printf(out, "last end       with exit status %.0f", v[CONTAINER_LAST_STATUS]);
	else
		return;
	buf_printf(out, "; ends so far: %.0f with status 0, %.0f with others, %.0f killed\n", v[CONTAINER_MAIN_SUCCESS],
		   v[CONTAINER_MAIN_FAILURE], v[CONTAINER_MAIN_SIGNAL]);
}

#define PROCESSES_SHOWN 20

static void process_line(struct buf *out, const struct process_row *p, uint8_t depth)
{
	buf_printf(out, "  %7u  CPU ", p->pid);
	format_metric(out, SCOPE_PROCESS, p->v, PROCESS_CPU_CORES);
	buf_str(out, "  RSS ");
	format_metric(out, SCOPE_PROCESS, p->v, PROCESS_RSS);
	buf_str(out, "  ");
	format_indent(out, depth);
	format_name(out, p->comm);
	if (p->model)
		buf_printf(out, "  %s", p->model);
	buf_char(out, '\n');
}

void detail_container_processes(struct buf *out, const struct snapshot *s, const struct container_row *c,
				const struct view_desc *processes)
{
	cleanup(table_rows_free) struct table_rows rows = {};
	struct table_choice choice;

	table_choice_init(&choice, processes);
	choice.cgroup = c->cgroup;
	choice.tree = true;
	if (table_rows_select(&rows, s, &choice) < 0) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < rows.n && i < PROCESSES_SHOWN; i++)
		process_line(out, &s->processes[rows.index[i]], rows.depth[i]);
	if (rows.n > PROCESSES_SHOWN)
		buf_printf(out, "           and %zu more: z shows them\n", rows.n - PROCESSES_SHOWN);
}

void detail_container_findings(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	const struct findings *f = s->findings;

	for (size_t i = 0; f && c->cgroup[0] && i < f->n; i++) {
		const struct finding *one = &f->all[i];
		bool about = strcmp(one->container_cgroup, c->cgroup) == 0;

		if (!about && strcmp(one->culprit_cgroup, c->cgroup) != 0)
			continue;
		buf_str(out, about ? "finding        " : "it causes      ");
		if (!about && one->container[0]) {
			buf_str(out, "in ");
			format_name(out, one->container);
			buf_str(out, ": ");
		}
		format_name(out, one->headline);
		buf_char(out, '\n');
	}
}
