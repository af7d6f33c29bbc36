/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_test.h - for tests of the scheduler's collector: what one thread has waited and slept, from the latest sample, and
 * threads that do one thing.
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

/* In the sample that the latest snapshot was made from; what is under way is in it. */
__attribute__((unused)) static struct thread_times thread_times(uint32_t tid)
{
	const struct sample *s = pipeline_sample(test_pipeline);
	struct thread_times t = {};

	for (size_t i = 0; i < s->n_waits; i++) {
		const struct ss_thread_record *r = &s->threads[s->waits[i].thread];
		const struct ss_waits *w = &s->waits[i].waits;

		if (r->tid != tid || s->waits[i].block != SS_BLOCK_WAITS)
			continue;
		t.found = true;
		t.exec = seconds(r->used.exec_ns);
		t.wait = seconds(w->wakeup_wait_ns + w->preempted_wait_ns + r->open_wait_ns);
		t.throttled = seconds(w->throttled_ns + r->open_throttled_ns);
		t.uninterruptible = seconds(w->uninterruptible_ns);
		t.iowait = seconds(w->iowait_ns);
		for (int c = 0; c < SS_WAIT_CLASSES; c++) {
			t.classes[c] = seconds(w->blocked_ns[c]);
			if (c == (int)(r->mark >> SS_MARK_CLASS_SHIFT & 15))
				t.classes[c] += seconds(r->open_blocked_ns);
			t.blocked += t.classes[c];
		}
		for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
			t.waits += w->delay_slots[slot];
		t.voluntary = r->used.voluntary_switches;
		t.involuntary = r->used.involuntary_switches;
	}
	return t;
}

static inline uint32_t my_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static inline double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline long futex(int *word, int op, int value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

__attribute__((unused)) static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * Whether the scheduler's clock is only as good as the ticks: without a TSC that all CPUs share it stands still between
 * two of them, and an emulator gives each of its CPUs 100 ms in turn.
 */
__attribute__((unused)) static bool clock_is_coarse(void)
{
	_cleanup_free_ char *source = NULL;

	if (read_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", 64, &source, NULL) < 0)
		return false;
	return strncmp(source, "hpet", 4) == 0 || strncmp(source, "acpi_pm", 7) == 0;
}

#define COARSE_CLOCK "# SKIP no TSC: here the scheduler's clock goes on at ticks only, and those come late"

/* As check_within. With a coarse clock what is off by less than five times that much is skipped. */
__attribute__((unused)) static void check_time_within(const char *what, double seen, double truth, double share,
						      double slack)
{
	double allowed = truth * share > slack ? truth * share : slack, off = fabs(seen - truth);

	if (off > allowed && off <= 5 * (allowed > 0.05 ? allowed : 0.05) && clock_is_coarse())
		printf("ok %d - %s: saw %.6f, true is %.6f " COARSE_CLOCK "\n", ++test_number, what, seen, truth);
	else
		check_within(what, seen, truth, share, slack);
}

/* Whether the collector is there; without it every test of it is skipped. */
__attribute__((unused)) static bool sched_is_on(void)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_collectors; i++)
		if (strcmp(s->collectors[i].name, "sched") == 0 && s->collectors[i].ok)
			return true;
	printf("ok %d - # SKIP the scheduler's collector is not available on this kernel\n", ++test_number);
	return false;
}

#endif
