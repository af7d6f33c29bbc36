/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - turns facts into lines: selects those that were asked for, adds what is known about them, and counts losses.
 * Used by `sysscope events`; never waits, writes nothing itself.
 */
#ifndef SYSSCOPE_EVENT_FEED_H
#define SYSSCOPE_EVENT_FEED_H

#include "events/queue.h"
#include "events/sums.h"
#include "exporters/events/events.h"
#include "pipeline.h"

struct match_choice;
struct redactor;

struct event_choice {
	uint32_t types;			 /* bit per enum event_type */
	struct match_choice *containers; /* NULL or none: all */
	uint32_t pid;			 /* 0: all */
	bool tree;			 /* only the process given to event_feed_tree, and its descendants */
	bool json;
	const struct redactor *redactor; /* NULL: no arguments */
	uint64_t count;			 /* lines; 0: no limit */
	/*
	 * Gets each event in place of the queue of lines; false: it has no room, and the event is counted as unread. Its texts are
	 * valid during the call.
	 */
	bool (*sink)(void *ctx, const struct event *e);
	void *sink_ctx;
};

struct event_feed;

int event_feed_new(struct event_feed **ret, const struct event_choice *c);
void event_feed_free(struct event_feed *f);

/* The kinds of facts that these types need: a bit each. */
uint32_t event_feed_kinds(const struct event_choice *c);
/* Sets the options of the pipeline that these types need. */
void event_feed_options(const struct event_choice *c, struct pipeline_options *o);
/* For pipeline_options.subscriber, with the feed as its ctx. */
void event_feed_take(void *ctx, const struct ss_fact *fact, const struct identity *who, const char *path);

/* Sets the root of the tree, when that process exists. */
int event_feed_tree(struct event_feed *f, uint32_t pid);
/* Whether that process is in the tree and its end has not been reported. */
bool event_feed_tree_has(const struct event_feed *f, uint32_t pid);

/* Call before facts are taken: reads the offset between boot time and wall time. */
void event_feed_clock(struct event_feed *f);

/* Adds the stalls of a snapshot. It must stay valid until the next call. NULL: the last one is about to go. */
void event_feed_snapshot(struct event_feed *f, const struct snapshot *s);
/* Looks for the chosen containers in that snapshot; as match_choice_look(). */
int event_feed_look(struct event_feed *f);

/* Adds a line about losses since the last such line, if there are any and the queue has room. */
void event_feed_lost(struct event_feed *f, const struct pipeline *p);

/* 0, or the error of a line that could not be made. */
int event_feed_error(const struct event_feed *f);
struct event_queue *event_feed_queue(struct event_feed *f);
bool event_feed_full(const struct event_feed *f); /* `count` lines were taken */

/* `p` NULL: without what the kernel half counts. */
void event_feed_sums(const struct event_feed *f, const struct pipeline *p, struct event_sums *ret);

#endif
