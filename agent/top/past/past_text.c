/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * past_text.c - what the live screen says of a moment of a recording: see past.h. ASCII only, and readable without colour. Local
 * time, as on every other line.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "record/when.h"
#include "top/past/past.h"

#define SECOND_NS 1000000000ULL
/* A sample that is late is no gap: a busy machine has those. */
#define GAP_INTERVALS 3
#define BAR_MIN	      8
#define BAR_MAX	      60

bool past_gap(const struct past_place *place)
{
	return when_hole(place->before_ns, place->time_ns, place->interval_ns);
}

/* Whether the moment that was asked for has no sample at or just behind it. */
static bool asked_elsewhere(const struct past_place *place)
{
	uint64_t far =
		place->time_ns > place->asked_ns ? place->time_ns - place->asked_ns : place->asked_ns - place->time_ns;

	return place->asked_ns && far > GAP_INTERVALS * place->interval_ns && far >= SECOND_NS;
}

static void day_of(char *out, size_t size, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / SECOND_NS);
	struct tm tm;

	localtime_r(&seconds, &tm);
	if (!strftime(out, size, "%Y-%m-%d", &tm))
		out[0] = '\0';
}

/* "10:42:05", with the day if that is another one than that of the snapshot. */
static void moment_text(struct buf *out, const struct past_place *place, uint64_t time_ns)
{
	char today[32], day[32];
	_cleanup_buf_ struct buf whole = {};

	day_of(today, sizeof(today), place->time_ns);
	day_of(day, sizeof(day), time_ns);
	when_text(&whole, time_ns);
	if (whole.data)
		buf_str(out,
			strcmp(day, today) == 0 && whole.len > strlen(day) ? whole.data + strlen(day) + 1 : whole.data);
}

static void range_text(struct buf *out, const struct past_place *place, uint64_t from_ns, uint64_t to_ns)
{
	moment_text(out, place, from_ns);
	buf_str(out, " to ");
	moment_text(out, place, to_ns);
}

static void bar_text(struct buf *out, const struct past_place *place, int width)
{
	uint64_t all = sub_sat(place->last_ns, place->first_ns), before = sub_sat(place->time_ns, place->first_ns);
	double share = all ? (double)(before < all ? before : all) / (double)all : 1;
	int at = (int)(share * (width - 1) + 0.5);

	buf_char(out, '[');
	for (int i = 0; i < width; i++)
		buf_char(out, i < at ? '=' : i == at ? '>' : ' ');
	buf_char(out, ']');
}

/* What is not as it looks: nothing was recorded when it was asked for, or for long before. */
static void notice_text(struct buf *out, const struct past_place *place)
{
	if (asked_elsewhere(place)) {
		buf_str(out, "asked for ");
		moment_text(out, place, place->asked_ns);
		if (place->asked_ns > place->time_ns)
			buf_str(out, ": recording ends here");
		else if (!place->before_ns)
			buf_str(out, ": recording begins here");
		else {
			buf_str(out, ": no sample since ");
			moment_text(out, place, place->before_ns);
		}
	} else if (past_gap(place)) {
		buf_str(out, "no sample before this one since ");
		moment_text(out, place, place->before_ns);
	}
}

static size_t bar_room(const struct buf *out, const struct buf *range, int width)
{
	size_t used = out->len + range->len + strlen("    []");

	return width > 0 && (size_t)width > used ? (size_t)width - used : 0;
}

void past_line(struct buf *out, const struct past_place *place, int width)
{
	_cleanup_buf_ struct buf line = {}, rest = {};
	size_t room;

	buf_str(&line, "REPLAY ");
	when_text(&line, place->time_ns);
	notice_text(&rest, place);
	if (!rest.len) {
		range_text(&rest, place, place->first_ns, place->last_ns);
		room = bar_room(&line, &rest, width);
		if (room >= BAR_MIN) {
			buf_str(&line, "  ");
			bar_text(&line, place, room < BAR_MAX ? (int)room : BAR_MAX);
		}
		if (line.len + 2 + rest.len > (size_t)(width > 0 ? width : 0))
			buf_reset(&rest);
	}
	if (rest.len) {
		buf_str(&line, "  ");
		buf_str(&line, rest.data);
	}
	buf_str(out, line.data ?: "");
	out->failed |= line.failed || rest.failed;
}
