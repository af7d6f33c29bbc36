/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pairs.h - pairs of neighbours: which home waited for a CPU that which other home had, and for how long. */
#ifndef SYSSCOPE_MODEL_PAIRS_H
#define SYSSCOPE_MODEL_PAIRS_H

#include "homes/homes.h"
#include "base/list.h"

struct pair {
	struct {
		struct home *waiter, *runner; /* runner NULL: not kept apart, or not known */
	} key;
	struct ss_pair carried, now;
	uint64_t before_ns, held_ns, held_waits; /* as last published */
	UT_hash_handle hh;
};

struct pairs {
	struct pair *all;
	uint64_t folded; /* lines of the kernel's table for which there was no room of their own */
	LIST(struct neighbour_row) rows;
};

/* Before homes_settle: adds the sample's pairs. 0 or -ENOMEM. */
int pairs_take(struct pairs *pairs, const struct homes *homes, const struct sample *s);

/* After the rows of homes. 0 or -ENOMEM. */
int pair_rows_fill(struct pairs *pairs, const struct moment *now, struct snapshot *snapshot);
void pairs_free(struct pairs *pairs);

#endif
