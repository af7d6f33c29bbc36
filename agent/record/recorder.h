/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recorder.h - puts snapshots into a recording: the codec and the store together. A disk that refuses costs samples, which are
 * counted; each of the following is tried again, on a folder that is opened anew where that may help. Used by `sysscope record`,
 * by keeper.c and by past/extract.c; never logs.
 */
#ifndef SYSSCOPE_RECORD_RECORDER_H
#define SYSSCOPE_RECORD_RECORDER_H

#include "record/state/codec.h"
#include "record/store.h"
#include "sysscope/view.h"

struct event;
struct recorder;

#define RECORD_KEEP_BYTES   (2ULL << 30)
#define RECORD_KEEP_SECONDS (7 * 86400.0)
#define RECORD_INTERVAL	    5.0

/* Opens nothing yet. The path of the options must stay. 0 or -ENOMEM. */
int recorder_new(struct recorder **ret, const struct store_options *o);
/* Opens the folder, as the first sample does otherwise: store_open(). 0, or negative errno with one line in `error`. */
int recorder_begin(struct recorder *r, struct buf *error);
/* recorder_new and recorder_begin. */
int recorder_open(struct recorder **ret, const struct store_options *o, struct buf *error);

/* Texts of what is recorded from now on pass through this: encoder_rename(). */
void recorder_rename(struct recorder *r, codec_rename *rename, void *ctx);

/*
 * In two steps, of which the first reads the snapshot and the second alone writes; they may be on two threads, one at a time.
 * 0, or negative errno: this one is lost and counted, or its events wait for the next one. After a take that failed there is
 * nothing to put.
 */
int recorder_take(struct recorder *r, const struct snapshot *s);
int recorder_put(struct recorder *r);
/* Both. */
int recorder_note(struct recorder *r, const struct snapshot *s);

/*
 * An event, for the next snapshot that is taken; whatever is left is written at the end. Another thread may be in recorder_put
 * meanwhile. 0; -ENOBUFS: there are too many for one interval; -ENOMEM. Then it is not recorded.
 */
int recorder_fact(struct recorder *r, const struct event *e);

/* Writes the events that wait for a snapshot, which does not come any more. Returns how many cannot be written. */
uint64_t recorder_flush(struct recorder *r);

/* Of all that it has written; what is kept, and the oldest of it, are of the folder as it was seen last. */
const struct store_counts *recorder_counts(const struct recorder *r);
void recorder_close(struct recorder *r);

#endif
