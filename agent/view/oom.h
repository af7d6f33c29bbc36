/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.h - an OOM kill from its fact: what was exhausted, whose it was, and which processes were the largest. Used by the model
 * for its snapshots and by `sysscope events`, which does not wait for one.
 */
#ifndef SYSSCOPE_VIEW_OOM_H
#define SYSSCOPE_VIEW_OOM_H

#include "base/util.h"
#include "sysscope/abi/fact.h"
#include "sysscope/view.h"

/*
 * The path of the cgroup whose limit was exhausted, in the hierarchy that limits memory. Appends nothing if no limit was, or if
 * its path is not known.
 */
void oom_limit_path(struct buf *out, const struct ss_fact *f);

/*
 * All but the times, the names and the container of the victim. `home`: the path of that container, "": not known. `limit_of`:
 * from oom_limit_path; the row refers to both texts and to the fact.
 */
void oom_row_fill(struct oom_row *row, const struct ss_fact *f, const char *home, const char *limit_of);

/* The largest processes of what was exhausted, in this snapshot. None if it is younger than the kill, or has no processes. */
void oom_largest_fill(struct oom_row *row, const struct snapshot *before);

#endif
