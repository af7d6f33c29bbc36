/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kept.h - the events that a recording keeps: of the whole machine, those that `sysscope events` shows of a container or of a
 * process without being asked. Without arguments of programs, which may be secrets. Used by `sysscope record` and `serve`.
 */
#ifndef SYSSCOPE_EVENTS_KEPT_H
#define SYSSCOPE_EVENTS_KEPT_H

#include "pipeline.h"

struct event;
struct event_feed;

/* As `fact_kinds` of a recording: bit per number of a kind in abi/facts.def; bit 0: ends of containers. */
uint32_t kept_events_kinds(uint32_t types);
/* Those of the types that are kept. */
uint32_t kept_events_own_kinds(void);

/* `sink` as in feed.h. Sets what the pipeline needs for that. 0 or -ENOMEM. */
int kept_events_open(struct event_feed **ret, bool (*sink)(void *ctx, const struct event *e), void *ctx,
		     struct pipeline_options *o);
/* A new snapshot, before it is recorded: its stalls, and what was lost since the one before. NULL: the latest one goes. */
void kept_events_snapshot(struct event_feed *f, const struct pipeline *p, const struct snapshot *s);
/* How many are not in the recording, though they should be, up to now. */
uint64_t kept_events_lost(const struct event_feed *f, const struct pipeline *p);

#endif
