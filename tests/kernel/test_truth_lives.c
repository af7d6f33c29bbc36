/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_truth_lives.c - births, execs and deaths that are out of the ordinary, exactly counted: vfork, a thread that
 * executes, processes that are killed, orphans, zombies, births that the pids controller refuses.
 */
#include <pthread.h>
#include <spawn.h>

#include "kernel/probe.h"
#include "lib/kernel_test.h"

#define VFORKS	11
#define EXECS	5 /* by a thread that is not the leader */
#define KILLED	7
#define ORPHANS 3
#define REFUSED 13

static char *const true_argv[] = {(char *)"true", NULL};

static const char *true_path(void)
{
	return access("/bin/true", X_OK) == 0 ? "/bin/true" : "/usr/bin/true";
}

static void *thread_exec(void *ctx)
{
	execv(true_path(), true_argv);
	return ctx;
}

static void child_reap(pid_t pid)
{
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void work_odd(void *ctx)
{
	pid_t pid;

	(void)ctx;
	for (int i = 0; i < VFORKS; i++)
		if (posix_spawn(&pid, true_path(), NULL, NULL, true_argv, (char *[]){NULL}) == 0)
			child_reap(pid);
	for (int i = 0; i < EXECS; i++) {
		pid = fork();
		if (pid == 0) {
			pthread_t t;

			if (pthread_create(&t, NULL, thread_exec, NULL) == 0)
				pause();
			_exit(1);
		}
		child_reap(pid);
	}
	for (int i = 0; i < KILLED; i++) {
		pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		kill(pid, SIGKILL);
		child_reap(pid);
	}
	/* The middle one ends first; its child is then ours: whoever else would get it may never reap it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < ORPHANS; i++) {
		pid = fork();
		if (pid == 0) {
			if (fork() == 0)
				usleep(20000);
			_exit(0);
		}
		child_reap(pid);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void odd(const char *home)
{
	int forks = VFORKS + EXECS + KILLED + 2 * ORPHANS;

	snapshot_take();
	child_reap(run_in(home, work_odd, NULL));
	check_equal("processes ended", container_value_until(home, CONTAINER_EXITS, forks + 1), forks + 1);
	check_equal("processes born", container_value(home, CONTAINER_FORKS), forks);
	check_equal("programs executed", container_value(home, CONTAINER_EXECS), VFORKS + EXECS);
	check_equal("threads made", container_value(home, CONTAINER_THREAD_CREATIONS), EXECS);
	check_equal("processes left", container_value(home, CONTAINER_PROCESSES), 0);
}

static int told[2];

static void work_zombie(void *ctx)
{
	siginfo_t info;
	char c = 0;
	pid_t pid;

	(void)ctx;
	pid = fork();
	if (pid == 0) {
		burn(0.05);
		_exit(0);
	}
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* it stays a zombie */
	if (write(told[1], &c, 1) == 1)
		pause();
}

static bool storage_is_there(void)
{
	struct kernel k;
	bool there = kernel_probe(&k) >= 0 && k.task_storage;

	kernel_free(&k);
	return there;
}

/* Dead and not reaped: its exit counts, its CPU time stays, and it counts once after it is reaped, too. */
static void zombie(const char *home)
{
	double truth, seen;
	pid_t pid;
	char c;

	snapshot_take();
	pid = run_in(home, work_zombie, NULL);
	if (read(told[0], &c, 1) != 1)
		exit(1);
	if (storage_is_there())
		check_equal("a zombie: its exit counts", container_value_until(home, CONTAINER_EXITS, 1), 1);
	else
		printf("ok %d - a zombie: its exit counts # SKIP without task storage an exit counts when it is "
		       "reaped\n",
		       ++test_number);
	asleep_wait(pid);
	truth = cgroup_cpu_seconds(home);
	seen = container_value(home, CONTAINER_CPU_TASKS) / 1e9;
	check_within("a zombie: its CPU time is in", seen, truth, 0.01, TICK_SECONDS);
	kill(pid, SIGKILL);
	child_reap(pid);
	check_equal("both have ended", container_value_until(home, CONTAINER_EXITS, 2), 2);
	usleep(300000); /* for a second count, which must not come, to come */
	container_value_until(home, CONTAINER_CPU_TASKS, truth * 0.99 * 1e9);
	check_within("its CPU time is counted once", container_value(home, CONTAINER_CPU_TASKS) / 1e9,
		     cgroup_cpu_seconds(home), 0.01, TICK_SECONDS);
}

static bool pids_limit(const char *home, const char *limit)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s/pids.max", test_on_v2() ? "/sys/fs/cgroup" : v1_mounts[3], home);
	return file_write(path, limit);
}

static void work_refused(void *ctx)
{
	int born = 0;

	(void)ctx;
	for (int i = 0; i < REFUSED; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		born += pid > 0;
		child_reap(pid);
	}
	_exit(born);
}

/* A fork that the pids controller refuses is no birth, no death, and leaves nothing behind. */
static void refused(const char *home)
{
	int status = 0;

	if (!pids_limit(home, "1")) {
		printf("ok %d - births that are refused # SKIP no pids controller here\n", ++test_number);
		return;
	}
	snapshot_take();
	waitpid(run_in(home, work_refused, NULL), &status, 0);
	check_equal("the pids controller refused each fork", WEXITSTATUS(status), 0);
	check_equal("births that were refused: processes ended", container_value_until(home, CONTAINER_EXITS, 1), 1);
	check_equal("births that were refused: processes born", container_value(home, CONTAINER_FORKS), 0);
}

int main(void)
{
	static const char *const losses[] = {"gone_folded",   "gone_lost",   "cgroup_full",
					     "state_refused", "read_failed", "ring_full"};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(told) < 0)
		return 1;
	pipeline_start();
	odd(cgroup_make("odd"));
	zombie(cgroup_make("zombie"));
	refused(cgroup_make("refused"));
	check_losses(losses, ARRAY_SIZE(losses));
	return test_finish();
}
