/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table_text.h - text for people: values in human units, names cut and filled to columns of the screen. Used by the
 * plain table and the live screen.
 */
#ifndef SYSSCOPE_TABLE_TEXT_H
#define SYSSCOPE_TABLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/util.h"
#include "sysscope/view.h"

/* Can the screen show more than ASCII? By the locale's LC_CTYPE; to be asked once, after setlocale. */
bool text_locale_is_utf8(void);

enum text_align { TEXT_LEFT, TEXT_RIGHT, TEXT_CUT }; /* TEXT_CUT: cut, but not filled */

/*
 * Appends `s` in exactly `width` columns (TEXT_CUT: at most): cut with an ellipsis or filled with blanks. `s` is valid
 * UTF-8 without control characters, as text_terminal writes it. Without `utf8` the output is ASCII. Characters that
 * cannot be seen become U+FFFD, marks without a base go.
 */
void text_fit(struct buf *out, const char *s, size_t len, int width, enum text_align align, bool utf8);

/* Columns that it takes up, as text_fit would show it. */
int text_columns(const char *s, size_t len, bool utf8);

/* Appends the value: "64.0M", "0.25", "1:02.3", "3h12m", "12.5%", "-"; shortened where it would not fit in `width`. */
void value_text(struct buf *out, const struct metric_desc *d, double v, int width);

/* Without a descriptor. */
void bytes_text(struct buf *out, double bytes);
void age_text(struct buf *out, double seconds);

#endif
