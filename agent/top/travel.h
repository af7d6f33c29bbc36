/* SPDX-License-Identifier: GPL-2.0-or-later */
/* travel.h - the keys that lead into a recording, through it, and back to now. Called by screen.c, which then takes a snapshot. */
#ifndef SYSSCOPE_TOP_TRAVEL_H
#define SYSSCOPE_TOP_TRAVEL_H

#include "top/past/past.h"
#include "top/state.h"

/*
 * Goes where state->go says, which is forgotten. True: another snapshot is to be taken, of the recording if state->past says so.
 * Else state->message says why not.
 */
bool travel(struct top_state *t, struct past *p);

/* The recording had no further snapshot. `why`: what is to be said of that; NULL: it is the last one. */
void travel_ended(struct top_state *t, const struct past_place *place, const char *why);

/* What cannot be read of it is said once, and again when it is more. `said`: what was last. True: it is something new. */
bool travel_damage(struct top_state *t, const struct past *p, struct buf *said);

#endif
