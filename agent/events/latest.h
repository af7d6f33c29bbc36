/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latest.h - the latest events of a stream, bounded: 500 of the rare kinds, and apart from them, so that they do not push the rare
 * ones out, 500 starts, execs and ends of processes. Makes rows of them for a view. Used by recent.c and recent_past.c.
 */
#ifndef SYSSCOPE_EVENTS_LATEST_H
#define SYSSCOPE_EVENTS_LATEST_H

#include "base/util.h"
#include "exporters/events/events.h"

#define KEPT 500

enum { KEPT_RARE, KEPT_PROCESSES, KEPT_RINGS };

/* What is kept of an event is its row and the texts of it, in one block of memory. */
struct kept_event {
	struct event_row row; /* without texts */
	char *texts;	      /* several strings in a row */
	size_t bytes;
};

struct kept_ring {
	struct kept_event events[KEPT];
	uint64_t n; /* that came; the latest is at (n - 1) % KEPT */
};

struct latest_events {
	struct kept_ring rings[KEPT_RINGS];
	struct buf how;
	uint64_t number;
	uint64_t refused; /* there was no memory for them */
	uint64_t lost;	  /* by the events of type "lost" */
	struct event_row rows[KEPT_RINGS * KEPT];
	size_t begins[KEPT_RINGS * KEPT]; /* of their texts */
	struct buf texts;
};

/* The types of a ring, a bit each. */
uint32_t latest_types(int ring);
/* As the sink of a feed, with the struct as its ctx. */
bool latest_take(void *ctx, const struct event *e);
void latest_clear(struct latest_events *l, int ring);

/* Rows in `rows`, those that came last first; valid until the next call. Returns how many. */
size_t latest_rows(struct latest_events *l);
uint64_t latest_dropped(const struct latest_events *l); /* how many are no longer kept */
void latest_free(struct latest_events *l);

#endif
