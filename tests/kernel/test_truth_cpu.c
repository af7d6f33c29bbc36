/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_truth_cpu.c - a process of four threads in a cgroup of its own: its CPU by sysscope (process, container's tasks,
 * container's counter) beside getrusage of the process itself and the cgroup's own counter, all read while it rests.
 */
#include <sys/resource.h>

#include "lib/sched_test.h"

#define THREADS 4

static int said[2];

static void *thread_burn(void *ctx)
{
	(void)ctx;
	burn(0.25);
	return NULL;
}

static void burn_and_rest(void *ctx)
{
	pthread_t threads[THREADS];
	struct rusage u;

	(void)ctx;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_burn, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	getrusage(RUSAGE_SELF, &u);
	if (write(said[1], &u, sizeof(u)) == sizeof(u))
		pause();
}

static void cpu(const char *home)
{
	double own, counter, tasks, process = -1;
	const struct process_row *row;
	const struct snapshot *s;
	struct rusage u;
	pid_t pid;

	if (pipe(said) < 0)
		exit(1);
	pid = run_in(home, burn_and_rest, NULL);
	if (read(said[0], &u, sizeof(u)) != sizeof(u))
		exit(1);
	asleep_wait(pid);
	/* Without task-local state, a thread that has ended counts in the container when it is freed. */
	if (!task_state_is_on())
		container_value_until(home, CONTAINER_CPU_TASKS, cgroup_cpu_seconds(home) * 0.995 * 1e9);
	s = snapshot_take();
	row = process_row_find(s, pid);
	if (row)
		process = row->v[PROCESS_CPU_USAGE] / 1e9;
	tasks = row_find(s, home)->v[CONTAINER_CPU_TASKS] / 1e9;
	counter = cgroup_cpu_seconds(home);
	own = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	/* What it used after it had asked, and before it was in the cgroup, is a few milliseconds where every CPU is emulated. */
	check_time_within("process: its CPU is getrusage's", process, own, 0.005, 0.01);
	check_time_within("its user time", row ? row->v[PROCESS_CPU_USER] / 1e9 : -1,
			  (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6, 0.02, 0.01);
	check_time_within("container: summed task by task it is the cgroup's counter", tasks,
			  cgroup_tasks_seconds(home), 0.005, 0.005);
	check_time_within("container: its counter", row_find(s, home)->v[CONTAINER_CPU_USAGE] / 1e9, counter, 0.005,
			  0.003);
	check_time_within("and all of it is this process", counter, own, 0.01, 0.01);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	cpu(cgroup_make("cpu"));
	return test_finish();
}
