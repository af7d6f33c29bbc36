/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - lines on their way to somebody who may read slowly or not at all: a bounded queue that never waits. Used by
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
	size_t sent;  /* bytes of them that were written */
	size_t limit; /* bytes that may wait */
	uint64_t lines_written;
};

/* Takes the line or, when there is no room, does not: -ENOBUFS. -ENOMEM. */
int event_queue_add(struct event_queue *q, const char *line, size_t length);

static inline size_t event_queue_waiting(const struct event_queue *q)
{
	return q->lines.len - q->sent;
}
uint64_t event_queue_lines_waiting(const struct event_queue *q); /* one that was begun included */

/* One write of so much that a pipe which poll(2) calls writable takes it at once. 0 or negative errno. */
int event_queue_write(struct event_queue *q, int fd);

void event_queue_free(struct event_queue *q);

#endif
