/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_lifecycle.c - forks, threads, execs and exits of a known workload, counted exactly per container, and what
 * short-lived processes used, against the cgroup's own counter.
 */
#include <pthread.h>
#include <spawn.h>

#include "lib/kernel_test.h"

#define EXECS	23
#define FORKS	13
#define THREADS 101

static void *thread_short(void *ctx)
{
	return ctx;
}

static void work(void *ctx)
{
	char *argv[] = {"true", NULL}, *env[] = {NULL};
	pthread_t t;
	pid_t pid;

	(void)ctx;
	for (int i = 0; i < EXECS; i++)
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) == 0)
			waitpid(pid, NULL, 0);
	for (int i = 0; i < FORKS; i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t, NULL, thread_short, NULL) == 0)
			pthread_join(t, NULL);
}

static void work_burn_children(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 17; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			burn(0.02);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void test_counts(void)
{
	const char *box = cgroup_make("counts");
	pid_t pid;

	snapshot_take();
	pid = run_in(box, work, NULL);
	waitpid(pid, NULL, 0);
	check_equal("exits", container_value_until(box, CONTAINER_EXITS, EXECS + FORKS + 1), EXECS + FORKS + 1);
	check_equal("forks", container_value(box, CONTAINER_FORKS), EXECS + FORKS);
	check_equal("execs", container_value(box, CONTAINER_EXECS), EXECS);
	check_equal("threads made", container_value(box, CONTAINER_THREAD_CREATIONS), THREADS);
	check_equal("processes left", container_value(box, CONTAINER_PROCESSES), 0);
}

/* All but the parent live 20 ms of CPU each: almost no sample sees one. */
static void test_short_lived(void)
{
	const char *box = cgroup_make("short");
	double truth;
	pid_t pid;

	snapshot_take();
	pid = run_in(box, work_burn_children, NULL);
	waitpid(pid, NULL, 0);
	container_value_until(box, CONTAINER_EXITS, 18);
	truth = cgroup_cpu_seconds(box);
	/* The parent was moved in after it was born: what it used before stays outside, on both sides. */
	container_value_until(box, CONTAINER_CPU_TASKS, truth * 0.995 * 1e9);
	check_within("CPU of the dead against the cgroup's counter", container_value(box, CONTAINER_CPU_TASKS) / 1e9,
		     truth, 0.01, TICK_SECONDS);
	check_within("short-lived CPU", container_value(box, CONTAINER_SHORT_LIVED_CPU) / 1e9, truth, 0.05, 0.02);
}

int main(void)
{
	const char *losses[] = {"gone_folded", "gone_lost", "cgroup_full", "state_refused", "read_failed"};

	pipeline_start();
	test_counts();
	test_short_lived();
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++)
		check_equal(losses[i], loss_count(losses[i]), 0);
	return test_finish();
}
