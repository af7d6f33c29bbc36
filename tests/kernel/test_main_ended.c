/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_main_ended.c - a process whose main thread has ended while another one burns a CPU: runtimes call a container of which it
 * is the first process stopped. Its row has the state of what lives, is where that is, also after a move, and has no memory: the
 * kernel's own status has none. That the container still runs, and how, is in its row.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"
#include "lib/sched_test.h"

struct report {
	volatile pid_t pid;
	volatile bool ready;
};

static void *burn_on(void *ctx)
{
	struct report *r = ctx;

	prctl(PR_SET_NAME, "worker");
	r->ready = true;
	for (;;)
		burn(1);
	return NULL;
}

/* Its child is pid 1 of a namespace, and ends its main thread. */
static void work(void *ctx)
{
	struct report *r = ctx;
	pthread_t thread;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, burn_on, r);
		syscall(SYS_exit, 0);
	}
	r->pid = pid;
	pause();
}

static bool status_has_memory(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return read_file(path, 4096, &text, NULL) >= 0 && strstr(text, "VmRSS");
}

static double group_rss(const struct snapshot *s, const struct container_row *home)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (&s->containers[s->groups[i].container] == home && s->groups[i].v[GROUP_PROCESSES] > 0 &&
		    strcmp(s->groups[i].comm, "test_main_ended") == 0)
			return s->groups[i].v[GROUP_RSS];
	return -1;
}

static void expect_at(pid_t pid, const char *home, double processes, const char *when)
{
	const struct process_row *p = NULL;
	const struct container_row *c = NULL;
	const struct snapshot *s = NULL;

	for (double end = now_seconds() + PATIENCE_SECONDS; now_seconds() < end; usleep(50000)) {
		s = snapshot_take();
		p = process_row_find(s, pid);
		c = row_find(s, home);
		if (p && c && p->state == 'R' && &s->containers[p->container] == c)
			break;
	}
	check(p && c && &s->containers[p->container] == c, "%s: its row's cgroup: saw %s, true is %s", when,
	      p ? s->containers[p->container].cgroup : "no row", home);
	check(p && p->state == 'R', "%s: its state: saw %c, true is R, as its thread's", when, p ? p->state : '?');
	check(p && value_absent(p->v[PROCESS_RSS]) && !status_has_memory(pid), "%s: no memory, as in its status", when);
	check_equal("processes there", c ? c->v[CONTAINER_PROCESSES] : -1, processes);
	check(c && c->init_ended, "%s: the row says that runtimes call it stopped", when);
}

int main(void)
{
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char old[128], moved[128];
	const struct snapshot *s;
	pid_t pid;

	snprintf(old, sizeof(old), "%s", cgroup_make("old"));
	snprintf(moved, sizeof(moved), "%s", cgroup_make("moved"));
	pid = run_in(old, work, r);
	poll_until(r->ready && r->pid);
	pipeline_start();
	expect_at(r->pid, old, 2, "before the move");
	cgroup_enter(moved, r->pid);
	expect_at(r->pid, moved, 1, "after the move");
	s = snapshot_take();
	check(value_absent(group_rss(s, row_find(s, moved))), "the sum of its name: memory is absent, not 0");
	check(!row_find(s, old) || row_find(s, old)->v[CONTAINER_THREADS] == 1,
	      "where it was: one thread, its parent's: saw %.0f",
	      row_find(s, old) ? row_find(s, old)->v[CONTAINER_THREADS] : 0);
	kill(r->pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
