/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sums.h - how much of what happened was shown: the counts of a feed, and the sentence about them. Used by
 * `sysscope events`; pure.
 */
#ifndef SYSSCOPE_EVENT_SUMS_H
#define SYSSCOPE_EVENT_SUMS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

/*
 * Since the beginning. Of the facts of the chosen types produced = told + left_out + lost_ring + unread + those that wait
 * in the ring. Stalls of event loops come from samples, and are no facts.
 */
struct event_sums {
	uint64_t produced;  /* by the kernel half */
	uint64_t told;	    /* in the queue, or written */
	uint64_t left_out;  /* of other containers or processes than asked for */
	uint64_t lost_ring; /* the ring had no room */
	uint64_t unread;    /* the queue had no room */
	struct event_stall_sums {
		uint64_t told, left_out, lost_ring, unread; /* as above */
	} stalls;
	bool facts_chosen, stalls_chosen;
};

/* "2 event-loop stalls shown; 21 facts: 19 shown, ...", without line feed. What was not chosen is not spoken of. */
void event_sums_text(struct buf *out, const struct event_sums *s);

#endif
