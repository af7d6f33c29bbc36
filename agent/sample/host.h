/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.h - the machine's own counters, from /proc. Used by the sampler. */
#ifndef SYSSCOPE_HOST_H
#define SYSSCOPE_HOST_H

#include "sysscope/sample.h"

/* Fills all fields; `root` is "" or, in tests, a folder with proc/ in it. 0 or negative errno. */
int host_read(const char *root, struct sample_host *ret);

#endif
