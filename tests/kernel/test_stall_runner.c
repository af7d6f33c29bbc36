/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_stall_runner.c - whom a stall names as the one who had the CPU: a loop is preempted for 150 ms by one cgroup, which hands
 * the CPU to another one for the last 2 ms of the wait. Both are real-time, so that the order is certain; all are on one CPU.
 */
#include <sys/epoll.h>

#include "lib/loop_test.h"

#define MOST	 0.15 /* seconds; the threshold of stalls is 0.1 */
#define MOMENT	 0.002
#define TRIES	 5
#define LAST_CPU ((int)sysconf(_SC_NPROCESSORS_ONLN) - 1)

/* Pipes: to the loop, to the one that has the CPU for most of the wait, to the one that has it for a moment, and back. */
static int to_loop[2], to_most[2], to_moment[2], back[2];

static void loop_work(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)ctx;
	pin(LAST_CPU);
	epoll_ctl(epoll, EPOLL_CTL_ADD, to_loop[0], &event);
	for (;;) {
		epoll_wait(epoll, &ready, 1, -1);
		hear(to_loop[0]);
		/* The other one gets the CPU at once. */
		tell(to_most[1]);
		burn(0.005);
		tell(back[1]);
	}
}

static void realtime(void)
{
	struct sched_param p = {.sched_priority = 1};

	pin(LAST_CPU);
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		_exit(2);
}

/* Where cgroups have shares of real time, each begins with none. */
static void realtime_give(const char *name)
{
	char path[512], file[600];

	for (size_t i = 0; cgroup_folder(name, i, path, sizeof(path)); i++) {
		snprintf(file, sizeof(file), "%s/cpu.rt_runtime_us", path);
		if (access(file, W_OK) == 0)
			file_write(file, "300000");
	}
}

static void most_work(void *ctx)
{
	(void)ctx;
	realtime();
	for (;;) {
		hear(to_most[0]);
		for (double until = now_seconds() + MOST; now_seconds() < until;)
			;
		tell(to_moment[1]);
	}
}

static void moment_work(void *ctx)
{
	(void)ctx;
	realtime();
	for (;;) {
		hear(to_moment[0]);
		for (double until = now_seconds() + MOMENT; now_seconds() < until;)
			;
	}
}

static const struct stall *stall_seen(pid_t pid)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_stalls; i++)
		if (s->stalls[i].pid == (uint32_t)pid)
			return &s->stalls[i].stall;
	return NULL;
}

int main(void)
{
	const char *home = cgroup_make("loop"), *most = cgroup_make("most"), *moment = cgroup_make("moment");
	const struct stall *stall = NULL;
	pid_t loop, first, second;
	char runner[256] = "";

	if (pipe(to_loop) < 0 || pipe(to_most) < 0 || pipe(to_moment) < 0 || pipe(back) < 0)
		return 1;
	if (!loops_start(NULL))
		return test_finish();
	realtime_give(most);
	realtime_give(moment);
	loop = run_in(home, loop_work, NULL);
	first = run_in(most, most_work, NULL);
	second = run_in(moment, moment_work, NULL);
	poll_until(loop_find(snapshot_take(), loop));
	usleep(100000);
	if (waitpid(first, NULL, WNOHANG) == first || waitpid(second, NULL, WNOHANG) == second) {
		printf("ok %d - # SKIP no real-time priority in these cgroups\n", ++test_number);
		return test_finish();
	}
	/* Facts about one loop come once a second. */
	for (int i = 0; i < TRIES && !(stall && strcmp(stall->cause, "runqueue") == 0); i++) {
		usleep(1100000);
		tell(to_loop[1]);
		hear(back[0]);
		poll_until((stall = stall_seen(loop)));
	}
	check(stall && strcmp(stall->cause, "runqueue") == 0, "a loop that is preempted waits for a CPU: saw %s",
	      stall ? stall->cause : "no stall");
	if (stall)
		snprintf(runner, sizeof(runner), "%s", stall->runner);
	check(strcmp(runner, most) == 0, "who had the CPU: saw %s, true is %s, for a moment it was %s", runner, most,
	      moment);
	kill(loop, SIGKILL);
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	return test_finish();
}
