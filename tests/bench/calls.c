/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls.c - nanoseconds of CPU per turn of a loop of syscalls, the best of ten slices: getppid, or a byte written to a
 * pipe and read back by the same thread. Called by tests/bench/run, pinned to a CPU. Usage: calls getppid|pipe N; prints one
 * number.
 */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define SLICES 10

/* Of this thread only: what else runs on the CPU is not in it. */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool turn(const int *ends, uint64_t n)
{
	char c = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (!ends)
			syscall(SYS_getppid);
		else if (write(ends[1], &c, 1) != 1 || read(ends[0], &c, 1) != 1)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	bool with_pipe = argc == 3 && strcmp(argv[1], "pipe") == 0;
	int ends[2];
	uint64_t n;
	double best = 0;

	if (argc != 3 || (!with_pipe && strcmp(argv[1], "getppid") != 0) || parse_u64(argv[2], 1, 1000000000, &n) < 0 ||
	    pipe(ends) < 0) {
		fprintf(stderr, "usage: calls getppid|pipe N\n");
		return 2;
	}
	for (int slice = 0; slice < SLICES; slice++) {
		double begin = now_ns(), used;

		if (!turn(with_pipe ? ends : NULL, n / SLICES + 1))
			return 1;
		used = (now_ns() - begin) / (double)(n / SLICES + 1);
		if (!slice || used < best)
			best = used;
	}
	printf("%.3f\n", best);
	return 0;
}
