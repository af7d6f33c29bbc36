/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * span.h - what was wrong in a span of a recording. It is judged as a whole, as a watch of that length is, and, if it is longer
 * than 20 seconds, also in windows of 10 to 20 seconds, as somebody sees it who looks at findings live: what was wrong for a
 * minute of an hour is a finding, and so is what rises for an hour. Where sysscope was started again, nothing is compared across.
 * Used by the verbs; never logs.
 */
#ifndef SYSSCOPE_PAST_SPAN_H
#define SYSSCOPE_PAST_SPAN_H

#include <signal.h>

#include "diagnose/judge.h"
#include "past/book.h"
#include "record/replay.h"

struct span_choice {
	double from, to; /* seconds since 1970; it begins with the last sample before */
	const struct diagnosis_options *options;
	struct match_choice *containers;
	const volatile sig_atomic_t *stop; /* non-zero: end early with -EINTR */
};

struct past_span {
	struct findings findings; /* as `diagnose` has them; `from` says that they are of a recording */
	const struct snapshot *last;
	/* Owned. */
	LIST(struct findings_gap) gaps;
	struct book book;
	struct window window;
	struct diagnosis diagnosis;
};

/*
 * 0; -ENODATA: there are no two samples to compare; -ENOTUNIQ: the name of a container fits several; -EINTR; -ENOMEM. What it
 * found is valid until the next snapshot is taken from the replay. span_free also after a failure.
 */
int span_judge(struct past_span *ret, struct replay *r, const struct span_choice *c);
void span_free(struct past_span *s);

#endif
