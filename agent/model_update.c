/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_update.c - one update from a sample to a snapshot: homes first, then the dead, then the living, then rates. See
 * sysscope/model.h. Pure: no file, no clock, no kernel.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

static const char *const loss_names[SS_LOSS_KINDS] = {
	[SS_LOSS_RING_FULL] = "ring_full",
	[SS_LOSS_GONE_FOLDED] = "gone_folded",
	[SS_LOSS_GONE_LOST] = "gone_lost",
	[SS_LOSS_CGROUP_FULL] = "cgroup_full",
	[SS_LOSS_STATE_REFUSED] = "state_refused",
	[SS_LOSS_READ_FAILED] = "read_failed",
	[SS_LOSS_DEATH_UNSEEN] = "death_unseen",
	[SS_LOSS_SWITCH_UNSEEN] = "switch_unseen",
	[SS_LOSS_PAIR_FOLDED] = "pair_folded",
	[SS_LOSS_PAIR_LOST] = "pair_lost",
	[SS_LOSS_PROGRAM_SKIPPED] = "program_skipped",
	[SS_LOSS_LOOP_LOST] = "loop_lost",
	[SS_LOSS_WAIT_UNSEEN] = "wait_unseen",
	[SS_LOSS_CAPABILITY_LOST] = "capability_lost",
	[SS_LOSS_TRANSITION_LOST] = "transition_lost",
};

struct model *model_new(void)
{
	return calloc(1, sizeof(struct model));
}

void model_free(struct model *m)
{
	if (!m)
		return;
	processes_free(m);
	pairs_free(m);
	loops_free(m);
	transitions_free(m);
	births_free(m);
	concurrency_free(m);
	homes_free(m);
	free(m->by_thread);
	free(m->sleeps);
	free(m->process_waits);
	free(m->containers);
	free(m->group_rows);
	free(m->process_rows);
	free(m->neighbour_rows);
	free(m->loop_rows);
	free(m->check_rows);
	free(m);
}

const struct snapshot *model_snapshot(const struct model *m)
{
	return m->snapshot.sequence ? &m->snapshot : NULL;
}

static void array_free(void *array, size_t *cap)
{
	void **p = array;

	free(*p);
	*p = NULL;
	*cap = 0;
}

/* Only what grows with the processes is worth it. */
void model_rest(struct model *m)
{
	m->snapshot.sequence = 0;
	m->snapshot.processes = NULL;
	m->snapshot.n_processes = 0;
	array_free(&m->process_rows, &m->cap_processes);
	array_free(&m->by_thread, &m->cap_by_thread);
	array_free(&m->sleeps, &m->cap_sleeps);
	array_free(&m->process_waits, &m->cap_process_waits);
}

void model_keep_unpublished(struct model *m, bool keep)
{
	m->keep_unpublished = keep;
}

void model_published(struct model *m)
{
	for (struct home *h = m->homes; h; h = h->hh.next)
		h->unpublished = false;
	for (struct group *g = m->groups; g; g = g->hh.next)
		g->unpublished = false;
}

static void host_finish(struct model *m, const struct sample *s, double interval)
{
	uint64_t busy = s->host.cpu_busy_ns, threads = 0, alive = 0;
	double *v = m->snapshot.v;

	for (struct home *h = m->homes; h; h = h->hh.next) {
		threads += h->threads;
		alive += h->kind == HOME_CONTAINER && !h->dead_since_ns;
	}
	for (int i = 0; i < HOST_METRICS; i++)
		v[i] = VALUE_ABSENT;
	v[HOST_CPUS] = s->host.cpus;
	v[HOST_CPU_USAGE] = (double)busy;
	v[HOST_MEMORY_TOTAL] = value_or_absent(s->host.memory_total);
	v[HOST_SWAP_TOTAL] = value_or_absent(s->host.swap_total);
	if (s->host.memory_total != SS_UNKNOWN && s->host.memory_available != SS_UNKNOWN)
		v[HOST_MEMORY_USED] = (double)sub_sat(s->host.memory_total, s->host.memory_available);
	v[HOST_BOOT_TIME] = (double)s->host.boot_wall_ns;
	v[HOST_LOAD1] = s->host.load1 < 0 ? VALUE_ABSENT : s->host.load1;
	v[HOST_CPU_TASKS] = (double)m->host_tasks_ns;
	v[HOST_PROCESSES] = (double)HASH_COUNT(m->processes);
	v[HOST_THREADS] = (double)threads;
	v[HOST_CONTAINERS] = (double)alive;
	if (collector_ok(s, "births"))
		births_host_values(m, v);
	if (interval > 0) {
		uint64_t busy_delta = sub_sat(busy, m->host_busy_before_ns);
		uint64_t tasks_delta = sub_sat(m->host_tasks_ns, m->host_tasks_before_ns);

		v[HOST_CPU_CORES] = (double)busy_delta / 1e9 / interval;
		/* /proc/stat counts in units of 10 ms: below that many of them the ratio says nothing. */
		if (busy_delta >= 100000000ULL)
			v[HOST_ATTRIBUTED] = (double)tasks_delta / (double)busy_delta;
	}
	m->host_busy_before_ns = busy;
	m->host_tasks_before_ns = m->host_tasks_ns;
}

static void snapshot_finish(struct model *m, const struct sample *s, double interval)
{
	struct snapshot *p = &m->snapshot;

	memcpy(m->kernel_release, s->host.kernel, sizeof(m->kernel_release));
	memcpy(m->hostname, s->host.hostname, sizeof(m->hostname));
	p->sequence = m->sequence;
	p->time = (double)s->wall_ns / 1e9;
	p->interval = interval;
	p->kernel = m->kernel_release;
	p->hostname = m->hostname;
	for (int i = 0; i < SS_LOSS_KINDS; i++)
		m->losses[i] = (struct loss_row){loss_names[i], s->losses[i]};
	m->losses[SS_LOSS_PAIR_FOLDED].count += m->pairs_folded;
	p->losses = m->losses;
	p->n_losses = SS_LOSS_KINDS;
	p->n_collectors = s->n_collectors;
	for (size_t i = 0; i < s->n_collectors; i++) {
		snprintf(m->collector_names[i], sizeof(m->collector_names[i]), "%s", s->collectors[i].name);
		m->collectors[i] = (struct collector_row){m->collector_names[i], s->collectors[i].ok,
							  (double)s->collectors[i].duration_ns / 1e9};
	}
	p->collectors = m->collectors;
}

int model_update(struct model *m, const struct sample *s)
{
	double interval = 0;
	int r;

	if (m->sequence)
		interval = (double)sub_sat(s->boot_ns, m->boot_ns) / 1e9;
	m->sequence++;
	m->before_ns = m->boot_ns;
	m->boot_ns = s->boot_ns;
	m->wall_ns = s->wall_ns;
	m->waits_known = collector_ok(s, "sched");
	r = homes_begin(m, s);
	if (r >= 0)
		r = homes_add_gone(m, s->gone_final, s->n_gone_final, true);
	if (r >= 0)
		r = homes_add_gone(m, s->gone_open, s->n_gone_open, false);
	if (r >= 0)
		r = pairs_read(m, s);
	if (r >= 0)
		r = transitions_take(m, s);
	if (r >= 0)
		r = processes_read(m, s);
	if (r >= 0)
		r = loops_read(m, s);
	if (r >= 0)
		r = concurrency_read(m, s);
	if (r >= 0)
		r = homes_finish(m, s, interval);
	if (r >= 0)
		r = processes_finish(m, s, interval);
	if (r >= 0)
		r = pairs_finish(m, interval);
	if (r >= 0)
		r = loops_finish(m, s);
	if (r >= 0)
		r = namespaces_finish(m);
	if (r >= 0)
		r = capabilities_finish(m, s);
	if (r >= 0)
		r = concurrency_finish(m, s);
	if (r >= 0)
		r = births_read(m, s);
	if (r < 0)
		return r;
	host_finish(m, s, interval);
	snapshot_finish(m, s, interval);
	return 0;
}
