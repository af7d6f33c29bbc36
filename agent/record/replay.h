/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay.h - a recording as a source of snapshots: one after the other, from any moment. Reads no clock, needs no
 * root and no kernel support. Used by `top`; never logs.
 */
#ifndef SYSSCOPE_RECORD_REPLAY_H
#define SYSSCOPE_RECORD_REPLAY_H

#include "sysscope/source.h"
#include "record/archive.h"

struct replay;

/* 0, or negative errno with one line in `error`. It stands before its first snapshot. */
int replay_open(struct replay **ret, const char *path, struct buf *error);
void replay_close(struct replay *r);

/* Of the first and of the last sample. */
void replay_times(const struct replay *r, uint64_t *ret_first_ns, uint64_t *ret_last_ns);
/* The next snapshot is the first one at this time or later; if there is none, the last one. */
int replay_seek(struct replay *r, uint64_t time_ns);

/* Where the latest snapshot that was read is. */
struct replay_place {
	size_t frame;
	uint32_t number; /* in its frame, from 1; 0: none was read */
	uint64_t time_ns;
	uint64_t before_ns;   /* of the sample that was recorded before it; 0: it is the first one */
	uint64_t interval_ns; /* at which its recorder took samples */
};
const struct replay_place *replay_place(const struct replay *r);
/* The snapshot of that place. NULL: something else was tried since, so it is gone. */
const struct snapshot *replay_latest(const struct replay *r);
/* The next snapshot is the one before the latest. -ENOENT: there is none; then it is the latest once more. */
int replay_back(struct replay *r);
/* The next snapshot is the one at this place, or the last one before it that can be read. */
int replay_to(struct replay *r, const struct replay_place *place);
/*
 * The next snapshots lead up to this place: at least so many are before it, and so much time, where there are; but no more than
 * a few frames.
 */
void replay_lead(struct replay *r, const struct replay_place *place, size_t samples, uint64_t ns);

/* Looks whether more was recorded since; whether somebody records into it. */
int replay_refresh(struct replay *r);
bool replay_growing(const struct replay *r);

/* The next snapshot is the last one at this time or before; if there is none, the first one. */
int replay_seek_before(struct replay *r, uint64_t time_ns);
/* The host that was recorded, and its kernel; "" if that is not known. */
const char *replay_host(const struct replay *r);
const char *replay_kernel(const struct replay *r);

/* The kinds of events that it has, as in a segment's header. */
uint32_t replay_fact_kinds(const struct replay *r);
/* From now on each block of events that next() comes by is given to `take`. 0 or negative errno, which next() returns. */
void replay_facts(struct replay *r, int (*take)(void *ctx, const void *bytes, size_t n), void *ctx);

/* next() gives NULL at the end; when more has been recorded meanwhile it goes on. */
const struct snapshot_source *replay_source(struct replay *r);

/* Whether any sample could be read so far. */
bool replay_found(const struct replay *r);

/* As archive_holes(). */
size_t replay_holes(const struct replay *r, uint64_t from_ns, uint64_t to_ns, struct record_hole *ret, size_t most);
/* One line about where samples are missing in what has been delivered, and right before it; false: nowhere. */
bool replay_holes_text(const struct replay *r, struct buf *out);
/* One line for people about what was removed while it was read; false: nothing. */
bool replay_gone_text(const struct archive_damage *d, struct buf *out);
/* One line for people about what could not be read so far; false: nothing. */
bool replay_damage_text(const struct replay *r, struct buf *out);

#endif
