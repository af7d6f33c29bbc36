/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schedstat.h - the run queues' own clocks, from /proc/schedstat. Used by the sampler, right after the threads. */
#ifndef SYSSCOPE_SCHEDSTAT_H
#define SYSSCOPE_SCHEDSTAT_H

#include "sysscope/sample.h"

/*
 * `root` is "" or, in tests, a folder with proc/ in it; `open`: SS_RUN_QUEUES run queues as the kernel half saw them during
 * the pass that has just ended. ret->ns is SS_UNKNOWN if there is no such file, it is malformed, or it counts nothing.
 */
void schedstat_read(const char *root, const struct ss_run_queue *open, struct sample_run_queues *ret);

#endif
