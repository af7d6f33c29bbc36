/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * named.c - process-exporter's families: the processes of one name, whichever container they are in. Counters come from groups,
 * which keep what ended processes have used; what only the living have comes from processes. Called by prometheus.c, with
 * `serve --metrics.namedprocess` only.
 */
#include <errno.h>
#include <string.h>

#include "exporters/prometheus/prometheus_internal.h"

/* Lines of groups as they are. */
static const struct {
	int to, from;
} group_lines[] = {
	{NAMED_PROCESSES, GROUP_PROCESSES},
	{NAMED_THREADS, GROUP_THREADS},
	{NAMED_CPU_USER, GROUP_CPU_USER},
	{NAMED_CPU_SYSTEM, GROUP_CPU_SYSTEM},
	{NAMED_READ_BYTES, GROUP_READ_BYTES},
	{NAMED_WRITE_BYTES, GROUP_WRITE_BYTES},
	{NAMED_MAJOR_FAULTS, GROUP_MAJOR_FAULTS},
	{NAMED_MINOR_FAULTS, GROUP_MINOR_FAULTS},
	{NAMED_VOLUNTARY_SWITCHES, GROUP_VOLUNTARY_SWITCHES},
	{NAMED_INVOLUNTARY_SWITCHES, GROUP_INVOLUNTARY_SWITCHES},
	{NAMED_RSS, GROUP_RSS},
};

static void named_clear(double *v)
{
	for (int i = 0; i < NAMED_METRICS; i++)
		v[i] = VALUE_ABSENT;
}

/* process-exporter's names of states, by the letter of /proc/PID/stat. */
static int state_line(char state)
{
	switch (state) {
	case 'R':
		return NAMED_RUNNING;
	case 'S':
		return NAMED_SLEEPING;
	case 'D':
		return NAMED_WAITING;
	case 'Z':
		return NAMED_ZOMBIE;
	default:
		return NAMED_OTHER;
	}
}

static int named_add(struct prometheus *p, const char *comm, const char *key, uint64_t row, double rank,
		     const double *v)
{
	struct series_set *set = p->sets[FORM_NAMED];

	if (series_set_again(set, row, rank, v))
		return 0;
	buf_reset(&p->labels);
	label_add(&p->labels, "groupname", comm);
	buf_reset(&p->key);
	buf_printf(&p->key, "%s\n%s", key, comm);
	if (p->labels.failed || p->key.failed)
		return -ENOMEM;
	return series_set_add(set, row, p->labels.data ? p->labels.data : "", p->labels.len, p->key.data, rank, v);
}

static int group_add(struct prometheus *p, const struct snapshot *s, const struct group_row *g)
{
	double v[NAMED_METRICS], rank = g->dead ? SERIES_ENDED : g->v[GROUP_CPU_USAGE];
	const struct container_row *c = &s->containers[g->container];

	named_clear(v);
	for (size_t i = 0; i < ARRAY_SIZE(group_lines); i++)
		v[group_lines[i].to] = g->v[group_lines[i].from];
	if (strcmp(c->kind, "kernel") != 0)
		for (int i = NAMED_RUNNING; i <= NAMED_OTHER; i++)
			v[i] = 0;
	return named_add(p, g->comm, c->cgroup, row_text(p, p->homes[g->container], g->comm), rank, v);
}

/* All of one name are one origin: they bring no counters. */
static int process_add(struct prometheus *p, const struct process_row *process)
{
	double v[NAMED_METRICS];

	named_clear(v);
	v[state_line(process->state)] = 1;
	v[NAMED_SWAP] = process->v[PROCESS_SWAP];
	v[NAMED_OLDEST_START] = process->start_time * 1e9;
	return named_add(p, process->comm, "", row_text(p, p->seed.begin, process->comm), 0, v);
}

int sets_add_named(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	int r = series_set_begin(p->sets[FORM_NAMED], max_series);

	for (size_t i = 0; i < s->n_groups && !r; i++)
		r = group_add(p, s, &s->groups[i]);
	/* The kernel's threads are grouped by the kind of their work, which their own names do not tell. */
	for (size_t i = 0; i < s->n_processes && !r; i++)
		if (!s->processes[i].kernel)
			r = process_add(p, &s->processes[i]);
	return r ? r : series_set_end(p->sets[FORM_NAMED]);
}
