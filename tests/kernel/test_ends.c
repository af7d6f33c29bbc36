/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ends.c - how a container's first process ended, beside what wait(2) says of the same ends: 3 with status 0, 5 with others,
 * 2 killed by a signal. Not counted are a namespace that is made inside of the container, and a process without one.
 */
#include <pthread.h>
#include <sched.h>

#include "lib/kernel_test.h"

enum mode { PLAIN, BY_THREAD, KILLED, NESTED };

static void *thread_exit(void *status)
{
	_exit((int)(intptr_t)status);
}

/* Pid 1 of its namespace, in the cgroup. */
static void main_run(enum mode mode, int status)
{
	pthread_t thread;
	pid_t pid;

	if (mode == BY_THREAD && pthread_create(&thread, NULL, thread_exit, (void *)(intptr_t)status) == 0)
		for (;;)
			pause();
	/* A sandbox of its own, as browsers make, ends otherwise than the container does. */
	if (mode == NESTED && unshare(CLONE_NEWPID) == 0) {
		pid = fork();
		if (pid == 0)
			_exit(status + 1);
		waitpid(pid, NULL, 0);
	}
	while (mode == KILLED)
		pause();
	_exit(status);
}

/* As a runtime does it, from outside: pid 1 is moved into the cgroup, and runs then. Its wait status. */
static int container_run(const char *cgroup, enum mode mode, int status, bool isolated)
{
	int gate[2], back[2], seen = -1;
	char go = 0;
	pid_t runtime, pid;

	if (pipe(gate) < 0 || pipe(back) < 0)
		exit(1);
	fflush(stdout);
	runtime = fork();
	if (runtime == 0) {
		if (isolated && unshare(CLONE_NEWPID) < 0)
			_exit(1);
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (read(gate[0], &go, 1) == 1)
				main_run(mode, status);
			_exit(100);
		}
		cgroup_enter(cgroup, pid);
		if (write(gate[1], &go, 1) != 1)
			_exit(1);
		if (mode == KILLED)
			kill(pid, SIGKILL);
		waitpid(pid, &seen, 0);
		_exit(write(back[1], &seen, sizeof(seen)) != sizeof(seen));
	}
	close(back[1]);
	if (read(back[0], &seen, sizeof(seen)) != sizeof(seen))
		seen = -1;
	waitpid(runtime, NULL, 0);
	close(back[0]);
	close(gate[0]);
	close(gate[1]);
	return seen;
}

static void check_last(const char *when, const char *cgroup, int status)
{
	const struct container_row *row = row_find(snapshot_take(), cgroup);
	double code = row ? row->v[CONTAINER_LAST_STATUS] : -1, sign = row ? row->v[CONTAINER_LAST_SIGNAL] : -1;

	if (WIFSIGNALED(status))
		check(value_absent(code) && sign == WTERMSIG(status),
		      "%s: the last signal: saw %.0f (status %.0f), true is %d", when, sign, code, WTERMSIG(status));
	else
		check(value_absent(sign) && code == WEXITSTATUS(status),
		      "%s: the last status: saw %.0f (signal %.0f), true is %d", when, code, sign, WEXITSTATUS(status));
}

int main(void)
{
	static const struct {
		enum mode mode;
		int status;
	} runs[] = {{PLAIN, 0},	  {PLAIN, 3},  {KILLED, 0}, {BY_THREAD, 0}, {BY_THREAD, 7},
		    {PLAIN, 255}, {NESTED, 0}, {KILLED, 0}, {NESTED, 1},    {PLAIN, 137}};
	double ends[3] = {0}; /* success, failure, signal */
	char cgroup[128], none[128];

	snprintf(cgroup, sizeof(cgroup), "%s", cgroup_make("ends"));
	snprintf(none, sizeof(none), "%s", cgroup_make("none"));
	pipeline_start();
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		int status = container_run(cgroup, runs[i].mode, runs[i].status, true);
		char when[32];

		ends[WIFSIGNALED(status) ? 2 : status != 0]++;
		if (!task_state_is_on())
			continue;
		snprintf(when, sizeof(when), "end %zu", i);
		check_last(when, cgroup, status);
	}
	container_run(none, PLAIN, 5, false);
	if (task_state_is_on()) {
		check_equal("ends with status 0", container_value(cgroup, CONTAINER_MAIN_SUCCESS), ends[0]);
		check_equal("ends with another one", container_value(cgroup, CONTAINER_MAIN_FAILURE), ends[1]);
		check_equal("ends by a signal", container_value(cgroup, CONTAINER_MAIN_SIGNAL), ends[2]);
		check(ends[0] == 3 && ends[1] == 5 && ends[2] == 2, "by wait(2): %.0f, %.0f and %.0f", ends[0], ends[1],
		      ends[2]);
	} else {
		check_equal("without task storage it is not known", container_value(cgroup, CONTAINER_MAIN_SUCCESS),
			    -1);
	}
	check_equal("nothing is said of what has no first process", container_value(none, CONTAINER_MAIN_FAILURE), -1);
	return test_finish();
}
