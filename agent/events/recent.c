/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recent.c - see recent.h. What is kept of an event is its row and the texts of it, in one block of memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/feed.h"
#include "events/recent.h"

#define RING_BYTES_RECENT (1u << 20) /* 7,000 facts between two readings */
#define KEPT		  500
/* So long after the last look, starts and ends of processes are noted on: views are left and come back to. */
#define LOOK_ON_NS (60 * 1000000000ULL)

enum { KEPT_RARE, KEPT_PROCESSES, KEPT_RINGS };
enum { TEXT_CONTAINER, TEXT_CGROUP, TEXT_ID, TEXT_COMM, TEXT_HOW, TEXTS };

struct kept_event {
	struct event_row row; /* without texts */
	char *texts;	      /* TEXTS strings in a row */
	size_t bytes;
};

struct kept_ring {
	struct kept_event events[KEPT];
	uint64_t n; /* that came; the latest is at (n - 1) % KEPT */
};

struct recent_events {
	struct snapshot_source outer;
	const struct snapshot_source *inner;
	struct pipeline *pipeline;
	struct event_feed *feed;
	uint32_t kinds[KEPT_RINGS]; /* of facts */
	struct kept_ring rings[KEPT_RINGS];
	struct buf how;
	uint64_t number, refused; /* refused: there was no memory for them */
	bool looks, notes;	  /* somebody looks; starts and ends of processes are noted */
	uint64_t looked_ns;
	uint64_t lost_before; /* facts that the kernel had no room for when they began to be noted */
	double since;
	struct event_row rows[KEPT_RINGS * KEPT];
	size_t begins[KEPT_RINGS * KEPT]; /* of their texts */
	struct buf texts;
	struct snapshot latest;
};

static uint32_t types_of(int ring)
{
	uint32_t processes = 1u << EVENT_PROCESS_START | 1u << EVENT_EXEC | 1u << EVENT_EXIT;

	return event_types_shown(true) & (ring == KEPT_PROCESSES ? processes : ~processes);
}

/* ---- an event comes ---- */

static char *texts_copy(const char *const texts[TEXTS], size_t *ret_bytes)
{
	size_t bytes = 0, at = 0;
	char *copy;

	for (int i = 0; i < TEXTS; i++)
		bytes += strlen(texts[i] ?: "") + 1;
	copy = malloc(bytes);
	for (int i = 0; copy && i < TEXTS; i++) {
		size_t n = strlen(texts[i] ?: "") + 1;

		memcpy(copy + at, texts[i] ?: "", n);
		at += n;
	}
	*ret_bytes = bytes;
	return copy;
}

static bool recent_take(void *ctx, const struct event *e)
{
	struct recent_events *r = ctx;
	struct kept_ring *ring = &r->rings[types_of(KEPT_PROCESSES) >> e->type & 1 ? KEPT_PROCESSES : KEPT_RARE];
	struct kept_event *place = &ring->events[ring->n % KEPT];
	const char *texts[TEXTS] = {[TEXT_CONTAINER] = e->container,
				    [TEXT_CGROUP] = e->container_cgroup,
				    [TEXT_ID] = e->container_id,
				    [TEXT_COMM] = e->comm};
	size_t bytes;
	char *copy;

	buf_reset(&r->how);
	event_how(&r->how, e);
	texts[TEXT_HOW] = r->how.data;
	copy = r->how.failed ? NULL : texts_copy(texts, &bytes);
	if (!copy) {
		r->refused++;
		return false;
	}
	free(place->texts);
	*place = (struct kept_event){
		.row = {.number = ++r->number,
			.time = e->time,
			.type = event_type_names[e->type],
			.pid = e->pid,
			.tid = e->tid,
			.kind = e->container_kind ?: ""}, /* static */
		.texts = copy,
		.bytes = bytes,
	};
	ring->n++;
	return true;
}

static void ring_clear(struct kept_ring *ring)
{
	for (size_t i = 0; i < KEPT; i++)
		free(ring->events[i].texts);
	*ring = (struct kept_ring){};
}

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
	ring_clear(&r->rings[KEPT_PROCESSES]);
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

/* When all of them have their place. */
static void row_texts(struct recent_events *r, size_t i)
{
	struct event_row *row = &r->rows[i];
	const char *at = r->texts.data + r->begins[i];

	row->container = at;
	row->cgroup = at += strlen(at) + 1;
	row->id = at += strlen(at) + 1;
	row->comm = at += strlen(at) + 1;
	row->text = at + strlen(at) + 1;
}

/* The latest of both rings first. Copies, since events come while the snapshot is shown. */
static size_t recent_rows(struct recent_events *r)
{
	uint64_t left[KEPT_RINGS];
	size_t n = 0;

	buf_reset(&r->texts);
	for (int i = 0; i < KEPT_RINGS; i++)
		left[i] = r->rings[i].n < KEPT ? r->rings[i].n : KEPT;
	for (;;) {
		const struct kept_event *latest = NULL;
		int of = 0;

		for (int i = 0; i < KEPT_RINGS; i++) {
			const struct kept_ring *ring = &r->rings[i];
			uint64_t oldest = ring->n < KEPT ? 0 : ring->n - KEPT;
			const struct kept_event *e = &ring->events[(oldest + left[i] - 1) % KEPT];

			if (left[i] && (!latest || e->row.number > latest->row.number)) {
				latest = e;
				of = i;
			}
		}
		if (!latest)
			break;
		left[of]--;
		r->rows[n] = latest->row;
		r->begins[n++] = r->texts.len;
		buf_add(&r->texts, latest->texts, latest->bytes);
	}
	if (r->texts.failed)
		return 0;
	for (size_t i = 0; i < n; i++)
		row_texts(r, i);
	return n;
}

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
	l->events = r->rows;
	l->n_events = recent_rows(r);
	l->events_dropped = r->refused;
	for (int i = 0; i < KEPT_RINGS; i++)
		l->events_dropped += r->rings[i].n < KEPT ? 0 : r->rings[i].n - KEPT;
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
	struct event_choice all = {.containers = containers, .sink = recent_take, .sink_ctx = r};

	if (!r)
		return -ENOMEM;
	for (int i = 0; i < KEPT_RINGS; i++) {
		struct event_choice some = {.types = types_of(i)};

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
	for (int i = 0; i < KEPT_RINGS; i++)
		ring_clear(&r->rings[i]);
	event_feed_free(r->feed);
	buf_free(&r->how);
	buf_free(&r->texts);
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
