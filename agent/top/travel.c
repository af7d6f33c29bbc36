/* SPDX-License-Identifier: GPL-2.0-or-later */
/* travel.c - see travel.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record/when.h"
#include "top/travel.h"

static bool travel_refuse(struct top_state *t, const char *before, const struct buf *why)
{
	snprintf(t->message, sizeof(t->message), "%s%s", before, why && why->data ? why->data : "");
	return false;
}

/* Of the past so long ago: before now, or before the end where there is only a recording. */
static bool travel_time(struct top_state *t, struct past *p, int *ret)
{
	struct past_place place;
	uint64_t at_ns;

	past_place(p, &place);
	if (when_parse(t->time, place.first_ns, t->live ? clock_wall_ns() : place.last_ns, &at_ns) < 0)
		return false;
	*ret = past_go(p, at_ns);
	return true;
}

/* 0: there; -ENOENT: there is nothing before. */
static int travel_within(struct top_state *t, struct past *p, enum top_go go)
{
	if (go == GO_BACK)
		return t->past ? past_go_back(p) : past_go_last(p);
	return go == GO_NOW ? past_go_last(p) : 0;
}

bool travel(struct top_state *t, struct past *p)
{
	_cleanup_buf_ struct buf error = {};
	enum top_go go = t->go;
	int r;

	t->go = GO_NOWHERE;
	if (go == GO_NOW && t->live) {
		t->past = t->paused = false;
		return true;
	}
	if (past_open(p, &error) < 0)
		return travel_refuse(t, "no recording: ", &error);
	if (go == GO_TIME && !travel_time(t, p, &r))
		return travel_refuse(t, "that is no time such as " WHEN_FORMS, NULL);
	if (go != GO_TIME)
		r = travel_within(t, p, go);
	/* Wherever it is now, what was shown before is gone. */
	if (r == -ENOENT)
		travel_refuse(t, "this is the first sample of the recording", NULL);
	else if (r < 0) {
		buf_str(&error, strerror(-r));
		travel_refuse(t, "cannot read the recording: ", &error);
	}
	/* It stands still, unless it was playing already. */
	t->paused = t->past ? t->paused : true;
	t->past = t->recorded = true;
	return true;
}

bool travel_damage(struct top_state *t, const struct past *p, struct buf *said)
{
	_cleanup_buf_ struct buf now = {};

	if (!past_damage_text(p, &now) || (said->data && strcmp(said->data, now.data ?: "") == 0))
		return false;
	buf_reset(said);
	buf_str(said, now.data ?: "");
	snprintf(t->message, sizeof(t->message), "%s", now.data ?: "");
	return true;
}

void travel_ended(struct top_state *t, const struct past_place *place, const char *why)
{
	/* Somebody records: it goes on with what comes. */
	if (place->growing && !t->paused)
		return;
	t->paused = true;
	if (why)
		snprintf(t->message, sizeof(t->message), "%s", why);
	else
		snprintf(t->message, sizeof(t->message), "this is the last sample of the recording%s",
			 t->live ? "; L: now" : "");
}
