/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.h - a snapshot as bytes and back, for recordings. A state is whole or the difference to the one before; docs/recording.md
 * has the format. encode.c encodes, decode.c decodes, both from the description of the rows in shape.c. Opens no file. Findings
 * are not in it: who replays judges again.
 */
#ifndef SYSSCOPE_RECORD_CODEC_H
#define SYSSCOPE_RECORD_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/view.h"

struct buf;
struct encoder;
struct decoder;

int encoder_new(struct encoder **ret);
void encoder_free(struct encoder *e);
/*
 * Appends the state to `out`. `whole`: it needs none before; else it is the difference to the snapshot encoded before. 0; -ENOENT:
 * there is none before; -ENOMEM: `out` is as it was, and the next one has to be whole.
 */
int encode(struct encoder *e, const struct snapshot *s, bool whole, struct buf *out);

/* From now on each text passes through this: what it returns, valid until the next call, is written in its place. */
typedef const char *codec_rename(void *ctx, const char *table, const char *field, const char *text);
void encoder_rename(struct encoder *e, codec_rename *rename, void *ctx);

int decoder_new(struct decoder **ret);
void decoder_free(struct decoder *d);
/*
 * Reads one state. The snapshot is the decoder's and valid until the next call. -EBADMSG: the bytes are not sound, or not the
 * difference to the state decoded before; -EPROTONOSUPPORT: of a later version; -ENOMEM. Then only a whole state can follow.
 */
int decode(struct decoder *d, const void *bytes, size_t n, const struct snapshot **ret);

#endif
