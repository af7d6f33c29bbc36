/* SPDX-License-Identifier: GPL-2.0-or-later */
/* units.h - sizes and durations as people type and read them: "2G", "7d", "15m". The whole text, in range, or an error. */
#ifndef SYSSCOPE_UNITS_H
#define SYSSCOPE_UNITS_H

#include <stdint.h>

#include "base/util.h"

/* A whole number of bytes, or of K, M, G, T (powers of 1024). 0, -EINVAL or -ERANGE; *ret is untouched then. */
int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/* A number of seconds, or of s, m, h, d, w; the result is seconds. */
int parse_duration(const char *s, double min, double max, double *ret);

/* The same in the largest unit that shows all of it: "2G", "15m". */
void size_text(struct buf *out, uint64_t bytes);
void duration_text(struct buf *out, double seconds);

#endif
