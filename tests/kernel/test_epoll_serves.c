/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll_serves.c - behind which loops others wait: a process whose main thread waits for a lock has one thread for each kind
 * of descriptor, and each lives in epoll with that one descriptor. Shown are those by whose descriptor others reach the process,
 * found by the iterator in threads that are older than it, and by the hooks in those that begin later; and of a process whose only
 * thread has nothing but an eventfd, that one. What the others did is in no sum.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/loop_test.h"

#define EVENTS 41 /* of the thread with an eventfd */

static int fd_event(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int fd_pipe(void)
{
	int fds[2];

	return pipe(fds) < 0 ? -1 : fds[0];
}

static int inet_bound(int type, int flags, struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, type | flags, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0 || (type == SOCK_STREAM && listen(fd, 5) < 0) ||
	    getsockname(fd, (struct sockaddr *)at, &size) < 0)
		return -1;
	return fd;
}

static int fd_tcp_listens(void)
{
	struct sockaddr_in at;

	return inet_bound(SOCK_STREAM, 0, &at);
}

/* Both ends of a connection of the process with itself. */
static int tcp_end(bool accepted)
{
	int listening, fd = socket(AF_INET, SOCK_STREAM, 0), other;
	struct sockaddr_in at;

	listening = inet_bound(SOCK_STREAM, 0, &at);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	other = accept(listening, NULL, NULL);
	return accepted ? other : fd;
}

static int fd_tcp_accepted(void)
{
	return tcp_end(true);
}

static int fd_tcp_connected(void)
{
	return tcp_end(false);
}

/* A server's port is one that it chose. */
static int fd_udp_bound(void)
{
	struct sockaddr_in at;
	int fd;

	for (int port = 20000; port < 60000; port += 101) {
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		at = (struct sockaddr_in){.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					  .sin_port = htons((uint16_t)port)};
		if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int fd_udp_connected(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : fd;
}

/* Ends of a UNIX connection of the process with itself: 'l'istens, 'a'ccepted, 'c'onnected. */
static int unix_end(char which)
{
	static int number;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0), other;
	socklen_t size;

	/* Of the abstract name space: nothing stays. */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(at.sun_path + 1, 60, "sysscope-serves-%d-%d", getpid(), number++));
	if (bind(listening, (struct sockaddr *)&at, size) < 0 || listen(listening, 5) < 0 ||
	    connect(fd, (struct sockaddr *)&at, size) < 0)
		return -1;
	other = accept(listening, NULL, NULL);
	return which == 'l' ? listening : which == 'a' ? other : fd;
}

static int fd_unix_listens(void)
{
	return unix_end('l');
}

static int fd_unix_accepted(void)
{
	return unix_end('a');
}

static int fd_unix_connected(void)
{
	return unix_end('c');
}

static int fd_pair(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ? -1 : fds[0];
}

static int of_parent[2];

static int fd_pair_of_parent(void)
{
	return of_parent[1];
}

static const struct kind {
	const char *name;
	int (*open)(void);
	bool serves;
} kinds[] = {
	{"eventfd", fd_event, false},
	{"pipe", fd_pipe, false},
	{"tcp-listens", fd_tcp_listens, true},
	{"tcp-accepted", fd_tcp_accepted, true},
	{"tcp-connected", fd_tcp_connected, false},
	{"udp-bound", fd_udp_bound, true},
	{"udp-connected", fd_udp_connected, false},
	{"unix-listens", fd_unix_listens, true},
	{"unix-accepted", fd_unix_accepted, true},
	{"unix-connected", fd_unix_connected, false},
	{"pair", fd_pair, false},
	{"pair-of-parent", fd_pair_of_parent, true},
};

static void *thread_lives(void *ctx)
{
	const struct kind *kind = ctx;
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = kind->open();
	uint64_t one = 1;

	prctl(PR_SET_NAME, kind->name);
	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		_exit(1);
	/* Other descriptors around it, so that it has to be looked for. */
	for (int i = 0; i < 12; i++)
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd_event(), &event);
	for (int i = 0;; i++) {
		if (kind->open == fd_event && i < EVENTS && write(fd, &one, sizeof(one)) < 0)
			_exit(1);
		epoll_wait(epoll, &ready, 1, 20);
		if (kind->open == fd_event && i < EVENTS && read(fd, &one, sizeof(one)) < 0)
			_exit(1);
	}
	return NULL;
}

static void process_lives(void *ctx)
{
	pthread_t t;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		pthread_create(&t, NULL, thread_lives, (void *)&kinds[i]);
	pthread_join(t, NULL);
}

static void alone_lives(void *ctx)
{
	(void)ctx;
	thread_lives((void *)&kinds[0]);
}

static const struct loop_row *loop_of(const struct snapshot *s, pid_t pid, const char *thread)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (s->processes[s->loops[i].process].pid == (uint32_t)pid && strcmp(s->loops[i].thread, thread) == 0)
			return &s->loops[i];
	return NULL;
}

static size_t loops_of(const struct snapshot *s, pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_loops; i++)
		n += s->processes[s->loops[i].process].pid == (uint32_t)pid;
	return n;
}

static void kinds_check(const char *when, pid_t pid, const char *home)
{
	const struct snapshot *s;
	size_t truth = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		truth += kinds[i].serves;
	poll_until(loops_of(snapshot_take(), pid) >= truth);
	usleep(200000);
	s = snapshot_take();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		check(!!loop_of(s, pid, kinds[i].name) == kinds[i].serves, "%s: %s is %s", when, kinds[i].name,
		      kinds[i].serves ? "a loop" : "none");
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].cgroup, home) == 0 && !s->groups[i].dead)
			check(!(s->groups[i].v[GROUP_LOOP_EVENTS] > 0), "%s: no event of others in the sums: saw %.0f",
			      when, s->groups[i].v[GROUP_LOOP_EVENTS]);
}

int main(void)
{
	const char *older = cgroup_make("older"), *newer = cgroup_make("newer"), *alone = cgroup_make("alone");
	pid_t first, second, third;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, of_parent) < 0)
		return 1;
	first = run_in(older, process_lives, NULL);
	usleep(300000);
	if (!loops_start(NULL))
		return test_finish();
	second = run_in(newer, process_lives, NULL);
	third = run_in(alone, alone_lives, NULL);
	kinds_check("older than sysscope", first, older);
	kinds_check("younger", second, newer);
	check(poll_until(loop_of(snapshot_take(), third, kinds[0].name)),
	      "a main thread is a loop, whatever it waits for");
	kill(second, SIGKILL);
	waitpid(second, NULL, 0);
	kill(first, SIGKILL);
	kill(third, SIGKILL);
	container_value_until(newer, CONTAINER_EXITS, 1);
	for (const struct snapshot *s = snapshot_take(); s; s = NULL)
		for (size_t i = 0; i < s->n_groups; i++)
			if (strcmp(s->containers[s->groups[i].container].cgroup, newer) == 0)
				check(!(s->groups[i].v[GROUP_LOOP_EVENTS] > 0),
				      "when it has ended: no event of others in the sums: saw %.0f",
				      s->groups[i].v[GROUP_LOOP_EVENTS]);
	return test_finish();
}
