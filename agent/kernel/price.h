/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * price.h - the price of hooks: times a cheap system call and an epoll_wait that returns at once, to be compared before and
 * after the programs are attached. For `sysscope doctor`.
 */
#ifndef SYSSCOPE_PRICE_H
#define SYSSCOPE_PRICE_H

#include <stdbool.h>

struct price {
	double syscall_ns; /* getppid */
	double epoll_ns;   /* epoll_wait with a timeout of 0; negative: could not be measured */
};

/* Takes about 50 ms. The result is the minimum of many rounds, since disturbances only add time. */
struct price price_measure(void);

/* Whether two measurements of the same agree as well as undisturbed ones do. */
bool price_alike(double a, double b);

#endif
