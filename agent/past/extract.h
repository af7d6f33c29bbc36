/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extract.h - a part of a recording as a recording of its own, with names replaced if asked for. Used by `sysscope bugreport`. */
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

/* Begins a recording of this machine, or of another, in a folder that there is not yet. 0 or negative errno, with one line. */
int extract_begin(struct recorder **ret, const char *folder, const char *host, const char *kernel, double interval,
		  struct pseudonyms *names, struct buf *error);
/* 0, or negative errno: -ENODATA: it has no sample in that time. */
int extract_copy(struct recorder *to, struct replay *from, const struct extract_choice *c);

#endif
