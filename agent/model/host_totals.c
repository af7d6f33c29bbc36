/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_totals.c - the host's values: see host_totals.h. Called by model_update.c. */
#include "base/util.h"
#include "model/arithmetic.h"
#include "model/host_totals.h"

/* /proc/stat counts in units of 10 ms: below ten of them the ratio of attributed CPU time means nothing. */
#define ATTRIBUTED_MIN_NS 100000000ULL

static void host_values_rates(struct host_totals *totals, uint64_t busy_ns, uint64_t tasks_ns, double interval,
			      double *v)
{
	uint64_t busy_delta = sub_sat(busy_ns, totals->busy_before_ns);
	uint64_t tasks_delta = sub_sat(tasks_ns, totals->tasks_before_ns);

	if (interval > 0) {
		v[HOST_CPU_CORES] = (double)busy_delta / 1e9 / interval;
		if (busy_delta >= ATTRIBUTED_MIN_NS)
			v[HOST_ATTRIBUTED] = (double)tasks_delta / (double)busy_delta;
	}
	totals->busy_before_ns = busy_ns;
	totals->tasks_before_ns = tasks_ns;
}

void host_values_fill(struct host_totals *totals, const struct homes *homes, size_t n_processes,
		      const struct moment *now, const struct sample_host *host, double *v)
{
	uint64_t threads = 0, alive = 0;

	for (const struct home *h = homes->all; h; h = h->hh.next) {
		threads += h->threads;
		alive += h->kind == HOME_CONTAINER && !h->dead_since_ns && !home_is_empty(h, now);
	}
	for (int i = 0; i < HOST_METRICS; i++)
		v[i] = VALUE_ABSENT;
	v[HOST_CPUS] = host->cpus;
	v[HOST_CPU_USAGE] = (double)host->cpu_busy_ns;
	v[HOST_MEMORY_TOTAL] = value_or_absent(host->memory_total);
	v[HOST_SWAP_TOTAL] = value_or_absent(host->swap_total);
	if (host->memory_total != SS_UNKNOWN && host->memory_available != SS_UNKNOWN)
		v[HOST_MEMORY_USED] = (double)sub_sat(host->memory_total, host->memory_available);
	v[HOST_BOOT_TIME] = (double)host->boot_wall_ns;
	v[HOST_LOAD1] = host->load1 < 0 ? VALUE_ABSENT : host->load1;
	v[HOST_CPU_TASKS] = (double)homes->tasks_ns;
	v[HOST_PROCESSES] = (double)n_processes;
	v[HOST_THREADS] = (double)threads;
	v[HOST_CONTAINERS] = (double)alive;
	host_values_rates(totals, host->cpu_busy_ns, homes->tasks_ns, now->interval, v);
}
