/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * draw.h - bars, courses and histograms as text. Blocks where the locale has them, else ASCII; readable without colour.
 */
#ifndef SYSSCOPE_DETAIL_DRAW_H
#define SYSSCOPE_DETAIL_DRAW_H

#include "base/util.h"

/* Room for a drawing between a line's label and what stands behind it. */
int draw_room(int width, int behind);

/* "[||||......]": a share of 0 to 1 in `room` columns with the frame; beyond 1 it is full. */
void draw_share(struct buf *out, double share, int room);

/* A column for each of n values, which are not a number where nothing is known; the highest is `most`. */
void draw_course(struct buf *out, const double *values, int n, double most);

/* A bar of at most `room` columns, padded to that; anything above 0 has one column. */
void draw_bar(struct buf *out, double value, double most, int room);

#endif
