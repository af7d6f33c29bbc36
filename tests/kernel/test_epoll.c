/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll.c - event loops whose waits, events and stalls are known: exact counts, utilisation, the cause of a long
 * iteration, a loop that never sleeps, and processes that are woken for nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sched_test.h"

#define WAITS	 500
#define TIMEOUTS 20
#define POLLS	 100

static int to_child[2], from_child[2];
static int last_cpu;

static const struct loop_row *loop_find(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (s->processes[s->loops[i].process].pid == (uint32_t)pid)
			return &s->loops[i];
	return NULL;
}

static void tell(int fd)
{
	char c = 'x';

	if (write(fd, &c, 1) != 1)
		_exit(1);
}

static void hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

static pid_t start(const char *home, void (*work)(void *ctx))
{
	if (pipe(to_child) < 0 || pipe(from_child) < 0)
		exit(1);
	return run_in(home, work, NULL);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(from_child[i]);
	}
}

/* ---- counts ---- */

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
		if (epoll_wait(epoll, ready, 4, -1) != 2)
			_exit(1);
		for (int f = 0; f < 2; f++)
			if (read(fds[f], &value, sizeof(value)) != sizeof(value))
				_exit(1);
		value = 1;
	}
	for (int i = 0; i < TIMEOUTS; i++)
		epoll_pwait(epoll, ready, 4, 10, NULL);
	for (int i = 0; i < POLLS; i++)
		epoll_wait(epoll, ready, 4, 0);
	epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL);
	tell(from_child[1]);
	epoll_wait(epoll, ready, 4, -1); /* under way when it is looked at */
	_exit(0);
}

static void counts(const char *home)
{
	const struct loop_row *l;
	pid_t pid = start(home, counted);

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
	end(pid);
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

/* ---- utilisation and stalls ---- */

static char fifo[] = "/tmp/sysscope-test-XXXXXX/fifo";

/* What a byte asks for: 'h' spins half of each 20 ms for 3 s; 's' spins 120 ms once; 'f' opens and reads a FIFO. */
static void obedient(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	char c = 0;

	(void)ctx;
	pin(last_cpu);
	epoll_ctl(epoll, EPOLL_CTL_ADD, to_child[0], &event);
	for (;;) {
		if (epoll_wait(epoll, &ready, 1, 1000) != 1)
			continue;
		hear(to_child[0]);
		if (read(to_child[0], &c, 1) != 1)
			_exit(0);
		switch (c) {
		case 'h':
			for (int i = 0; i < 150; i++) {
				double until = now_seconds() + 0.02, left;

				burn(0.01);
				left = until - now_seconds();
				/* A starved one has none left. */
				epoll_wait(epoll, &ready, 1, left > 0 ? (int)(left * 1000) + 1 : 1);
			}
			break;
		case 's':
			burn(0.12);
			break;
		case 'f':
			fd = open(fifo, O_RDONLY | O_CLOEXEC);
			if (fd < 0 || read(fd, &c, 1) != 1)
				_exit(1);
			close(fd);
			break;
		case 'p': /* never sleeps */
			for (double until = now_seconds() + 3; now_seconds() < until;)
				epoll_wait(epoll, &ready, 1, 0);
			break;
		}
		tell(from_child[1]);
	}
}

static void ask(char what)
{
	char text[2] = {'x', what};

	if (write(to_child[1], text, 2) != 2)
		exit(1);
}

/* The kernel's and the loop's own work around the spin: well below 1 ms, but on an emulated CPU ten. */
#define OWN_WORK 0.02

static double stall_seconds(const struct stall *st, int class)
{
	return class < 0 ? st->oncpu : st->blocked[class];
}

static void utilisation(pid_t pid)
{
	const struct loop_row *l;
	double busy, wall;
	uint64_t began;

	ask('h');
	usleep(300000);
	snapshot_take();
	began = pipeline_sample(test_pipeline)->boot_ns;
	busy = thread_times((uint32_t)pid).exec + thread_times((uint32_t)pid).wait;
	sleep(2);
	l = loop_find(snapshot_take(), pid);
	wall = seconds(pipeline_sample(test_pipeline)->boot_ns - began);
	busy = thread_times((uint32_t)pid).exec + thread_times((uint32_t)pid).wait - busy;
	check_within("utilisation is the share in which it was not in epoll", l ? l->v[LOOP_UTILIZATION] : -1,
		     busy / wall, 0, 0.05); /* the truth is read a moment later, on emulated CPUs a long one */
	hear(from_child[0]);

	ask('p');
	usleep(300000);
	snapshot_take();
	sleep(2);
	l = loop_find(snapshot_take(), pid);
	check_within("a loop that never sleeps is busy all the time", l ? l->v[LOOP_UTILIZATION] : -1, 1, 0, 0.001);
	check(l && l->v[LOOP_ITERATION_RATE] > 1000, "and turns: %.0f iterations a second",
	      l ? l->v[LOOP_ITERATION_RATE] : -1);
	check_equal("and has no stall", l ? l->v[LOOP_STALLS] : -1, 0);
	hear(from_child[0]);
}

static void spin_for_ever(void *ctx)
{
	(void)ctx;
	pin(last_cpu);
	for (;;)
		;
}

/* The loop's row when it has had that many stalls: it tells that it is done before it waits again. */
static const struct loop_row *stalled(pid_t pid, int stalls)
{
	const struct loop_row *l = NULL;

	for (int i = 0; i < 50 && !(l && l->v[LOOP_STALLS] >= stalls); i++) {
		usleep(50000);
		l = loop_find(snapshot_take(), pid);
	}
	return l;
}

/* Cgroups share a CPU evenly, so two spinners have two, and the loop gets a third. */
static void stalls(const char *const *homes, pid_t pid)
{
	const struct loop_row *l;
	struct stall st;
	pid_t spinners[2];
	int fd;

	ask('s');
	hear(from_child[0]);
	l = stalled(pid, 1);
	st = l ? l->last_stall : (struct stall){};
	check_equal("spinning for 120 ms: stalls", l ? l->v[LOOP_STALLS] : -1, 1);
	check(st.cause && strcmp(st.cause, "oncpu") == 0, "its cause: saw %s, true is oncpu",
	      st.cause ? st.cause : "none");
	check_within("its time on a CPU", stall_seconds(&st, -1), 0.12, 0, OWN_WORK);

	sleep(1); /* facts about one loop come once a second */
	ask('f');
	usleep(180000);
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	usleep(1000);
	tell(fd);
	close(fd);
	hear(from_child[0]);
	l = stalled(pid, 2);
	st = l ? l->last_stall : (struct stall){};
	check_equal("opening a FIFO without a writer: stalls", l ? l->v[LOOP_STALLS] : -1, 2);
	check(st.cause && strcmp(st.cause, "blocked") == 0, "its cause: saw %s, true is blocked",
	      st.cause ? st.cause : "none");
	check(st.blocked[SS_WAIT_FILE] + st.blocked[SS_WAIT_PIPE] > 0.15, "in file or pipe: saw %.4f s",
	      st.blocked[SS_WAIT_FILE] + st.blocked[SS_WAIT_PIPE]);

	sleep(1);
	for (int i = 0; i < 2; i++)
		spinners[i] = run_in(homes[i], spin_for_ever, NULL);
	usleep(200000);
	ask('s');
	hear(from_child[0]);
	l = stalled(pid, 3);
	st = l ? l->last_stall : (struct stall){};
	check(st.cause && strcmp(st.cause, "runqueue") == 0,
	      "starved by two spinners, its cause: saw %s, true is runqueue", st.cause ? st.cause : "none");
	check_within("and it still ran for as long", stall_seconds(&st, -1), 0.12, 0, OWN_WORK);
	for (int i = 0; i < 2; i++) {
		kill(spinners[i], SIGKILL);
		waitpid(spinners[i], NULL, 0);
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

int main(void)
{
	const struct snapshot *s;
	const char *homes[2];
	bool there = false;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	last_cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	pipeline_start();
	s = snapshot_take();
	for (size_t i = 0; i < s->n_collectors; i++)
		there |= strcmp(s->collectors[i].name, "epoll") == 0 && s->collectors[i].ok;
	if (!there || pipeline_sample(test_pipeline)->loops_by_sleep) {
		printf("ok 1 - # SKIP epoll cannot be hooked on this kernel\n");
		return test_finish();
	}
	counts(cgroup_make("counts"));
	*strrchr(fifo, '/') = '\0';
	if (!mkdtemp(fifo))
		return 1;
	fifo[strlen(fifo)] = '/';
	mkfifo(fifo, 0600);
	pid = start(cgroup_make("loop"), obedient);
	utilisation(pid);
	homes[0] = cgroup_make("spinner");
	homes[1] = cgroup_make("spinners");
	stalls(homes, pid);
	end(pid);
	unlink(fifo);
	*strrchr(fifo, '/') = '\0';
	rmdir(fifo);
	herd(cgroup_make("herd"), false);
	herd(cgroup_make("exclusive"), true);
	return test_finish();
}
