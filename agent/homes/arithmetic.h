/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arithmetic.h - arithmetic that several subjects of the model share: sums of what threads used and waited, the split of
 * CPU time, and counters that never fall. Needs no other file of the model and keeps no state.
 */
#ifndef SYSSCOPE_HOMES_ARITHMETIC_H
#define SYSSCOPE_HOMES_ARITHMETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"
#include "sysscope/view.h"

static inline void totals_add(struct ss_totals *to, const struct ss_totals *what)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < SS_TOTALS_FIELDS; i++)
		a[i] += b[i];
}

static inline void waits_add(struct ss_waits *to, const struct ss_waits *what)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < SS_WAITS_FIELDS; i++)
		a[i] += b[i];
}

/* Adds a time asleep, in the class and the state that the mark says. */
static inline void waits_add_blocked(struct ss_waits *w, uint64_t mark, uint64_t ns)
{
	unsigned int class = ss_mark_class(mark);

	if (class < SS_WAIT_CLASSES)
		w->blocked_ns[class] += ns;
	if (ss_mark_is_uninterruptible(mark))
		w->uninterruptible_ns += ns;
	if (ss_mark_in_iowait(mark))
		w->iowait_ns += ns;
	if (ss_mark_in_iowait(mark) && class == SS_WAIT_IO_URING)
		w->iowait_io_uring_ns += ns;
}

/* Adds what the record says of a wait or a sleep in progress. */
static inline void waits_add_open(struct ss_waits *w, const struct ss_thread_record *r)
{
	if (ss_mark_state(r->mark) == SS_MARK_RUNNABLE)
		w->preempted_wait_ns += r->open_wait_ns;
	else
		w->wakeup_wait_ns += r->open_wait_ns;
	w->throttled_ns += r->open_throttled_ns;
	waits_add_blocked(w, r->mark, r->open_blocked_ns);
}

/* Nanoseconds that threads were runnable without a CPU. */
static inline uint64_t waits_total(const struct ss_waits *w)
{
	return w->wakeup_wait_ns + w->preempted_wait_ns;
}

/* What cgroup files and /proc did not give is absent. */
static inline double value_or_absent(uint64_t value)
{
	return value == SS_UNKNOWN ? VALUE_ABSENT : (double)value;
}

/* Nor is there a limit to show where there is none. */
static inline double limit_or_absent(uint64_t value)
{
	return value == SS_UNLIMITED ? VALUE_ABSENT : value_or_absent(value);
}

/*
 * Splits rtime_ns as the kernel's cputime_adjust (kernel/sched/cputime.c): by the ratio of the sampled times, with an exact
 * sum, and neither part ever falls. *user and *system hold the previous result and receive the new one.
 */
void cputime_split(uint64_t rtime_ns, uint64_t utime, uint64_t stime, uint64_t *user, uint64_t *system);

/*
 * Raises each counter in v to the value in `held`, the largest that was published, and updates `held`. `last`: what the
 * counters are read from is gone, so absent ones keep the value in `held`.
 */
void counters_hold(enum metric_scope scope, double *v, double *held, bool last);

#endif
