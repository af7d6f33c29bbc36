/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_hybrid.c - processes that the memory hierarchy tells apart and the cpu hierarchy does not, as where systemd does not
 * account for CPU time: their homes are those of memory, for the agent and for the kernel half.
 */
#include <sys/resource.h>

#include "lib/kernel_test.h"

#define HOMES 3
#define BORN  7 /* processes that come and go in the last home */

static char homes[HOMES][128], folders[HOMES][256];

static void folders_remove(void)
{
	if (getpid() != test_owner)
		return;
	for (int i = 0; i < HOMES; i++)
		for (int tries = 0; folders[i][0] && rmdir(folders[i]) < 0 && errno == EBUSY && tries < 100; tries++)
			usleep(20000);
}

/* In the memory hierarchy only. */
static bool folders_make(void)
{
	test_owner = getpid();
	atexit(folders_remove);
	for (int i = 0; i < HOMES; i++) {
		snprintf(homes[i], sizeof(homes[i]), "/sysscope-test-%d-hybrid%d", getpid(), i);
		snprintf(folders[i], sizeof(folders[i]), "%s%s", v1_mounts[2], homes[i]);
		if (mkdir(folders[i], 0755) < 0)
			return false;
	}
	return true;
}

static void enter(int i)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/cgroup.procs", folders[i]);
	if (!file_write(path, "0"))
		_exit(1);
}

static pid_t sleeper(int i)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(i);
		burn(0.05);
		for (;;)
			pause();
	}
	return pid;
}

/* Seconds of CPU that they took. */
static double births(int i)
{
	struct rusage u;
	pid_t pid = fork();

	if (pid == 0) {
		enter(i);
		for (int n = 0; n < BORN; n++) {
			pid_t child = fork();

			if (child == 0)
				_exit(0);
			waitpid(child, NULL, 0);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(void)
{
	const struct snapshot *s;
	pid_t pids[HOMES];
	double born;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (test_on_v2() || !folders_make()) {
		printf("ok %d - # SKIP there is no v1 memory hierarchy\n", ++test_number);
		return test_finish();
	}
	for (int i = 0; i < HOMES; i++) {
		pids[i] = sleeper(i);
		asleep_wait(pids[i]);
	}
	pipeline_start();
	born = births(HOMES - 1);
	s = snapshot_take();
	for (int i = 0; i < HOMES; i++) {
		const struct container_row *row = row_find(s, homes[i]);
		const struct process_row *p = process_row_find(s, pids[i]);

		check(row && p && &s->containers[p->container] == row, "a process is at home where memory has it: %s",
		      p ? s->containers[p->container].name : "(no row)");
		if (row)
			/* What they used before they went there is not of that home. */
			check_within("CPU seconds of its tasks", row->v[CONTAINER_CPU_TASKS] / 1e9,
				     process_cpu_seconds(pids[i]) + (i == HOMES - 1 ? born : 0), 0.3, 0.02);
	}
	check_equal("births in the last one, by the kernel half", container_value(homes[HOMES - 1], CONTAINER_FORKS),
		    BORN);
	for (int i = 0; i < HOMES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return test_finish();
}
