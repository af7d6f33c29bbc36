/* SPDX-License-Identifier: GPL-2.0-or-later */
/* price.c - see price.h. */
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "kernel/price.h"

#define ROUNDS 40
#define CALLS  2000
#define ALIKE  0.08

bool price_alike(double a, double b)
{
	return fabs(a - b) <= ALIKE * fmax(fabs(a), fabs(b));
}

struct price price_measure(void)
{
	_cleanup_close_ int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct price p = {.syscall_ns = 1e9, .epoll_ns = epoll < 0 ? -1 : 1e9};
	struct epoll_event event;
	cpu_set_t before, one;
	bool moved = sched_getaffinity(0, sizeof(before), &before) == 0;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t began = clock_boot_ns(), middle;

		for (int i = 0; i < CALLS; i++)
			syscall(SYS_getppid);
		middle = clock_boot_ns();
		for (int i = 0; i < CALLS && epoll >= 0; i++)
			epoll_wait(epoll, &event, 1, 0);
		p.syscall_ns = fmin(p.syscall_ns, (double)(middle - began) / CALLS);
		if (epoll >= 0)
			p.epoll_ns = fmin(p.epoll_ns, (double)(clock_boot_ns() - middle) / CALLS);
	}
	if (moved)
		sched_setaffinity(0, sizeof(before), &before);
	return p;
}
