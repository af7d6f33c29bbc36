/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - where a sysscope that runs on this machine keeps its recording: it has the mark of the folder open, so nobody has to
 * be told where that is. Used by the verbs.
 */
#ifndef SYSSCOPE_PAST_RUNNING_H
#define SYSSCOPE_PAST_RUNNING_H

#include <stdint.h>

#include "base/util.h"

/* Where one is looked for that nobody writes any more. */
#define PAST_FOLDER "/var/lib/sysscope"

/*
 * Appends the folder, as it can be opened from here, to `path`. Only processes of root or of who asks are believed. 0; -ENODATA:
 * nobody records, as far as can be seen; -ENOTUNIQ: several do: `path` has their folders, separated by ", ".
 */
int running_recording(struct buf *path, uint32_t *ret_pid);

#endif
