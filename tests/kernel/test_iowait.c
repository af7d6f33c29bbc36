/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_iowait.c - a thread that waits in io_uring for a client that never comes: the kernel counts that as waiting for I/O, and
 * it is told apart.
 */
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>

#include "lib/sched_test.h"

static int told[2];

/* A request that never completes. False: no io_uring here. */
static int ring_idle(void)
{
	struct io_uring_params p = {};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p), pipes[2];
	struct io_uring_sqe *sqe;
	unsigned int *tail, *array;
	char *ring;

	if (fd < 0 || pipe(pipes) < 0)
		return -1;
	ring = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		   IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqe == MAP_FAILED)
		return -1;
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .fd = pipes[0], .poll32_events = POLLIN};
	tail = (void *)(ring + p.sq_off.tail);
	array = (void *)(ring + p.sq_off.array);
	array[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0) == 1 ? fd : -1;
}

static void work(void *ctx)
{
	int fd = ring_idle();
	char answer = fd < 0 ? 'n' : 'y';

	(void)ctx;
	if (write(told[1], &answer, 1) == 1 && fd >= 0)
		syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	for (;;)
		pause();
}

static double process_value(pid_t pid, int metric)
{
	const struct process_row *p = process_row_find(snapshot_take(), pid);

	return p ? p->v[metric] / 1e9 : NAN;
}

int main(void)
{
	const char *home = cgroup_make("iowait");
	const struct process_row *p;
	double before, after, shortest, longest, waited, uring, class;
	char answer;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(told) < 0)
		return 1;
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	pid = run_in(home, work, NULL);
	if (read(told[0], &answer, 1) != 1 || answer != 'y') {
		printf("ok %d - # SKIP no io_uring here\n", ++test_number);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return test_finish();
	}
	asleep_wait(pid);
	before = now_seconds();
	waited = process_value(pid, PROCESS_IOWAIT);
	after = now_seconds();
	sleep(2);
	shortest = now_seconds() - after; /* a snapshot reads it some time between its begin and its end */
	p = process_row_find(snapshot_take(), pid);
	if (!p) {
		check(false, "the process has a row");
		return test_finish();
	}
	longest = now_seconds() - before;
	uring = p->v[PROCESS_IOWAIT_IO_URING] / 1e9;
	class = p->v[PROCESS_BLOCKED_IO_URING] / 1e9;
	waited = p->v[PROCESS_IOWAIT] / 1e9 - waited;
	check(class >= 2, "it is blocked in io_uring: %.3f s", class);
	if (p->v[PROCESS_IOWAIT] == 0) {
		check(uring == 0,
		      "this kernel does not count an idle io_uring as waiting for I/O, nor is any told apart");
	} else {
		check(waited > shortest - TICK_SECONDS && waited < longest + TICK_SECONDS,
		      "it waits for I/O by the kernel's definition: saw %.6f, true is between %.6f and %.6f", waited,
		      shortest, longest);
		check_within("all of that is told apart", uring, p->v[PROCESS_IOWAIT] / 1e9, 1e-9, 0.001);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}
