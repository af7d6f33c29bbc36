/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment.c - see segment.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/folder.h"
#include "record/segment.h"

#define SEARCH_BYTES ((size_t)64 << 10)

/* The most frames of an index; a segment of an hour has 12. */
#define INDEX_FRAMES_MAX (1u << 20)

/* 0, or -ENODATA: the file has not so many bytes there. */
static int bytes_read(int fd, void *ret, size_t n, uint64_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, (char *)ret + done, n - done, (off_t)(at + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENODATA;
		done += (size_t)r;
	}
	return 0;
}

static int header_at(int fd, uint64_t at, struct block_header *ret)
{
	uint8_t bytes[BLOCK_HEADER_BYTES];
	int r = bytes_read(fd, bytes, sizeof(bytes), at);

	return r ?: block_header_read(bytes, ret);
}

/* ---- by the index ---- */

static int index_check(const struct segment *s, const uint8_t *entries, size_t n, uint64_t index_at)
{
	uint64_t at = 0, samples = 0;

	for (size_t i = 0; i < n; i++) {
		struct frame_entry f;

		frame_entry_read(entries + i * FRAME_ENTRY_BYTES, &f);
		if (f.offset < SEGMENT_HEADER_BYTES || (i && f.offset <= at) || f.offset >= index_at || !f.samples)
			return -EBADMSG;
		at = f.offset;
		samples += f.samples;
	}
	return samples <= UINT32_MAX && s->frames.n == 0 ? 0 : -EBADMSG;
}

static int index_take(int fd, struct segment *s, uint64_t index_at, uint64_t bytes)
{
	_cleanup_free_ uint8_t *entries = NULL;
	struct block_header h;
	size_t n;
	int r = header_at(fd, index_at, &h);

	if (r < 0)
		return r;
	n = h.length / FRAME_ENTRY_BYTES;
	if (h.kind != BLOCK_INDEX || h.length != n * FRAME_ENTRY_BYTES || n > INDEX_FRAMES_MAX ||
	    index_at + BLOCK_HEADER_BYTES + h.length + SEGMENT_TRAILER_BYTES != bytes)
		return -EBADMSG;
	entries = malloc(h.length + 1);
	if (!entries)
		return -ENOMEM;
	r = bytes_read(fd, entries, h.length, index_at + BLOCK_HEADER_BYTES);
	if (r == 0 && block_crc(entries, h.length) != h.payload_crc)
		r = -EBADMSG;
	r = r ?: index_check(s, entries, n, index_at);
	r = r ?: list_reserve(&s->frames, n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		frame_entry_read(entries + i * FRAME_ENTRY_BYTES, &s->frames.at[i]);
	s->frames.n = n;
	s->samples = h.number;
	s->end = bytes;
	s->closed = true;
	return 0;
}

static int index_look(int fd, struct segment *s, uint64_t bytes)
{
	uint8_t trailer[SEGMENT_TRAILER_BYTES];
	uint64_t index_at;
	int r;

	if (bytes < SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES + SEGMENT_TRAILER_BYTES)
		return -ENODATA;
	r = bytes_read(fd, trailer, sizeof(trailer), bytes - sizeof(trailer));
	r = r ?: segment_trailer_read(trailer, &index_at);
	if (r == 0 && (index_at < SEGMENT_HEADER_BYTES || index_at > bytes))
		r = -EBADMSG;
	return r ?: index_take(fd, s, index_at, bytes);
}

/* ---- by the headers of the blocks ---- */

static int state_take(struct segment *s, const struct block_header *h, uint64_t at)
{
	struct frame_entry *last = s->frames.n ? &s->frames.at[s->frames.n - 1] : NULL;
	uint32_t more = h->number > s->samples ? h->number - s->samples : 1;
	int r;

	s->samples += more;
	if (h->flags & BLOCK_BEGINS_FRAME) {
		/* What is missing before it was the rest of the frame before. */
		if (last)
			last->samples += more - 1;
		else
			s->lost += more - 1;
		r = list_reserve(&s->frames, s->frames.n + 1);
		if (r < 0)
			return r;
		s->frames.at[s->frames.n++] =
			(struct frame_entry){.offset = at, .first_ns = h->time_ns, .last_ns = h->time_ns, .samples = 1};
	} else if (last) {
		last->samples += more;
		last->last_ns = h->time_ns;
	} else {
		s->lost += more;
	}
	return 0;
}

/* From `at` on, the next bytes that are a header; `bytes` if there are none. */
static int header_search(int fd, uint64_t at, uint64_t bytes, uint64_t *ret)
{
	_cleanup_free_ uint8_t *chunk = malloc(SEARCH_BYTES);
	struct block_header h;

	if (!chunk)
		return -ENOMEM;
	while (at + BLOCK_HEADER_BYTES <= bytes) {
		size_t n = bytes - at < SEARCH_BYTES ? (size_t)(bytes - at) : SEARCH_BYTES;
		const uint8_t *p = chunk, *end = chunk + n;
		int r = bytes_read(fd, chunk, n, at);

		if (r < 0)
			return r;
		while ((p = memmem(p, (size_t)(end - p), block_magic, BLOCK_MAGIC_BYTES)) &&
		       end - p >= BLOCK_HEADER_BYTES) {
			if (block_header_read(p, &h) == 0) {
				*ret = at + (uint64_t)(p - chunk);
				return 0;
			}
			p++;
		}
		/* A header may lie across the end of the chunk. */
		at += n > BLOCK_HEADER_BYTES ? n - BLOCK_HEADER_BYTES + 1 : n;
	}
	*ret = bytes;
	return 0;
}

/* Behind the last whole block. */
static bool rest_is_trailer(int fd, uint64_t at, uint64_t bytes)
{
	uint8_t trailer[SEGMENT_TRAILER_BYTES];
	uint64_t index_at;

	return bytes - at == sizeof(trailer) && bytes_read(fd, trailer, sizeof(trailer), at) == 0 &&
	       segment_trailer_read(trailer, &index_at) == 0;
}

/* At what is no header: *ret_at is the next one. */
static int damage_pass(int fd, struct segment *s, uint64_t bytes, uint64_t *ret_at)
{
	/* The length of the block before may be wrong, or the block may be torn: what it covered is searched, too. */
	uint64_t from = s->block ? s->block + BLOCK_HEADER_BYTES : SEGMENT_HEADER_BYTES;

	s->damaged = true;
	return header_search(fd, from, bytes, ret_at);
}

static int block_take(struct segment *s, const struct block_header *h, uint64_t at)
{
	s->block = at;
	if (h->kind == BLOCK_INDEX)
		s->closed = true;
	return h->kind == BLOCK_STATE ? state_take(s, h, at) : 0;
}

static int blocks_look(int fd, struct segment *s, uint64_t bytes)
{
	uint64_t at = s->end ?: SEGMENT_HEADER_BYTES;
	int r = 0;

	s->torn = false;
	while (r == 0 && at + BLOCK_HEADER_BYTES <= bytes && !s->closed) {
		struct block_header h;

		r = header_at(fd, at, &h);
		if (r == -EBADMSG) {
			r = damage_pass(fd, s, bytes, &at);
			continue;
		}
		if (r < 0 || at + BLOCK_HEADER_BYTES + h.length > bytes)
			break;
		r = block_take(s, &h, at);
		at += BLOCK_HEADER_BYTES + h.length;
		s->end = at;
	}
	s->torn = at < bytes && !s->closed && !rest_is_trailer(fd, at, bytes);
	return r == -ENODATA ? 0 : r;
}

/* ---- */

static int header_look(int fd, struct segment *s)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	int r = bytes_read(fd, bytes, sizeof(bytes), 0);

	if (r == 0)
		r = segment_header_read(bytes, &s->header);
	/* Without its header a segment is read all the same: its blocks are known by their own. */
	if (r == -EBADMSG)
		s->damaged = true;
	return r == -EBADMSG || r == -ENODATA ? 0 : r;
}

int segment_look(int folder, struct segment *s)
{
	_cleanup_close_ int fd = -1;
	uint64_t bytes;
	int r = folder_file(folder, s->name, &fd, &bytes);

	if (r < 0 || s->closed || (s->end && bytes <= s->end))
		return r;
	if (!s->header.version)
		r = header_look(fd, s);
	if (r == 0 && !s->end && index_look(fd, s, bytes) == 0)
		return 0;
	return r ?: blocks_look(fd, s, bytes);
}

void segment_free(struct segment *s)
{
	list_free(&s->frames);
}
