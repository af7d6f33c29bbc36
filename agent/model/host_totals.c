/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_totals.c - the host's values: see host_totals.h. Called by model_update.c. */
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "model/host_totals.h"

/* Samples take some milliseconds: with less than this the ratio of attributed CPU time means nothing. */
#define ATTRIBUTED_MIN_NS 100000000ULL

/* What the run queues have spent on threads since the update before. NULL, or why it is not known. */
static const char *run_delta(struct host_totals *totals, const struct sample_run_queues *now, double interval,
			     uint64_t *ret)
{
	struct sample_run_queues before = totals->run_before;

	totals->run_before = *now;
	if (now->ns == SS_UNKNOWN)
		return "this kernel has no /proc/schedstat (CONFIG_SCHEDSTATS)";
	if (!totals->run_ns)
		totals->run_ns = now->ns;
	if (!(interval > 0) || before.ns == SS_UNKNOWN)
		return "this is the first sample";
	if (before.cpus != now->cpus)
		return "a CPU came or went";
	*ret = sub_sat(now->ns, before.ns);
	totals->run_ns += *ret;
	return *ret < ATTRIBUTED_MIN_NS ? "the CPUs were busy for less than 0.1 s" : NULL;
}

/*
 * Where no hypervisor is, nothing is stolen. A virtual machine's kernel has a 0 also if the hypervisor does not tell: until
 * there is more it is not known.
 */
static void host_values_steal(struct host_totals *totals, const struct sample *s, double interval, double *v)
{
	uint64_t steal_ns = s->host.steal_ns, before_ns = totals->steal_ns, all_ns = s->host.cpu_all_ns;
	bool real = s->virtualization.machine && strcmp(s->virtualization.machine, "none") == 0;
	uint64_t passed_ns = sub_sat(all_ns, totals->all_before_ns);

	totals->all_before_ns = all_ns;
	if (steal_ns == SS_UNKNOWN || (!steal_ns && !before_ns && !real))
		return;
	/* The kernel's counter was seen to fall after a migration of the machine. */
	if (steal_ns > before_ns)
		totals->steal_ns = steal_ns;
	v[HOST_STEAL] = (double)totals->steal_ns;
	if (interval > 0 && passed_ns)
		v[HOST_STEAL_RATIO] = (double)sub_sat(steal_ns, before_ns) / (double)passed_ns;
}

static void host_values_rates(struct host_totals *totals, const struct sample *s, uint64_t tasks_ns, double interval,
			      double *v)
{
	uint64_t busy_ns = s->host.cpu_busy_ns, run_ns = 0;

	if (interval > 0)
		v[HOST_CPU_CORES] = (double)sub_sat(busy_ns, totals->busy_before_ns) / 1e9 / interval;
	totals->attributed_reason = run_delta(totals, &s->run_queues, interval, &run_ns);
	if (!totals->attributed_reason)
		v[HOST_ATTRIBUTED] = (double)sub_sat(tasks_ns, totals->tasks_before_ns) / (double)run_ns;
	if (s->run_queues.ns != SS_UNKNOWN)
		v[HOST_CPU_RUN] = (double)totals->run_ns;
	host_values_steal(totals, s, interval, v);
	totals->busy_before_ns = busy_ns;
	totals->tasks_before_ns = tasks_ns;
}

static void host_values_oom(const struct sample *s, double *v)
{
	_Static_assert(HOST_OOM_KILLS_LIMIT_WITH_SWAP - HOST_OOM_KILLS_UNKNOWN + 1 == (int)SS_OOM_KINDS, "a line each");
	for (int i = 0; i < SS_OOM_KINDS; i++)
		v[HOST_OOM_KILLS_UNKNOWN + i] = (double)s->oom_kills_of[i];
}

/* A CPU that was away, or whose counters were set back, is not known for an interval. */
static double cpu_busy(const struct host_totals *totals, const struct sample_cpu *now, size_t *at)
{
	const struct sample_cpu *before = &totals->cpus_before[*at];

	/* Both are in the order of numbers. */
	while (*at < totals->n_cpus_before && before->number < now->number)
		before++, ++*at;
	if (*at == totals->n_cpus_before || before->number != now->number || now->all_ns <= before->all_ns ||
	    now->busy_ns < before->busy_ns)
		return VALUE_ABSENT;
	return (double)(now->busy_ns - before->busy_ns) / (double)(now->all_ns - before->all_ns);
}

static void cpu_rows_fill(struct host_totals *totals, const struct sample_host *host)
{
	size_t at = 0;

	for (size_t i = 0; i < host->n_each; i++) {
		double busy = cpu_busy(totals, &host->each[i], &at);

		/* Idle time may fall by a tick: not more than all of it. */
		totals->cpus[i] = (struct cpu_row){host->each[i].number, busy > 1 ? 1 : busy};
	}
	totals->n_cpus = host->n_each;
	totals->n_cpus_before = host->n_each;
	memcpy(totals->cpus_before, host->each, host->n_each * sizeof(*host->each));
}

static void host_values_pressure_rates(struct host_totals *totals, const struct sample_host *host, double interval,
				       double *v)
{
	const struct sample_pressure now[] = {host->pressure_cpu, host->pressure_memory, host->pressure_io};

	for (int i = 0; i < 3; i++) {
		uint64_t before_ns = totals->pressure_before[i].some_ns;

		if (interval > 0 && now[i].some_ns != SS_UNKNOWN && before_ns != SS_UNKNOWN) {
			double share = (double)sub_sat(now[i].some_ns, before_ns) / 1e9 / interval;

			v[HOST_PRESSURE_CPU_SOME_RATIO + i] = share > 1 ? 1 : share;
		}
		totals->pressure_before[i] = now[i];
	}
	_Static_assert(HOST_PRESSURE_IO_SOME_RATIO - HOST_PRESSURE_CPU_SOME_RATIO == 2, "CPU, memory, disks");
}

static void host_values_pressure(const struct sample_host *host, double *v)
{
	v[HOST_PRESSURE_CPU_SOME] = value_or_absent(host->pressure_cpu.some_ns);
	v[HOST_PRESSURE_MEMORY_SOME] = value_or_absent(host->pressure_memory.some_ns);
	v[HOST_PRESSURE_MEMORY_FULL] = value_or_absent(host->pressure_memory.full_ns);
	v[HOST_PRESSURE_IO_SOME] = value_or_absent(host->pressure_io.some_ns);
	v[HOST_PRESSURE_IO_FULL] = value_or_absent(host->pressure_io.full_ns);
	v[HOST_PRESSURE_IRQ_FULL] = value_or_absent(host->pressure_irq.full_ns);
}

void host_values_fill(struct host_totals *totals, const struct homes *homes, size_t n_processes,
		      const struct moment *now, const struct sample *s, double *v)
{
	const struct sample_host *host = &s->host;
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
	v[HOST_HUGETLB] = value_or_absent(host->hugetlb);
	v[HOST_SWAP_TOTAL] = value_or_absent(host->swap_total);
	v[HOST_SWAP_IN] = value_or_absent(host->swap_in);
	v[HOST_SWAP_OUT] = value_or_absent(host->swap_out);
	if (host->memory_total != SS_UNKNOWN && host->memory_available != SS_UNKNOWN)
		v[HOST_MEMORY_USED] = (double)sub_sat(host->memory_total, host->memory_available);
	v[HOST_BOOT_TIME] = (double)host->boot_wall_ns;
	v[HOST_LOAD1] = host->load1 < 0 ? VALUE_ABSENT : host->load1;
	v[HOST_CPU_TASKS] = (double)homes->tasks_ns;
	v[HOST_PROCESSES] = (double)n_processes;
	v[HOST_THREADS] = (double)threads;
	v[HOST_CONTAINERS] = (double)alive;
	v[HOST_UNNAMED] = (double)s->name_lookups.unnamed;
	v[HOST_NAMES_FAILED] = (double)s->name_lookups.failed;
	v[HOST_NAMES_REFUSED] = (double)s->name_lookups.refused;
	if (now->oom_kills_known)
		host_values_oom(s, v);
	host_values_pressure(host, v);
	host_values_pressure_rates(totals, host, now->interval, v);
	cpu_rows_fill(totals, host);
	host_values_rates(totals, s, homes->tasks_ns, now->interval, v);
}
