/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_state.c - a task whose state is missing, as if the kernel had refused it: what the next sample makes up for is no loss,
 * what ends before is one.
 */
#include <bpf/bpf.h>
#include <sys/syscall.h>

#include <sys/resource.h>

#include "lib/kernel_test.h"

#define TASKS 7
#define BURN  0.02

/* The map of this process's own programs. */
static int state_map(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		struct bpf_map_info info = {};
		__u32 length = sizeof(info);

		if (bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == BPF_MAP_TYPE_TASK_STORAGE &&
		    strcmp(info.name, "thread_state") == 0)
			return fd;
	}
	return -1;
}

static bool state_remove(int map, pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd >= 0 && bpf_map_delete_elem(map, &fd) == 0;
}

static bool state_there(int map, pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	char value[4096];

	return fd >= 0 && bpf_map_lookup_elem(map, &fd, value) == 0;
}

static void rest(void *ctx)
{
	(void)ctx;
	burn(BURN);
	pause();
}

/* Of those that were waited for: all that this test has started. */
static double children_cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double refused(void)
{
	return loss_count("state_refused");
}

/* So many tasks lose their state and end, with or without a sample in between. Returns how many losses were counted. */
static double lose(int map, const char *home, bool sampled)
{
	pid_t pids[TASKS];
	double before;
	int removed = 0, made = 0;

	for (int i = 0; i < TASKS; i++) {
		pids[i] = run_in(home, rest, NULL);
		asleep_wait(pids[i]);
	}
	before = refused();
	for (int i = 0; i < TASKS; i++)
		removed += state_there(map, pids[i]) && state_remove(map, pids[i]);
	check_equal("tasks that lose their state", removed, TASKS);
	if (sampled) {
		snapshot_take();
		for (int i = 0; i < TASKS; i++)
			made += state_there(map, pids[i]);
		check_equal("the next sample makes it again", made, TASKS);
	}
	for (int i = 0; i < TASKS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return refused() - before;
}

int main(void)
{
	const char *home = cgroup_make("state");
	double lost, seen, least = 2 * TASKS * BURN * 0.99, most;
	int map;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	map = state_map();
	if (map < 0) {
		printf("ok %d - # SKIP this kernel has no task storage\n", ++test_number);
		return test_finish();
	}
	lost = lose(map, home, true);
	check(lost <= STATES_REFUSED_OTHERS, "what was made up for is no loss: %.0f", lost);
	lost = lose(map, home, false);
	check(lost >= TASKS && lost <= TASKS + STATES_REFUSED_OTHERS, "what ends without is one: %.0f of %d", lost,
	      TASKS);
	/* Making and entering the cgroup costs each of them something as well, in an emulated machine as much as its work. */
	seen = container_value_until(home, CONTAINER_CPU_TASKS, least * 1e9) / 1e9;
	most = children_cpu_seconds() + 0.01;
	check(seen >= least && seen <= most,
	      "their CPU time counts all the same: saw %.4f s, at least %.4f, at most %.4f", seen, least, most);
	return test_finish();
}
