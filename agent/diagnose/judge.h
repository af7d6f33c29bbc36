/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.h - runs the rules over a window and puts their findings in order; the table of rules, and their settings. Called by the
 * verbs.
 */
#ifndef SYSSCOPE_DIAGNOSE_JUDGE_H
#define SYSSCOPE_DIAGNOSE_JUDGE_H

#include "diagnose/case/finding.h"
#include "view/match.h"

/* The findings of a run own what they point to. */
struct diagnosis {
	struct judging j;
	struct findings findings;
};

/*
 * Runs the chosen rules over the window, absorbs consequences, puts the worst first. `containers`, if it names any: only findings
 * about these, or done by them, and warnings about the machine. 0 or -ENOMEM. diagnosis_free also after a failure.
 */
int diagnosis_run(struct diagnosis *d, const struct window *w, const struct diagnosis_options *o,
		  const struct match_choice *containers);
void diagnosis_free(struct diagnosis *d);

/* absorb.c: takes findings that another one explains out of the list, and names them in that one. */
void findings_absorb(struct judging *j);

#endif
