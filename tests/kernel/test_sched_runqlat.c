/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_runqlat.c - the histogram of waits for a CPU beside that of libbpf-tools' runqlat, over the same ten seconds of
 * the same machine. Both count in slots that double from 1 us on. Skipped where there is no runqlat.
 */
#include "lib/sched_test.h"

#define THREADS 8

struct histogram {
	double slots[SS_DELAY_SLOTS], total;
};

static volatile bool stop;
static double dead[SS_DELAY_SLOTS]; /* of all final gone tables so far */

/* What every thread of the machine has waited, living and dead; takes a sample. */
static struct histogram histogram_take(void)
{
	const struct sample *s;
	struct histogram h = {};

	snapshot_take();
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_gone_final; i++)
		for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
			dead[slot] += (double)s->gone_final[i].value.waits.delay_slots[slot];
	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
		h.slots[slot] = dead[slot];
	for (size_t i = 0; i < s->n_gone_open; i++)
		for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
			h.slots[slot] += (double)s->gone_open[i].value.waits.delay_slots[slot];
	for (size_t i = 0; i < s->n_waits; i++)
		for (int slot = 0; slot < SS_DELAY_SLOTS; slot++) {
			double n = (double)s->waits[i].waits.delay_slots[slot];

			if (s->waits[i].block == SS_BLOCK_WAITS)
				h.slots[slot] += n;
			else if (s->waits[i].block == SS_BLOCK_WAITS_CHARGED)
				h.slots[slot] -= n;
		}
	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
		h.total += h.slots[slot];
	return h;
}

static int percentile(const struct histogram *h, double share)
{
	double below = 0;

	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++) {
		below += h->slots[slot];
		if (below >= share * h->total)
			return slot;
	}
	return SS_DELAY_SLOTS - 1;
}

/* Runs of a few milliseconds and short sleeps, more of them than CPUs. */
static void *mixed(void *ctx)
{
	int i = (int)(intptr_t)ctx;

	while (!stop) {
		burn(0.0004 * (i + 1));
		usleep((unsigned int)(100 * (i + 1)));
	}
	return NULL;
}

static FILE *runqlat_start(pid_t *ret_pid)
{
	int out[2];

	if (pipe(out) < 0)
		exit(1);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		execlp("stdbuf", "stdbuf", "-oL", "runqlat", "10", "1", NULL);
		_exit(127);
	}
	close(out[1]);
	return fdopen(out[0], "r");
}

/* "   4 -> 7   : 20   |****   |" */
static bool line_take(const char *line, struct histogram *h)
{
	unsigned long low, high, count;
	int slot = 0;

	if (sscanf(line, " %lu -> %lu : %lu", &low, &high, &count) != 3)
		return false;
	while (low >> (slot + 1))
		slot++;
	if (slot >= SS_DELAY_SLOTS)
		slot = SS_DELAY_SLOTS - 1;
	h->slots[slot] += (double)count;
	h->total += (double)count;
	return true;
}

static void compare(const struct histogram *seen, const struct histogram *truth)
{
	int seen50 = percentile(seen, 0.5), true50 = percentile(truth, 0.5);
	int seen99 = percentile(seen, 0.99), true99 = percentile(truth, 0.99);

	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
		if (seen->slots[slot] > 0 || truth->slots[slot] > 0)
			printf("# %8u us: %8.0f  runqlat %8.0f\n", 1U << slot, seen->slots[slot], truth->slots[slot]);
	check_within("the number of waits is runqlat's", seen->total, truth->total, 0.02, 0);
	check(abs(seen50 - true50) <= 1, "p50 within one slot: saw 2^%d us, runqlat 2^%d us", seen50, true50);
	check(abs(seen99 - true99) <= 1, "p99 within one slot: saw 2^%d us, runqlat 2^%d us", seen99, true99);
}

int main(void)
{
	struct histogram before, after, truth = {};
	pthread_t threads[THREADS];
	char line[256];
	pid_t pid;
	FILE *out;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, mixed, (void *)(intptr_t)i);
	out = runqlat_start(&pid);
	if (!out || !fgets(line, sizeof(line), out)) {
		printf("ok %d - # SKIP runqlat (libbpf-tools) is not installed or does not load here\n", ++test_number);
		stop = true;
		return test_finish();
	}
	before = histogram_take();
	while (fgets(line, sizeof(line), out) && !strstr(line, "usecs"))
		;
	after = histogram_take();
	while (fgets(line, sizeof(line), out))
		line_take(line, &truth);
	fclose(out);
	waitpid(pid, NULL, 0);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
		after.slots[slot] -= before.slots[slot];
	after.total -= before.total;
	compare(&after, &truth);
	return test_finish();
}
