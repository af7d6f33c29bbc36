/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_sample.c - what one sample costs (task iterator read, decoded, joined into a snapshot) on the machine as it
 * is, in turn with a walk of /proc that reads each process's stat, status and cgroup. CPU time of this process: medians, and
 * by getrusage the mean of 20 samples in a row.
 * Called by tests/bench/run. Usage: bench_sample [ROUNDS]; prints one JSON object. Asserts nothing about time.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "pipeline.h"

#define IN_A_ROW 20

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double rusage_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* Returns the number of processes seen. */
static size_t walk_proc(void)
{
	static const char *const files[] = {"stat", "status", "cgroup"};
	static char text[16384];
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		char path[300];

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			FILE *f;

			snprintf(path, sizeof(path), "/proc/%s/%s", e->d_name, files[i]);
			f = fopen(path, "re");
			if (!f)
				continue;
			n += fread(text, 1, sizeof(text), f) > 0 && i == 0;
			fclose(f);
		}
	}
	if (d)
		closedir(d);
	return n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median, and the quartiles as the measure of noise. */
static void series_print(const char *name, double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	printf("\"%s\":{\"median\":%.4f,\"q1\":%.4f,\"q3\":%.4f},", name, v[n / 2], v[n / 4], v[n - 1 - n / 4]);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 11;
	_cleanup_buf_ struct buf error = {};
	struct pipeline_options o;
	struct pipeline *p;
	const struct snapshot_source *source;
	const struct snapshot *s = NULL;
	double *ours, *theirs, before;
	size_t walked = 0;
	int r;

	if (argc > 1 && parse_u64(argv[1], 1, 1000, &rounds) < 0) {
		fprintf(stderr, "usage: bench_sample [ROUNDS]\n");
		return 2;
	}
	pipeline_options_init(&o);
	r = pipeline_open(&p, &o, &error);
	if (r < 0) {
		fprintf(stderr, "bench_sample: %s\n", error.data);
		return 3;
	}
	source = pipeline_source(p);
	ours = calloc(rounds, sizeof(*ours));
	theirs = calloc(rounds, sizeof(*theirs));
	if (!ours || !theirs)
		return 1;
	/* The first two make the tables and the state of every task. */
	for (uint64_t i = 0; i < rounds + 2; i++) {
		before = cpu_ms();
		s = source->next(source->ctx, &r);
		if (!s)
			return 1;
		if (i >= 2)
			ours[i - 2] = cpu_ms() - before;
		before = cpu_ms();
		walked = walk_proc();
		if (i >= 2)
			theirs[i - 2] = cpu_ms() - before;
	}
	printf("{\"rounds\":%lu,\"processes\":%zu,\"processes_walked\":%zu,\"homes\":%zu,", rounds, s->n_processes,
	       walked, s->n_containers);
	series_print("sample_ms", ours, rounds);
	series_print("proc_walk_ms", theirs, rounds);
	/* The same by getrusage, over samples without a walk between them. */
	before = rusage_ms();
	for (int i = 0; i < IN_A_ROW; i++)
		if (!source->next(source->ctx, &r))
			return 1;
	printf("\"sample_rusage_ms\":%.4f,\"unit\":\"ms of CPU\"}\n", (rusage_ms() - before) / IN_A_ROW);
	pipeline_close(p);
	free(ours);
	free(theirs);
	return 0;
}
