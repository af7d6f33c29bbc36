/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_sample.c - what one sample costs (task iterator read, decoded, joined into a snapshot) with N sleeping
 * processes, beside a walk of /proc that reads each process's stat, status and cgroup. CPU time by getrusage, the two
 * in turn, medians. Usage: bench_sample [PROCESSES [ROUNDS]]; prints one JSON object. Asserts nothing about time.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline.h"

static double cpu_ms(void)
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

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* Sleepers die with the program: a pipe that nobody writes to ends. */
static size_t sleepers_start(size_t n, const int *gate)
{
	size_t made = 0;
	char c;

	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(gate[1]);
			if (read(gate[0], &c, 1) < 0)
				_exit(1);
			_exit(0);
		}
		made += pid > 0;
	}
	return made;
}

int main(int argc, char **argv)
{
	uint64_t processes = 10000, rounds = 20;
	_cleanup_buf_ struct buf error = {};
	struct pipeline_options o;
	struct pipeline *p;
	const struct snapshot_source *source;
	const struct snapshot *s = NULL;
	double *ours, *theirs, before;
	size_t made, seen = 0, walked = 0;
	int gate[2], r;

	if ((argc > 1 && parse_u64(argv[1], 0, 1000000, &processes) < 0) ||
	    (argc > 2 && parse_u64(argv[2], 1, 1000, &rounds) < 0) || pipe(gate) < 0) {
		fprintf(stderr, "usage: bench_sample [PROCESSES [ROUNDS]]\n");
		return 2;
	}
	made = sleepers_start(processes, gate);
	close(gate[0]);
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
		seen = s->n_processes;
		before = cpu_ms();
		walked = walk_proc();
		if (i >= 2)
			theirs[i - 2] = cpu_ms() - before;
	}
	printf("{\"sleepers\":%zu,\"processes_seen\":%zu,\"processes_walked\":%zu,\"rounds\":%lu,", made, seen, walked,
	       rounds);
	printf("\"sample_cpu_ms\":%.2f,\"proc_walk_cpu_ms\":%.2f,", median(ours, rounds), median(theirs, rounds));
	printf("\"sample_us_per_process\":%.3f,\"ratio\":%.1f}\n",
	       median(ours, rounds) * 1e3 / (double)(seen ? seen : 1), median(theirs, rounds) / median(ours, rounds));
	pipeline_close(p);
	close(gate[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
