/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment.h - one segment file, read: its frames, from its index or, without one, from the headers of its blocks. The file is
 * hostile: nothing is allocated by a length in it that the file itself or BLOCK_SIZE_MAX does not bound. Used by archive.c.
 */
#ifndef SYSSCOPE_RECORD_SEGMENT_H
#define SYSSCOPE_RECORD_SEGMENT_H

#include "base/list.h"
#include "record/format.h"

struct segment {
	char name[SEGMENT_NAME_LEN];
	uint32_t number;
	struct segment_header header; /* version 0: damaged, or not there yet */
	LIST(struct frame_entry) frames;
	uint64_t end;	  /* what was looked at ends here */
	uint64_t block;	  /* offset of the last block that was seen; 0: none */
	uint32_t samples; /* the number of the last one that was seen */
	uint64_t lost;	  /* samples that are in no frame any more */
	bool closed;	  /* it has an index, whole or not: nothing will follow */
	bool torn;	  /* it ends within a block */
	bool damaged;	  /* bytes in it are no blocks */
	bool unread;	  /* for the archive: it cannot be read */
};

/*
 * Looks at what has been added since the last look; the first time at all of it. 0, or negative errno: it cannot be read at all;
 * -EPROTONOSUPPORT: it is of a later version.
 */
int segment_look(int folder, struct segment *s);
void segment_free(struct segment *s);

#endif
