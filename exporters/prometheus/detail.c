/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.c - see detail.h. What alerts, dashboards and the pages in docs/ ask for is no detail, nor is anything that tells a
 * container apart.
 */
#include <string.h>

#include "base/util.h"
#include "exporters/prometheus/detail.h"
#include "sysscope/view.h"

#define SCHED_OFF "cAdvisor leaves it out by default, too"
#define NEW_NAME  "cAdvisor has it since December 2025 only"
#define TIME_HAS  "how often; the families of times say how long"
#define BYTES_HAS "the families of bytes have the traffic"
#define SWITCHES  "what it means is in the waits for a CPU and the classes of sleep"
#define LIVES	  "forks and the CPU time of short-lived processes stay"
#define BY_NAME	  "the container has it; by name there are CPU time, memory and the number of processes"
#define IS_STATE  "a state, which a scrape sees by chance only"

static const struct detail_family detail_families[] = {
	{"container_cpu_schedstat_run_seconds_total", SCHED_OFF},
	{"container_cpu_schedstat_runqueue_seconds_total", SCHED_OFF},
	{"container_cpu_schedstat_run_periods_total", SCHED_OFF},
	{"container_cpu_cfs_burst_periods_total", NEW_NAME},
	{"container_cpu_cfs_burst_seconds_total", NEW_NAME},
	{"container_fs_io_cost_usage_seconds_total", NEW_NAME},
	{"container_fs_io_cost_wait_seconds_total", NEW_NAME},
	{"container_fs_io_cost_indebt_seconds_total", NEW_NAME},
	{"container_fs_io_cost_indelay_seconds_total", NEW_NAME},
	{"container_memory_file_dirty_bytes", NEW_NAME},
	{"container_memory_file_writeback_bytes", NEW_NAME},
	{"container_memory_workingset_refault_anon_total", NEW_NAME},
	{"container_memory_workingset_refault_file_total", NEW_NAME},
	{"container_memory_pgscan_total", NEW_NAME},
	{"container_memory_pgsteal_total", NEW_NAME},
	{"sysscope_container_cpu_tasks_seconds_total", "a second source of container_cpu_usage_seconds_total"},
	{"sysscope_container_reclaim_stalls_total", TIME_HAS},
	{"sysscope_container_network_receive_packets_total", BYTES_HAS},
	{"sysscope_container_network_transmit_packets_total", BYTES_HAS},
	{"sysscope_container_voluntary_switches_total", SWITCHES},
	{"sysscope_container_involuntary_switches_total", SWITCHES},
	{"sysscope_container_cpu_migrations_total", SWITCHES},
	{"sysscope_throttled_wait_seconds_total", "container_cpu_cfs_throttled_seconds_total has it for the own quota"},
	{"sysscope_uninterruptible_seconds_total", "the classes of sysscope_blocked_seconds_total say on what"},
	{"sysscope_iowait_seconds_total", "the classes of sysscope_blocked_seconds_total say on what"},
	{"sysscope_iowait_io_uring_seconds_total", "the classes of sysscope_blocked_seconds_total say on what"},
	{"sysscope_container_execs_total", LIVES},
	{"sysscope_container_exits_total", LIVES},
	{"sysscope_container_thread_creations_total", LIVES},
	{"sysscope_container_memory_shmem_bytes", "part of container_memory_cache"},
	{"sysscope_container_memory_transparent_huge_bytes", "part of container_memory_rss"},
	{"sysscope_container_memory_under_oom", IS_STATE},
	{"sysscope_threads", BY_NAME},
	{"sysscope_process_exits_total", BY_NAME},
	{"sysscope_process_voluntary_switches_total", BY_NAME},
	{"sysscope_process_involuntary_switches_total", BY_NAME},
	{"sysscope_process_major_page_faults_total", BY_NAME},
	{"sysscope_process_read_bytes_total", BY_NAME},
	{"sysscope_process_write_bytes_total", BY_NAME},
};

/* A histogram of each container, or of each of its disks, is most of the text: 17 lines. */
static const char *const thinned_histograms[] = {"sysscope_runqueue_delay_seconds", "sysscope_disk_latency_seconds"};
/* Both have these bounds: 1, 16, 131 ms. */
static const char *const bounds_kept[] = {"le=\"0.001024\"", "le=\"0.016384\"", "le=\"0.131072\"", "le=\"+Inf\""};

const struct detail_family *detail_family_at(size_t i)
{
	return i < ARRAY_SIZE(detail_families) ? &detail_families[i] : NULL;
}

const char *detail_histogram_at(size_t i)
{
	return i < ARRAY_SIZE(thinned_histograms) ? thinned_histograms[i] : NULL;
}

static bool bucket_is_detail(const struct metric_desc *d)
{
	bool thinned = false;

	for (size_t i = 0; i < ARRAY_SIZE(thinned_histograms); i++)
		thinned |= strcmp(d->prom, thinned_histograms[i]) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(bounds_kept); i++)
		if (strstr(d->labels, bounds_kept[i]))
			return false;
	return thinned;
}

bool metric_is_detail(const struct metric_desc *d)
{
	if (!d->prom)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(detail_families); i++)
		if (strcmp(d->prom, detail_families[i].prom) == 0)
			return true;
	return d->kind == METRIC_BUCKET && bucket_is_detail(d);
}
