/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_truth_rusage.c - context switches and page faults: of a living process and of the dead, beside what getrusage and
 * /proc/PID/task/TID/status say of the same.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/sched_test.h"

#define SLEEPS 1009
/* A sleep that is over before it began is no switch: on an emulated CPU a third of them are. */
#define SLEPT  (SLEEPS / 10)
#define PAGES  1511
#define YIELDS 0.12 /* seconds of CPU of two threads on one CPU, so that they preempt each other */
#define DEAD   7

/* What the process says of itself when its work is done. */
struct report {
	struct rusage usage, thread; /* of the process; of its main thread at the same moment */
	long ended_thread_switches;  /* voluntary ones, by its own RUSAGE_THREAD just before it ended */
};

static int told[2];

static void *thread_busy(void *ctx)
{
	pin(0);
	burn(YIELDS);
	return ctx;
}

static void *thread_sleepy(void *ctx)
{
	struct report *report = ctx;
	struct rusage u;

	for (int i = 0; i < SLEEPS; i++)
		usleep(1);
	if (report && getrusage(RUSAGE_THREAD, &u) == 0)
		report->ended_thread_switches = u.ru_nvcsw;
	return NULL;
}

static void faults_make(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	madvise(memory, PAGES * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i++)
		*(volatile char *)(memory + i * page) = 1;
	munmap(memory, PAGES * page);
}

static void threads_run(void *(*work)(void *), void *ctx, int n)
{
	pthread_t t[4];

	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, work, ctx);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

static void work_living(void *ctx)
{
	struct report report = {.ended_thread_switches = 0};

	(void)ctx;
	threads_run(thread_sleepy, &report, 1);
	threads_run(thread_busy, NULL, 2);
	thread_sleepy(NULL);
	faults_make();
	getrusage(RUSAGE_THREAD, &report.thread);
	getrusage(RUSAGE_SELF, &report.usage);
	if (write(told[1], &report, sizeof(report)) == sizeof(report))
		pause();
}

/* Of the living threads of a process at rest: a source that is not sysscope's nor getrusage's. */
static double status_sum(pid_t pid, const char *key)
{
	char path[320];
	double sum = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		_cleanup_free_ char *text = NULL;
		char *at;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, e->d_name);
		if (e->d_name[0] == '.' || read_file(path, 65536, &text, NULL) < 0)
			continue;
		at = strstr(text, key);
		sum += at ? strtod(at + strlen(key), NULL) : 0;
	}
	if (d)
		closedir(d);
	return sum;
}

static void check_near(const char *what, double seen, double truth, double slack)
{
	check(fabs(seen - truth) <= slack, "%s: saw %.0f, true is %.0f, allowed %.0f", what, seen, truth, slack);
}

static void living(const char *home)
{
	double before_v, before_i, after_v, after_i;
	const struct process_row *row;
	struct report report;
	struct rusage u;
	pid_t pid;

	pid = run_in(home, work_living, NULL);
	if (read(told[0], &report, sizeof(report)) != sizeof(report))
		exit(1);
	u = report.usage;
	asleep_wait(pid);
	before_v = status_sum(pid, "\nvoluntary_ctxt_switches:\t");
	before_i = status_sum(pid, "nonvoluntary_ctxt_switches:\t");
	row = process_row_find(snapshot_take(), pid);
	after_v = status_sum(pid, "\nvoluntary_ctxt_switches:\t");
	after_i = status_sum(pid, "nonvoluntary_ctxt_switches:\t");
	if (!row) {
		check(false, "the process has a row");
	} else {
		/* Its ended threads are in the process's sum, and not in /proc/PID/task. */
		check(report.ended_thread_switches >= SLEPT &&
			      row->v[PROCESS_VOLUNTARY_SWITCHES] - before_v >= report.ended_thread_switches,
		      "voluntary switches of the ended threads are in: saw %.0f, living thread %.0f, one that ended "
		      "%ld",
		      row->v[PROCESS_VOLUNTARY_SWITCHES], before_v, report.ended_thread_switches);
		/* What its main thread switched after it had asked is in its status; one more between its two questions. */
		check_near("voluntary switches are getrusage's", row->v[PROCESS_VOLUNTARY_SWITCHES],
			   (double)u.ru_nvcsw + before_v - (double)report.thread.ru_nvcsw, 1 + after_v - before_v);
		check_near("involuntary switches are getrusage's", row->v[PROCESS_INVOLUNTARY_SWITCHES],
			   (double)u.ru_nivcsw + before_i - (double)report.thread.ru_nivcsw, 1 + after_i - before_i);
		check(u.ru_nvcsw >= 2 * SLEPT, "it slept %d times: %ld voluntary switches", 2 * SLEEPS, u.ru_nvcsw);
		/* write(), pause() and their pages of the stack are touched before. */
		check_near("minor page faults are getrusage's", row->v[PROCESS_MINOR_FAULTS], (double)u.ru_minflt, 4);
		check(row->v[PROCESS_MINOR_FAULTS] >= PAGES, "and at least one for each of %d pages", PAGES);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ctx: shared memory for what the process had used before it began, outside of its cgroup. */
static void work_dead(void *ctx)
{
	getrusage(RUSAGE_SELF, ctx);
	thread_sleepy(NULL);
	threads_run(thread_sleepy, NULL, 1);
	burn(0.02);
}

static double cpu_seconds(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

/*
 * Each child is born outside of the cgroup and moved in. What it did until then stays outside, where moves are seen, and on a
 * busy machine that is a lot (42 involuntary switches of 159 were seen), so each tells what it was.
 */
static void dead(const char *home)
{
	struct rusage before, after,
		*outside = mmap(NULL, sizeof(*outside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double cpu = 0, born = 0, voluntary = 0, involuntary = 0, seen;

	if (outside == MAP_FAILED)
		exit(1);
	snapshot_take();
	getrusage(RUSAGE_CHILDREN, &before);
	for (int i = 0; i < DEAD; i++) {
		waitpid(run_in(home, work_dead, outside), NULL, 0);
		if (!task_state_is_on())
			continue;
		born += cpu_seconds(outside);
		voluntary -= (double)outside->ru_nvcsw;
		involuntary -= (double)outside->ru_nivcsw;
	}
	getrusage(RUSAGE_CHILDREN, &after);
	cpu = cpu_seconds(&after) - cpu_seconds(&before);
	voluntary += (double)(after.ru_nvcsw - before.ru_nvcsw);
	involuntary += (double)(after.ru_nivcsw - before.ru_nivcsw);
	check_equal("exits", container_value_until(home, CONTAINER_EXITS, DEAD), DEAD);
	container_value_until(home, CONTAINER_CPU_TASKS, (cpu - born) * 0.97 * 1e9);
	seen = container_value(home, CONTAINER_CPU_TASKS) / 1e9;
	/* A child asks a moment after its move: what it used in between, 2 ms on an emulated machine, is inside and in `born`. */
	check(seen >= (cpu - born) * 0.97 - DEAD * 0.001 && seen <= cpu * 1.03 + DEAD * 0.001,
	      "CPU of the dead is getrusage's of children: saw %.6f, true is %.6f, of which at most %.6f outside", seen,
	      cpu, born);
	seen = container_value(home, CONTAINER_VOLUNTARY_SWITCHES);
	check_near("voluntary switches of the dead are getrusage's of children", seen, voluntary, 3 * DEAD);
	check(seen >= DEAD * 2 * SLEPT, "and there are some of the %d sleeps", DEAD * 2 * SLEEPS);
	check_near("involuntary switches of the dead are getrusage's of children",
		   container_value(home, CONTAINER_INVOLUNTARY_SWITCHES), involuntary, 3 * DEAD);
	munmap(outside, sizeof(*outside));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(told) < 0)
		return 1;
	pipeline_start();
	living(cgroup_make("living"));
	dead(cgroup_make("dead"));
	return test_finish();
}
