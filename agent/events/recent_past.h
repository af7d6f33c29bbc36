/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recent_past.h - the latest events before each snapshot of a recording, for a view of them: a source of snapshots around another
 * one. Needs no root and no kernel support; the files may be hostile. Used by the body of `top`.
 */
#ifndef SYSSCOPE_EVENTS_RECENT_PAST_H
#define SYSSCOPE_EVENTS_RECENT_PAST_H

#include "sysscope/source.h"

struct match_choice;
struct recent_past;

/* `containers`: only their events; NULL or none: all. The path must stay. 0 or -ENOMEM. */
int recent_past_new(struct recent_past **ret, struct match_choice *containers, const char *path);
void recent_past_free(struct recent_past *r); /* NULL: nothing to do */

/*
 * Does as `inner`, a source of that recording, does; while somebody looks at events, its snapshots have those of the ten minutes
 * before.
 */
const struct snapshot_source *recent_past_source(struct recent_past *r, const struct snapshot_source *inner);

#endif
