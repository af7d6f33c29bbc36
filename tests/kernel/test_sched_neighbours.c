/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_neighbours.c - who had the CPU while a container waited for it, and that a container that waits for its own
 * quota blames nobody.
 */
#include <sys/resource.h>

#include "lib/sched_test.h"

#define SECONDS 3
#define PERIOD	0.1 /* of the quota, seconds */

static int last_cpu;

static void spin_for_ever(void *ctx)
{
	(void)ctx;
	pin(last_cpu);
	for (;;)
		;
}

static const struct neighbour_row *pair_find(const struct snapshot *s, const char *waiter, const char *runner)
{
	for (size_t i = 0; i < s->n_neighbours; i++) {
		const struct neighbour_row *n = &s->neighbours[i];

		if (strcmp(s->containers[n->waiter].cgroup, waiter) == 0 && n->runner != NEIGHBOUR_OTHERS &&
		    strcmp(s->containers[n->runner].cgroup, runner) == 0)
			return n;
	}
	return NULL;
}

/* Seconds that `waiter` waited for anybody, or for `runner` alone. */
static double pair_seconds(const struct snapshot *s, const char *waiter, const char *runner)
{
	double sum = 0;

	if (runner) {
		const struct neighbour_row *n = pair_find(s, waiter, runner);

		return n ? n->v[NEIGHBOUR_WAIT] / 1e9 : 0;
	}
	for (size_t i = 0; i < s->n_neighbours; i++)
		if (strcmp(s->containers[s->neighbours[i].waiter].cgroup, waiter) == 0)
			sum += s->neighbours[i].v[NEIGHBOUR_WAIT] / 1e9;
	return sum;
}

struct seen {
	double exec, wait, throttled, p99, runnable, running;
};

static struct seen home_seen(const struct snapshot *s, const char *home)
{
	const struct container_row *c = row_find(s, home);

	if (!c)
		return (struct seen){};
	return (struct seen){c->v[CONTAINER_CPU_TASKS] / 1e9,
			     (c->v[CONTAINER_WAKEUP_WAIT] + c->v[CONTAINER_PREEMPTED_WAIT]) / 1e9,
			     c->v[CONTAINER_THROTTLED_WAIT] / 1e9,
			     c->v[CONTAINER_DELAY_P99] / 1e9,
			     c->v[CONTAINER_RUNNABLE],
			     c->v[CONTAINER_RUNNING]};
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* One thread that never sleeps: what it did not run, it waited. */
static void spinner_check(const char *name, struct seen before, struct seen after, double wall)
{
	char what[64];

	snprintf(what, sizeof(what), "%s waited for what it did not run", name);
	check_time_within(what, after.wait - before.wait, wall - (after.exec - before.exec), 0.02, 0.05);
	check_time_within("it was runnable all the time: its average", after.runnable, 1, 0.02, 0);
	check_time_within("and running as its CPU time says", after.running, (after.exec - before.exec) / wall, 0.02,
			  0.005);
}

static void two_spinners(const char *a, const char *b)
{
	pid_t first = run_in(a, spin_for_ever, NULL), second = run_in(b, spin_for_ever, NULL);
	const struct snapshot *s;
	struct seen a_before, b_before, a_after, b_after;
	double pair_before, back_before, wall, blamed;
	uint64_t began;

	usleep(300000);
	s = snapshot_take();
	began = pipeline_sample(test_pipeline)->boot_ns;
	a_before = home_seen(s, a);
	b_before = home_seen(s, b);
	pair_before = pair_seconds(s, a, b);
	back_before = pair_seconds(s, b, a);
	sleep(SECONDS);
	s = snapshot_take();
	wall = seconds(pipeline_sample(test_pipeline)->boot_ns - began);
	a_after = home_seen(s, a);
	b_after = home_seen(s, b);
	spinner_check("the first", a_before, a_after, wall);
	spinner_check("the second", b_before, b_after, wall);
	/* The other one had what it ran of that time; the rest is who else was on that CPU. */
	blamed = pair_seconds(s, a, b) - pair_before;
	check_time_within("the pair names the second, with what it ran", blamed, b_after.exec - b_before.exec, 0.02,
			  0.05);
	blamed = pair_seconds(s, b, a) - back_before;
	check_time_within("and the other way round", blamed, a_after.exec - a_before.exec, 0.02, 0.05);
	/* Others that want that CPU take from both alike. */
	check_time_within("both ran for equally long", a_after.exec - a_before.exec, b_after.exec - b_before.exec, 0.2,
			  0.1);
	check(a_after.throttled == 0, "nobody was throttled: saw %.6f s", a_after.throttled);
	if (a_after.p99 > 1 && a_after.p99 < 10 && clock_is_coarse())
		printf("ok %d - p99 of its waits: saw %.6f s " COARSE_CLOCK "\n", ++test_number, a_after.p99);
	else
		check(a_after.p99 >= 0.0005 && a_after.p99 <= 1, "p99 of its waits is a few time slices: saw %.6f s",
		      a_after.p99);
	end(second);

	/* Alone: it waits only for what else the machine has to do on that CPU, and not for the other. */
	s = snapshot_take();
	a_before = home_seen(s, a);
	pair_before = pair_seconds(s, a, b);
	began = pipeline_sample(test_pipeline)->boot_ns;
	sleep(2);
	s = snapshot_take();
	wall = seconds(pipeline_sample(test_pipeline)->boot_ns - began);
	a_after = home_seen(s, a);
	check_time_within("alone it waits for what it does not run", a_after.wait - a_before.wait,
			  wall - (a_after.exec - a_before.exec), 0.02, 0.03);
	/* A slice of the other may have ended after the sample before. */
	check(pair_seconds(s, a, b) - pair_before < 0.02, "alone it does not wait for the other: saw %.6f s",
	      pair_seconds(s, a, b) - pair_before);
	end(first);
}

/* ---- quota ---- */

static bool quota_set(const char *home)
{
	char path[256];

	/* Beside others it may get so little of a CPU that it never uses up its quota. */
	cgroup_favour(home);
	if (test_on_v2()) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", home);
		return file_write(path, "20000 100000");
	}
	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", home);
	if (!file_write(path, "100000"))
		return false;
	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", home);
	return file_write(path, "20000");
}

/* Seconds throttled by cpu.stat. */
static double throttled_truth(const char *home)
{
	_cleanup_free_ char *text = NULL;
	char path[256], *at;

	snprintf(path, sizeof(path), test_on_v2() ? "/sys/fs/cgroup%s/cpu.stat" : "/sys/fs/cgroup/cpu%s/cpu.stat",
		 home);
	if (read_file(path, 65536, &text, NULL) < 0)
		return -1;
	at = strstr(text, test_on_v2() ? "throttled_usec " : "throttled_time ");
	return at ? atof(strchr(at, ' ')) / (test_on_v2() ? 1e6 : 1e9) : -1;
}

/* A snapshot just after a throttling has ended, which is when cpu.stat counts it. */
static const struct snapshot *snapshot_after_throttling(const char *home, double *ret_truth)
{
	double before = throttled_truth(home), end_seconds = now_seconds() + 2;

	do {
		usleep(300);
		*ret_truth = throttled_truth(home);
	} while (*ret_truth == before && now_seconds() < end_seconds);
	return snapshot_take();
}

static void quota(const char *home)
{
	struct seen before, after;
	double truth, truth_after, pairs, throttled, rest;
	const struct snapshot *s;
	pid_t pid;

	if (!quota_set(home)) {
		printf("ok %d - quota # SKIP this kernel or cgroup has no CPU quota\n", ++test_number);
		return;
	}
	pid = run_in(home, spin_for_ever, NULL);
	usleep(500000);
	s = snapshot_after_throttling(home, &truth);
	before = home_seen(s, home);
	pairs = pair_seconds(s, home, NULL);
	sleep(SECONDS);
	s = snapshot_after_throttling(home, &truth_after);
	truth = truth_after - truth;
	after = home_seen(s, home);
	throttled = after.throttled - before.throttled;
	pairs = pair_seconds(s, home, NULL) - pairs;
	rest = after.wait - before.wait - throttled;
	/*
	 * Who else is on that CPU shifts the moment of the samples within a period of 0.1 s, and is rightly blamed for the
	 * rest of the wait: exact it is only where nobody is.
	 */
	check_within("throttled wait is that of cpu.stat", throttled, truth, 0.02, rest > 0.1 ? 0.2 : 0);
	check(pairs < 0.02 * throttled + rest + 0.1,
	      "what it waited throttled is blamed on nobody: saw %.4f s blamed, %.4f s throttled, %.4f s not", pairs,
	      throttled, rest);
	/* An emulated CPU that has work may still have to wait for its turn: nobody had it. */
	if (rest > pairs && clock_is_coarse())
		printf("ok %d - the rest of its wait: saw %.4f s, %.4f s blamed " COARSE_CLOCK "\n", ++test_number,
		       rest, pairs);
	else
		/* A period of throttling may be under way in one of the two samples. */
		check_within("the rest of its wait is what is blamed", rest, pairs, 0.02, 0.1);
	end(pid);
}

/*
 * A thread that waits for its quota is moved to and fro: what it was throttled on one CPU is not a wait for who runs on the
 * next one.
 */
static void quota_moving(const char *home)
{
	struct seen before, after;
	double began_at[2], ended[2], wall, slack, pairs, throttled;
	const struct snapshot *s;
	pid_t pid;

	if (last_cpu == 0 || !quota_set(home)) {
		printf("ok %d - moved while it waits for its quota # SKIP there is one CPU, or no quota\n",
		       ++test_number);
		return;
	}
	pid = run_in(home, spin_for_ever, NULL);
	usleep(500000);
	began_at[0] = now_seconds();
	s = snapshot_take();
	began_at[1] = now_seconds();
	before = home_seen(s, home);
	pairs = pair_seconds(s, home, NULL);
	for (int i = 0; now_seconds() < began_at[1] + SECONDS; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(last_cpu - i % 2, &set);
		sched_setaffinity(pid, sizeof(set), &set);
		usleep(7000);
	}
	ended[0] = now_seconds();
	s = snapshot_take();
	ended[1] = now_seconds();
	after = home_seen(s, home);
	pairs = pair_seconds(s, home, NULL) - pairs;
	wall = (ended[0] + ended[1] - began_at[0] - began_at[1]) / 2;
	/* When in a snapshot the thread was read is not known. */
	slack = (ended[1] - ended[0] + began_at[1] - began_at[0]) / 2;
	throttled = after.throttled - before.throttled;
	check_time_within("moved while it waits for its quota: it runs or waits",
			  after.exec - before.exec + after.wait - before.wait, wall, 0.02, 0.05 + slack);
	check(throttled > wall / 2, "moved while it waits for its quota: saw %.4f of %.4f s throttled", throttled,
	      wall);
	/* In either sample a wait of up to a period may be under way, which is blamed when it ends. */
	check_time_within("moved while it waits for its quota: the rest of its wait is what is blamed",
			  after.wait - before.wait - throttled, pairs, 0.02, 2 * PERIOD);
	end(pid);
}

/* A table with room for three pairs by name: the others are told as `~other`, and nothing is lost. */
static void table_full(void)
{
	const char *homes[4] = {cgroup_make("f1"), cgroup_make("f2"), cgroup_make("f3"), cgroup_make("f4")};
	struct pipeline_options o;
	struct seen before[4], after[4];
	double waited = 0, pairs = 0;
	const struct snapshot *s;
	pid_t pids[4];

	pipeline_close(test_pipeline);
	pipeline_options_init(&o);
	o.pairs_named = 3;
	pipeline_start_with(&o);
	for (int i = 0; i < 4; i++) {
		cgroup_favour(homes[i]);
		pids[i] = run_in(homes[i], spin_for_ever, NULL);
	}
	usleep(300000);
	s = snapshot_take();
	for (int i = 0; i < 4; i++) {
		before[i] = home_seen(s, homes[i]);
		pairs -= pair_seconds(s, homes[i], NULL);
	}
	sleep(2);
	s = snapshot_take();
	for (int i = 0; i < 4; i++) {
		after[i] = home_seen(s, homes[i]);
		waited += after[i].wait - before[i].wait;
		pairs += pair_seconds(s, homes[i], NULL);
	}
	/* A wait is blamed when it ends: at either sample three of the four wait, each for the slices of the others. */
	check_time_within("a table too small loses no time", pairs, waited, 0.02, 0.2);
	check(loss_count("pair_folded") > 0, "pairs were folded: saw %.0f", loss_count("pair_folded"));
	check(loss_count("pair_lost") == 0, "none was lost: saw %.0f", loss_count("pair_lost"));
	for (int i = 0; i < 4; i++)
		end(pids[i]);
}

int main(void)
{
	const char *a, *b;

	setvbuf(stdout, NULL, _IOLBF, 0);
	last_cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	a = cgroup_make("a");
	b = cgroup_make("b");
	cgroup_favour(a);
	cgroup_favour(b);
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	two_spinners(a, b);
	quota(cgroup_make("quota"));
	quota_moving(cgroup_make("moving"));
	table_full();
	return test_finish();
}
