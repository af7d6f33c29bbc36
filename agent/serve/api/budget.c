/* SPDX-License-Identifier: GPL-2.0-or-later */
/* budget.c - see budget.h. */
#include "base/util.h"
#include "serve/api/budget.h"

#define NS_PER_SECOND 1000000000ULL

unsigned int budget_ask(struct budget *b, uint64_t now_ns)
{
	uint64_t grown = sub_sat(now_ns, b->at_ns) / BUDGET_SHARE;

	if (!b->at_ns || grown >= (uint64_t)(BUDGET_SAVED_NS - b->ns))
		b->ns = BUDGET_SAVED_NS;
	else
		b->ns += (int64_t)grown;
	b->at_ns = now_ns;
	if (b->in_flight >= BUDGET_BYTES)
		return 1;
	if (b->ns > 0)
		return 0;
	return (unsigned int)((uint64_t)-b->ns * BUDGET_SHARE / NS_PER_SECOND) + 1;
}

void budget_spend(struct budget *b, uint64_t ns)
{
	const int64_t most = 60LL * (int64_t)NS_PER_SECOND;

	b->ns -= ns < (uint64_t)most ? (int64_t)ns : most;
	if (b->ns < -most)
		b->ns = -most;
}
