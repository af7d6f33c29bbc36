/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - findings while snapshots come one after the other, for whoever shows them live: at each snapshot the rules judge the
 * latest 10 to 20 seconds, or the time between two snapshots where that is longer. What rises without a pause is looked for in the
 * latest 10 to 20 snapshots, however far they are apart. Nothing is kept before the first watch_note. Called by the verbs; one
 * thread.
 */
#ifndef SYSSCOPE_DIAGNOSE_WATCH_H
#define SYSSCOPE_DIAGNOSE_WATCH_H

#include "diagnose/judge.h"

/* Seconds. In less than WATCH_SHORTEST a burst of a moment looks like a state: nothing is judged yet. */
#define WATCH_SHORTEST 2.0
#define WATCH_LONG     10.0
/* So many snapshots show a course; one in each second are WATCH_LONG. */
#define WATCH_COURSE 10

/* A finding of the latest snapshot, and since when it has been found again and again. */
struct watch_known {
	uint64_t key;
	double since;
};

struct finding_watch {
	struct diagnosis_options options;
	const struct match_choice *containers; /* only findings about these, set behind watch_init; NULL: all */
	/* Two windows that overlap: the younger one takes the place of the other when it is WATCH_LONG old. */
	struct window windows[2];
	int older; /* index of the other one */
	/* What rises: two that overlap as well. */
	struct trend courses[2];
	int older_courses;
	struct diagnosis diagnosis;
	struct watch_known *known; /* in the order of keys */
	size_t n_known;
	bool judged;
};

void watch_init(struct finding_watch *w, const struct diagnosis_options *o);
/* A new snapshot: judges, if it has watched for long enough. 0 or -ENOMEM; then nothing is judged. */
int watch_note(struct finding_watch *w, const struct snapshot *s);
/* One that was taken for somebody else meanwhile: averages take it in, nothing is judged. 0 or -ENOMEM. */
int watch_glance(struct finding_watch *w, const struct snapshot *s);
/*
 * What was found at the latest snapshot, valid until the next one is taken. Before anything is judged there is no finding, and
 * watched_seconds says how long it has watched. NULL: it has not begun.
 */
const struct findings *watch_findings(const struct finding_watch *w);
/* Nobody asks any more: frees everything and begins anew with the next snapshot. */
void watch_forget(struct finding_watch *w);

#endif
