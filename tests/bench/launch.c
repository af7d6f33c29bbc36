/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - starts a program N times, one after the other, by posix_spawn (vfork inside), waits for each, and says how
 * long that took. Called by tests/bench/run, pinned to a CPU. Usage: launch N PROGRAM; prints one JSON object.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/util.h"

static double used_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	char *const arguments[] = {argc > 2 ? argv[2] : NULL, NULL}, *const environment[] = {NULL};
	struct timespec begin, end;
	uint64_t n;

	if (argc != 3 || parse_u64(argv[1], 1, 10000000, &n) < 0) {
		fprintf(stderr, "usage: launch N PROGRAM\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint64_t i = 0; i < n; i++) {
		int status, r;
		pid_t pid;

		r = posix_spawn(&pid, arguments[0], NULL, NULL, arguments, environment);
		if (r) {
			fprintf(stderr, "launch: %s: %s\n", arguments[0], strerror(r));
			return 1;
		}
		if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("{\"runs\":%lu,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", n,
	       (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
	       used_seconds(RUSAGE_SELF) + used_seconds(RUSAGE_CHILDREN));
	return 0;
}
