/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_oom.c - OOM kills of a memory limit: each process counts once, whether its main thread is still there or not, also
 * when its cgroup is gone before the next sample. The second source is wait(): only the OOM killer sends these SIGKILLs.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"

#define LIMIT "16777216"
#define HOG   (64UL << 20)
#define KILLS 3

static void memory_limit(const char *cgroup)
{
	char path[512], file[600];

	if (test_on_v2()) {
		if (!cgroup_folder(cgroup, 0, path, sizeof(path)))
			exit(1);
		snprintf(file, sizeof(file), "%s/memory.max", path);
		file_write(file, LIMIT);
		snprintf(file, sizeof(file), "%s/memory.swap.max", path);
		file_write(file, "0");
		return;
	}
	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++) {
		snprintf(file, sizeof(file), "%s/memory.limit_in_bytes", path);
		if (access(file, F_OK) == 0)
			file_write(file, LIMIT);
	}
}

/* Touches more than the limit; returns only if the kernel did not kill it. */
static void *hog(void *ctx)
{
	char *p = mmap(NULL, HOG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		memset(p, 1, HOG);
	_exit(ctx ? 2 : 1);
}

static void hog_alone(void *ctx)
{
	hog(ctx);
}

/* pthread_exit() would need libgcc_s, which a guest has not. */
static void main_thread_end(void)
{
	syscall(SYS_exit, 0);
}

/* The main thread is gone when the memory runs out. */
static void hog_orphaned(void *ctx)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hog, ctx) != 0)
		_exit(1);
	main_thread_end();
}

static void sleep_on(void *ctx)
{
	(void)ctx;
	pause();
}

static void *sleep_thread(void *ctx)
{
	sleep_on(ctx);
	return NULL;
}

static void sleep_orphaned(void *ctx)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_thread, ctx) != 0)
		_exit(1);
	main_thread_end();
}

/* Its main thread sleeps, or has ended. */
static bool settled(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const char *end;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 4096, &text, NULL) < 0)
		return false;
	end = strrchr(text, ')');
	return end && (end[2] == 'S' || end[2] == 'Z');
}

/*
 * Ended, and not by its own exit. A process whose main thread had ended may report that thread's status, 0, instead of the
 * signal. One that is not killed in time is ended, and does not count.
 */
static bool killed(pid_t pid)
{
	int status = 0;

	if (!poll_until(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return false;
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0;
}

static int kill_some(const char *cgroup, void (*work)(void *ctx), int n)
{
	int dead = 0;

	for (int i = 0; i < n; i++)
		dead += killed(run_in(cgroup, work, NULL));
	return dead;
}

static void counted(const char *cgroup, const char *what, void (*work)(void *ctx))
{
	double before = container_value(cgroup, CONTAINER_OOM_KILLS);
	int dead = kill_some(cgroup, work, KILLS);

	check(dead == KILLS, "%s: the kernel killed %d of %d", what, dead, KILLS);
	check_equal(what, container_value_until(cgroup, CONTAINER_OOM_KILLS, before + dead) - before, dead);
}

/* memory.oom.group ends all at once; the kernel's own counter says 5 to 7 for these four. */
static void killed_as_a_group(void)
{
	const char *cgroup = cgroup_make("group");
	char path[512], file[600];
	pid_t pids[KILLS + 1];
	int dead = 0;

	memory_limit(cgroup);
	cgroup_folder(cgroup, 0, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/memory.oom.group", path);
	if (!test_on_v2() || !file_write(file, "1")) {
		check(true, "killed as a group # SKIP no memory.oom.group without cgroup v2");
		return;
	}
	for (int i = 0; i < KILLS; i++)
		pids[i] = run_in(cgroup, i % 2 ? sleep_on : sleep_orphaned, NULL);
	for (int i = 0; i < KILLS; i++)
		poll_until(settled(pids[i]));
	pids[KILLS] = run_in(cgroup, hog_orphaned, NULL);
	for (int i = 0; i <= KILLS; i++)
		dead += killed(pids[i]);
	check(dead == KILLS + 1, "a group of %d: the kernel killed %d", KILLS + 1, dead);
	check_equal("killed as a group", container_value_until(cgroup, CONTAINER_OOM_KILLS, dead), dead);
}

/* Nobody could read its files after the kill. */
static void gone_at_once(void)
{
	const char *cgroup = cgroup_make("gone");
	char path[512];
	int dead;

	memory_limit(cgroup);
	dead = kill_some(cgroup, hog_alone, 1);
	for (size_t i = 0; cgroup_folder(cgroup, i, path, sizeof(path)); i++)
		poll_until(rmdir(path) == 0 || errno == ENOENT);
	check(dead == 1, "the only process of a cgroup that goes with it: killed");
	check_equal("its kill is in the row of the dead", container_value(cgroup, CONTAINER_OOM_KILLS), dead);
}

int main(void)
{
	const char *cgroup = cgroup_make("oom");
	pid_t sleeper;

	memory_limit(cgroup);
	/* Before sysscope watched: only the cgroup's own file knows. */
	kill_some(cgroup, hog_alone, 1);
	/* Without a process the cgroup has no row. */
	sleeper = run_in(cgroup, sleep_on, NULL);
	pipeline_start();
	snapshot_take();
	check_equal("kills before sysscope started, by the cgroup's file", container_value(cgroup, CONTAINER_OOM_KILLS),
		    1);
	counted(cgroup, "processes killed for their memory", hog_alone);
	counted(cgroup, "processes killed whose main thread had ended", hog_orphaned);
	killed_as_a_group();
	gone_at_once();
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	return test_finish();
}
