/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * families.c - see families.h.
 */
#include "exporters/prometheus/families.h"
#include "exporters/prometheus/prometheus_internal.h"

#define FAMILY(KIND, UNIT, NAME, LABEL_NAMES, HELP)                                                         \
	{                                                                                                   \
		{.kind = METRIC_##KIND, .unit = UNIT_##UNIT, .prom = (NAME), .labels = "", .help = (HELP)}, \
			(LABEL_NAMES)                                                                       \
	}
static const struct prometheus_family own_table[OWN_FAMILIES] = {
	[OWN_INFO] = FAMILY(GAUGE, COUNT, "sysscope_container_info",
			    "container, id, container_id, image, runtime, kind, pod, namespace",
			    "Labels of a container, for joins; always 1."),
	[OWN_BUILD] = FAMILY(GAUGE, COUNT, "sysscope_build_info", "version, revision, kernel",
			     "Version of sysscope and of the kernel that it runs on; always 1."),
	[OWN_MACHINE] = FAMILY(
		GAUGE, COUNT, "sysscope_machine_info", "machine, in_container",
		"What the machine is, in the names of systemd-detect-virt: the hypervisor whose virtual machine "
		"it is, and the kind of container that it is, or none; always 1. What is not known is left out."),
	[OWN_FINDINGS] = FAMILY(
		GAUGE, COUNT, "sysscope_findings", "rule, severity, container, id",
		"What `sysscope diagnose` would say of the time since the scrape before: how many findings of "
		"this rule there are about this container, mostly 1. Without container and id: about the machine. "
		"A series is there as long as its finding is."),
	[OWN_NOT_JUDGED] = FAMILY(GAUGE, COUNT, "sysscope_findings_not_judged", "rule",
				  "1 for each rule that could not judge, wholly or in part, because something that it "
				  "needs is not known: that it finds nothing says nothing."),
	[OWN_FINDINGS_WATCHED] =
		FAMILY(GAUGE, COUNT, "sysscope_findings_watched_seconds", "",
		       "Time over which findings were judged. Without it nothing was: at the first scrape, or with "
		       "--no-findings."),
	[OWN_LOSSES] = FAMILY(COUNTER, COUNT, "sysscope_losses_total", "kind",
			      "Events and rows that could not be counted or kept, by kind; 0 if nothing was lost."),
	[OWN_FOLDED] =
		FAMILY(COUNTER, COUNT, "sysscope_series_folded_total", "family",
		       "Series beyond the limit of their family that were folded into ~other, summed over scrapes; for "
		       "families by comm also names beyond 128 of a container, summed over samples."),
	[OWN_DURATION] = FAMILY(GAUGE, COUNT, "sysscope_scrape_collector_duration_seconds", "collector",
				"Duration of the collector's last run."),
	[OWN_SUCCESS] = FAMILY(GAUGE, COUNT, "sysscope_scrape_collector_success", "collector",
			       "1 if the collector's last run succeeded, else 0."),
	[OWN_CONFIG] = FAMILY(
		GAUGE, COUNT, "sysscope_config_last_reload_successful", "",
		"1 if the files of --config.file and --web.config.file were right when they were read last, 0 if one "
		"was wrong: "
		"then what was read before stays in force, and `sysscope serve` logs why. Absent without such a file."),
	[OWN_CONFIG_TIME] = FAMILY(GAUGE, COUNT, "sysscope_config_last_reload_success_timestamp_seconds", "",
				   "When a file of configuration was last taken, seconds since 1970."),
	[OWN_RECORDING] = FAMILY(
		GAUGE, COUNT, "sysscope_recording_active", "",
		"1 if the latest sample was recorded, 0 if the disk refused it or does not answer: `sysscope serve` "
		"logs why. These families are there with --record.path only."),
	FAMILY(COUNTER, COUNT, "sysscope_recording_samples_total", "", "Samples that were recorded."),
	FAMILY(COUNTER, COUNT, "sysscope_recording_lost_samples_total", "",
	       "Samples that should have been recorded and were not."),
	FAMILY(COUNTER, BYTES, "sysscope_recording_written_bytes_total", "",
	       "Bytes that were written to the recording."),
	FAMILY(GAUGE, BYTES, "sysscope_recording_kept_bytes", "", "Size of the recording on the disk."),
	FAMILY(GAUGE, COUNT, "sysscope_recording_oldest_timestamp_seconds", "",
	       "Time of the oldest sample that is kept, seconds since 1970; absent while there is none."),
	FAMILY(COUNTER, COUNT, "sysscope_recording_errors_total", "",
	       "Attempts to record that failed, as on a disk that is full; each is tried again at the next sample."),
	FAMILY(COUNTER, COUNT, "sysscope_recording_events_total", "",
	       "Events that were recorded, of those that `sysscope events` shows. Not with --no-record.events."),
	FAMILY(COUNTER, COUNT, "sysscope_recording_lost_events_total", "",
	       "Events that should have been recorded and were not: there were too many for the kernel's ring or for "
	       "the "
	       "recording."),
	[OWN_SELF] =
		FAMILY(COUNTER, COUNT, "process_cpu_seconds_total", "", "User and system CPU time of sysscope itself."),
	FAMILY(GAUGE, BYTES, "process_resident_memory_bytes", "", "Resident memory of sysscope itself."),
	FAMILY(GAUGE, COUNT, "process_open_fds", "", "Open file descriptors of sysscope itself."),
	FAMILY(GAUGE, COUNT, "process_max_fds", "", "Limit of open file descriptors of sysscope itself."),
	FAMILY(GAUGE, COUNT, "process_start_time_seconds", "", "When sysscope started, seconds since 1970."),
	FAMILY(GAUGE, BYTES, "process_virtual_memory_bytes", "", "Address space of sysscope itself."),
	FAMILY(GAUGE, BYTES, "process_virtual_memory_max_bytes", "",
	       "Limit of the address space of sysscope itself; 1.8446744073709552e+19 without a limit."),
	FAMILY(GAUGE, BYTES, "sysscope_bpf_map_memory_bytes", "",
	       "Kernel memory of sysscope's BPF maps, as the kernel reports it for each map; what is stored with each "
	       "thread is not "
	       "in it."),
	FAMILY(GAUGE, BYTES, "sysscope_bpf_task_storage_bytes", "",
	       "Kernel memory of what sysscope stores with each thread: so many as there are, times what the kernel "
	       "allocates "
	       "for one."),
};

const struct prometheus_family *prometheus_families(size_t *ret_n)
{
	*ret_n = OWN_FAMILIES;
	return own_table;
}

const struct metric_desc *own_family_line(enum own_family family)
{
	return &own_table[family].line;
}

/* ---- collectors: a bit for each that metrics.def names ---- */

#define COLLECTORS_MAX 32

/* In the order in which they come, made once. */
static const char *const *collectors_all(size_t *ret_n)
{
	static const char *names[COLLECTORS_MAX];
	static size_t n;
	static bool made;

	for (int scope = 0; !made && scope < SCOPE_COUNT; scope++) {
		const struct metric_desc *lines;
		size_t n_lines;

		lines = metric_table((enum metric_scope)scope, &n_lines);
		for (size_t i = 0; i < n_lines; i++) {
			size_t k = 0;

			while (k < n && strcmp(names[k], lines[i].collector) != 0)
				k++;
			if (k == n && n < COLLECTORS_MAX)
				names[n++] = lines[i].collector;
		}
	}
	made = true;
	*ret_n = n;
	return names;
}

uint32_t prometheus_collector(const char *name, size_t len)
{
	const char *const *names;
	size_t n;

	names = collectors_all(&n);
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return UINT32_C(1) << i;
	return 0;
}

uint32_t collector_bit(const char *name)
{
	return prometheus_collector(name, strlen(name));
}
