/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.h - an OOM kill as a sentence. Used by the detail of a container and by `sysscope events`.
 */
#ifndef SYSSCOPE_TABLE_OOM_H
#define SYSSCOPE_TABLE_OOM_H

#include "base/util.h"
#include "sysscope/view.h"

/* Without a full stop: "killed because ...; it had ...", and its two parts, which are empty if nothing is known. */
void oom_sentence(struct buf *out, const struct oom_row *kill);
void oom_why(struct buf *out, const struct oom_row *kill);
void oom_had(struct buf *out, const struct oom_row *kill);
/* "java 1200 of shop-db 812M": the largest processes with `between` between them. */
void oom_largest(struct buf *out, const struct oom_row *kill, const char *between);

#endif
