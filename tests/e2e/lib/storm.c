/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm.c - `storm COUNT FOLDER PROGRAM`: once FOLDER/go is there, runs PROGRAM exactly COUNT times as fast as the machine
 * can, writes what that used to FOLDER/done and sleeps until it is killed. Forks nothing else. Built static by
 * tests/e2e/test_short_lived, run as the only process of a container.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many at a time: the next is being born while the last one ends, on two CPUs or more. */
#define IN_FLIGHT 4

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void file_make(const char *folder, const char *name, const char *text)
{
	char path[4096], final[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.%s", folder, name);
	snprintf(final, sizeof(final), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) || rename(path, final)) {
		perror(path);
		exit(1);
	}
}

static int child_wait(void)
{
	int status;

	while (wait(&status) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

int main(int argc, char **argv)
{
	char *child_argv[] = {NULL, NULL}, *environment[] = {NULL}, go[4096], text[256];
	long count, failed = 0;
	int flying = 0;
	double own;

	if (argc != 4)
		return 2;
	count = strtol(argv[1], NULL, 10);
	child_argv[0] = argv[3];
	snprintf(go, sizeof(go), "%s/go", argv[2]);
	file_make(argv[2], "ready", "");
	while (access(go, F_OK))
		usleep(20000);
	own = cpu_seconds(RUSAGE_SELF);
	for (long i = 0; i < count; i++) {
		pid_t pid;

		if (flying == IN_FLIGHT) {
			failed += child_wait() != 0;
			flying--;
		}
		if (posix_spawn(&pid, argv[3], NULL, NULL, child_argv, environment)) {
			file_make(argv[2], "done", "spawn failed");
			return 1;
		}
		flying++;
	}
	for (; flying; flying--)
		failed += child_wait() != 0;
	snprintf(text, sizeof(text), "%.6f %.6f %ld", cpu_seconds(RUSAGE_CHILDREN), cpu_seconds(RUSAGE_SELF) - own,
		 failed);
	file_make(argv[2], "done", text);
	for (;;)
		pause();
}
