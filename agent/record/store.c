/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.c - see store.h. A frame is one zstd stream that is flushed behind each block. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "record/shelf.h"
#include "record/store.h"

#define SEGMENT_BYTES	(32ULL << 20)
#define SEGMENT_SECONDS 3600.0
/* So that the oldest part, which goes as a whole, is a small part of what is kept. */
#define SEGMENT_SHARE	  8
#define SEGMENT_BYTES_MIN (64ULL << 10)

#define ZSTD_LEVEL 3
/* The differences of a frame refer to its whole state; more would only take memory. */
#define ZSTD_WINDOW_LOG 20
/*
 * The level's own tables are for long texts: 768 kB, which are out of the caches at each sample. A fourth of that takes 0.6 of the
 * time, for 1 % more bytes.
 */
#define ZSTD_HASH_LOG  15
#define ZSTD_CHAIN_LOG 14

/* A pause that is longer than so many intervals begins a frame, so that it shows in the index. */
#define PAUSE_INTERVALS 3

struct store {
	struct store_options options;
	struct shelf shelf;
	uint64_t interval_ns, segment_ns;

	uint64_t begun_ns; /* the first sample of the open segment */
	uint32_t samples;  /* in it */
	LIST(struct frame_entry) frames;

	bool broken;	  /* the next state has to begin a frame */
	uint64_t last_ns; /* time of the latest state */
	ZSTD_CCtx *stream;
	struct buf block;
	struct store_counts counts;
};

/* ---- open ---- */

static void store_limits_set(struct store *s, const struct store_options *o)
{
	uint64_t bytes = o->segment_bytes ?: SEGMENT_BYTES;
	double seconds = o->segment_seconds > 0 ? o->segment_seconds : SEGMENT_SECONDS;

	s->options = *o;
	if (!o->segment_bytes && o->keep_bytes && bytes > o->keep_bytes / SEGMENT_SHARE)
		bytes = o->keep_bytes / SEGMENT_SHARE;
	if (!o->segment_bytes && bytes < SEGMENT_BYTES_MIN)
		bytes = SEGMENT_BYTES_MIN;
	if (!(o->segment_seconds > 0) && o->keep_seconds > 0 && seconds > o->keep_seconds / SEGMENT_SHARE)
		seconds = o->keep_seconds / SEGMENT_SHARE;
	s->options.segment_bytes = bytes;
	s->segment_ns = (uint64_t)(seconds * 1e9);
	s->interval_ns = (uint64_t)(o->interval * 1e9);
}

static int stream_make(struct store *s)
{
	s->stream = ZSTD_createCCtx();
	if (!s->stream)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(s->stream, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->stream, ZSTD_c_windowLog, ZSTD_WINDOW_LOG)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->stream, ZSTD_c_hashLog, ZSTD_HASH_LOG)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->stream, ZSTD_c_chainLog, ZSTD_CHAIN_LOG)))
		return -EINVAL;
	return 0;
}

int store_open(struct store **ret, const struct store_options *o, struct buf *error)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	shelf_init(&s->shelf, o->keep_bytes, o->keep_seconds);
	s->broken = true;
	store_limits_set(s, o);
	r = shelf_open(&s->shelf, o->path, error) ?: stream_make(s);
	if (r < 0) {
		if (!error->len)
			buf_str(error, strerror(-r));
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

const struct store_counts *store_counts(struct store *s)
{
	s->counts.bytes = s->shelf.bytes;
	s->counts.kept_bytes = s->shelf.kept_bytes;
	s->counts.oldest_ns = s->shelf.segments.list.n ? s->shelf.segments.list.at[0].time_ns : 0;
	return &s->counts;
}

/* ---- segments ---- */

static int index_append(struct store *s)
{
	struct block_header h = {.kind = BLOCK_INDEX, .number = s->samples, .time_ns = s->last_ns};
	size_t n = s->frames.n * FRAME_ENTRY_BYTES;
	uint8_t *out;

	buf_reset(&s->block);
	if (!buf_room(&s->block, BLOCK_HEADER_BYTES + n + SEGMENT_TRAILER_BYTES))
		return -ENOMEM;
	out = (uint8_t *)s->block.data;
	for (size_t i = 0; i < s->frames.n; i++)
		frame_entry_write(&s->frames.at[i], out + BLOCK_HEADER_BYTES + i * FRAME_ENTRY_BYTES);
	h.length = h.size = (uint32_t)n;
	h.payload_crc = block_crc(out + BLOCK_HEADER_BYTES, n);
	block_header_write(&h, out);
	segment_trailer_write(s->shelf.end, out + BLOCK_HEADER_BYTES + n);
	return shelf_append(&s->shelf, out, BLOCK_HEADER_BYTES + n + SEGMENT_TRAILER_BYTES);
}

/* Without room for its index it is read without one. */
static void segment_end(struct store *s)
{
	if (s->shelf.fd < 0)
		return;
	if (s->frames.n)
		index_append(s);
	shelf_end(&s->shelf);
	s->broken = true;
}

static int segment_begin(struct store *s, uint64_t time_ns)
{
	struct segment_header h = {.version = RECORDING_VERSION,
				   .time_ns = time_ns,
				   .interval_ns = s->interval_ns,
				   .fact_kinds = s->options.fact_kinds,
				   .sysscope = SYSSCOPE_VERSION};
	int r;

	strncpy(h.host, s->options.host ?: "", sizeof(h.host) - 1);
	strncpy(h.kernel, s->options.kernel ?: "", sizeof(h.kernel) - 1);
	r = shelf_begin(&s->shelf, &h);
	if (r < 0)
		return r;
	s->begun_ns = time_ns;
	s->samples = 0;
	s->frames.n = 0;
	return 0;
}

static bool segment_full(const struct store *s, uint64_t time_ns)
{
	return s->shelf.end >= s->options.segment_bytes || time_ns < s->begun_ns ||
	       time_ns - s->begun_ns >= s->segment_ns;
}

/* ---- blocks ---- */

/* The next piece of the frame's stream, behind room for the header. */
static int stream_flush(struct store *s, const void *bytes, size_t n)
{
	ZSTD_inBuffer in = {bytes, n, 0};
	size_t left;

	buf_reset(&s->block);
	do {
		ZSTD_outBuffer out;

		if (!buf_room(&s->block, BLOCK_HEADER_BYTES + ZSTD_CStreamOutSize()))
			return -ENOMEM;
		if (s->block.len == 0)
			s->block.len = BLOCK_HEADER_BYTES;
		out = (ZSTD_outBuffer){s->block.data + s->block.len, s->block.cap - s->block.len, 0};
		left = ZSTD_compressStream2(s->stream, &out, &in, ZSTD_e_flush);
		if (ZSTD_isError(left))
			return -EIO;
		s->block.len += out.pos;
	} while (left || in.pos < in.size);
	return 0;
}

static int block_append(struct store *s, struct block_header h)
{
	uint8_t *out = (uint8_t *)s->block.data;

	h.length = (uint32_t)(s->block.len - BLOCK_HEADER_BYTES);
	h.payload_crc = block_crc(out + BLOCK_HEADER_BYTES, h.length);
	block_header_write(&h, out);
	return shelf_append(&s->shelf, out, s->block.len);
}

bool store_wants_whole(const struct store *s, uint64_t time_ns)
{
	const struct frame_entry *frame = s->frames.n ? &s->frames.at[s->frames.n - 1] : NULL;

	return s->broken || s->shelf.fd < 0 || !frame || frame->samples >= FRAME_SAMPLES || segment_full(s, time_ns) ||
	       time_ns < s->last_ns || (s->interval_ns && time_ns - s->last_ns > PAUSE_INTERVALS * s->interval_ns);
}

/* Room for one more frame in a segment. */
static int frame_begin(struct store *s, uint64_t time_ns)
{
	int r;

	if (s->shelf.fd >= 0 && segment_full(s, time_ns))
		segment_end(s);
	shelf_trim(&s->shelf, time_ns);
	r = s->shelf.fd < 0 ? segment_begin(s, time_ns) : 0;
	r = r ?: list_reserve(&s->frames, s->frames.n + 1);
	if (r == 0)
		ZSTD_CCtx_reset(s->stream, ZSTD_reset_session_only);
	return r;
}

static int state_append(struct store *s, uint64_t time_ns, bool whole, const void *bytes, size_t n)
{
	struct block_header h = {
		.kind = BLOCK_STATE, .flags = whole ? BLOCK_BEGINS_FRAME : 0, .size = (uint32_t)n, .time_ns = time_ns};
	struct frame_entry *frame;
	uint64_t offset;
	int r = 0;

	if (n > BLOCK_SIZE_MAX)
		return -EFBIG;
	if (whole)
		r = frame_begin(s, time_ns);
	else if (store_wants_whole(s, time_ns))
		r = -EINVAL;
	r = r ?: stream_flush(s, bytes, n);
	if (r < 0)
		return r;
	offset = s->shelf.end;
	h.number = s->samples + 1;
	r = block_append(s, h);
	if (r < 0)
		return r;
	s->samples++;
	if (whole)
		s->frames.at[s->frames.n++] = (struct frame_entry){.offset = offset, .first_ns = time_ns};
	frame = &s->frames.at[s->frames.n - 1];
	frame->last_ns = time_ns;
	frame->samples++;
	shelf_trim(&s->shelf, time_ns);
	return 0;
}

int store_state(struct store *s, uint64_t time_ns, bool whole, const void *bytes, size_t n)
{
	int r = state_append(s, time_ns, whole, bytes, n);

	if (r < 0) {
		s->broken = true;
		s->counts.lost++;
		return r;
	}
	s->broken = false;
	s->last_ns = time_ns;
	s->counts.samples++;
	return 0;
}

/* A stream of its own: what is lost with it is not the state, nor the other way round. */
int store_facts(struct store *s, uint64_t time_ns, const void *bytes, size_t n)
{
	struct block_header h = {.kind = BLOCK_FACTS, .size = (uint32_t)n, .number = s->samples, .time_ns = time_ns};
	size_t length;

	if (s->shelf.fd < 0 || !s->samples)
		return -EAGAIN;
	if (n > BLOCK_SIZE_MAX)
		return -EFBIG;
	buf_reset(&s->block);
	if (!buf_room(&s->block, BLOCK_HEADER_BYTES + ZSTD_compressBound(n)))
		return -ENOMEM;
	length = ZSTD_compress(s->block.data + BLOCK_HEADER_BYTES, ZSTD_compressBound(n), bytes, n, ZSTD_LEVEL);
	if (ZSTD_isError(length))
		return -EIO;
	s->block.len = BLOCK_HEADER_BYTES + length;
	return block_append(s, h);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	segment_end(s);
	list_free(&s->frames);
	shelf_close(&s->shelf);
	ZSTD_freeCCtx(s->stream);
	buf_free(&s->block);
	free(s);
}
