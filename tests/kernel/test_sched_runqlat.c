/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_runqlat.c - the histogram of waits for a CPU of one process beside that of libbpf-tools' runqlat. The process
 * sleeps when both begin to count and when both end, so that they count the same waits, whatever else the machine does.
 * Both count in slots that double from 1 us on. Skipped where there is no runqlat.
 */
#include <sys/mman.h>

#include "lib/sched_test.h"

#define THREADS 8
#define ROUNDS	250

struct histogram {
	double slots[SS_DELAY_SLOTS], total;
};

/* Shared with the process. */
static struct shared {
	int go, ready, done;
} * shared;

/* What the process's threads have waited; takes a sample. */
static struct histogram histogram_take(pid_t pid)
{
	const struct sample *s;
	struct histogram h = {};

	snapshot_take();
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct told_thread *told = s->threads[i].told;

		if (!told->waits || told->record->tgid != (uint32_t)pid)
			continue;
		for (int slot = 0; slot < SS_DELAY_SLOTS; slot++) {
			h.slots[slot] += (double)told->waits->delay_slots[slot];
			h.total += (double)told->waits->delay_slots[slot];
		}
	}
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

/* Runs of up to 2 ms and short sleeps, of more threads than CPUs. */
static void *mixed(void *ctx)
{
	int i = (int)(intptr_t)ctx;

	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &shared->go, FUTEX_WAIT, 0, NULL, NULL, 0);
	for (int round = 0; round < ROUNDS; round++) {
		burn(0.0002 * (i + 1));
		usleep((unsigned int)(100 * (i + 1)));
	}
	__atomic_add_fetch(&shared->done, 1, __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void work(void *ctx)
{
	pthread_t threads[THREADS];

	(void)ctx;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, mixed, (void *)(intptr_t)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Every thread of it sleeps. */
static bool rests(pid_t pid)
{
	const struct sample *s;
	bool rest = true;

	snapshot_take();
	s = pipeline_sample(test_pipeline);
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].told->record->tgid == (uint32_t)pid)
			rest &= asleep((pid_t)s->threads[i].tid);
	return rest;
}

static FILE *runqlat_start(pid_t subject, pid_t *ret_pid)
{
	char number[16];
	int out[2];

	snprintf(number, sizeof(number), "%d", subject);
	if (pipe2(out, O_CLOEXEC) < 0)
		exit(1);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		execlp("stdbuf", "stdbuf", "-oL", "runqlat", "-p", number, "3600", "1", NULL);
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
	/*
	 * runqlat takes a thread that is preempted on its way to sleep for one that sleeps, and misses its wait: 71 of 3,395 beside
	 * an emulated machine. That no switch is lost is shown by test_sched_conservation.
	 */
	check(seen->total >= truth->total * 0.98 && seen->total <= truth->total * 1.05,
	      "the number of waits is runqlat's: saw %.0f, runqlat %.0f", seen->total, truth->total);
	check(seen->total >= THREADS * ROUNDS, "and at least one for each sleep: saw %.0f, slept %d times", seen->total,
	      THREADS * ROUNDS);
	check(abs(seen50 - true50) <= 1, "p50 within one slot: saw 2^%d us, runqlat 2^%d us", seen50, true50);
	check(abs(seen99 - true99) <= 1, "p99 within one slot: saw 2^%d us, runqlat 2^%d us", seen99, true99);
}

int main(void)
{
	struct histogram before, after, truth = {};
	pid_t pid, subject;
	char line[256];
	const char *home;
	FILE *out;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pipeline_start();
	if (shared == MAP_FAILED || !sched_is_on())
		return test_finish();
	home = cgroup_make("runqlat");
	/* Beside others it would not be done with its rounds in time. */
	cgroup_favour(home);
	subject = run_in(home, work, NULL);
	poll_until(__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) == THREADS && rests(subject));
	out = runqlat_start(subject, &pid);
	if (!out || !fgets(line, sizeof(line), out)) {
		printf("ok %d - # SKIP runqlat (libbpf-tools) is not installed or does not load here\n", ++test_number);
		return test_finish();
	}
	before = histogram_take(subject);
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &shared->go, FUTEX_WAKE, THREADS, NULL, NULL, 0);
	poll_until(__atomic_load_n(&shared->done, __ATOMIC_SEQ_CST) == THREADS && rests(subject));
	after = histogram_take(subject);
	kill(pid, SIGINT);
	while (fgets(line, sizeof(line), out))
		line_take(line, &truth);
	fclose(out);
	waitpid(pid, NULL, 0);
	for (int slot = 0; slot < SS_DELAY_SLOTS; slot++)
		after.slots[slot] -= before.slots[slot];
	after.total -= before.total;
	compare(&after, &truth);
	return test_finish();
}
