/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_test.c - see sched_test.h. Linked into the tests of the scheduler's collector and of event loops.
 */
#include "sched_test.h"

struct thread_times thread_times(uint32_t tid)
{
	const struct sample *s = pipeline_sample(test_pipeline);
	struct thread_times t = {};

	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *r = s->threads[i].told->record;
		const struct ss_waits *w = s->threads[i].told->waits;

		if (r->tid != tid || !w)
			continue;
		t.found = true;
		t.exec = seconds(r->used.exec_ns);
		t.wait = seconds(w->wakeup_wait_ns + w->preempted_wait_ns + r->open_wait_ns);
		t.throttled = seconds(w->throttled_ns + r->open_throttled_ns);
		t.uninterruptible = seconds(w->uninterruptible_ns);
		t.iowait = seconds(w->iowait_ns);
		for (int c = 0; c < SS_WAIT_CLASSES; c++) {
			t.classes[c] = seconds(w->blocked_ns[c]);
			if (c == (int)ss_mark_class(r->mark))
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

uint32_t my_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

long futex(int *word, int op, int value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool halted(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const char *end;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 4096, &text, NULL) < 0)
		return true; /* it has ended */
	end = strrchr(text, ')');
	return end && strncmp(end, ") T", 3) == 0;
}

void halt(const pid_t *pids, int n)
{
	double end = now_seconds() + PATIENCE_SECONDS;

	/* One call for all of them: between two calls one would run without the others. */
	for (int i = 0; i < n; i++)
		setpgid(pids[i], pids[0]);
	kill(-pids[0], SIGSTOP);
	for (int i = 0; i < n; i++)
		while (!halted(pids[i]) && now_seconds() < end)
			usleep(500);
}

void resume(const pid_t *pids)
{
	kill(-pids[0], SIGCONT);
}

bool clock_is_coarse(void)
{
	_cleanup_free_ char *source = NULL;

	if (read_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", 64, &source, NULL) < 0)
		return false;
	return strncmp(source, "hpet", 4) == 0 || strncmp(source, "acpi_pm", 7) == 0;
}

void check_time_within(const char *what, double seen, double truth, double share, double slack)
{
	double allowed = truth * share > slack ? truth * share : slack, off = fabs(seen - truth);

	if (off > allowed && off <= 5 * (allowed > 0.05 ? allowed : 0.05) && clock_is_coarse())
		printf("ok %d - %s: saw %.6f, true is %.6f " COARSE_CLOCK "\n", ++test_number, what, seen, truth);
	else
		check_within(what, seen, truth, share, slack);
}

bool sched_is_on(void)
{
	const struct snapshot *s = snapshot_take();

	for (size_t i = 0; i < s->n_collectors; i++)
		if (strcmp(s->collectors[i].name, "sched") == 0 && s->collectors[i].ok)
			return true;
	printf("ok %d - # SKIP the scheduler's collector is not available on this kernel\n", ++test_number);
	return false;
}
