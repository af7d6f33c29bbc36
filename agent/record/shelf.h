/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shelf.h - the files of a recording that is written: one that grows, and those before it, of which the oldest go when they are
 * too many bytes or too old. What is in them store.c knows. One thread; never logs.
 */
#ifndef SYSSCOPE_RECORD_SHELF_H
#define SYSSCOPE_RECORD_SHELF_H

#include "record/folder.h"

struct shelf {
	uint64_t keep_bytes, keep_ns; /* 0: no limit */
	int folder, mark;
	struct folder_segments segments; /* the open one is the last */
	uint32_t number;		 /* of the latest segment */
	int fd;				 /* of the open segment; -1: none */
	uint64_t end;			 /* its length */
	uint64_t bytes, kept_bytes;	 /* that were written; that are in the folder now */
};

void shelf_init(struct shelf *s, uint64_t keep_bytes, double keep_seconds);
/* As store_open(). Nothing is open then. */
int shelf_open(struct shelf *s, const char *path, struct buf *error);
void shelf_close(struct shelf *s); /* also without open */

/* A new file with this header. 0, or negative errno: there is none. */
int shelf_begin(struct shelf *s, const struct segment_header *h);
/*
 * All of it at the end of the open file, or nothing. 0 or negative errno; -ENOENT: somebody has removed the file, and it is no
 * longer open.
 */
int shelf_append(struct shelf *s, const void *bytes, size_t n);
/* Nothing more follows: it is flushed to the disk. */
void shelf_end(struct shelf *s);
/* Removes what need not be kept at this time. */
void shelf_trim(struct shelf *s, uint64_t now_ns);

#endif
