/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recorder.h - puts snapshots into a recording: the codec and the store together. Used by `sysscope record`; never logs.
 */
#ifndef SYSSCOPE_RECORD_RECORDER_H
#define SYSSCOPE_RECORD_RECORDER_H

#include "record/store.h"
#include "sysscope/view.h"

struct recorder;

int recorder_open(struct recorder **ret, const struct store_options *o, struct buf *error);
/* 0, or negative errno: this one is lost, and counted. The next one is tried again. */
int recorder_note(struct recorder *r, const struct snapshot *s);
const struct store_counts *recorder_counts(const struct recorder *r);
void recorder_close(struct recorder *r);

#endif
