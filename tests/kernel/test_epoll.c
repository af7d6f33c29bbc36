/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll.c [HOOK] - event loops whose waits and events are known: exact counts by each of the three system calls, and
 * processes that are woken for nothing. With HOOK only by that way to see waits: guests run it once for each.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/loop_test.h"

#define NAME	 "looper"
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
	asleep_wait(pid);
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
	check_equal("counts: after its end its group has the events",
		    group_value(snapshot_take(), home, NAME, GROUP_LOOP_EVENTS), 2 * WAITS);
}

/* ---- ends and beginnings that nobody sees ---- */

#define LAST_SPIN 0.3

/* An eventfd that stays readable: every wait returns one event. */
static int epoll_ready(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(1, 0), &event);
	return epoll;
}

/* What the loop says of its own iterations; the kernel's last one begins a little before and ends a little later. */
static struct own_clock {
	double began, ended; /* of an iteration */
} * own;

static void dies_busy(void *ctx)
{
	struct epoll_event ready;
	int epoll = epoll_ready();

	(void)ctx;
	for (int i = 0; i < 3; i++) {
		own[i].began = now_seconds();
		epoll_wait(epoll, &ready, 1, 1000);
	}
	own[3].began = now_seconds();
	do
		own[3].ended = now_seconds();
	while (own[3].ended < own[3].began + LAST_SPIN);
	_exit(0);
}

static void dies(const char *home)
{
	pid_t pid = run_in(home, dies_busy, NULL);
	const struct snapshot *s;
	double stalls = 0, most = 1, sum, reaped;

	waitpid(pid, NULL, 0);
	reaped = now_seconds();
	s = snapshot_take();
	check_equal("dies while it works: iterations", group_value(s, home, NAME, GROUP_LOOP_ITERATIONS), 3);
	for (int i = GROUP_LOOP_STALLS_ONCPU; i <= GROUP_LOOP_STALLS_BLOCKED; i++)
		stalls += group_value(s, home, NAME, i);
	/* On a busy machine an iteration before may have been a stall, too: from wait to wait it took longer than that. */
	for (int i = 1; i < 3; i++)
		most += own[i + 1].began - own[i - 1].began >= 0.1;
	check(stalls >= 1 && stalls <= most, "dies while it works: that was a stall: saw %.0f, true is 1 to %.0f",
	      stalls, most);
	sum = group_value(s, home, NAME, GROUP_LOOP_SUM) / 1e9;
	check_time_within("dies while it works: seconds of iterations", sum, own[3].ended - own[3].began, 0.1,
			  0.02 + reaped - own[3].ended + own[3].began - own[0].began);
}

static void executes(void *ctx)
{
	struct epoll_event ready;
	int epoll = epoll_ready();

	(void)ctx;
	for (int i = 0; i < 5; i++)
		epoll_wait(epoll, &ready, 1, 1000);
	execl("/proc/self/exe", "again", "--sleep", NULL);
	_exit(1);
}

static bool has_name(pid_t pid, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return read_file(path, 64, &text, NULL) == 0 && strncmp(text, name, strlen(name)) == 0;
}

static void another_program(const char *home)
{
	pid_t pid;

	prctl(PR_SET_NAME, "before");
	pid = loop_start(home, executes, NULL);
	prctl(PR_SET_NAME, NAME);
	poll_until(has_name(pid, "exe"));
	/* It has that name before the exec is over. */
	asleep_wait(pid);
	check_equal("executes another program: events are of the one before",
		    group_value(snapshot_take(), home, "before", GROUP_LOOP_EVENTS), 5);
	check(value_absent(group_value(snapshot_take(), home, "exe", GROUP_LOOP_EVENTS)),
	      "executes another program: which has none");
	loop_end(pid);
	check_equal("executes another program: after its end, too",
		    group_value(snapshot_take(), home, "before", GROUP_LOOP_EVENTS), 5);
}

static void sleeps_and_tells(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)ctx;
	epoll_ctl(epoll, EPOLL_CTL_ADD, to_child[0], &event);
	for (;;) {
		epoll_wait(epoll, &ready, 1, -1);
		own->began = now_seconds();
		hear(to_child[0]);
		own->ended = now_seconds();
		tell(from_child[1]);
	}
}

/* The loop sleeps since before there was anybody to see it: what it sleeps from then on is known, also when it ends. */
static void asleep_before(pid_t pid)
{
	/* When in a snapshot the loop was read is not known, so that the truth lies between two values. */
	double before = now_seconds(), began, told, ended, after, slept, least, most;
	const struct loop_row *l = loop_find(snapshot_take(), pid);

	began = now_seconds();
	check(l != NULL, "asleep since before: it is a loop");
	slept = l ? l->v[LOOP_ASLEEP] : VALUE_ABSENT;
	usleep(500000);
	told = now_seconds();
	tell(to_child[1]);
	hear(from_child[0]);
	asleep_wait(pid);
	ended = now_seconds();
	l = loop_find(snapshot_take(), pid);
	after = now_seconds();
	if (!l)
		return;
	/* Awake at most from when it was told, at least from one of its own readings of the clock to the other. */
	least = told - began;
	most = after - before - (own->ended - own->began);
	check_time_within("asleep since before: seconds asleep", (l->v[LOOP_ASLEEP] - slept) / 1e9, (least + most) / 2,
			  0.02, (most - least) / 2 + 0.01);
	check(l->v[LOOP_UTILIZATION] <= (ended - told) / (ended - began) + 0.1,
	      "asleep since before: it was idle: saw %.4f busy", l->v[LOOP_UTILIZATION]);
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
	for (int i = 0; i < CROWD; i++)
		asleep_wait(sleepers[i]);
	pid = loop_start(home, counted, NULL);
	hear(from_child[0]);
	asleep_wait(pid);
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

/* What the herd shares with the test. */
static struct {
	int accepted;
	bool enough;
} * herd_shared;

static long voluntary_switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_nvcsw;
}

/*
 * Writes how often it was woken for nothing (each sleep is a voluntary switch, and all but the last of a wait were in vain;
 * or another has taken the connection), how many waits returned something, and its pid.
 */
static void herd_member(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0)}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd, n;
	long answer[3] = {0, 0, getpid()}, slept;

	(void)ctx;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	do {
		slept = voluntary_switches();
		n = epoll_wait(epoll, &ready, 1, 200);
		slept = voluntary_switches() - slept;
		answer[0] += slept > 1 ? slept - 1 : 0;
		if (n != 1)
			continue;
		answer[1]++;
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd >= 0) {
			close(fd);
			__atomic_add_fetch(&herd_shared->accepted, 1, __ATOMIC_SEQ_CST);
		} else {
			answer[0]++;
		}
	} while (n || !__atomic_load_n(&herd_shared->enough, __ATOMIC_SEQ_CST));
	if (write(from_child[1], answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	pause();
}

/* Every member waits again: the next connection wakes as many as it can. */
static bool herd_rests(const pid_t *members)
{
	for (int i = 0; i < HERD; i++)
		if (!asleep(members[i]))
			return false;
	return true;
}

static void herd(const char *home, bool with)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	double in_vain = 0, returned = 0, empty = 0, productive = 0;
	pid_t members[HERD];
	long answers[HERD][3];
	int loops = 0;

	exclusive = with;
	herd_shared->accepted = 0;
	herd_shared->enough = false;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0 ||
	    pipe(from_child) < 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&address, &length);
	for (int i = 0; i < HERD; i++)
		members[i] = run_in(home, herd_member, NULL);
	for (int i = 0; i < CONNECTS; i++) {
		poll_until(herd_rests(members));
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, length) < 0)
			exit(1);
		close(fd);
		poll_until(__atomic_load_n(&herd_shared->accepted, __ATOMIC_SEQ_CST) == i + 1);
	}
	__atomic_store_n(&herd_shared->enough, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < HERD; i++) {
		if (read(from_child[0], answers[i], sizeof(answers[i])) != sizeof(answers[i]))
			exit(1);
	}
	poll_until(herd_rests(members));
	{
		const struct snapshot *s = snapshot_take();

		/* One that hardly ever got a connection has not been in enough waits to be a loop. */
		for (int i = 0; i < HERD; i++) {
			const struct loop_row *l = loop_find(s, (pid_t)answers[i][2]);

			if (!l)
				continue;
			loops++;
			in_vain += (double)answers[i][0];
			returned += (double)answers[i][1];
			empty += l->v[LOOP_EMPTY_WAKEUPS];
			productive += l->v[LOOP_WAITS] - l->v[LOOP_TIMEOUTS];
		}
	}
	check(loops > 0, "%s: members that are loops: %d of %d", with ? "EPOLLEXCLUSIVE" : "herd", loops, HERD);
	check_equal(with ? "EPOLLEXCLUSIVE: waits that returned" : "herd: waits that returned", productive, returned);
	check_within(with ? "EPOLLEXCLUSIVE: woken for nothing" : "herd: woken for nothing", empty, in_vain, 0.02, 2);
	if (with)
		check(empty <= 0.1 * returned + 5,
		      "EPOLLEXCLUSIVE: next to nobody is woken for nothing: saw %.0f of %.0f", empty, returned);
	else
		check(empty > CONNECTS, "herd: most are woken for nothing: saw %.0f for %d connections", empty,
		      CONNECTS);
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
	pid_t sleeper;

	if (argc > 1 && strcmp(argv[1], "--sleep") == 0)
		return (int)sleep(60);
	own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	herd_shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED || herd_shared == MAP_FAILED)
		return 1;
	prctl(PR_SET_NAME, NAME);
	sleeper = loop_start(cgroup_make("asleep"), sleeps_and_tells, NULL);
	asleep_wait(sleeper);
	if (loops_start(argc > 1 ? argv[1] : NULL)) {
		asleep_before(sleeper);
		counts(cgroup_make("counts"));
		dies(cgroup_make("dies"));
		another_program(cgroup_make("executes"));
		crowded(cgroup_make("crowded"), cgroup_make("crowd"));
		herd(cgroup_make("herd"), false);
		herd(cgroup_make("exclusive"), true);
	}
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	return test_finish();
}
