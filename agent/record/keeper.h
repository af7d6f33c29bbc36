/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper.h - a recorder whose disk nobody waits for: a thread of its own compresses and writes. A disk that is full, read-only,
 * gone or does not answer costs samples, which are counted; it is tried again at each of them. Used by recorded.c and
 * `sysscope serve`; never logs.
 */
#ifndef SYSSCOPE_RECORD_KEEPER_H
#define SYSSCOPE_RECORD_KEEPER_H

#include "record/recorder.h"

struct keeper;

/* How it is doing. */
struct keeper_state {
	struct store_counts counts;
	bool records;		   /* the latest sample is on the disk, or is being written */
	uint64_t errors;	   /* attempts to write that the disk refused */
	uint64_t unwritten_events; /* at the end: they were to be recorded */
	const char *refusal; /* why it does not record, one line, valid until the next call of this; NULL: it does */
};

/*
 * 0, also if the disk refuses now: `error` has one line then. Negative errno with one line: no memory, or a folder that will never
 * do, since it has other files in it (-ENOTEMPTY) or is none (-ENOTDIR). The path of the options must stay.
 */
int keeper_open(struct keeper **ret, const struct store_options *o, struct buf *error);
/* Records this snapshot, which is not needed afterwards. Waits for nothing: while the one before is being written it is lost. */
void keeper_note(struct keeper *k, const struct snapshot *s);
/* As recorder_fact(). */
int keeper_fact(struct keeper *k, const struct event *e);
/* A snapshot that could not be taken is lost, too. */
void keeper_missed(struct keeper *k);
void keeper_look(struct keeper *k, struct keeper_state *ret);
/*
 * Writes what is left, ends the recording and tells how it went; waits for the disk so long at most. False: it did not answer, and
 * is left alone.
 */
bool keeper_close(struct keeper *k, uint64_t ns, struct keeper_state *ret);

#endif
