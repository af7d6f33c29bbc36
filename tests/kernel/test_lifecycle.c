/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_lifecycle.c - forks, threads, execs and exits of a known workload, counted exactly per container, and what
 * short-lived processes used, against the cgroup's own counter.
 */
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/kernel_test.h"

#define EXECS	   23
#define FORKS	   13
#define THREADS	   101
#define BURNERS	   17
#define SHORT_LIFE 1.0 /* seconds; SS_SHORT_LIVED_NS */

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

/*
 * A process that ends within a second of its birth is short-lived. On a busy machine one that needs 20 ms of CPU may take
 * longer, so each life is timed: from before its fork to its reaping it is longer than the kernel's, by its own clock shorter.
 */
struct lives {
	double begun[BURNERS], ended[BURNERS]; /* by its own clock */
	double surely, possibly, all;	       /* CPU seconds of those that lived for less than a second; of all */
};

static double children_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void work_burn_children(void *ctx)
{
	struct lives *lives = ctx;

	for (int i = 0; i < BURNERS; i++) {
		double before = now_seconds(), had = children_cpu(), used;
		pid_t pid = fork();

		if (pid == 0) {
			lives->begun[i] = now_seconds();
			burn(0.02);
			lives->ended[i] = now_seconds();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		used = children_cpu() - had;
		lives->all += used;
		lives->surely += now_seconds() - before < SHORT_LIFE ? used : 0;
		lives->possibly += lives->ended[i] - lives->begun[i] < SHORT_LIFE ? used : 0;
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

/* All but the parent use 20 ms of CPU each: almost no sample sees one. */
static void test_short_lived(void)
{
	const char *box = cgroup_make("short");
	struct lives *lives = mmap(NULL, sizeof(*lives), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double truth, seen, most;
	pid_t pid;

	snapshot_take();
	pid = run_in(box, work_burn_children, lives);
	waitpid(pid, NULL, 0);
	container_value_until(box, CONTAINER_EXITS, BURNERS + 1);
	/*
	 * The parent was moved in after it was born: what it used before stays outside, on both sides. Processes are reaped
	 * before their last slice is over, so the counter still grows for a moment: it is read again after the samples.
	 */
	container_value_until(box, CONTAINER_CPU_TASKS, cgroup_cpu_seconds(box) * 0.995 * 1e9);
	seen = container_value(box, CONTAINER_CPU_TASKS) / 1e9;
	truth = cgroup_cpu_seconds(box);
	check_within("CPU of the dead against the cgroup's counter", seen, truth, 0.01, TICK_SECONDS);
	seen = container_value(box, CONTAINER_SHORT_LIVED_CPU) / 1e9;
	/*
	 * getrusage of children lacks the slice in which a child ends if its parent reaps it before that is over, on an emulated
	 * CPU a third of it all. So what is at most true is the cgroup's counter less the children that surely lived longer.
	 */
	most = truth - (lives->all - lives->possibly);
	check(seen >= lives->surely * 0.98 - TICK_SECONDS && seen <= most * 1.02 + TICK_SECONDS,
	      "short-lived CPU: saw %.6f, true is %.6f to %.6f", seen, lives->surely, most);
}

int main(void)
{
	static const char *const losses[] = {"gone_folded", "gone_lost", "cgroup_full", "state_refused", "read_failed"};

	pipeline_start();
	test_counts();
	test_short_lived();
	check_losses(losses, ARRAY_SIZE(losses));
	return test_finish();
}
