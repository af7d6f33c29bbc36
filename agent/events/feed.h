/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - from facts to lines: which of them somebody wants, whose they are, what was lost. Used by `sysscope events`;
 * never waits and writes nothing itself.
 */
#ifndef SYSSCOPE_EVENT_FEED_H
#define SYSSCOPE_EVENT_FEED_H

#include "events/queue.h"
#include "exporters/events/events.h"
#include "pipeline.h"

struct redactor;

struct event_choice {
	uint32_t types;	       /* bit per enum event_type */
	const char *container; /* name as shown, or the beginning of an id; NULL: all */
	uint32_t pid;	       /* 0: all */
	bool tree;	       /* only what event_feed_tree names, and what comes from it */
	bool json;
	const struct redactor *redactor; /* NULL: no arguments */
	uint64_t count;			 /* lines, 0: no end */
};

struct event_feed;

int event_feed_new(struct event_feed **ret, const struct event_choice *c);
void event_feed_free(struct event_feed *f);

/* What the pipeline has to be told for these types to be seen. */
void event_feed_options(const struct event_choice *c, struct pipeline_options *o);
/* For pipeline_options.subscriber, with the feed as its ctx. */
void event_feed_take(void *ctx, const struct ss_fact *fact, const struct identity *who, const char *path);

/* The process that the tree grows from, once it is there. */
int event_feed_tree(struct event_feed *f, uint32_t pid);

/* Before facts are taken: which moment is now. */
void event_feed_clock(struct event_feed *f);

/* The stalls of the loops in it; it stays valid, and in use, until the next. NULL: there is none any more. */
void event_feed_snapshot(struct event_feed *f, const struct snapshot *s);

/* A line about what was lost since the last one, if anything was and there is room for a line. */
void event_feed_lost(struct event_feed *f, const struct pipeline *p);

/* 0, or what went wrong with a line. */
int event_feed_error(const struct event_feed *f);
struct event_queue *event_feed_queue(struct event_feed *f);
bool event_feed_full(const struct event_feed *f); /* `count` lines were taken */

/* Facts of the chosen types, since the beginning: produced = told + left_out + lost_ring + unread, and what waits in the ring. */
struct event_sums {
	uint64_t produced;  /* by the kernel half */
	uint64_t told;	    /* in the queue, or written */
	uint64_t left_out;  /* of other containers or processes than wanted */
	uint64_t lost_ring; /* there was no room in the ring */
	uint64_t unread;    /* there was no room in the queue */
};
void event_feed_sums(const struct event_feed *f, const struct pipeline *p, struct event_sums *ret);

#endif
