/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_workers.c - which children of a server are its workers, and which of them are idle: those that wait at a listening
 * socket, by accept, select, poll or epoll, and not those that wait for a client by the same calls. A child without the socket
 * that the others share is no worker; where the parent alone listens, one without a connection from there is none. What such a
 * worker computes for its client is no stall of an event loop, though it lives in epoll.
 */
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/loop_test.h"
#include "sysscope/sample.h"

#define CHILDREN      8
#define STALL_SECONDS 0.15
#define STALLS	      3

struct report {
	uint32_t port;
	struct sockaddr_un path; /* of no file */
	socklen_t path_size;
	pid_t children[CHILDREN];
	volatile int ready;
};

static int tcp_listen(struct report *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 16) < 0)
		_exit(1);
	getsockname(fd, (struct sockaddr *)&a, &size);
	r->port = ntohs(a.sin_port);
	return fd;
}

static int unix_listen(struct report *r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	r->path.sun_family = AF_UNIX;
	r->path_size = sizeof(r->path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&r->path, sizeof(sa_family_t)) < 0 || listen(fd, 16) < 0)
		_exit(1);
	getsockname(fd, (struct sockaddr *)&r->path, &r->path_size);
	return fd;
}

static void by_select(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, NULL);
}

static void by_poll(int fd, int other)
{
	struct pollfd p[2] = {{.fd = other, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	ppoll(p, 2, NULL, NULL);
}

static void by_epoll(int fd)
{
	struct epoll_event e = {.events = EPOLLIN};
	static int epoll = -1;

	if (epoll >= 0) {
		epoll_wait(epoll, &e, 1, -1);
		return;
	}
	epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	epoll_wait(epoll, &e, 1, -1);
}

/* Lives in epoll, and computes for longer than a stall for each byte of its client. */
static void serve_by_epoll(int client)
{
	char byte;

	for (by_epoll(client); read(client, &byte, 1) == 1; by_epoll(client)) {
		burn(STALL_SECONDS);
		if (write(client, &byte, 1) != 1)
			_exit(1);
	}
}

/* Waits until the test is over. */
static void child_wait(int i, int listener, int client)
{
	switch (i) {
	case 0:
		accept(listener, NULL, NULL);
		break;
	case 1:
		by_select(listener);
		break;
	case 2:
		by_poll(listener, client);
		break;
	case 3:
		by_epoll(listener);
		break;
	case 4: /* the rest waits for a client */
		by_select(client);
		break;
	case 5:
		by_poll(client, client);
		break;
	case 6:
		serve_by_epoll(client);
		break;
	default:
		_exit(read(client, &i, 1) < 0);
	}
	_exit(0);
}

static pid_t child_start(struct report *r)
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	__sync_fetch_and_add(&r->ready, 1);
	return 0;
}

/* Seven workers, of which four are idle, and a helper that reads from a pipe and has not the socket. */
static void serve_together(void *ctx)
{
	struct report *r = ctx;
	int pair[2], listener = tcp_listen(r);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = child_start(r);

		if (child) {
			r->children[i] = child; /* shared: the child must not write its 0 */
			continue;
		}
		if (i == CHILDREN - 1)
			close(listener);
		child_wait(i, listener, pair[0]);
	}
	pause();
}

/* A child for each connection, and two that look after something. */
static void serve_each(void *ctx)
{
	struct report *r = ctx;
	struct pollfd p[2] = {{.fd = tcp_listen(r), .events = POLLIN}, {.fd = unix_listen(r), .events = POLLIN}};
	int pipes[2];

	if (pipe(pipes) < 0)
		_exit(1);
	for (int i = 0; i < CHILDREN; i++) {
		int client = pipes[0];
		pid_t child;

		if (i >= 2) {
			poll(p, 2, -1);
			client = accept(p[p[0].revents ? 0 : 1].fd, NULL, NULL);
		}
		child = child_start(r);
		if (!child) {
			close(p[0].fd);
			close(p[1].fd);
			child_wait(i < 2 ? 7 : 4 + i % 4, -1, client);
		}
		r->children[i] = child;
		if (i >= 2)
			close(client);
	}
	pause();
}

static void expect_workers(pid_t pid, double workers, double idle, const char *what)
{
	const struct process_row *p = NULL;
	double seen = -1, waiting = -1;

	for (double end = now_seconds() + PATIENCE_SECONDS; now_seconds() < end; usleep(100000)) {
		p = process_row_find(snapshot_take(), pid);
		seen = p ? p->v[PROCESS_MODEL_WORKERS] : -1;
		waiting = p ? p->v[PROCESS_MODEL_IDLE] : -1;
		if (seen == workers && (waiting == idle || isnan(idle)))
			break;
	}
	check(p && p->model && strcmp(p->model, "prefork") == 0, "%s: saw %s, true is prefork", what,
	      p && p->model ? p->model : "no model");
	check(seen == workers, "%s: workers: saw %.0f, true is %.0f", what, seen, workers);
	if (isnan(idle))
		check(isnan(waiting), "%s: workers that wait: saw %.0f, true is that it means nothing", what, waiting);
	else
		check(waiting == idle, "%s: workers that wait: saw %.0f, true is %.0f", what, waiting, idle);
}

static int tcp_connect(const struct report *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)r->port);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

static int unix_connect(const struct report *r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)&r->path, r->path_size) < 0 ? -1 : fd;
}

static double stalls_of(const char *home)
{
	double sum = 0;

	for (int cause = 0; cause < SS_STALL_CAUSES; cause++) {
		double n = group_value(snapshot_take(), home, "test_workers", GROUP_LOOP_STALLS_ONCPU + cause);

		sum += value_absent(n) ? 0 : n;
	}
	return sum;
}

/* Its child lives in epoll, and computes for the client. */
static void expect_no_stalls(const char *home, pid_t child, int client)
{
	for (int i = 0; i < STALLS; i++) {
		char byte = 0;

		if (write(client, &byte, 1) != 1 || read(client, &byte, 1) != 1)
			check(false, "the worker answers");
		snapshot_take();
	}
	check(!loop_find(snapshot_take(), child), "a worker that serves one client is no loop: it has no row");
	check_equal("its stalls", stalls_of(home), 0);
	shutdown(client, SHUT_WR);
	poll_until(kill(child, 0) < 0 || !process_row_find(snapshot_take(), child) ||
		   process_row_find(snapshot_take(), child)->state == 'Z');
	check_equal("its stalls, once it has ended", stalls_of(home), 0);
}

static struct report *report_make(void)
{
	return mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void server_stop(struct report *r, pid_t pid)
{
	for (int i = 0; i < CHILDREN; i++)
		if (r->children[i] > 0)
			kill(r->children[i], SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	struct report *together = report_make(), *each = report_make();
	pid_t first = run_in(cgroup_make("workers"), serve_together, together);
	const char *home = cgroup_make("connections");
	pid_t second = run_in(home, serve_each, each);
	int client;

	poll_until(together->ready >= CHILDREN && each->ready >= 2);
	pipeline_start();
	snapshot_take();
	if (!pipeline_sample(test_pipeline)->socket_owners_ns) {
		printf("ok %d - workers # SKIP this kernel offers no pass over listening sockets (5.11)\n",
		       ++test_number);
	} else {
		expect_workers(first, CHILDREN - 1, 4, "a socket that is shared");
		expect_workers(second, 0, NAN, "one for each connection, and none");
		client = tcp_connect(each);
		poll_until(each->ready >= 3);
		check(client >= 0 && tcp_connect(each) >= 0 && unix_connect(each) >= 0, "three connect");
		expect_workers(second, 3, NAN, "one for each connection");
		expect_no_stalls(home, each->children[2], client);
	}
	server_stop(together, first);
	server_stop(each, second);
	return test_finish();
}
