/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocks.c - see blocks.h. */
#include <errno.h>
#include <unistd.h>

#include "record/blocks.h"
#include "record/folder.h"

/* Our own streams have 20; the cap is on what a hostile one may ask for. */
#define WINDOW_LOG_MAX 24

static int decoder_make(ZSTD_DCtx **ret)
{
	*ret = ZSTD_createDCtx();
	if (!*ret)
		return -ENOMEM;
	return ZSTD_isError(ZSTD_DCtx_setParameter(*ret, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)) ? -EINVAL : 0;
}

void blocks_init(struct blocks *b)
{
	*b = (struct blocks){.fd = -1};
}

int blocks_open(struct blocks *b)
{
	return decoder_make(&b->states) ?: decoder_make(&b->facts);
}

void blocks_file_close(struct blocks *b)
{
	if (b->fd >= 0)
		closep(&b->fd);
	b->fd = -1;
}

void blocks_close(struct blocks *b)
{
	blocks_file_close(b);
	ZSTD_freeDCtx(b->states);
	ZSTD_freeDCtx(b->facts);
	buf_free(&b->packed);
	buf_free(&b->bytes);
}

int blocks_file(struct blocks *b, int folder, uint32_t segment, const char *name)
{
	if (b->fd >= 0 && b->segment == segment)
		return 0;
	blocks_file_close(b);
	b->segment = segment;
	return folder_file(folder, name, &b->fd, &b->length);
}

/* ---- reading ---- */

static int blocks_read_at(struct blocks *b, void *ret, size_t n, uint64_t at)
{
	ssize_t got = pread(b->fd, ret, n, (off_t)at);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EBADMSG;
}

int blocks_header(struct blocks *b, uint64_t at, struct block_header *ret)
{
	uint8_t bytes[BLOCK_HEADER_BYTES];
	int r = blocks_read_at(b, bytes, sizeof(bytes), at);

	return r ?: block_header_read(bytes, ret);
}

static int payload_read(struct blocks *b, uint64_t at, const struct block_header *h)
{
	int r;

	if (at > b->length || h->length > b->length - at)
		return -EBADMSG;
	buf_reset(&b->packed);
	if (!buf_room(&b->packed, h->length))
		return -ENOMEM;
	r = blocks_read_at(b, b->packed.data, h->length, at);
	if (r < 0)
		return r;
	return block_crc(b->packed.data, h->length) == h->payload_crc ? 0 : -EBADMSG;
}

/* Exactly h->size bytes come out of exactly h->length. */
static int payload_unpack(struct blocks *b, ZSTD_DCtx *stream, const struct block_header *h)
{
	ZSTD_inBuffer in = {b->packed.data, h->length, 0};
	ZSTD_outBuffer out;

	buf_reset(&b->bytes);
	if (!buf_room(&b->bytes, (size_t)h->size + 1))
		return -ENOMEM;
	/* One more byte than there should be shows that there are more. */
	out = (ZSTD_outBuffer){b->bytes.data, (size_t)h->size + 1, 0};
	for (;;) {
		size_t in_before = in.pos, out_before = out.pos;

		if (ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)) || out.pos > h->size)
			return -EBADMSG;
		if (in.pos == in_before && out.pos == out_before)
			break;
	}
	b->bytes.len = out.pos;
	return out.pos == h->size && in.pos == in.size ? 0 : -EBADMSG;
}

int blocks_state(struct blocks *b, uint64_t at, const struct block_header *h)
{
	int r = payload_read(b, at, h);

	if (h->flags & BLOCK_BEGINS_FRAME)
		ZSTD_DCtx_reset(b->states, ZSTD_reset_session_only);
	return r ?: payload_unpack(b, b->states, h);
}

int blocks_facts(struct blocks *b, uint64_t at, const struct block_header *h)
{
	int r = payload_read(b, at, h);

	ZSTD_DCtx_reset(b->facts, ZSTD_reset_session_only);
	return r ?: payload_unpack(b, b->facts, h);
}
