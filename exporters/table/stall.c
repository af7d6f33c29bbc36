/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall.c - see stall.h.
 */
#include <inttypes.h>
#include <string.h>

#include "exporters/table/format.h"
#include "exporters/table/stall.h"

void sentence_time(struct buf *out, double seconds)
{
	if (seconds < 0.00095)
		buf_printf(out, "%.0f us", seconds * 1e6);
	else if (seconds < 0.00995)
		buf_printf(out, "%.1f ms", seconds * 1e3);
	else if (seconds < 0.9995)
		buf_printf(out, "%.0f ms", seconds * 1e3);
	else
		buf_printf(out, "%.1f s", seconds);
}

/* Where the time of an iteration went. */
enum stall_part { PART_ONCPU = WAIT_CLASSES, PART_RUNQUEUE, PART_THROTTLED, PARTS };

static void stall_part_text(struct buf *out, const struct stall *s, int part, double seconds)
{
	if (part == PART_RUNQUEUE)
		buf_str(out, "run queue ");
	sentence_time(out, seconds);
	if (part == PART_RUNQUEUE && s->runner[0]) {
		buf_str(out, ", CPU held by ");
		format_name(out, s->runner);
	} else if (part == PART_ONCPU) {
		buf_str(out, " on CPU");
	} else if (part == PART_THROTTLED) {
		buf_str(out, " held back by its own CPU limit");
	} else if (part < WAIT_CLASSES) {
		buf_char(out, ' ');
		buf_str(out, wait_class_phrases[part]);
	}
}

void stall_sentence(struct buf *out, const struct stall *s)
{
	double parts[PARTS];
	bool first = true;

	memcpy(parts, s->blocked, sizeof(s->blocked));
	parts[PART_ONCPU] = s->oncpu;
	parts[PART_RUNQUEUE] = s->runqueue > s->throttled ? s->runqueue - s->throttled : 0;
	parts[PART_THROTTLED] = s->throttled;
	buf_str(out, "blocked ");
	sentence_time(out, s->seconds);
	/* Longest first, until the rest is insignificant. */
	for (;;) {
		int most = 0;

		for (int i = 1; i < PARTS; i++)
			if (parts[i] > parts[most])
				most = i;
		if (!(parts[most] > 0) || (!first && parts[most] < s->seconds / 10))
			break;
		buf_str(out, first ? ": " : "; ");
		stall_part_text(out, s, most, parts[most]);
		parts[most] = 0;
		first = false;
	}
	if (s->suppressed)
		buf_printf(out, " (%" PRIu64 " more just before it)", s->suppressed);
}
