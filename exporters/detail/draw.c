/* SPDX-License-Identifier: GPL-2.0-or-later */
/* draw.c - see draw.h. */
#include <math.h>

#include "exporters/detail/draw.h"
#include "exporters/table/format.h"

#define LABEL_WIDTH 15
#define ROOM_MIN    10

int draw_room(int width, int behind)
{
	int room = width - LABEL_WIDTH - behind;

	return room > ROOM_MIN ? room : ROOM_MIN;
}

void draw_share(struct buf *out, double share, int room)
{
	int inside = room - 2, filled = share >= 1 ? inside : share > 0 ? (int)(share * inside + 0.5) : 0;

	if (share > 0 && !filled)
		filled = 1;
	buf_char(out, '[');
	for (int i = 0; i < inside; i++)
		buf_char(out, i < filled ? '|' : '.');
	buf_char(out, ']');
}

#define LEVELS 8

void draw_course(struct buf *out, const double *values, int n, double most)
{
	static const char ascii[LEVELS + 1] = "_.-:=+*#";
	bool blocks = format_is_utf8();

	for (int i = 0; i < n; i++) {
		double share = most > 0 ? values[i] / most : 0;
		int level = share > 0 ? (int)ceil(share * LEVELS) - 1 : 0;

		level = level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level;
		if (isnan(values[i]))
			buf_char(out, ' ');
		else if (blocks)
			buf_printf(out, "\xe2\x96%c", '\x81' + level); /* lower one eighth block and up */
		else
			buf_char(out, ascii[level]);
	}
}

void draw_bar(struct buf *out, double value, double most, int room)
{
	int filled = most > 0 ? (int)(value / most * room + 0.5) : 0;

	if (value > 0 && !filled)
		filled = 1;
	for (int i = 0; i < room; i++)
		buf_char(out, i < filled ? '#' : ' ');
}
