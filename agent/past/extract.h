/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extract.h - a part of a recording, with its events, as a recording of its own, with names replaced if asked for. Used by
 * `sysscope bugreport`.
 */
#ifndef SYSSCOPE_PAST_EXTRACT_H
#define SYSSCOPE_PAST_EXTRACT_H

#include <signal.h>

#include "past/pseudonyms.h"
#include "record/recorder.h"
#include "record/replay.h"

struct extract_choice {
	double from, to;		   /* seconds since 1970; it begins with the last sample before */
	struct pseudonyms *names;	   /* NULL: names stay */
	const volatile sig_atomic_t *stop; /* non-zero: end with what there is */
};

struct extract_origin {
	const char *host, *kernel;
	double interval;
	uint32_t fact_kinds; /* as of a recording; 0: it has no events */
};

/* Begins a recording of this machine, or of another, in a folder that there is not yet. 0 or negative errno, with one line. */
int extract_begin(struct recorder **ret, const char *folder, const struct extract_origin *of, struct pseudonyms *names,
		  struct buf *error);
/*
 * Samples and events; *ret_lost: so many of these found no room. 0, or negative errno: -ENODATA: it has no sample in that time.
 */
int extract_copy(struct recorder *to, struct replay *from, const struct extract_choice *c, uint64_t *ret_lost);

#endif
