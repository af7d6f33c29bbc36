/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll.c [HOOK] - event loops whose waits and events are known: exact counts by each of the three system calls, and
 * processes that are woken for nothing. With HOOK only by that way to see waits: guests run it once for each.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "loop_test.h"

#define WAITS	 501
#define TIMEOUTS 21
#define POLLS	 102

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* ---- counts ---- */

/*
 * The i-th of many waits: by epoll_wait, epoll_pwait and epoll_pwait2 in turn. They meet in one function of the kernel, of
 * which a compiler may have made a copy in one of them, where no probe of that function sees it.
 */
static int wait_by_turns(int i, int epoll, struct epoll_event *ready, int max, int timeout_ms)
{
	struct timespec time = {.tv_nsec = timeout_ms * 1000000L};

	if (i % 3 == 0)
		return (int)syscall(SYS_epoll_pwait2, epoll, ready, max, timeout_ms < 0 ? NULL : &time, NULL, 0);
	return i % 3 == 1 ? epoll_wait(epoll, ready, max, timeout_ms)
			  : epoll_pwait(epoll, ready, max, timeout_ms, NULL);
}

static void counted(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready[4];
	int epoll = epoll_create1(EPOLL_CLOEXEC), fds[2] = {eventfd(0, 0), eventfd(0, 0)};
	uint64_t value = 1;

	(void)ctx;
	for (int i = 0; i < 2; i++)
		epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
	epoll_ctl(epoll, EPOLL_CTL_MOD, fds[1], &event);
	/* Two events a wait. */
	for (int i = 0; i < WAITS; i++) {
		for (int f = 0; f < 2; f++)
			if (write(fds[f], &value, sizeof(value)) != sizeof(value))
				_exit(1);
		if (wait_by_turns(i, epoll, ready, 4, -1) != 2)
			_exit(1);
		for (int f = 0; f < 2; f++)
			if (read(fds[f], &value, sizeof(value)) != sizeof(value))
				_exit(1);
		value = 1;
	}
	for (int i = 0; i < TIMEOUTS; i++)
		wait_by_turns(i, epoll, ready, 4, 10);
	for (int i = 0; i < POLLS; i++)
		wait_by_turns(i, epoll, ready, 4, 0);
	epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL);
	tell(from_child[1]);
	epoll_wait(epoll, ready, 4, -1); /* under way when it is looked at */
	_exit(0);
}

static void counts(const char *home)
{
	const struct loop_row *l;
	pid_t pid = loop_start(home, counted, NULL);

	hear(from_child[0]);
	usleep(50000);
	l = loop_find(snapshot_take(), pid);
	check(l != NULL, "counts: it is a loop");
	if (l) {
		check_equal("counts: waits that returned", l->v[LOOP_WAITS], WAITS + TIMEOUTS + POLLS);
		check_equal("counts: events", l->v[LOOP_EVENTS], 2 * WAITS);
		check_equal("counts: timeouts", l->v[LOOP_TIMEOUTS], TIMEOUTS);
		check_equal("counts: polls", l->v[LOOP_POLLS], POLLS);
		check_equal("counts: iterations between them", l->v[LOOP_ITERATIONS], WAITS + TIMEOUTS + POLLS);
		check_equal("counts: woken for nothing", l->v[LOOP_EMPTY_WAKEUPS], 0);
		check_equal("counts: interrupted", l->v[LOOP_INTERRUPTED], 0);
		check_equal("counts: adds", l->v[LOOP_ADDS], 2);
		check_equal("counts: modifies", l->v[LOOP_MODIFIES], 1);
		check_equal("counts: deletes", l->v[LOOP_DELETES], 1);
	}
	loop_end(pid);
	/* The dead keep their counts, in their group. */
	{
		const struct snapshot *s = snapshot_take();
		double events = -1;

		for (size_t i = 0; i < s->n_groups; i++)
			if (strcmp(s->containers[s->groups[i].container].cgroup, home) == 0)
				events = s->groups[i].v[GROUP_LOOP_EVENTS];
		check_equal("counts: after its end its group has the events", events, 2 * WAITS);
	}
}

/* ---- many that sleep ---- */

#define CROWD 40

static void sleeper(void *ctx)
{
	struct epoll_event ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)ctx;
	for (;;)
		epoll_wait(epoll, &ready, 1, -1);
}

/* Return probes of functions are few, and each sleeper holds one: what is not seen for that must be counted as lost. */
static void crowded(const char *home, const char *crowd)
{
	double lost = loss_count("wait_unseen"), saw;
	const struct loop_row *l;
	pid_t sleepers[CROWD], pid;

	for (int i = 0; i < CROWD; i++)
		sleepers[i] = run_in(crowd, sleeper, NULL);
	usleep(300000);
	pid = loop_start(home, counted, NULL);
	hear(from_child[0]);
	usleep(50000);
	l = loop_find(snapshot_take(), pid);
	saw = l ? l->v[LOOP_WAITS] : 0;
	lost = loss_count("wait_unseen") - lost;
	check(saw + lost >= WAITS + TIMEOUTS + POLLS && saw <= WAITS + TIMEOUTS + POLLS,
	      "beside %d that sleep: waits that returned: saw %.0f, lost and counted so %.0f, true is %d", CROWD, saw,
	      lost, WAITS + TIMEOUTS + POLLS);
	loop_end(pid);
	for (int i = 0; i < CROWD; i++) {
		kill(sleepers[i], SIGKILL);
		waitpid(sleepers[i], NULL, 0);
	}
}

/* ---- a herd ---- */

#define HERD	 8
#define CONNECTS 200

static bool exclusive;
static int listener;

/* Writes how often it was woken (each sleep is a voluntary switch), how many waits returned something, and how many for nothing. */
static void herd_member(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0)}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	long answer[3] = {0, 0, 0};
	struct rusage u;

	(void)ctx;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	getrusage(RUSAGE_SELF, &u);
	answer[0] = -u.ru_nvcsw;
	for (;;) {
		if (epoll_wait(epoll, &ready, 1, 2000) == 0)
			break;
		answer[1]++;
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd >= 0)
			close(fd);
		else
			answer[2]++;
	}
	getrusage(RUSAGE_SELF, &u);
	answer[0] += u.ru_nvcsw;
	if (write(from_child[1], answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	for (;;)
		epoll_wait(epoll, &ready, 1, -1);
}

static void herd(const char *home, bool with)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	double woken = 0, returned = 0, taken = 0, empty = 0, productive = 0;
	pid_t members[HERD];

	exclusive = with;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0 ||
	    pipe(from_child) < 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&address, &length);
	for (int i = 0; i < HERD; i++)
		members[i] = run_in(home, herd_member, NULL);
	usleep(300000);
	for (int i = 0; i < CONNECTS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, length) < 0)
			exit(1);
		close(fd);
		usleep(2000);
	}
	for (int i = 0; i < HERD; i++) {
		long answer[3];

		if (read(from_child[0], answer, sizeof(answer)) != sizeof(answer))
			exit(1);
		/* The timeout is a wakeup, too. */
		woken += (double)answer[0] - 1;
		returned += (double)answer[1];
		taken += (double)answer[2];
	}
	usleep(100000);
	{
		const struct snapshot *s = snapshot_take();

		for (int i = 0; i < HERD; i++) {
			const struct loop_row *l = loop_find(s, members[i]);

			if (!l)
				continue;
			empty += l->v[LOOP_EMPTY_WAKEUPS];
			productive += l->v[LOOP_WAITS] - l->v[LOOP_TIMEOUTS];
		}
	}
	check_equal(with ? "EPOLLEXCLUSIVE: waits that returned" : "herd: waits that returned", productive, returned);
	/* A connection that waits already ends a wait without a sleep, so more may return than were woken. */
	check(fabs(empty - (woken - returned + taken)) <= 0.05 * woken + 5,
	      "%s: woken for nothing: saw %.0f, the program counts %.0f", with ? "EPOLLEXCLUSIVE" : "herd", empty,
	      woken - returned + taken);
	if (with)
		check(empty <= 0.1 * returned + 5,
		      "EPOLLEXCLUSIVE: next to nobody is woken for nothing: saw %.0f of %.0f", empty, returned);
	for (int i = 0; i < HERD; i++) {
		kill(members[i], SIGKILL);
		waitpid(members[i], NULL, 0);
	}
	close(listener);
	close(from_child[0]);
	close(from_child[1]);
}

int main(int argc, char **argv)
{
	if (loops_start(argc > 1 ? argv[1] : NULL)) {
		counts(cgroup_make("counts"));
		crowded(cgroup_make("crowded"), cgroup_make("crowd"));
		herd(cgroup_make("herd"), false);
		herd(cgroup_make("exclusive"), true);
	}
	return test_finish();
}
