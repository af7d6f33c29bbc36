/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recent_past.c - see recent_past.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/latest.h"
#include "events/recent_past.h"
#include "events/replayed.h"

struct recent_past {
	struct snapshot_source outer;
	const struct snapshot_source *inner;
	const char *path;
	struct event_choice choice;
	bool looks;   /* somebody does */
	double until; /* up to when events are in the rings; 0: not at all */
	struct latest_events kept;
	struct buf missing; /* what the recording does not have */
	struct snapshot latest;
};

#define PAST_SECONDS 600

/* Reads on, or anew after a step back or a leap. */
static int before_read(struct recent_past *r, double time)
{
	bool on = r->until > 0 && time >= r->until && time - r->until < PAST_SECONDS;
	double from = on ? r->until : time - PAST_SECONDS;
	_cleanup_buf_ struct buf nothing = {};
	struct event_replay *replay;
	int more;

	if (!on) {
		r->until = 0;
		for (int i = 0; i < KEPT_RINGS; i++)
			latest_clear(&r->kept, i);
		r->kept.lost = r->kept.refused = 0;
	}
	buf_reset(&r->missing);
	more = event_replay_open(&replay, r->path, &r->choice, &r->missing);
	if (more < 0)
		return more;
	event_replay_range(replay, (uint64_t)(from * 1e9) + on, (uint64_t)(time * 1e9));
	while ((more = event_replay_next(replay, &nothing)) == 1)
		;
	event_replay_missing(replay, &r->missing);
	/* It becomes one line. */
	for (size_t i = 0; i < r->missing.len; i++)
		if (r->missing.data[i] == '\n')
			r->missing.data[i] = ';';
	event_replay_close(replay);
	r->until = more < 0 ? 0 : time;
	return more;
}

/* A block of a recording is not in the order of time, and the next one may reach back behind it. */
static int row_later_first(const void *a, const void *b)
{
	const struct event_row *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? 1 : -1;
	return x->number < y->number ? 1 : -1;
}

static const struct snapshot *before_next(void *ctx, int *ret_error)
{
	struct recent_past *r = ctx;
	const struct snapshot *s = r->inner->next(r->inner->ctx, ret_error);
	struct looked_at *l = &r->latest.looked;
	int error;

	if (!s || !r->looks)
		return s;
	r->latest = *s;
	error = before_read(r, s->time);
	if (error < 0 && !r->missing.len)
		buf_str(&r->missing, strerror(-error));
	l->n_events = error < 0 ? 0 : latest_rows(&r->kept);
	if (l->n_events)
		qsort(r->kept.rows, l->n_events, sizeof(*r->kept.rows), row_later_first);
	while (l->n_events && r->kept.rows[l->n_events - 1].time < s->time - PAST_SECONDS)
		l->n_events--;
	if (l->n_events) {
		l->events = r->kept.rows;
	} else {
		l->events_reason = r->missing.data && r->missing.len ? r->missing.data
								     : "nothing was recorded in the ten minutes before";
	}
	l->events_dropped = latest_dropped(&r->kept);
	l->events_lost = r->kept.lost;
	return &r->latest;
}

static void before_look(void *ctx, uint32_t what)
{
	struct recent_past *r = ctx;

	r->looks = what & LOOK_EVENTS;
}

static void before_idle(void *ctx, const struct snapshot **latest)
{
	struct recent_past *r = ctx;

	r->inner->idle(r->inner->ctx, latest);
}

static void before_published(void *ctx)
{
	struct recent_past *r = ctx;

	r->inner->published(r->inner->ctx);
}

static void before_judge(void *ctx, bool wanted)
{
	struct recent_past *r = ctx;

	if (r->inner->judge)
		r->inner->judge(r->inner->ctx, wanted);
}

int recent_past_new(struct recent_past **ret, struct match_choice *containers, const char *path)
{
	struct recent_past *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->path = path;
	r->choice = (struct event_choice){.containers = containers, .sink = latest_take, .sink_ctx = &r->kept};
	for (int i = 0; i < KEPT_RINGS; i++)
		r->choice.types |= latest_types(i);
	*ret = r;
	return 0;
}

void recent_past_free(struct recent_past *r)
{
	if (!r)
		return;
	latest_free(&r->kept);
	buf_free(&r->missing);
	free(r);
}

const struct snapshot_source *recent_past_source(struct recent_past *r, const struct snapshot_source *inner)
{
	r->inner = inner;
	r->outer = (struct snapshot_source){
		.next = before_next,
		.published = before_published,
		.idle = before_idle,
		.fd = inner->fd,
		.ctx = r,
		.judge = before_judge,
		.look = before_look,
	};
	return &r->outer;
}
