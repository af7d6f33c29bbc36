/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.h - numbers and names for people: human units, harmless names, texts cut by their width on a screen. Used by
 * the table, the views and the live screen; knows no rows.
 */
#ifndef SYSSCOPE_FORMAT_H
#define SYSSCOPE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sysscope/view.h"

/* A value in human units; `-` when unknown. */
void format_value(struct buf *out, const struct metric_desc *d, double v);
void format_metric(struct buf *out, enum metric_scope scope, const double *v, int metric); /* v[metric] of that scope */

/* Characters outside of ASCII can be shown. */
bool format_is_utf8(void);

/* A raw name as a terminal may show it. */
void format_name(struct buf *out, const char *name);

/* The same; a path longer than `width` is cut from the front, as its end says more. */
void format_path(struct buf *out, const char *name, int width);

/* A comma and a raw text as a field of CSV. */
void format_csv(struct buf *out, const char *text);

/* The indentation of a name at this depth of a tree; format_indent_width: its width. */
void format_indent(struct buf *out, uint8_t depth);
int format_indent_width(uint8_t depth);
/* Behind it, before the name: how many rows are folded into this one. Returns its width. */
int format_fold(struct buf *out, uint32_t below);

/* A line below the rows, not longer than `width`. */
__attribute__((format(printf, 3, 4))) void line_below(struct buf *out, int width, const char *format, ...);

/*
 * Appends `text` (already through text_terminal), cut to `width` columns with a mark where it was cut, or padded. In a
 * locale without UTF-8 every character outside of ASCII becomes '?'.
 */
void text_fit(struct buf *out, const char *text, int width, bool right);

#endif
