/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.c - see detail.h.
 */
#include <string.h>
#include <time.h>

#include "exporters/table/format.h"
#include "exporters/views/detail.h"

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
