/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_growth.c - the course of a gauge between two snapshots, and the rules about what rises without a pause: each finds
 * its situation, and a start, one step and what warms up are none.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

#define MIB	(1024.0 * 1024)
#define SECONDS (SITUATION_SECONDS + 1)

/* A container with a limit, and a process in it whose memory goes through these values in MiB. */
static uint32_t grower(const char *name, double limit, const double values[SECONDS])
{
	uint32_t c = situation_container(&situation, name, "docker"),
		 p = situation_process(&situation, c, "python3", 4000 + c);
	double bytes[SECONDS];

	for (int i = 0; i < SECONDS; i++)
		bytes[i] = values[i] * MIB;
	situation_course(&situation, true, p, PROCESS_RSS_ANONYMOUS, bytes);
	situation_course(&situation, false, c, CONTAINER_MEMORY_RSS, bytes);
	situation_course(&situation, false, c, CONTAINER_MEMORY_LIMIT_HELD, bytes);
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_MEMORY_LIMIT] = limit;
	return p;
}

static const double leaking[SECONDS] = {100, 104, 108, 112, 116, 120, 124, 128, 132, 136, 140};
/* Three quarters of the way in the first third. */
static const double warming[SECONDS] = {100, 130, 151, 165, 175, 182, 187, 190, 193, 195, 196};
static const double one_step[SECONDS] = {100, 100.1, 100.2, 100.3, 180, 180.1, 180.2, 180.3, 180.4, 180.5, 180.6};
static const double sawtooth[SECONDS] = {100, 110, 120, 130, 105, 115, 125, 135, 110, 120, 140};
static const double slow[SECONDS] = {100, 100.5, 101, 101.5, 102, 102.5, 103, 103.5, 104, 104.5, 105};

static void leak(void **state)
{
	const struct finding *f;

	(void)state;
	grower("api", 160 * MIB, leaking);
	situation.now.v[HOST_MEMORY_USED] = 1024 * MIB;
	f = expect_first(&situation, "memory_leak", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->confidence, FINDING_LOW);
	assert_int_equal(f->pid, 4000);
	assert_string_equal(f->comm, "python3");
	expect_words(
		f,
		"the memory of python3 (pid 4000) in api rises without a pause, by 4.0M in each second; at that rate "
		"its limit of 160M is reached in 5 s");
	expect_words(f, "rose from 100M to 140M in 10 s");
	expect_words(f, "it rose in 10 of 10 steps, and fell in 0");
	expect_words(f, "the largest step was 10 % of the rise");
	expect_words(f, "sysscope diagnose --for 300 --rule memory_leak --container api");
}

/* Far from its end it is a fact; without any limit the machine's memory is the end; what takes days is none. */
static void leak_far(void **state)
{
	const struct finding *f;

	(void)state;
	grower("api", 16384 * MIB, leaking);
	f = expect_first(&situation, "memory_leak", "api", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	expect_words(f, "the memory of the machine is full in 51 min");
	situation.containers[1][0].v[CONTAINER_MEMORY_LIMIT] = VALUE_ABSENT;
	expect_words(expect_first(&situation, "memory_leak", "api", ""), "the memory of the machine is full in 51 min");
	situation.now.v[HOST_MEMORY_TOTAL] = 1e12;
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "memory_leak");
}

static void leak_near_misses(void **state)
{
	uint32_t p;

	(void)state;
	grower("warming", 200 * MIB, warming);
	grower("step", 200 * MIB, one_step);
	grower("collected", 200 * MIB, sawtooth);
	p = grower("starting", 150 * MIB, leaking);
	situation.processes[1][p].v[PROCESS_AGE] = 30e9;
	grower("slow", 200 * MIB, slow);
	situation.options.rules = 1ULL << RULE_MEMORY_LEAK;
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].container, "slow");
	assert_int_equal(situation.diagnosis.findings.n_near, 1);
}

/* What is not watched long enough is not said to be fine. */
static void growth_unknown(void **state)
{
	bool leaks = false, threads = false;

	(void)state;
	grower("api", 150 * MIB, leaking);
	assert_int_equal(watch_begin(&situation.window, &situation.before), 0);
	assert_int_equal(watch_end(&situation.window, &situation.now), 0);
	assert_int_equal(diagnosis_run(&situation.diagnosis, &situation.window, &situation.options, NULL), 0);
	for (size_t i = 0; i < situation.diagnosis.findings.n_unjudged; i++) {
		const char *rule = situation.diagnosis.findings.unjudged[i].rule;

		leaks |= strcmp(rule, "memory_leak") == 0;
		threads |= strcmp(rule, "thread_growth") == 0;
	}
	assert_true(leaks && threads);
}

/* It rose until it was killed: then it was no start, and the kill is its consequence, like the limit that it came near to. */
static void leak_until_killed(void **state)
{
	uint32_t p = grower("api", 145 * MIB, leaking);
	struct oom_row kill = {.time = situation.now.time - 0.5,
			       .start_time = 42,
			       .container = 0,
			       .container_name = "api",
			       .container_cgroup = situation.paths[0],
			       .pid = 4000,
			       .comm = "python3",
			       .thread = "python3",
			       .rss = 140 * MIB,
			       .exhausted = "memory_limit",
			       .limit_of = situation.paths[0],
			       .limit_scope = "own",
			       .limit = 145 * MIB,
			       .usage = 145 * MIB,
			       .asker = "",
			       .largest_age = VALUE_ABSENT};
	const struct finding *f;

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.processes[i][p].start_time = 42;
	situation.now.n_processes = 0;
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	f = expect_first(&situation, "memory_leak", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->severity, FINDING_CRITICAL);
	assert_int_equal(f->pid, 4000);
	expect_words(f, "rose without a pause, by 4.0M in each second, until the OOM killer ended it");
	expect_words(f, "the OOM killer ended python3 (pid 4000) in api: its own limit of 145M was exhausted");
	assert_int_equal(f->n_explains, 2);
	/* Another process of that number is not the one that rose. */
	kill.start_time = 4711;
	expect_first(&situation, "oom_killed", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static const double more_threads[SECONDS] = {10, 16, 22, 28, 34, 40, 46, 52, 58, 64, 70};
static const double pool_grown[SECONDS] = {10, 10, 70, 70, 70, 70, 70, 70, 70, 70, 70};
static const double fewer_threads[SECONDS] = {10, 20, 30, 25, 40, 50, 45, 60, 70, 65, 80};

static uint32_t starter(const char *name, double limit, const double values[SECONDS])
{
	uint32_t c = situation_container(&situation, name, "docker"),
		 p = situation_process(&situation, c, "java", 5000 + c);

	situation_course(&situation, true, p, PROCESS_THREADS, values);
	for (int i = 0; i < 2; i++) {
		situation.containers[i][c].v[CONTAINER_THREADS] = values[i ? SITUATION_SECONDS : 0] + 5;
		situation.containers[i][c].v[CONTAINER_THREADS_LIMIT] = limit;
	}
	return p;
}

static void thread_growth(void **state)
{
	const struct finding *f;

	(void)state;
	starter("api", 135, more_threads);
	f = expect_first(&situation, "thread_growth", "api", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->pid, 5000);
	expect_words(f, "the threads of java (pid 5000) in api become more without a pause, by 6.0 in each second; at "
			"that rate "
			"its limit of 135 is reached in 10 s");
	expect_words(f, "they rose from 10 to 70 in 10 s");
	/* Near the limit already: that is its consequence. */
	situation.containers[0][0].v[CONTAINER_THREADS_LIMIT] = situation.containers[1][0].v[CONTAINER_THREADS_LIMIT] =
		80;
	f = expect_first(&situation, "thread_growth", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "pids_limit");
	/* Nobody knows a limit. */
	situation.containers[0][0].v[CONTAINER_THREADS_LIMIT] = situation.containers[1][0].v[CONTAINER_THREADS_LIMIT] =
		VALUE_ABSENT;
	assert_int_equal(expect_first(&situation, "thread_growth", "api", "")->severity, FINDING_NOTICE);
	/* Fewer than the threshold. */
	situation.options.thresholds[THREAD_GROWTH_GROWTH] = 61;
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "thread_growth");
}

static void thread_growth_near_misses(void **state)
{
	uint32_t p;

	(void)state;
	starter("pool", 100, pool_grown);
	starter("busy", 100, fewer_threads);
	p = starter("starting", 100, more_threads);
	situation.processes[1][p].v[PROCESS_AGE] = 30e9;
	situation.options.rules = 1ULL << RULE_THREAD_GROWTH;
	expect_nothing(&situation);
}

/* ---- courses ---- */

static void averages(void **state)
{
	struct window *w = &situation.window;
	struct snapshot middle;
	uint32_t c = situation_container(&situation, "api", "docker");
	struct container_row row;

	(void)state;
	/* The interval before the begin does not count; the others by their length. */
	situation.containers[0][c].v[CONTAINER_CPU_CORES] = situation.before.v[HOST_CPU_CORES] = 4;
	situation.containers[1][c].v[CONTAINER_CPU_CORES] = situation.now.v[HOST_CPU_CORES] = 1;
	row = situation.containers[0][c];
	middle = situation.before;
	middle.containers = &row;
	middle.sequence++;
	middle.time += 2;
	row.v[CONTAINER_CPU_CORES] = middle.v[HOST_CPU_CORES] = 3;
	assert_int_equal(watch_begin(w, &situation.before), 0);
	assert_int_equal(window_note(w, &middle), 0);
	assert_int_equal(window_note(w, &middle), 0);
	assert_int_equal(watch_end(w, &situation.now), 0);
	assert_true(fabs(window_average(w, WINDOW_CONTAINERS, c, TREND_CONTAINER_CPU_CORES) - 1.4) < 1e-9);
	assert_true(fabs(window_host_average(w, HOST_CPU_CORES) - 1.4) < 1e-9);
	assert_true(value_absent(window_average(w, WINDOW_CONTAINERS, c, TREND_CONTAINER_RUNNABLE)));
}

/* Thousands of processes that live for a moment are not kept, one that stays is. */
static void glimpses(void **state)
{
	static struct process_row rows[1000];
	struct trend t = {};
	struct row_keys keys = {};
	struct snapshot s = {.processes = rows, .n_processes = 1000};

	(void)state;
	hash_seed_make(&keys.seed);
	keys.s = &s;
	for (uint64_t round = 1; round <= 100; round++) {
		s.sequence = round;
		s.time = (double)round;
		for (uint32_t i = 0; i < 1000; i++) {
			uint32_t pid = i ? (uint32_t)round * 1000 + i : 1;

			rows[i] = (struct process_row){.pid = pid, .start_ns = pid};
			rows[i].v[PROCESS_RSS_ANONYMOUS] = (double)round * MIB;
		}
		assert_int_equal(trend_note(&t, &keys), 0);
	}
	assert_true(t.n < 10000);
	assert_int_equal(trend_find(&t, process_key(&keys, 0))->courses[COURSE_MEMORY].n, 100);
	assert_true(trend_process(&t, 1, NAN) && !trend_process(&t, 1001, NAN));
	trend_free(&t);
}

/* What a burst of containers and processes takes is given back, once a course has gone by without it. */
static void burst(void **state)
{
	static struct process_row rows[20000];
	struct trend t = {.part = TREND_ONLY_COURSES};
	struct row_keys keys = {};
	struct snapshot s = {.processes = rows, .n_processes = 20000};
	size_t room = 0;

	(void)state;
	hash_seed_make(&keys.seed);
	keys.s = &s;
	for (uint32_t i = 0; i < s.n_processes; i++)
		rows[i] = (struct process_row){.pid = i + 1, .start_ns = i + 1};
	for (uint64_t course = 0; course < 3; course++) {
		trend_begin(&t);
		if (course == 1) {
			room = t.cap;
			assert_true(room >= s.n_processes);
			s.n_processes = 100;
		}
		s.sequence++;
		s.time++;
		assert_int_equal(trend_note(&t, &keys), 0);
	}
	assert_int_equal(t.n, 100);
	assert_true(t.cap < room / 50 && t.n_slots < room / 50);
	assert_non_null(trend_find(&t, process_key(&keys, 99)));
	trend_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(leak),
		situation_test(leak_far),
		situation_test(leak_near_misses),
		situation_test(growth_unknown),
		situation_test(leak_until_killed),
		situation_test(thread_growth),
		situation_test(thread_growth_near_misses),
		situation_test(averages),
		situation_test(glimpses),
		situation_test(burst),
	};

	return cmocka_run_group_tests_name("diagnose_growth", tests, NULL, NULL);
}
