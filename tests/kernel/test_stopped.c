/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_stopped.c - processes that are stopped by a signal or frozen, by either freezer: that time is in a class of its
 * own, for a thread that computed as for one that slept in epoll; it is neither a stall nor work of a loop; and a
 * container in which nothing can run says that it is paused.
 *
 * Not in a guest: on 6.1 a loop frozen by the v2 freezer while it sleeps in epoll had nothing in this class (0.000 s); why is
 * not known yet.
 */
#include "lib/loop_test.h"

#define STOPPED_US 700000
/* Each stop takes effect when the thread is next interrupted, and the test is itself delayed on a busy machine. */
#define SLACK 0.1

struct victim {
	const char *name, *home, *freezer;
	char how; /* 's'ignal, freezer v'1', freezer v'2' */
	bool computes;
	pid_t pid;
	double began, least, most; /* how long it was stopped, at least and at most */
	struct thread_times before;
};

static struct victim victims[] = {
	{.name = "computes, SIGSTOP", .how = 's', .computes = true},	{.name = "in epoll, SIGSTOP", .how = 's'},
	{.name = "computes, v1 freezer", .how = '1', .computes = true}, {.name = "in epoll, v1 freezer", .how = '1'},
	{.name = "computes, v2 freezer", .how = '2', .computes = true}, {.name = "in epoll, v2 freezer", .how = '2'},
};

static void victim_run(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fds[2];
	const struct victim *v = ctx;

	if (pipe(fds) < 0)
		_exit(1);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
	/* Lives in epoll; one that computes does it for shorter than what is a stall. */
	for (;;) {
		epoll_wait(epoll, &ready, 1, v->computes ? 1 : 20);
		for (double until = now_seconds() + 0.02; v->computes && now_seconds() < until;)
			;
	}
}

/* The folder of a freezer, made by the test; NULL: there is none here. */
static const char *freezer_make(char how, size_t i)
{
	static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	static char paths[ARRAY_SIZE(victims)][128];
	char probe[160];

	for (size_t m = 0; m < (how == '1' ? 1 : ARRAY_SIZE(v2)); m++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/sysscope-test-%d-frozen%zu",
			 how == '1' ? "/sys/fs/cgroup/freezer" : v2[m], getpid(), i);
		if (mkdir(paths[i], 0755) < 0)
			continue;
		snprintf(probe, sizeof(probe), "%s/%s", paths[i], how == '1' ? "freezer.state" : "cgroup.freeze");
		if (access(probe, W_OK) == 0)
			return paths[i];
		rmdir(paths[i]);
	}
	return NULL;
}

static void victim_start(struct victim *v, size_t i)
{
	char path[192], text[16], tag[16];

	if (v->how != 's') {
		v->freezer = freezer_make(v->how, i);
		if (!v->freezer)
			return;
	}
	snprintf(tag, sizeof(tag), "stopped%zu", i);
	v->home = cgroup_make(tag);
	v->pid = run_in(v->home, victim_run, v);
	if (v->freezer && !(v->how == '2' && test_on_v2())) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", v->freezer);
		snprintf(text, sizeof(text), "%d", v->pid);
		file_write(path, text);
	}
}

static void victim_stop(struct victim *v, bool stop)
{
	char path[192];

	if (v->how == 's') {
		kill(v->pid, stop ? SIGSTOP : SIGCONT);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", v->freezer, v->how == '1' ? "freezer.state" : "cgroup.freeze");
	file_write(path, v->how == '1' ? (stop ? "FROZEN" : "THAWED") : stop ? "1" : "0");
}

static const struct loop_row *loop_of(const struct snapshot *s, const struct victim *v)
{
	const struct loop_row *l = loop_find(s, v->pid);

	check(l != NULL, "%s: its loop is there", v->name);
	return l;
}

/* While it is stopped. */
static void check_during(const struct snapshot *s, const struct victim *v, double interval)
{
	const struct container_row *home = row_find(s, v->home);
	const struct loop_row *l = loop_of(s, v);

	check(home && strcmp(home->state, "paused") == 0, "%s: its container is paused: saw %s", v->name,
	      home ? home->state : "no row");
	check(l && l->v[LOOP_UTILIZATION] < SLACK / interval, "%s: it is not busy: utilisation %.3f", v->name,
	      l ? l->v[LOOP_UTILIZATION] : -1);
}

static void check_after(const struct snapshot *s, struct victim *v)
{
	const struct container_row *home = row_find(s, v->home);
	const struct loop_row *l = loop_of(s, v);
	struct thread_times t = thread_times((uint32_t)v->pid);
	double stopped = t.classes[SS_WAIT_STOPPED] - v->before.classes[SS_WAIT_STOPPED];
	double fault = t.classes[SS_WAIT_FAULT] - v->before.classes[SS_WAIT_FAULT];
	double of_loop = l ? l->v[LOOP_BLOCKED_STOPPED] / 1e9 : -1, stalls = l ? l->v[LOOP_STALLS] : -1;

	check(stopped > v->least - SLACK && stopped < v->most + SLACK, "%s: stopped %.3f s, true %.3f to %.3f", v->name,
	      stopped, v->least, v->most);
	check(fault < SLACK, "%s: not in page faults: saw %.3f s", v->name, fault);
	check(of_loop > v->least - SLACK && of_loop < v->most + SLACK, "%s: of its loop: %.3f s", v->name, of_loop);
	/* What a hypervisor or interrupts took from the thread is in the first and not in the second. */
	check(l && l->v[LOOP_ONCPU] / 1e9 < 1.5 * t.exec + SLACK,
	      "%s: its loop has computed for %.3f s, and the thread ran for %.3f s", v->name,
	      l ? l->v[LOOP_ONCPU] / 1e9 : -1, t.exec);
	check(stalls == 0 || (l && strcmp(l->last_stall.cause, "oncpu") != 0),
	      "%s: no stall with the cause on CPU: %.0f stalls", v->name, stalls);
	check(home && strcmp(home->state, "running") == 0, "%s: its container runs again", v->name);
}

int main(void)
{
	const struct snapshot *s;
	double began, before;

	if (!loops_start(NULL) || !sched_is_on())
		return test_finish();
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++) {
		victim_start(&victims[i], i);
		if (!victims[i].pid)
			printf("ok %d - %s # SKIP there is no such freezer\n", ++test_number, victims[i].name);
	}
	usleep(300000);
	snapshot_take();
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++) {
		if (!victims[i].pid)
			continue;
		victims[i].before = thread_times((uint32_t)victims[i].pid);
		victims[i].began = now_seconds();
		victim_stop(&victims[i], true);
		victims[i].least = now_seconds();
	}
	usleep(STOPPED_US / 2);
	before = now_seconds();
	snapshot_take();
	usleep(STOPPED_US / 2);
	s = snapshot_take();
	began = now_seconds();
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++)
		if (victims[i].pid)
			check_during(s, &victims[i], began - before);
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++) {
		struct victim *v = &victims[i];

		if (!v->pid)
			continue;
		v->least = now_seconds() - v->least;
		victim_stop(v, false);
		v->most = now_seconds() - v->began;
	}
	/* A thread that was continued is on its way until it has had a CPU. */
	usleep(500000);
	s = snapshot_take();
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++)
		if (victims[i].pid)
			check_after(s, &victims[i]);
	for (size_t i = 0; i < ARRAY_SIZE(victims); i++) {
		if (!victims[i].pid)
			continue;
		kill(victims[i].pid, SIGKILL);
		waitpid(victims[i].pid, NULL, 0);
		if (victims[i].freezer)
			rmdir(victims[i].freezer);
	}
	return test_finish();
}
