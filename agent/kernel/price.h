/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * price.h - what hooks cost those who meet them: a cheap system call and a wait in epoll that returns at once, timed before
 * the programs are there and after. For `sysscope doctor`.
 */
#ifndef SYSSCOPE_PRICE_H
#define SYSSCOPE_PRICE_H

#include <stdbool.h>

struct price {
	double syscall_ns; /* getppid */
	double epoll_ns;   /* epoll_wait with a timeout of 0; negative: could not be measured */
};

/* About 50 ms on this CPU. The least of many rounds: what disturbs only adds. */
struct price price_measure(void);

/* Whether two times of the same are as alike as can be expected of times that nothing disturbed. */
bool price_alike(double a, double b);

#endif
