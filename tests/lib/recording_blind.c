/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording_blind.c - the snapshots of a recording as of an agent that has fewer collectors: see recording.h. */
#include <stdint.h>
#include <string.h>

#include "recording.h"

/* The rows are the copy's own. */
#define WRITABLE(type, pointer) ((struct type *)(uintptr_t)(pointer))

bool recording_collector_off(const char *collectors, const char *name, size_t length)
{
	for (const char *c = collectors; *c; c += strcspn(c, " "), c += *c == ' ')
		if (strcspn(c, " ") == length && memcmp(c, name, length) == 0)
			return true;
	return false;
}

static bool off(const char *collectors, const char *name)
{
	return recording_collector_off(collectors, name, strlen(name));
}

static void values_forget(const char *collectors, enum metric_scope scope, double *v)
{
	const struct metric_desc *table;
	size_t n;

	table = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++)
		if (off(collectors, table[i].collector))
			v[i] = VALUE_ABSENT;
}

static void container_forget(const char *collectors, struct container_row *c)
{
	values_forget(collectors, SCOPE_CONTAINER, c->v);
	values_forget(collectors, SCOPE_TCP_SUM, c->tcp);
	if (off(collectors, "namespaces"))
		c->n_transitions = 0;
	if (off(collectors, "disk"))
		c->n_disks = 0;
	if (off(collectors, "tcp"))
		c->n_ports = 0;
	if (off(collectors, "oom"))
		c->last_oom = NULL;
}

/* Lists that there are only with a collector. */
static void lists_forget(const char *collectors, struct snapshot *s)
{
	if (off(collectors, "sched"))
		s->n_neighbours = 0;
	if (off(collectors, "epoll"))
		s->n_loops = 0;
	if (off(collectors, "births"))
		s->n_births = 0;
	if (off(collectors, "oom"))
		s->n_oom_kills = 0;
	if (off(collectors, "disk"))
		s->n_disks = s->n_disk_neighbours = 0;
	if (off(collectors, "tcp"))
		s->n_ports = 0;
}

static void snapshot_forget(const char *collectors, struct snapshot_copy *copy)
{
	struct snapshot *s = &copy->s;

	for (size_t i = 0; i < s->n_collectors; i++)
		if (off(collectors, s->collectors[i].name))
			WRITABLE(collector_row, s->collectors)[i].ok = false;
	lists_forget(collectors, s);
	values_forget(collectors, SCOPE_HOST, s->v);
	for (size_t i = 0; i < s->n_containers; i++)
		container_forget(collectors, &copy->containers[i]);
	for (size_t i = 0; i < s->n_processes; i++)
		values_forget(collectors, SCOPE_PROCESS, WRITABLE(process_row, s->processes)[i].v);
	for (size_t i = 0; i < s->n_groups; i++)
		values_forget(collectors, SCOPE_GROUP, WRITABLE(group_row, s->groups)[i].v);
	for (size_t i = 0; i < s->n_loops; i++)
		values_forget(collectors, SCOPE_LOOP, WRITABLE(loop_row, s->loops)[i].v);
	for (size_t i = 0; i < s->n_devices; i++)
		values_forget(collectors, SCOPE_DEVICE, WRITABLE(device_row, s->devices)[i].v);
	for (size_t i = 0; i < s->n_disks; i++)
		values_forget(collectors, SCOPE_DISK, WRITABLE(disk_row, s->disks)[i].v);
	for (size_t i = 0; i < s->n_ports; i++)
		values_forget(collectors, SCOPE_PORT, WRITABLE(port_row, s->ports)[i].v);
}

void recording_blind(struct recording *r, const char *collectors)
{
	for (size_t i = 0; i < r->n_snapshots; i++)
		snapshot_forget(collectors, &r->snapshots[i]);
}
