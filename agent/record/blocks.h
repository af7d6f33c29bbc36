/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks.h - the blocks of a segment file, read and unpacked one at a time. The file is hostile: a length in it is bounded by the
 * file itself before anything is allocated. Used by archive.c, which knows where they are.
 */
#ifndef SYSSCOPE_RECORD_BLOCKS_H
#define SYSSCOPE_RECORD_BLOCKS_H

#include <zstd.h>

#include "base/util.h"
#include "record/format.h"

struct blocks {
	int fd; /* -1: none */
	uint32_t segment;
	uint64_t length; /* of the file */
	ZSTD_DCtx *states, *facts;
	struct buf packed;
	struct buf bytes; /* of the latest block, unpacked */
};

void blocks_init(struct blocks *b);
int blocks_open(struct blocks *b); /* 0, -ENOMEM or -EINVAL */
void blocks_close(struct blocks *b);

/* From now on this file is read; `segment` is its number. 0 or negative errno. */
int blocks_file(struct blocks *b, int folder, uint32_t segment, const char *name);
void blocks_file_close(struct blocks *b);

/* -EBADMSG: there is none. */
int blocks_header(struct blocks *b, uint64_t at, struct block_header *ret);
/* The payload at `at`. A state that begins no frame continues the one that was read before it. -EBADMSG: it is damaged. */
int blocks_state(struct blocks *b, uint64_t at, const struct block_header *h);
int blocks_facts(struct blocks *b, uint64_t at, const struct block_header *h);

#endif
