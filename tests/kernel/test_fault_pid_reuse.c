/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_fault_pid_reuse.c - two processes that have the same pid, one after the other, in two cgroups: neither gets what
 * the other used, and no rate is made of their difference.
 */
#include <linux/sched.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"

#define LIVES 5

/* The time of birth, its own CPU, told when it has worked. */
static int told[2];

/* A child with this pid; -1: the kernel cannot, or the pid is taken. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};

	fflush(stdout);
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Waits for the gate, burns, tells how much it used in all, sleeps. */
static void live(int gate, double seconds)
{
	double used;
	char c;

	if (read(gate, &c, 1) != 1)
		_exit(1);
	burn(seconds);
	used = thread_cpu_seconds();
	if (write(told[1], &used, sizeof(used)) == sizeof(used))
		pause();
	_exit(1);
}

static pid_t born(pid_t wanted, const char *home, double seconds, double *used)
{
	int gate[2];
	pid_t pid;
	char c = 0;

	if (pipe(gate) < 0)
		exit(1);
	pid = wanted ? fork_as(wanted) : fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		live(gate[0], seconds);
	}
	if (pid > 0) {
		asleep_wait(pid);
		cgroup_enter(home, pid);
		if (write(gate[1], &c, 1) != 1 || read(told[0], used, sizeof(*used)) != sizeof(*used))
			exit(1);
	}
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static void reuse(const char *odd, const char *even)
{
	static const double seconds[LIVES] = {0.31, 0.02, 0.23, 0.05, 0.11};
	const struct process_row *row;
	const struct snapshot *s;
	double used, born_last = 0;
	const char *seen;
	pid_t pid = 0, again;

	/* No sample between one's death and the next one's birth: the pid is in both neighbouring samples. */
	snapshot_take();
	for (int i = 0; i < LIVES; i++) {
		const char *home = i % 2 ? even : odd;

		again = born(pid, home, seconds[i], &used);
		if (again < 0) {
			printf("ok %d - a pid that is used again # SKIP clone3 with set_tid: %s\n", ++test_number,
			       strerror(errno));
			return;
		}
		pid = again;
		asleep_wait(pid);
		s = snapshot_take();
		row = process_row_find(s, pid);
		check(row != NULL, "life %d of pid %d has a row", i + 1, pid);
		if (row) {
			/* It goes to sleep after it has asked: 10 ms on an emulated CPU. Another life would add 20 or more. */
			check_within("its CPU is its own", row->v[PROCESS_CPU_USAGE] / 1e9, used, 0.02, 0.015);
			seen = process_container(s, row)->cgroup;
			check(strcmp(seen, home) == 0, "it stands in its own cgroup: saw %s, true is %s", seen, home);
			check(row->start_time > born_last, "it was born after the one before: %.3f after %.3f",
			      row->start_time, born_last);
			check(row->v[PROCESS_CPU_CORES] >= 0 && row->v[PROCESS_CPU_CORES] < 1.1,
			      "no rate of two lives: saw %.3f CPUs", row->v[PROCESS_CPU_CORES]);
			born_last = row->start_time;
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void sums(const char *home, int exits)
{
	double truth;

	check_equal("lives that have ended here", container_value_until(home, CONTAINER_EXITS, exits), exits);
	truth = cgroup_tasks_seconds(home);
	container_value_until(home, CONTAINER_CPU_TASKS, truth * 0.99 * 1e9);
	check_within("their CPU is the cgroup's counter", container_value(home, CONTAINER_CPU_TASKS) / 1e9, truth, 0.01,
		     TICK_SECONDS);
}

int main(void)
{
	const char *odd = cgroup_make("odd"), *even = cgroup_make("even");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(told) < 0)
		return 1;
	pipeline_start();
	reuse(odd, even);
	if (test_number > 1) {
		sums(odd, (LIVES + 1) / 2);
		sums(even, LIVES / 2);
	}
	return test_finish();
}
