/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_totals.h - the host's own values: CPU, memory, load, and how much of its CPU time the homes account for. */
#ifndef SYSSCOPE_MODEL_HOST_TOTALS_H
#define SYSSCOPE_MODEL_HOST_TOTALS_H

#include "homes/homes.h"

struct host_totals {
	uint64_t busy_before_ns, tasks_before_ns; /* of the update before */
	uint64_t steal_ns, all_before_ns;	  /* the same; steal never falls */
	struct sample_run_queues run_before;	  /* the same */
	uint64_t run_ns;			  /* of the run queues; never falls, also when a CPU goes */
	struct sample_cpu cpus_before[SAMPLE_CPUS_MAX];
	size_t n_cpus_before;
	struct sample_pressure pressure_before[3]; /* CPU, memory, disks */
	struct cpu_row cpus[SAMPLE_CPUS_MAX];
	size_t n_cpus;
	const char *attributed_reason; /* why there is no share; NULL: there is one */
};

/* After the rows of homes. Writes all of v, HOST_METRICS values; those of containers' starts are absent. */
void host_values_fill(struct host_totals *totals, const struct homes *homes, size_t n_processes,
		      const struct moment *now, const struct sample *s, double *v);

#endif
