/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_neighbours.c - who had the CPU while a container waited for it, and that a container that waits for its own
 * quota blames nobody.
 */
#include <sys/resource.h>

#include "lib/sched_test.h"

#define SECONDS	  3
#define PERIOD_US 100000 /* of the quota */

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

/* A snapshot, and how long it took: when in it a thread was read is not known. */
static const struct snapshot *snapshot_timed(double *ret_took)
{
	double began = now_seconds();
	const struct snapshot *s = snapshot_take();

	*ret_took = now_seconds() - began;
	return s;
}

/* One thread that never sleeps: what it did not run, it waited. */
static void spinner_check(const char *name, struct seen before, struct seen after, double wall, double took)
{
	char what[64];

	snprintf(what, sizeof(what), "%s waited for what it did not run", name);
	check_time_within(what, after.wait - before.wait, wall - (after.exec - before.exec), 0.02, 0.05 + took);
	check_time_within("it was runnable all the time: its average", after.runnable, 1, 0.02, took / wall);
	check_time_within("and running as its CPU time says", after.running, (after.exec - before.exec) / wall, 0.02,
			  0.005);
}

/* Two that run all the time, read while they run. */
static void spinners_running(const char *a, const char *b)
{
	struct seen a_before, b_before, a_after, b_after;
	const struct snapshot *s;
	double took[2], wall;
	uint64_t began;

	s = snapshot_timed(&took[0]);
	began = pipeline_sample(test_pipeline)->boot_ns;
	a_before = home_seen(s, a);
	b_before = home_seen(s, b);
	sleep(SECONDS);
	s = snapshot_timed(&took[1]);
	wall = seconds(pipeline_sample(test_pipeline)->boot_ns - began);
	a_after = home_seen(s, a);
	b_after = home_seen(s, b);
	spinner_check("the first", a_before, a_after, wall, fmax(took[0], took[1]));
	spinner_check("the second", b_before, b_after, wall, fmax(took[0], took[1]));
	/* Others that want that CPU take from both alike. */
	check_time_within("both ran for equally long", a_after.exec - a_before.exec, b_after.exec - b_before.exec, 0.2,
			  0.1);
	check(a_after.throttled == 0, "nobody was throttled: saw %.6f s", a_after.throttled);
	if (a_after.p99 > 1 && a_after.p99 < 10 && clock_is_coarse())
		printf("ok %d - p99 of its waits: saw %.6f s " COARSE_CLOCK "\n", ++test_number, a_after.p99);
	else
		check(a_after.p99 >= 0.0005 && a_after.p99 <= 1, "p99 of its waits is a few time slices: saw %.6f s",
		      a_after.p99);
}

static void two_spinners(const char *a, const char *b)
{
	struct seen a_before, b_before, a_after, b_after;
	double pair_before, back_before, all_before, wall, alone;
	const struct snapshot *s;
	pid_t pids[2];

	pids[0] = run_in(a, spin_for_ever, NULL);
	pids[1] = run_in(b, spin_for_ever, NULL);
	usleep(300000);
	halt(pids, 2);
	s = snapshot_take();
	a_before = home_seen(s, a);
	b_before = home_seen(s, b);
	pair_before = pair_seconds(s, a, b);
	back_before = pair_seconds(s, b, a);
	all_before = pair_seconds(s, a, NULL);
	resume(pids);
	spinners_running(a, b);
	halt(pids, 2);
	s = snapshot_take();
	a_after = home_seen(s, a);
	b_after = home_seen(s, b);
	/* The other one had what it ran of that time; the rest is who else was on that CPU. */
	check_time_within("the pair names the second, with what it ran", pair_seconds(s, a, b) - pair_before,
			  b_after.exec - b_before.exec, 0.02, 0.02 + PAIR_HELD);
	check_time_within("and the other way round", pair_seconds(s, b, a) - back_before, a_after.exec - a_before.exec,
			  0.02, 0.02 + PAIR_HELD);
	check_time_within("all that it waited is blamed", pair_seconds(s, a, NULL) - all_before,
			  a_after.wait - a_before.wait, 0.002, PAIR_HELD);
	end(pids[1]);

	/* Alone: it waits only for what else the machine has to do on that CPU, and not for the other. */
	s = snapshot_take();
	a_before = home_seen(s, a);
	pair_before = pair_seconds(s, a, b);
	alone = now_seconds();
	resume(pids);
	sleep(2);
	halt(pids, 1);
	wall = now_seconds() - alone;
	s = snapshot_take();
	a_after = home_seen(s, a);
	check_time_within("alone it waits for what it does not run", a_after.wait - a_before.wait,
			  wall - (a_after.exec - a_before.exec), 0.02, 0.03);
	/* What its CPU kept back of the waits before. */
	check(pair_seconds(s, a, b) - pair_before <= 2 * PAIR_HELD, "alone it does not wait for the other: saw %.6f s",
	      pair_seconds(s, a, b) - pair_before);
	end(pids[0]);
}

/* Runs for a moment every millisecond. */
static void tick_for_ever(void *ctx)
{
	(void)ctx;
	pin(last_cpu);
	for (;;)
		usleep(1000);
}

/*
 * One of the lowest weight waits behind one of the highest, for a second at a time; a third one, which runs for a moment every
 * millisecond, makes hundreds of runs of that. It still is the second whose CPU it was.
 */
static void long_wait(const char *high)
{
	const char *low = cgroup_make("low"), *ticks = cgroup_make("ticks");
	double pair_before, ran_before, pair, ran, began, wall;
	const struct snapshot *s;
	pid_t pids[3];

	cgroup_favour(ticks);
	pids[0] = run_in(high, spin_for_ever, NULL);
	pids[1] = run_in(low, spin_for_ever, NULL);
	pids[2] = run_in(ticks, tick_for_ever, NULL);
	usleep(300000);
	halt(pids, 2);
	s = snapshot_take();
	pair_before = pair_seconds(s, low, high);
	ran_before = home_seen(s, high).exec;
	began = now_seconds();
	resume(pids);
	sleep(SECONDS);
	halt(pids, 2);
	wall = now_seconds() - began;
	s = snapshot_take();
	pair = pair_seconds(s, low, high) - pair_before;
	ran = home_seen(s, high).exec - ran_before;
	/* Of runs that are not remembered one by one it is charged with what it must have had: what it led by before all others. */
	check(pair >= 0.9 * ran - (wall - ran) && pair <= ran * 1.02 + PAIR_HELD,
	      "waits of hundreds of runs name the one that had the CPU: saw %.4f s, it ran for %.4f s", pair, ran);
	for (int i = 0; i < 3; i++)
		end(pids[i]);
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

/*
 * A snapshot of a stopped process, and what cpu.stat says at that moment: it counts a throttling when it ends, which is
 * within a period. *ret_halted: now_seconds() when it stopped, which one that is throttled does when it has quota again.
 */
static const struct snapshot *snapshot_halted(pid_t pid, const char *home, double *ret_truth, double *ret_halted)
{
	halt(&pid, 1);
	*ret_halted = now_seconds();
	usleep(2 * PERIOD_US);
	*ret_truth = throttled_truth(home);
	return snapshot_take();
}

/*
 * What a process waited for its quota is blamed on nobody, and all else that it waited on who had the CPU. Move: from one
 * CPU to the other meanwhile, which measure throttling on their own.
 */
static void quota(const char *home, bool move)
{
	const char *how = move ? "moved while it waits for its quota: " : "";
	double truth, truth_after, pairs, throttled, rest, began, halted, wall;
	struct seen before, after;
	const struct snapshot *s;
	char what[128];
	pid_t pid;

	if ((move && last_cpu == 0) || !quota_set(home)) {
		printf("ok %d - %squota # SKIP there is one CPU, or no quota\n", ++test_number, how);
		return;
	}
	pid = run_in(home, spin_for_ever, NULL);
	usleep(500000);
	s = snapshot_halted(pid, home, &truth, &halted);
	before = home_seen(s, home);
	pairs = pair_seconds(s, home, NULL);
	began = now_seconds();
	resume(&pid);
	for (int i = 0; now_seconds() < began + SECONDS; i++) {
		cpu_set_t set;

		usleep(7000);
		if (!move)
			continue;
		CPU_ZERO(&set);
		CPU_SET(last_cpu - i % 2, &set);
		sched_setaffinity(pid, sizeof(set), &set);
	}
	s = snapshot_halted(pid, home, &truth_after, &halted);
	wall = halted - began;
	truth = truth_after - truth;
	after = home_seen(s, home);
	pairs = pair_seconds(s, home, NULL) - pairs;
	throttled = after.throttled - before.throttled;
	rest = after.wait - before.wait - throttled;
	if (!move) {
		check_within("throttled wait is that of cpu.stat", throttled, truth, 0.02, 0);
	} else {
		snprintf(what, sizeof(what), "%sit runs or waits", how);
		check_time_within(what, after.exec - before.exec + after.wait - before.wait, wall, 0.01, 0.03);
	}
	check(throttled > wall / 2, "%sthrottled most of the time: saw %.4f of %.4f s", how, throttled, wall);
	/* An emulated CPU that has work may still have to wait for its turn: nobody had it. */
	if (rest > pairs && clock_is_coarse()) {
		printf("ok %d - %sthe rest of its wait: saw %.4f s, %.4f s blamed " COARSE_CLOCK "\n", ++test_number,
		       how, rest, pairs);
	} else {
		/* A wait that ends by a move to an idle CPU is charged to nobody. */
		snprintf(what, sizeof(what), "%sthe rest of its wait is what is blamed", how);
		check_within(what, pairs, rest, 0.02, move ? 0.03 + 2 * PAIR_HELD : PAIR_HELD);
	}
	end(pid);
}

/* A table with room for three pairs by name: the others are told as `~other`, and nothing is lost. */
static void table_full(void)
{
	const char *homes[4] = {cgroup_make("f1"), cgroup_make("f2"), cgroup_make("f3"), cgroup_make("f4")};
	struct pipeline_options o;
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
	halt(pids, 4);
	s = snapshot_take();
	for (int i = 0; i < 4; i++) {
		waited -= home_seen(s, homes[i]).wait;
		pairs -= pair_seconds(s, homes[i], NULL);
	}
	resume(pids);
	sleep(2);
	halt(pids, 4);
	s = snapshot_take();
	for (int i = 0; i < 4; i++) {
		waited += home_seen(s, homes[i]).wait;
		pairs += pair_seconds(s, homes[i], NULL);
	}
	check_time_within("a table too small loses no time", pairs, waited, 0.002, PAIR_HELD);
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
	long_wait(a);
	quota(cgroup_make("quota"), false);
	quota(cgroup_make("moving"), true);
	table_full();
	return test_finish();
}
