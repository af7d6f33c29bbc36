/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pack.c - see pack.h. A part ends with a full flush (RFC 1951, an empty stored block): it ends at a whole byte, and nothing after
 * it refers to what was before. So parts can be put together in any file, and the CRC of the whole follows from theirs.
 */
#include <errno.h>
#include <stdlib.h>

#include "serve/text/pack.h"

/* Names and labels repeat, so that level 1 shrinks the text more than tenfold; higher levels mostly cost time. */
#define PACK_LEVEL	  1
#define PACK_WINDOW_BITS  (-14) /* no header; a part has some ten kilobytes */
#define PACK_MEMORY_LEVEL 7

/* RFC 1952: magic, deflate, no flags, no time, fastest, Unix. Then the parts, an empty last block, CRC and length. */
static const unsigned char file_head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3};
static const unsigned char last_block[] = {3, 0};

int pack_begin(struct pack *k)
{
	k->at = 0;
	k->z = (z_stream){};
	if (deflateInit2(&k->z, PACK_LEVEL, Z_DEFLATED, PACK_WINDOW_BITS, PACK_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	return 0;
}

/* The parts of a file mostly come in the order of the file before. */
static struct piece *piece_kept(struct pack *k, uint64_t part)
{
	for (size_t i = 0; i < k->kept.n; i++) {
		size_t at = (k->at + i) % k->kept.n;

		if (k->kept.at[at].part == part && k->kept.at[at].data) {
			k->at = at + 1;
			return &k->kept.at[at];
		}
	}
	return NULL;
}

bool pack_again(struct pack *k, uint64_t part, uint64_t digest)
{
	struct piece *piece = part ? piece_kept(k, part) : NULL;

	if (!piece || piece->digest != digest || list_reserve(&k->made, k->made.n + 1) < 0)
		return false;
	k->made.at[k->made.n++] = *piece;
	piece->data = NULL;
	return true;
}

static int piece_compress(z_stream *z, struct piece *piece, const char *text, size_t len)
{
	uLong bound;
	unsigned char *less;

	/* No buffer of zlib's is that large, nor is a part. */
	if (len > UINT32_MAX / 2)
		return -EFBIG;
	/* What deflateBound gives is for one stream that ends; a full flush takes at most some bytes more. */
	bound = deflateBound(z, (uLong)len) + 64;
	piece->data = malloc(bound);
	if (!piece->data)
		return -ENOMEM;
	z->next_in = (unsigned char *)(uintptr_t)text;
	z->avail_in = (uInt)len;
	z->next_out = piece->data;
	z->avail_out = (uInt)bound;
	if (deflate(z, Z_FULL_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
		return -EIO;
	piece->len = bound - z->avail_out;
	less = realloc(piece->data, piece->len);
	if (less)
		piece->data = less;
	return 0;
}

int pack_add(struct pack *k, uint64_t part, uint64_t digest, const char *text, size_t len)
{
	struct piece piece = {.part = part, .digest = digest, .plain_len = len};
	int r;

	if (!len)
		return 0;
	if (list_reserve(&k->made, k->made.n + 1) < 0)
		return -ENOMEM;
	piece.crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)text, len);
	r = piece_compress(&k->z, &piece, text, len);
	k->made.at[k->made.n++] = piece; /* pack_drop frees it if that failed */
	return r;
}

static void pieces_free(pieces *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].data);
	list_free(list);
}

static void put_le32(struct buf *out, uint32_t v)
{
	const unsigned char bytes[] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
				       (unsigned char)(v >> 24)};

	buf_add(out, bytes, sizeof(bytes));
}

int pack_end(struct pack *k, struct buf *out)
{
	uLong crc = crc32_z(0, NULL, 0);
	size_t plain = 0, len = sizeof(file_head) + sizeof(last_block) + 8;

	for (size_t i = 0; i < k->made.n; i++)
		len += k->made.at[i].len;
	if (!buf_room(out, len))
		return -ENOMEM;
	buf_add(out, file_head, sizeof(file_head));
	for (size_t i = 0; i < k->made.n; i++) {
		struct piece *piece = &k->made.at[i];

		buf_add(out, piece->data, piece->len);
		crc = crc32_combine(crc, piece->crc, (z_off_t)piece->plain_len);
		plain += piece->plain_len;
		if (piece->part)
			continue;
		free(piece->data);
		piece->data = NULL;
	}
	buf_add(out, last_block, sizeof(last_block));
	put_le32(out, (uint32_t)crc);
	put_le32(out, (uint32_t)plain);
	deflateEnd(&k->z);
	k->z = (z_stream){};
	pieces_free(&k->kept);
	k->kept = k->made;
	k->made = (pieces){};
	return out->failed ? -ENOMEM : 0;
}

void pack_drop(struct pack *k)
{
	if (k->z.state)
		deflateEnd(&k->z);
	pieces_free(&k->kept);
	pieces_free(&k->made);
	*k = (struct pack){};
}
