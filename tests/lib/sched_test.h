/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_test.h - for tests of the scheduler's collector: what one thread has run, waited and slept by the latest sample,
 * and threads that do one thing.
 */
#ifndef SCHED_TEST_H
#define SCHED_TEST_H

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "kernel_test.h"
#include "sysscope/sample.h"

struct thread_times {
	double exec, wait, throttled, blocked, classes[SS_WAIT_CLASSES], uninterruptible, iowait; /* seconds */
	uint64_t voluntary, involuntary, waits;
	bool found;
};

static inline double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* From the sample of the latest snapshot, including the wait or sleep that was under way. */
struct thread_times thread_times(uint32_t tid);
uint32_t my_tid(void);
long futex(int *word, int op, int value);
void pin(int cpu);
/*
 * Stops threads that never sleep, and waits until they have left their CPUs: then none of their waits is under way, and
 * what they waited for is all attributed but for what each CPU keeps back (PAIR_HELD).
 */
void halt(const pid_t *pids, int n);
/* All that were stopped with the first. */
void resume(const pid_t *pids);
#define PAIR_HELD 0.01 /* seconds; PAIR_HOLD_NS in bpf/sched.bpf.c */

/*
 * Whether the scheduler's clock advances at ticks only: without a TSC that all CPUs share it stands still between two
 * ticks, and an emulator runs each of its CPUs for 100 ms in turn.
 */
bool clock_is_coarse(void);
#define COARSE_CLOCK "# SKIP no TSC: here the scheduler's clock advances at ticks only, and those come late"
/* As check_within; with a coarse clock, an error of less than five times the tolerance is skipped. */
void check_time_within(const char *what, double seen, double truth, double share, double slack);
/* False, having said so as a skip: this kernel has no collector of the scheduler. */
bool sched_is_on(void);

#endif
