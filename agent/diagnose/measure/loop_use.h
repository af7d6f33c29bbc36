/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop_use.h - what event loops did in the window; what the rules about them have in common. Used by the rules. */
#ifndef SYSSCOPE_DIAGNOSE_LOOP_USE_H
#define SYSSCOPE_DIAGNOSE_LOOP_USE_H

#include "diagnose/case/finding.h"

/* Why an iteration took long, in the order of LOOP_STALLS_ONCPU and those that follow. */
enum stall_cause { STALL_ONCPU, STALL_RUNQUEUE, STALL_THROTTLED, STALL_BLOCKED, STALL_CAUSES };

/* What a loop did in the window, in seconds of it. */
struct loop_use {
	bool known; /* its iterations are counted, and where its time went; else nothing below is set */
	double time, asleep, oncpu, runqueue, throttled, stopped;
	double blocked, blocked_in[WAIT_CLASSES]; /* asleep in iterations, in all and by class */
	double iterations, stalls[STALL_CAUSES];
	double stalled[STALL_CAUSES]; /* how long its stalls took, in full */
	double open;		      /* the iteration under way at the end, once it is a long one; else 0 */
};
struct loop_use loop_use(const struct judging *j, uint32_t row);

/* "node (pid 7)", "mc-worker (pid 7, thread 9)": valid as long as the run's findings. */
const char *loop_name(struct judging *j, uint32_t row);
uint32_t loop_container(const struct judging *j, uint32_t row);
/* Says that a rule cannot judge loops whose iterations the hook in use does not see, if there are any. */
void loops_cannot(struct judging *j);

/* Of the loops of a container the one that is worst by a rule's measure, and how many are bad. */
struct loop_worst {
	double measure; /* from 1 on it is a finding */
	uint32_t row, bad;
};
/* How bad a loop is: a share of the threshold. */
typedef double loop_measure(const struct judging *j, uint32_t row, const struct loop_use *u);
/* Index: container. Freed by the caller. NULL: no memory. */
struct loop_worst *loops_worst(struct judging *j, loop_measure *measure);
typedef void loop_finder(struct judging *j, const struct loop_worst *w, const struct loop_use *u);
typedef const char *loop_words(struct judging *j, uint32_t row, const struct loop_use *u);
/* One finding for each container whose worst loop is one; of other loops the words of a near miss. */
void loops_judge(struct judging *j, loop_measure *measure, loop_finder *find, loop_words *words);
/* A new finding about a loop, and evidence that `bad` - 1 others of its container are as bad. */
struct finding *loop_finding(struct judging *j, uint32_t row, enum finding_severity severity);
void loop_others(struct judging *j, struct finding *f, uint32_t row, uint32_t bad);

/* Evidence that the loops of a container stood still because its quota had run out, if they did. */
void loops_throttled(struct judging *j, struct finding *f, uint32_t container);

#endif
