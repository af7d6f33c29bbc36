/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * book.h - findings of many windows of one span, put together: each once, as it was at its worst, with when it began and when it
 * was last so. Owns its texts, since those of a window go with it. Used by span.c.
 */
#ifndef SYSSCOPE_PAST_BOOK_H
#define SYSSCOPE_PAST_BOOK_H

#include "base/list.h"
#include "sysscope/findings.h"
#include "sysscope/view.h"

struct book {
	LIST(struct finding) found;
	LIST(bool) timed; /* of each: its times are those of windows, not of the whole span */
	LIST(struct finding_unjudged) unjudged;
	LIST(char *) texts; /* owned */
	bool failed;	    /* out of memory: something is missing */
};

/* What a window has found. `whole`: it is the whole of what is known, and says nothing about when. */
void book_note(struct book *b, const struct findings *f, bool whole);
/* What could not be judged in it. */
void book_note_unjudged(struct book *b, const struct findings *f);
/* At the end, with the latest snapshot: consequences go to their causes, what has ended since is said, the worst comes first. */
void book_close(struct book *b, const struct snapshot *last);
void book_free(struct book *b);

#endif
