/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.h - what a key acts on: for keys.c, which has their table, and for the files that have what some of them do. */
#ifndef SYSSCOPE_TOP_KEYS_H
#define SYSSCOPE_TOP_KEYS_H

#include "top/state.h"

struct key_press {
	struct top_state *t;
	int key;
	const struct snapshot *s;
	const struct table_rows *rows;
	size_t page;
};

/* ---- typing.c ---- */
void key_type(const struct key_press *p);  /* begins a text */
void key_typed(const struct key_press *p); /* into the text that was begun */
void key_next(const struct key_press *p);  /* searches on */

/* ---- fold.c ---- */
void key_fold(const struct key_press *p);

#endif
