/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - parses the bytes that the task iterator writes (struct ss_thread_record and its blocks). Pure; used by
 * sampler.c. The bytes come from the kernel half, yet no value is trusted to be in range.
 */
#ifndef SYSSCOPE_STREAM_H
#define SYSSCOPE_STREAM_H

#include <sys/types.h>

#include "sysscope/sample.h"

/* Capacity of the sample's arrays, in elements; zero at first. */
struct stream_room {
	size_t threads, names, waits, loops;
};

/* Appends the whole records at the beginning of `data` to the sample. Returns the bytes taken, or -ENOMEM. */
ssize_t stream_take(struct stream_room *room, struct sample *p, const char *data, size_t bytes);

#endif
