/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pack.h - a gzip file of parts of a text, each compressed by itself: a part that has not changed since the file before is taken
 * over as it was compressed then. Called by body.c for each scrape; one thread. Knows nothing of what the text says.
 */
#ifndef SYSSCOPE_SERVE_PACK_H
#define SYSSCOPE_SERVE_PACK_H

#include <zlib.h>

#include "base/list.h"
#include "base/util.h"

struct piece {
	uint64_t part, digest; /* part 0: not for the next file */
	size_t plain_len;
	uint32_t crc; /* of the plain text */
	size_t len;
	unsigned char *data; /* whole blocks of deflate, up to a full byte; NULL: taken over */
};

typedef LIST(struct piece) pieces;

/* Zeroed: empty. */
struct pack {
	pieces kept, made; /* of the file before, in order; of this one */
	size_t at;	   /* where the next part is looked for first */
	z_stream z;
};

/* One file: begin, each part in order, end. All but pack_again: 0 or negative errno; then pack_drop. */
int pack_begin(struct pack *k);
/* True: this part is as it was, and is in the file now. */
bool pack_again(struct pack *k, uint64_t part, uint64_t digest);
int pack_add(struct pack *k, uint64_t part, uint64_t digest, const char *text, size_t len);
int pack_end(struct pack *k, struct buf *out);
/* Forgets the file that was begun, and everything that is kept. */
void pack_drop(struct pack *k);

#endif
