/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.h - how much work the answers of the API may be: a share of one CPU over time, and so many bytes at once on their way to
 * clients. /metrics is not counted here. Pure; called by api_pages.c, one thread.
 */
#ifndef SYSSCOPE_SERVE_BUDGET_H
#define SYSSCOPE_SERVE_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* Ten pages that look at a machine of 500 containers, with room for a dozen requests at once. */
#define BUDGET_SHARE	4 /* a quarter of a CPU */
#define BUDGET_SAVED_NS 2000000000LL
#define BUDGET_BYTES	((size_t)64 << 20)

struct budget {
	int64_t ns;	  /* of work that may be done now; below 0: none until it has grown again */
	uint64_t at_ns;	  /* CLOCK_BOOTTIME when it was that; 0: never, it is full */
	size_t in_flight; /* bytes */
};

/* 0: go ahead; else after so many seconds. */
unsigned int budget_ask(struct budget *b, uint64_t now_ns);
/* This much was done. */
void budget_spend(struct budget *b, uint64_t ns);

#endif
