/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_attributed.c - the CPU time of all homes beside the run queues' own clocks, over ten seconds each of: processes that are
 * born and end, threads that are, and more busy processes than CPUs.
 */
#include <pthread.h>

#include "lib/kernel_test.h"

#define SECONDS 5
#define BUSY	4 /* processes */

static void *thread_end(void *ctx)
{
	return ctx;
}

static void fork_storm(void *ctx)
{
	(void)ctx;
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void pthread_storm(void *ctx)
{
	(void)ctx;
	for (;;) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread_end, NULL) == 0)
			pthread_join(t, NULL);
	}
}

static void busy(void *ctx)
{
	(void)ctx;
	for (;;)
		;
}

/*
 * Without task-local state the dead are charged when they are freed, which takes hundreds of milliseconds where every CPU is
 * emulated. What they used is held until then, and what others use meanwhile is not seen: the next load begins after that.
 */
static bool ended_are_charged(const char *home, int processes)
{
	const struct container_row *row = row_find(snapshot_take(), home);

	return row && row->v[CONTAINER_EXITS] >= row->v[CONTAINER_FORKS] + processes;
}

static void load_share(const char *what, const char *home, void (*work)(void *ctx), int processes)
{
	pid_t pids[BUSY];
	const struct snapshot *s;
	double tasks, run;

	for (int i = 0; i < processes; i++)
		pids[i] = run_in(home, work, NULL);
	usleep(200000);
	s = snapshot_take();
	tasks = s->v[HOST_CPU_TASKS];
	run = s->v[HOST_CPU_RUN];
	sleep(SECONDS);
	s = snapshot_take();
	tasks = (s->v[HOST_CPU_TASKS] - tasks) / 1e9;
	run = (s->v[HOST_CPU_RUN] - run) / 1e9;
	check(tasks / run >= 0.99 && tasks / run <= 1.01, "%s: %.3f s of tasks, %.3f s of run queues: %.4f", what,
	      tasks, run, tasks / run);
	check(fabs(s->v[HOST_ATTRIBUTED] - tasks / run) < 1e-6, "the share of the interval says the same: %.4f",
	      s->v[HOST_ATTRIBUTED]);
	for (int i = 0; i < processes; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	/* Not a check: an exit that a preempted program did not see would be missing. */
	for (int tries = 0; tries < 100 && !task_state_is_on() && !ended_are_charged(home, processes); tries++)
		usleep(50000);
}

int main(void)
{
	const struct snapshot *s;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	if (access("/proc/schedstat", R_OK) < 0) {
		snapshot_take();
		s = snapshot_take();
		check(value_absent(s->v[HOST_ATTRIBUTED]) && value_absent(s->v[HOST_CPU_RUN]) && s->attributed_reason &&
			      strstr(s->attributed_reason, "/proc/schedstat"),
		      "without /proc/schedstat the share is absent, with the reason");
		return test_finish();
	}
	load_share("births of processes", cgroup_make("forks"), fork_storm, 2);
	load_share("births of threads", cgroup_make("threads"), pthread_storm, 2);
	load_share("busy processes", cgroup_make("busy"), busy, BUSY);
	load_share("one busy process", cgroup_make("alone"), busy, 1);
	return test_finish();
}
