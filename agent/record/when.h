/* SPDX-License-Identifier: GPL-2.0-or-later */
/* when.h - moments of a recording as people write and read them, in the local time of whoever reads. */
#ifndef SYSSCOPE_RECORD_WHEN_H
#define SYSSCOPE_RECORD_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

/*
 * "10:42", "10:42:05": the last such moment before `end_ns`, the end of the recording; of the day of the end, and so after it, if
 * that of the day before is before `begin_ns`. "2026-11-30 10:42", also with seconds or a T. "-15m": so long before the end. 0, or
 * -EINVAL, *ret is untouched then.
 */
int when_parse(const char *text, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret);
/* The end of a span that begins at `from_ns`: the second that is named belongs to it, and "00:10" is the one after `from_ns`. */
int when_parse_end(const char *text, uint64_t from_ns, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret);
#define WHEN_FORMS "10:42, 10:42:05, '2026-11-30 10:42' or -15m"

/* "2026-11-30 10:42:05". */
void when_text(struct buf *out, uint64_t time_ns);

/* Between two samples that follow each other, at this interval, some are missing: one that is late is no hole. */
bool when_hole(uint64_t before_ns, uint64_t time_ns, uint64_t interval_ns);
/* Between two such samples. */
struct record_hole {
	uint64_t from_ns, to_ns;
};
/* "there are no samples from ... to ..., and from ... to ...": of `n` holes, of which the first ones are known. One at least. */
#define WHEN_HOLES 4
void when_holes_text(struct buf *out, const struct record_hole holes[WHEN_HOLES], size_t n);

#endif
