/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - the last two minutes of each container, from the snapshots that the live screen shows: of the present or of a
 * recording. Bounded; forgets all when time goes back or leaps. Used by screen.c.
 */
#ifndef SYSSCOPE_TOP_HISTORY_H
#define SYSSCOPE_TOP_HISTORY_H

#include "sysscope/view.h"

struct remembered;

struct history {
	struct remembered *all;
	size_t n;
	double time;			/* of the latest point */
	const struct minutes **courses; /* of the snapshot's containers */
	size_t cap;
	struct snapshot latest;
};

/* The same snapshot with the courses of its containers; without, if there is no memory for them. NULL: NULL. */
const struct snapshot *history_note(struct history *h, const struct snapshot *s);
void history_free(struct history *h);

#endif
