/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall.h - a stall of an event loop as a sentence. Used by the detail of a loop and by `sysscope events`.
 */
#ifndef SYSSCOPE_STALL_H
#define SYSSCOPE_STALL_H

#include "base/util.h"
#include "sysscope/view.h"

void sentence_time(struct buf *out, double seconds);		 /* "164 ms" */
void stall_sentence(struct buf *out, const struct stall *stall); /* without a full stop */

#endif
