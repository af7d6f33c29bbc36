/* SPDX-License-Identifier: GPL-2.0-or-later */
/* when.c - see when.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "record/when.h"

#define LONGEST_SECONDS (10.0 * 366 * 86400)
#define SECOND_NS	1000000000ULL
#define DAY_NS		(86400 * SECOND_NS)
/* Behind a longer pause the store begins a frame. */
#define HOLE_INTERVALS 3

static const char *const day_forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"};
static const char *const hour_forms[] = {"%H:%M:%S", "%H:%M"};

/* The whole text. */
static bool form_fits(const char *text, const char *form, struct tm *ret)
{
	const char *end;

	*ret = (struct tm){.tm_isdst = -1};
	end = strptime(text, form, ret);
	ret->tm_isdst = -1;
	return end && !*end;
}

static int moment_of(struct tm *tm, uint64_t *ret)
{
	const struct tm given = *tm;
	time_t seconds = mktime(tm);

	/* Of an hour that a change of the clock leaves out, mktime makes the one behind it; of a 30th of February, a day in March. */
	if (seconds < 0 || tm->tm_sec != given.tm_sec || (given.tm_mday > 0 && tm->tm_mday != given.tm_mday))
		return -EINVAL;
	*ret = (uint64_t)seconds * 1000000000ULL;
	return 0;
}

/* Today's, seen from the end, or, if that is still to come, yesterday's, where the recording reaches back so far. */
static int hour_before(const struct tm *hour, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret)
{
	time_t end = (time_t)(end_ns / 1000000000ULL);
	uint64_t today = 0, moment = 0;
	struct tm day;
	int r = 0;

	localtime_r(&end, &day);
	for (int back = 0; back < 2; back++) {
		struct tm tm = day;

		tm.tm_mday -= back;
		tm.tm_hour = hour->tm_hour;
		tm.tm_min = hour->tm_min;
		tm.tm_sec = hour->tm_sec;
		tm.tm_isdst = -1;
		r = moment_of(&tm, &moment);
		if (r < 0 || moment <= end_ns)
			break;
		today = moment;
	}
	if (r == 0)
		*ret = today && moment < begin_ns ? today : moment;
	return r;
}

int when_parse(const char *text, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret)
{
	double seconds;
	struct tm tm;

	if (text[0] == '-') {
		if (parse_duration(text + 1, 0, LONGEST_SECONDS, &seconds) < 0)
			return -EINVAL;
		*ret = sub_sat(end_ns, (uint64_t)(seconds * 1e9));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(day_forms); i++)
		if (form_fits(text, day_forms[i], &tm))
			return moment_of(&tm, ret);
	for (size_t i = 0; i < ARRAY_SIZE(hour_forms); i++)
		if (form_fits(text, hour_forms[i], &tm))
			return hour_before(&tm, begin_ns, end_ns, ret);
	return -EINVAL;
}

int when_parse_end(const char *text, uint64_t from_ns, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret)
{
	int r = when_parse(text, begin_ns, end_ns, ret);

	if (r < 0 || text[0] == '-')
		return r;
	/* A time of day, which has no date in it. */
	if (*ret < from_ns && !strchr(text, '-'))
		*ret += DAY_NS;
	*ret += SECOND_NS - 1;
	return 0;
}

void when_text(struct buf *out, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000ULL);
	char text[64];
	struct tm tm;

	localtime_r(&seconds, &tm);
	if (strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		buf_str(out, text);
}

bool when_hole(uint64_t before_ns, uint64_t time_ns, uint64_t interval_ns)
{
	uint64_t between = sub_sat(time_ns, before_ns);

	return before_ns && between > HOLE_INTERVALS * interval_ns && between >= SECOND_NS;
}

void when_holes_text(struct buf *out, const struct record_hole holes[WHEN_HOLES], size_t n)
{
	for (size_t i = 0; i < n && i < WHEN_HOLES; i++) {
		buf_str(out, i ? ", from " : "there are no samples from ");
		when_text(out, holes[i].from_ns);
		buf_str(out, " to ");
		when_text(out, holes[i].to_ns);
	}
	if (n > WHEN_HOLES)
		buf_printf(out, ", and %zu times more", n - WHEN_HOLES);
}
