/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_truth_throttle.c - a cgroup with a CPU quota and more to do than it allows: limit, periods, throttled periods and
 * throttled time beside its own cpu.stat, while it is throttled (between a reading before and one after) and at rest. And one
 * that has no limit, below one that has.
 */
#include <pthread.h>

#include "lib/kernel_test.h"

#define PERIOD_US 20000
#define QUOTA_US  5000
#define THREADS	  3
#define BURN	  0.1 /* seconds of each thread: 60 periods' worth */

struct stat_file {
	double usage, periods, throttled_periods, throttled; /* seconds; -1: no such line */
};

static bool file_put(const char *home, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s/%s", test_on_v2() ? "/sys/fs/cgroup" : v1_mounts[0], home, file);
	return file_write(path, text);
}

static bool quota_set(const char *home)
{
	char text[64];

	if (test_on_v2()) {
		snprintf(text, sizeof(text), "%d %d", QUOTA_US, PERIOD_US);
		return file_put(home, "cpu.max", text);
	}
	snprintf(text, sizeof(text), "%d", PERIOD_US);
	if (!file_put(home, "cpu.cfs_period_us", text))
		return false;
	snprintf(text, sizeof(text), "%d", QUOTA_US);
	return file_put(home, "cpu.cfs_quota_us", text);
}

static double line_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtod(line + length, NULL);
	return -1;
}

static struct stat_file stat_read(const char *home)
{
	_cleanup_free_ char *text = NULL;
	struct stat_file s = {-1, -1, -1, -1};
	char path[256];

	snprintf(path, sizeof(path), "%s%s/cpu.stat", test_on_v2() ? "/sys/fs/cgroup" : v1_mounts[0], home);
	if (read_file(path, 65536, &text, NULL) < 0)
		return s;
	s.usage = cgroup_cpu_seconds(home);
	s.periods = line_value(text, "nr_periods");
	s.throttled_periods = line_value(text, "nr_throttled");
	s.throttled =
		test_on_v2() ? line_value(text, "throttled_usec") / 1e6 : line_value(text, "throttled_time") / 1e9;
	return s;
}

static void *thread_burn(void *ctx)
{
	burn(BURN);
	return ctx;
}

static int told[2];

static void work(void *ctx)
{
	pthread_t t[THREADS];
	char c = 0;

	(void)ctx;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, thread_burn, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	if (write(told[1], &c, 1) == 1)
		pause();
}

static void check_between(const char *what, double seen, double before, double after)
{
	check(before <= seen + 1e-6 && seen <= after + 1e-6, "%s: saw %.6f, true is %.6f to %.6f", what, seen, before,
	      after);
}

/* Until the workload says that it has done: one snapshot after the other, each inside of two readings of the truth. */
static void during(const char *home)
{
	int rounds = 0, wrong = 0;
	double last = 0, falls = 0;

	for (double end = now_seconds() + 2 * PATIENCE_SECONDS; now_seconds() < end;) {
		struct stat_file a = stat_read(home), b;
		const struct container_row *row = row_find(snapshot_take(), home);
		double periods = row ? row->v[CONTAINER_PERIODS] : -1, usage = row ? row->v[CONTAINER_CPU_USAGE] : -1;

		b = stat_read(home);
		wrong += !row || periods < a.periods || periods > b.periods ||
			 row->v[CONTAINER_THROTTLED_PERIODS] < a.throttled_periods ||
			 row->v[CONTAINER_THROTTLED_PERIODS] > b.throttled_periods ||
			 row->v[CONTAINER_THROTTLED] / 1e9 < a.throttled - 1e-6 ||
			 row->v[CONTAINER_THROTTLED] / 1e9 > b.throttled + 1e-6;
		falls += usage < last;
		last = usage;
		rounds++;
		if (fcntl(told[0], F_SETFL, O_NONBLOCK) == 0 && read(told[0], &(char){0}, 1) == 1)
			break;
		usleep(30000);
	}
	check(!wrong, "while it is throttled each of %d snapshots lies between cpu.stat before and after: %d do not",
	      rounds, wrong);
	check(falls == 0, "and its CPU time never falls: %.0f times", falls);
}

static void throttling(const char *home)
{
	const struct container_row *row;
	struct stat_file a, b;
	pid_t pid;

	if (pipe(told) < 0)
		exit(1);
	/* Beside others it may get so little of a CPU that it never uses up its quota. */
	cgroup_favour(home);
	pid = run_in(home, work, NULL);
	during(home);
	asleep_wait(pid);
	usleep(2 * PERIOD_US); /* for the period under way to end */
	a = stat_read(home);
	row = row_find(snapshot_take(), home);
	b = stat_read(home);
	if (!row) {
		check(false, "the cgroup has a row");
	} else {
		check_within("limit in CPUs", row->v[CONTAINER_CPU_LIMIT], (double)QUOTA_US / PERIOD_US, 1e-9, 0);
		check_equal("quota in microseconds", row->v[CONTAINER_SPEC_QUOTA], QUOTA_US);
		check_equal("period in microseconds", row->v[CONTAINER_SPEC_PERIOD], PERIOD_US);
		check_between("periods", row->v[CONTAINER_PERIODS], a.periods, b.periods);
		check_between("throttled periods", row->v[CONTAINER_THROTTLED_PERIODS], a.throttled_periods,
			      b.throttled_periods);
		check_between("throttled seconds", row->v[CONTAINER_THROTTLED] / 1e9, a.throttled, b.throttled);
		check_between("CPU seconds", row->v[CONTAINER_CPU_USAGE] / 1e9, a.usage, b.usage);
		check_within("CPU seconds task by task", row->v[CONTAINER_CPU_TASKS] / 1e9, cgroup_tasks_seconds(home),
			     0.005, 0.003);
		check(a.throttled_periods >= THREADS * BURN * 1e6 / QUOTA_US / 2,
		      "it was throttled: %.0f of %.0f periods, %.3f s", a.throttled_periods, a.periods, a.throttled);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void work_rest(void *ctx)
{
	(void)ctx;
	pause();
}

/* Without a quota nothing is said of throttling; 0 would say that it was looked at. */
static void unlimited(const char *home)
{
	pid_t pid = run_in(home, work_rest, NULL);
	const struct container_row *row = row_find(snapshot_take(), home);

	check(row && value_absent(row->v[CONTAINER_CPU_LIMIT]) && value_absent(row->v[CONTAINER_PERIODS]) &&
		      value_absent(row->v[CONTAINER_THROTTLED]),
	      "without a quota limit, periods and throttled time are absent");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool memory_limit_set(const char *home)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s/%s", test_on_v2() ? "/sys/fs/cgroup" : v1_mounts[2], home,
		 test_on_v2() ? "memory.max" : "memory.limit_in_bytes");
	return file_write(path, "67108864");
}

static void work_spin(void *ctx)
{
	(void)ctx;
	for (;;)
		;
}

/* The cgroup above has the limits: they hold its only child back as if they were the child's own. */
static void limited_above(const char *above, const char *child)
{
	const struct container_row *row;
	struct stat_file a, b;
	bool memory = memory_limit_set(above);
	double most = 0;
	pid_t pid;

	cgroup_favour(above);
	a = stat_read(above);
	pid = run_in(child, work_spin, NULL);
	poll_until((row = row_find(snapshot_take(), child)) && row->throttled_by &&
		   (most = row->v[CONTAINER_THROTTLED_RATIO]));
	b = stat_read(above);
	check(row && most > 0 && most <= 1,
	      "below a quota it is throttled in a share of %.2f; above: %.0f of %.0f periods", most,
	      b.throttled_periods - a.throttled_periods, b.periods - a.periods);
	if (row) {
		check(row->throttled_by && strcmp(row->throttled_by, above) == 0, "by the one above");
		check_within("limit in CPUs", row->v[CONTAINER_CPU_LIMIT], (double)QUOTA_US / PERIOD_US, 1e-9, 0);
		check(row->cpu_limit_of && strcmp(row->cpu_limit_of, above) == 0, "it is that of the one above");
		check(value_absent(row->v[CONTAINER_SPEC_QUOTA]) && value_absent(row->v[CONTAINER_PERIODS]),
		      "its own quota and periods are absent");
		if (memory) {
			check_equal("memory limit", row->v[CONTAINER_MEMORY_LIMIT], 67108864);
			check(row->memory_limit_of && strcmp(row->memory_limit_of, above) == 0, "of the one above");
			check_within("MEM%", row->v[CONTAINER_MEMORY_LIMIT_RATIO],
				     row->v[CONTAINER_MEMORY_WORKING_SET] / 67108864, 1e-9, 0);
			check_equal("its own memory limit", row->v[CONTAINER_SPEC_MEMORY_LIMIT], 0);
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const char *home = cgroup_make("throttle"), *other = cgroup_make("unlimited");
	const char *above = cgroup_make("above"), *child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!quota_set(home) || stat_read(home).periods < 0) {
		printf("ok %d - # SKIP this kernel or cgroup hierarchy has no CPU quotas\n", ++test_number);
		return test_finish();
	}
	quota_set(above);
	if (test_on_v2())
		file_put(above, "cgroup.subtree_control", "+memory");
	child = cgroup_make("above/child");
	pipeline_start();
	throttling(home);
	unlimited(other);
	limited_above(above, child);
	return test_finish();
}
