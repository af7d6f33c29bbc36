/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll_uring.c - descriptors that a loop adds and removes through io_uring, as Node 26 does, are counted beside those of
 * epoll_ctl; where they cannot be seen, the number is absent. The ring is used by its system calls.
 */
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "lib/loop_test.h"

#define BY_RING 23
#define BY_CALL 7
#define REMOVED 11
#define OTHER	101 /* requests that are something else */

struct ring {
	int fd;
	unsigned int *tail, *mask, *array;
	struct io_uring_sqe *requests;
};

static bool ring_open(struct ring *r)
{
	struct io_uring_params p = {};
	size_t size;
	char *rings;

	r->fd = (int)syscall(__NR_io_uring_setup, 8, &p);
	if (r->fd < 0)
		return false;
	size = p.sq_off.array + p.sq_entries * sizeof(unsigned int);
	rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	r->requests = mmap(NULL, p.sq_entries * sizeof(*r->requests), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			   r->fd, IORING_OFF_SQES);
	if (rings == MAP_FAILED || r->requests == MAP_FAILED)
		return false;
	r->tail = (unsigned int *)(rings + p.sq_off.tail);
	r->mask = (unsigned int *)(rings + p.sq_off.ring_mask);
	r->array = (unsigned int *)(rings + p.sq_off.array);
	return true;
}

/* Submits one request and waits for its end. */
static void ring_do(struct ring *r, const struct io_uring_sqe *request)
{
	unsigned int tail = *r->tail, slot = tail & *r->mask;

	r->requests[slot] = *request;
	r->array[slot] = slot;
	__atomic_store_n(r->tail, tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		_exit(3);
}

static void ring_control(struct ring *r, int epoll, int op, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct io_uring_sqe request = {.opcode = IORING_OP_EPOLL_CTL,
				       .fd = epoll,
				       .off = (uint64_t)fd,
				       .len = (uint32_t)op,
				       .addr = (uint64_t)(uintptr_t)&event};

	ring_do(r, &request);
}

/* How many descriptors the epoll instance has, by the kernel. */
static int registered(int epoll)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
	if (read_file(path, 65536, &text, NULL) < 0)
		return 0;
	for (const char *at = text; (at = strstr(at, "tfd:")); at++)
		n++;
	return n;
}

static void ring_work(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	struct io_uring_sqe nothing = {.opcode = IORING_OP_NOP};
	int epoll = epoll_create1(EPOLL_CLOEXEC), fds[BY_RING];
	struct ring ring;

	(void)ctx;
	if (!ring_open(&ring))
		_exit(2);
	/* One to try whether this kernel does it. */
	ring_control(&ring, epoll, EPOLL_CTL_ADD, eventfd(0, EFD_CLOEXEC));
	if (registered(epoll) != 1)
		_exit(2);
	hear(to_child[0]);
	/* The queue of what is done has room for twice the requests; nobody reads it, and more are dropped. */
	for (int i = 0; i < BY_RING; i++)
		ring_control(&ring, epoll, EPOLL_CTL_ADD, fds[i] = eventfd(0, EFD_CLOEXEC));
	for (int i = 0; i < REMOVED; i++)
		ring_control(&ring, epoll, EPOLL_CTL_DEL, fds[i]);
	for (int i = 0; i < OTHER; i++)
		ring_do(&ring, &nothing);
	for (int i = 0; i < BY_CALL; i++)
		epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, EFD_CLOEXEC), &event);
	tell(from_child[1]);
	for (;;)
		epoll_wait(epoll, &ready, 1, 20);
}

/* Argument: the hook to use, instead of the best one. */
int main(int argc, char **argv)
{
	const char *home = cgroup_make("uring");
	const struct loop_row *row;
	bool unseen;
	pid_t pid;

	if (!loops_start(argc > 1 ? argv[1] : NULL))
		return test_finish();
	pid = loop_start(home, ring_work, NULL);
	usleep(100000);
	if (waitpid(pid, NULL, WNOHANG) == pid) {
		printf("ok %d - # SKIP io_uring does not control epoll here\n", ++test_number);
		return test_finish();
	}
	tell(to_child[1]);
	hear(from_child[0]);
	poll_until((row = loop_find(snapshot_take(), pid)) != NULL);
	unseen = pipeline_sample(test_pipeline)->loop_controls_unseen;
	if (row && unseen)
		check(value_absent(row->v[LOOP_ADDS]) && value_absent(row->v[LOOP_DELETES]),
		      "what is not seen is absent");
	else if (row)
		check_equal("descriptors added, by ring and by call", row->v[LOOP_ADDS], 1 + BY_RING + BY_CALL);
	if (row && !unseen)
		check_equal("descriptors removed by ring", row->v[LOOP_DELETES], REMOVED);
	check(row != NULL, "it is a loop");
	loop_end(pid);
	return test_finish();
}
