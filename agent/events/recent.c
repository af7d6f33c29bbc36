/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recent.c - see recent.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/feed.h"
#include "events/latest.h"
#include "events/recent.h"

#define RING_BYTES_RECENT (1u << 20) /* 7,000 facts between two readings */
/* So long after the last look, starts and ends of processes are noted on: views are left and come back to. */
#define LOOK_ON_NS (60 * 1000000000ULL)

struct recent_events {
	struct snapshot_source outer;
	const struct snapshot_source *inner;
	struct pipeline *pipeline;
	struct event_feed *feed;
	uint32_t kinds[KEPT_RINGS]; /* of facts */
	struct latest_events kept;
	bool looks, notes; /* somebody looks; starts and ends of processes are noted */
	uint64_t looked_ns;
	uint64_t lost_before; /* facts that the kernel had no room for when they began to be noted */
	double since;
	struct snapshot latest;
};

/* ---- what is noted ---- */

static uint64_t recent_lost(const struct recent_events *r)
{
	struct event_sums sums;

	event_feed_sums(r->feed, r->pipeline, &sums);
	return sums.lost_ring + sums.stalls.lost_ring;
}

static void processes_note(struct recent_events *r, bool notes)
{
	if (r->notes == notes)
		return;
	r->notes = notes;
	pipeline_facts_want(r->pipeline, r->kinds[KEPT_RARE] | (notes ? r->kinds[KEPT_PROCESSES] : 0));
	/* What is shown later shall have no hole. */
	latest_clear(&r->kept, KEPT_PROCESSES);
	r->lost_before = recent_lost(r);
	r->since = (double)(clock_boot_ns() + clock_wall_at_boot_ns(0)) / 1e9;
}

static void recent_look(void *ctx, uint32_t what)
{
	struct recent_events *r = ctx;

	r->looks = what & LOOK_EVENTS;
	if (r->looks)
		processes_note(r, true);
	if (r->looks)
		r->looked_ns = clock_boot_ns();
	else if (clock_boot_ns() - r->looked_ns > LOOK_ON_NS)
		processes_note(r, false);
	if (r->inner->look)
		r->inner->look(r->inner->ctx, what);
}

/* ---- snapshots ---- */

static const struct snapshot *recent_show(struct recent_events *r, const struct snapshot *s)
{
	struct looked_at *l = &r->latest.looked;

	event_feed_snapshot(r->feed, s);
	if (!s)
		return s;
	r->latest = *s;
	if (!r->looks) {
		l->events_reason = "events are shown while somebody looks at them";
		return &r->latest;
	}
	l->events = r->kept.rows;
	l->n_events = latest_rows(&r->kept);
	l->events_dropped = latest_dropped(&r->kept);
	l->events_lost = recent_lost(r) - r->lost_before;
	l->events_since = r->since;
	return &r->latest;
}

static const struct snapshot *recent_next(void *ctx, int *ret_error)
{
	struct recent_events *r = ctx;

	/* The snapshot that the feed has is overwritten by the next one. */
	event_feed_snapshot(r->feed, NULL);
	event_feed_clock(r->feed);
	return recent_show(r, r->inner->next(r->inner->ctx, ret_error));
}

static void recent_published(void *ctx)
{
	struct recent_events *r = ctx;

	r->inner->published(r->inner->ctx);
}

static void recent_idle(void *ctx, const struct snapshot **latest)
{
	static const struct snapshot unchanged;
	struct recent_events *r = ctx;
	const struct snapshot *s = &unchanged;

	event_feed_clock(r->feed);
	r->inner->idle(r->inner->ctx, &s);
	if (s != &unchanged)
		*latest = recent_show(r, s);
}

static void recent_rest(void *ctx)
{
	struct recent_events *r = ctx;

	event_feed_snapshot(r->feed, NULL);
	if (r->inner->rest)
		r->inner->rest(r->inner->ctx);
}

static void recent_watch(void *ctx, uint32_t pid, uint64_t start_ns)
{
	struct recent_events *r = ctx;

	if (r->inner->watch)
		r->inner->watch(r->inner->ctx, pid, start_ns);
}

static void recent_loops(void *ctx)
{
	struct recent_events *r = ctx;

	if (r->inner->loops)
		r->inner->loops(r->inner->ctx);
}

/* ---- beginning and end ---- */

int recent_events_new(struct recent_events **ret, struct match_choice *containers, struct pipeline_options *o)
{
	struct recent_events *r = calloc(1, sizeof(*r));
	struct event_choice all = {.containers = containers, .sink = latest_take, .sink_ctx = &r->kept};

	if (!r)
		return -ENOMEM;
	for (int i = 0; i < KEPT_RINGS; i++) {
		struct event_choice some = {.types = latest_types(i)};

		all.types |= some.types;
		r->kinds[i] = event_feed_kinds(&some);
	}
	if (event_feed_new(&r->feed, &all) < 0) {
		free(r);
		return -ENOMEM;
	}
	o->facts = r->kinds[KEPT_RARE];
	o->ring_bytes = RING_BYTES_RECENT;
	o->subscriber = (struct fact_subscriber){.take = event_feed_take, .ctx = r->feed};
	*ret = r;
	return 0;
}

void recent_events_free(struct recent_events *r)
{
	if (!r)
		return;
	event_feed_free(r->feed);
	latest_free(&r->kept);
	free(r);
}

const struct snapshot_source *recent_events_source(struct recent_events *r, struct pipeline *p,
						   const struct snapshot_source *inner)
{
	r->pipeline = p;
	r->inner = inner;
	r->outer = (struct snapshot_source){
		.next = recent_next,
		.published = recent_published,
		.idle = recent_idle,
		.rest = recent_rest,
		.fd = inner->fd,
		.ctx = r,
		.watch = recent_watch,
		.loops = recent_loops,
		.look = recent_look,
	};
	return &r->outer;
}
