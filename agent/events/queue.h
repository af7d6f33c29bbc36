/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - a bounded queue of lines that never waits, for a reader that may be slow or not read at all. Used by
 * `sysscope events`.
 */
#ifndef SYSSCOPE_EVENT_QUEUE_H
#define SYSSCOPE_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct event_queue {
	struct buf lines;
	size_t sent;  /* bytes at the beginning of `lines` that were written */
	size_t limit; /* bytes that may wait */
	uint64_t lines_written;
};

/* Appends a line. -ENOBUFS: there is no room for it; -ENOMEM. */
int event_queue_add(struct event_queue *q, const char *line, size_t length);

static inline size_t event_queue_waiting(const struct event_queue *q)
{
	return q->lines.len - q->sent;
}
uint64_t event_queue_lines_waiting(const struct event_queue *q); /* a partly written one included */

/* One write of at most a page, which does not block on a pipe that is writable by poll(2). 0 or negative errno. */
int event_queue_write(struct event_queue *q, int fd);

void event_queue_free(struct event_queue *q);

#endif
