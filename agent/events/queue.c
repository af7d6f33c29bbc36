/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue.c - see queue.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "events/queue.h"

/* A writable pipe has room for a page. */
#define WRITE_MOST 4096
/* Written bytes are removed when there are this many, so that each byte is moved at most once. */
#define COMPACT_BYTES (1u << 20)

int event_queue_add(struct event_queue *q, const char *line, size_t length)
{
	if (event_queue_waiting(q) + length > q->limit)
		return -ENOBUFS;
	if (q->sent >= COMPACT_BYTES && q->sent >= q->lines.len / 2) {
		memmove(q->lines.data, q->lines.data + q->sent, q->lines.len - q->sent);
		q->lines.len -= q->sent;
		q->sent = 0;
	}
	buf_add(&q->lines, line, length);
	return q->lines.failed ? -ENOMEM : 0;
}

static uint64_t count_lines(const char *text, size_t length)
{
	const char *end = text + length, *feed;
	uint64_t n = 0;

	while (text < end && (feed = memchr(text, '\n', (size_t)(end - text)))) {
		text = feed + 1;
		n++;
	}
	return n;
}

uint64_t event_queue_lines_waiting(const struct event_queue *q)
{
	return q->lines.data ? count_lines(q->lines.data + q->sent, event_queue_waiting(q)) : 0;
}

int event_queue_write(struct event_queue *q, int fd)
{
	size_t most = event_queue_waiting(q) < WRITE_MOST ? event_queue_waiting(q) : WRITE_MOST;
	const char *from = q->lines.data + q->sent;
	ssize_t n;

	if (!most)
		return 0;
	n = write(fd, from, most);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	q->lines_written += count_lines(from, (size_t)n);
	q->sent += (size_t)n;
	if (!event_queue_waiting(q)) {
		buf_reset(&q->lines);
		q->sent = 0;
	}
	return 0;
}

void event_queue_free(struct event_queue *q)
{
	buf_free(&q->lines);
}
