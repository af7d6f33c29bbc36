/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * archive.h - reads a recording: its frames in the order of writing, and the blocks of each. What is damaged is passed over and
 * counted. Opaque bytes: what a state is, codec.h knows. Needs no root and no kernel support; the files may be hostile. Used by
 * replay.c and by tests; one thread.
 */
#ifndef SYSSCOPE_RECORD_ARCHIVE_H
#define SYSSCOPE_RECORD_ARCHIVE_H

#include "base/util.h"
#include "record/segment.h"

struct archive;

struct archive_block {
	enum block_kind kind;
	bool begins_frame; /* a whole state: the decoder forgets what was before */
	uint64_t time_ns;
	const void *bytes; /* valid until the next block is read */
	size_t n;
};

/* What could not be read. */
struct archive_damage {
	uint64_t samples;	 /* that are known to be lost */
	uint64_t frames;	 /* of which something is */
	uint64_t facts;		 /* blocks of facts, once for each time that they were read */
	uint64_t from_ns, to_ns; /* the time of the first and the last of them, at most; 0: not known */
	uint64_t segments;	 /* that could not be read at all */
	uint64_t unended; /* segments without an index: a crash, or a cut; what came last in them may be missing */
	uint64_t torn;	  /* of these, those that end within a block */
	uint64_t scarred; /* segments with bytes that are no blocks */
	uint64_t
		gone; /* samples whose segment was removed since it was seen: it was too old to be kept, or somebody did */
	bool removed; /* the whole folder was */
};

/* 0, or negative errno with one line in `error`: -ENODATA: there is no recording. */
int archive_open(struct archive **ret, const char *path, struct buf *error);
void archive_close(struct archive *a);

/* Looks whether more was recorded since. 0 or negative errno. */
int archive_refresh(struct archive *a);
/* Somebody records into it. */
bool archive_growing(const struct archive *a);

size_t archive_frames(const struct archive *a);
const struct frame_entry *archive_frame(const struct archive *a, size_t frame);
/* Header of the segment that the frame is in. */
const struct segment_header *archive_header(const struct archive *a, size_t frame);
/* The last frame that begins at this time or before; 0 if none does. */
size_t archive_frame_at(const struct archive *a, uint64_t time_ns);

struct record_hole;
/*
 * Where nothing was recorded between these times, in the order of the recording: by the index alone, as a frame begins behind each
 * hole. The first `most` are in `ret`. Returns how many there are.
 */
size_t archive_holes(const struct archive *a, uint64_t from_ns, uint64_t to_ns, struct record_hole *ret, size_t most);

/* The frame that is being read, and how many of its states were. */
size_t archive_at(const struct archive *a, uint32_t *ret_states);
/* The next block that is read is the first one of this frame. */
void archive_rewind(struct archive *a, size_t frame);
/*
 * 1: *ret is the next block. 0: there is none, of this frame if `within`, so far. Negative errno: no memory. Where frames were
 * damaged the next block is one that begins a frame.
 */
int archive_next(struct archive *a, bool within, struct archive_block *ret);
/* From now on only blocks of facts are read; states are passed over, and their damage is not seen. */
void archive_only_facts(struct archive *a);
/* The latest block is no state after all: the rest of its frame is damaged. */
void archive_reject(struct archive *a);

const struct archive_damage *archive_damage(const struct archive *a);

#endif
