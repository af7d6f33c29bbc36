/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replayed.h - the events of a recording as lines, as they were when it was recorded. Needs no root and no kernel support; the
 * files may be hostile. Used by `sysscope events --replay` and recent_past.c; never logs.
 */
#ifndef SYSSCOPE_EVENTS_REPLAYED_H
#define SYSSCOPE_EVENTS_REPLAYED_H

#include "events/feed.h"

struct event_replay;

/*
 * 0, or negative errno with one line in `error`. Of the choice, which must stay, `tree` and `redactor` have no meaning. A `sink`
 * gets the events of a block in the order in which they were recorded, and losses; false: there was no memory.
 */
int event_replay_open(struct event_replay **ret, const char *path, const struct event_choice *c, struct buf *error);
void event_replay_close(struct event_replay *r);

/* When its first and its last sample were taken. */
void event_replay_times(const struct event_replay *r, uint64_t *ret_first_ns, uint64_t *ret_last_ns);
/* Only events from here to there, both included. */
void event_replay_range(struct event_replay *r, uint64_t from_ns, uint64_t to_ns);

/* Appends some lines, in the order of their times. 1; 0: there are no more; negative errno. */
int event_replay_next(struct event_replay *r, struct buf *out);

/* Lines for people about what may be missing; false: nothing. */
bool event_replay_missing(const struct event_replay *r, struct buf *out);
/* One line about what there was of other types, if nothing of those that are wanted was; false: that is not so. */
bool event_replay_passed(const struct event_replay *r, struct buf *out);

#endif
