/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schedstat.c - sums up what each CPU has spent on threads. A line of a CPU is "cpu0 0 0 S G W L RUN DELAY COUNT" in all
 * versions of the file since 2.6.23; lines of scheduling domains follow it. Called by sampler.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "sample/schedstat.h"

/* 1,000 CPUs with four domains each take 2 MB. */
#define SCHEDSTAT_MAX (64U << 20)
/* Which number of a CPU's line is its time. */
#define RUN_FIELD 7

/* "cpu12 ...": its number and its time. */
static bool cpu_line_parse(char *line, uint64_t *ret_cpu, uint64_t *ret_run_ns)
{
	const char *field = strsep(&line, " ");

	if (strncmp(field, "cpu", 3) != 0 || parse_u64(field + 3, 0, UINT32_MAX, ret_cpu) < 0)
		return false;
	for (int i = 0; i < RUN_FIELD && field; i++)
		field = strsep(&line, " ");
	return field && parse_u64(field, 0, SS_UNLIMITED - 1, ret_run_ns) == 0;
}

/*
 * A run that was under way when its thread was visited still is, if the queue has finished none since. If it has, the present
 * run is as short as the rest of the pass, and is left out.
 */
static uint64_t cpu_open_ns(const struct ss_run_queue *open, uint64_t cpu, uint64_t run_ns)
{
	return cpu < SS_RUN_QUEUES && open[cpu].finished_ns == run_ns ? open[cpu].open_ns : 0;
}

void schedstat_read(const char *root, const struct ss_run_queue *open, struct sample_run_queues *ret)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_free_ char *text = NULL;
	uint64_t sum = 0, cpus = 0xcbf29ce484222325ULL;
	char *next, *line;

	*ret = (struct sample_run_queues){.ns = SS_UNKNOWN};
	buf_printf(&path, "%s/proc/schedstat", root);
	if (path.failed || read_file(path.data, SCHEDSTAT_MAX, &text, NULL) < 0)
		return;
	for (next = text; (line = strsep(&next, "\n"));) {
		uint64_t cpu, run_ns;

		if (strncmp(line, "cpu", 3) != 0)
			continue;
		if (!cpu_line_parse(line, &cpu, &run_ns))
			return;
		sum += run_ns + cpu_open_ns(open, cpu, run_ns);
		cpus = (cpus ^ cpu) * 0x100000001b3ULL;
	}
	if (sum)
		*ret = (struct sample_run_queues){.ns = sum, .cpus = cpus};
}
