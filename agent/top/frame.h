/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.h - draws one frame of the live screen with curses: header, table or detail or help, footer. */
#ifndef SYSSCOPE_TOP_FRAME_H
#define SYSSCOPE_TOP_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"
#include "exporters/table/table.h"
#include "top/past/past.h"
#include "top/state.h"

struct frame {
	bool color;
	const struct snapshot *snapshot; /* NULL: none yet */
	int error;			 /* negative errno of the last sample; 0: none */
	struct top_state state;
	struct past_place place; /* of the snapshot, if it is of a recording */
	struct table_rows rows;	 /* of the snapshot, as the state chooses and sorts them */
	struct buf text, cell;
};

void frame_colors(void); /* once, when curses is initialised */
void frame_draw(struct frame *f);
void frame_rows(struct frame *f); /* only the rows, for a key that comes before they are drawn; there is a snapshot */
size_t frame_page_size(const struct top_state *t); /* rows of a table that the terminal has room for */
void frame_free(struct frame *f);

/* Puts all rows in order: before a key acts on them. What is on the screen stays where it is. */
void frame_rows_complete(struct frame *f);

/* What is at this place of the screen, as it was drawn last. */
struct frame_hit {
	enum { HIT_NOTHING, HIT_ROW, HIT_TITLE } what;
	size_t position; /* of the row */
	int column;	 /* of the view */
};
struct frame_hit frame_hit(const struct frame *f, int line, int x);

/* ---- translate.c ---- */
int key_translate(int key); /* of curses; a character is itself */

/* ---- footer.c ---- */

/*
 * One line, which may be longer than `width`. `past_above`: another line has the place in the recording. True: it is to stand out.
 */
bool footer_text(struct buf *line, const struct frame *f, int width, bool past_above);

#endif
