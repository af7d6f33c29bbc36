/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * setup.h - the list with which somebody chooses the columns of the view and their order (F2). Pure, as state.c is; frame.c draws
 * it, screen.c keeps what was chosen when it is left.
 */
#ifndef SYSSCOPE_TOP_SETUP_H
#define SYSSCOPE_TOP_SETUP_H

#include "exporters/table/table.h"

struct setup_entry {
	int column; /* of the view */
	bool shown;
};

struct setup {
	bool open, changed;
	struct setup_entry entries[TABLE_CHOICES_MAX];
	size_t n, selected, first;
};

struct key_press;

void key_setup(const struct key_press *p); /* opens it */
bool setup_key(const struct key_press *p); /* a key while it is open; false: it is none of its own */

/* A line of it, not longer than width; scrolls so that the selected one is among `page`. */
void setup_line(struct buf *out, const struct setup *s, const struct view_desc *view, size_t position, int width);
void setup_scroll(struct setup *s, size_t page);

#endif
