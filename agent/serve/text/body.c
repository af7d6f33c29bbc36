/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.c - see body.h. Renders with exporters/prometheus/, compresses with pack.c, expands with zlib; opens no file.
 */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "exporters/prometheus/prometheus.h"
#include "serve/text/body.h"
#include "serve/text/pack.h"

#define GZIP_WINDOW_BITS (15 + 16) /* 16: with a gzip header instead of zlib's */
#define GZIP_CHUNK_BYTES 65536

static bool sink_again(void *ctx, uint64_t part, uint64_t digest)
{
	return pack_again(ctx, part, digest);
}

static int sink_add(void *ctx, uint64_t part, uint64_t digest, const char *text, size_t len)
{
	return pack_add(ctx, part, digest, text, len);
}

static int body_pack(struct body *b, struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o,
		     struct pack *pack)
{
	const struct prometheus_sink sink = {.ctx = pack, .again = sink_again, .add = sink_add};
	int r = pack_begin(pack);

	if (!r)
		r = prometheus_send(p, s, o, &sink);
	if (!r)
		r = pack_end(pack, &b->gzip);
	if (r < 0)
		pack_drop(pack);
	return r;
}

int body_new(struct body **ret, struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o,
	     struct pack *pack)
{
	struct body *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->refs = 1;
	b->sequence = s->sequence;
	b->openmetrics = o->openmetrics;
	b->without = o->without;
	b->made_ns = clock_boot_ns();
	r = pack ? body_pack(b, p, s, o, pack) : prometheus_write(p, &b->plain, s, o);
	if (r < 0) {
		body_unref(b);
		return r;
	}
	*ret = b;
	return 0;
}

int body_of(struct body **ret, struct buf *text)
{
	struct body *b = text->failed ? NULL : calloc(1, sizeof(*b));

	if (!b) {
		buf_free(text);
		return -ENOMEM;
	}
	b->refs = 1;
	b->made_ns = clock_boot_ns();
	b->plain = *text;
	*text = (struct buf){};
	*ret = b;
	return 0;
}

void body_meter(struct body *b, size_t *meter)
{
	if (b->meter)
		*b->meter -= b->metered;
	b->meter = meter;
	b->metered = b->plain.cap + b->gzip.cap;
	*meter += b->metered;
}

struct body *body_ref(struct body *b)
{
	b->refs++;
	return b;
}

void body_unref(struct body *b)
{
	if (!b || --b->refs)
		return;
	if (b->meter)
		*b->meter -= b->metered;
	buf_free(&b->plain);
	buf_free(&b->gzip);
	free(b);
}

/* As a pack of one part, which is not kept. */
int body_compress(struct body *b)
{
	struct pack pack = {};
	int r;

	if (b->gzip.len)
		return 0;
	r = pack_begin(&pack);
	if (!r)
		r = pack_add(&pack, 0, 0, b->plain.data, b->plain.len);
	if (!r)
		r = pack_end(&pack, &b->gzip);
	pack_drop(&pack);
	if (r < 0)
		buf_free(&b->gzip);
	return r;
}

static int inflate_all(z_stream *z, struct buf *out)
{
	_cleanup_free_ unsigned char *chunk = malloc(GZIP_CHUNK_BYTES);
	int r;

	if (!chunk)
		return -ENOMEM;
	do {
		z->next_out = chunk;
		z->avail_out = GZIP_CHUNK_BYTES;
		r = inflate(z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return -EIO;
		buf_add(out, chunk, GZIP_CHUNK_BYTES - z->avail_out);
	} while (r != Z_STREAM_END && !out->failed);
	return out->failed ? -ENOMEM : 0;
}

int body_expand(struct body *b)
{
	z_stream z = {.next_in = (unsigned char *)b->gzip.data};
	int r;

	if (b->plain.len)
		return 0;
	if (b->gzip.len > UINT32_MAX)
		return -EFBIG;
	z.avail_in = (uInt)b->gzip.len;
	if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	r = inflate_all(&z, &b->plain);
	inflateEnd(&z);
	if (r < 0)
		buf_free(&b->plain);
	return r;
}
