/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch behind `top --view findings` and sysscope_findings: over which time it judges, and since when a finding is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "diagnose/watch.h"
#include "lib/situation.h"

#define BEGIN 1700000000.0

static struct finding_watch watch;

static int watch_setup(void **state)
{
	struct diagnosis_options options;

	diagnosis_options_init(&options);
	watch_init(&watch, &options);
	return situation_setup(state);
}

static int watch_teardown(void **state)
{
	watch_forget(&watch);
	return situation_teardown(state);
}

/* The snapshot of that many seconds after the begin. */
static const struct findings *at(double seconds)
{
	situation.now.time = BEGIN + seconds;
	situation.now.sequence++;
	assert_int_equal(watch_note(&watch, &situation.now), 0);
	return watch_findings(&watch);
}

static void every_second(void **state)
{
	(void)state;
	assert_null(watch_findings(&watch));
	for (int i = 0; i < 60; i++) {
		const struct findings *f = at(i);

		assert_non_null(f);
		assert_true(f->too_short == (i < WATCH_SHORTEST));
		/* As long as there is, then 10 to 20 seconds. */
		assert_true(f->watched_seconds == (i < 20 ? i : 10 + i % 10));
		assert_true(f->time == BEGIN + i);
	}
}

/* As Prometheus does, and as two of them do: from one scrape to the next of the same server. */
static void every_quarter_of_a_minute(void **state)
{
	(void)state;
	assert_true(at(0)->too_short);
	for (int i = 1; i < 9; i++)
		assert_true(at(15 * i)->watched_seconds == 15);
	watch_forget(&watch);
	assert_null(watch_findings(&watch));
	assert_true(at(0)->too_short && at(1)->too_short);
	for (int i = 1; i < 9; i++) {
		assert_true(at(15 * i)->watched_seconds == 15);
		assert_true(at(15 * i + 1)->watched_seconds == 16);
	}
}

/* A minute between two snapshots is judged as a whole. */
static void every_minute(void **state)
{
	(void)state;
	at(0);
	for (int i = 1; i < 5; i++)
		assert_true(at(60 * i)->watched_seconds == 60);
}

static void clock_set_back(void **state)
{
	(void)state;
	at(0);
	assert_false(at(30)->too_short);
	assert_true(at(-3600)->too_short);
	assert_true(at(-3590)->watched_seconds == 10);
}

/* It has been so since the begin of the first window in which it was found; not if it was not found in between. */
static void since_when(void **state)
{
	uint32_t parent, container = situation_container(&situation, "shop", "docker");
	const struct findings *f;

	(void)state;
	parent = situation_process(&situation, container, "init", 7);
	for (uint32_t i = 0; i < 12; i++) {
		uint32_t child = situation_process(&situation, container, "worker", 100 + i);

		situation.processes[1][child].ppid = 7;
		situation.processes[1][child].state = 'Z';
	}
	watch.options.thresholds[ZOMBIES_COUNT] = 12;
	(void)parent;
	for (int i = 0; i < 45; i++)
		f = at(i);
	assert_int_equal(f->n, 1);
	assert_string_equal(f->all[0].rule, "zombies");
	assert_true(f->all[0].since == BEGIN);
	situation.processes[1][1].state = 'S';
	assert_int_equal(at(45)->n, 0);
	situation.processes[1][1].state = 'Z';
	f = at(46);
	assert_int_equal(f->n, 1);
	assert_true(f->all[0].since == BEGIN + 30);
}

/* A recording takes snapshots between scrapes: an average is over all of the time, and what is judged is as without them. */
static void glances_between_scrapes(void **state)
{
	uint32_t container = situation_container(&situation, "shop", "docker");
	double *cores = &situation.containers[1][container].v[CONTAINER_CPU_CORES];

	(void)state;
	at(0);
	for (int i = 1; i < 4; i++) {
		const struct window *older;

		*cores = 3;
		situation.now.time = BEGIN + 15 * i - 5;
		situation.now.sequence++;
		assert_int_equal(watch_glance(&watch, &situation.now), 0);
		*cores = 0;
		assert_true(at(15 * i)->watched_seconds == 15);
		older = &watch.windows[watch.older];
		assert_true(window_average(older, WINDOW_CONTAINERS, container, TREND_CONTAINER_CPU_CORES) == 2);
	}
}

static bool not_judged(const struct findings *f, const char *rule)
{
	for (size_t i = 0; i < f->n_unjudged; i++)
		if (strcmp(f->unjudged[i].rule, rule) == 0)
			return true;
	return false;
}

/* The snapshot of a scrape: the process has that much memory, and so many threads. */
static const struct findings *scrape(int i, uint32_t container, uint32_t process, double memory, double threads)
{
	double *c = situation.containers[1][container].v, *p = situation.processes[1][process].v;

	c[CONTAINER_MEMORY_RSS] = c[CONTAINER_MEMORY_LIMIT_HELD] = p[PROCESS_RSS_ANONYMOUS] = memory;
	c[CONTAINER_THREADS] = p[PROCESS_THREADS] = threads;
	return at(15 * i);
}

/* Two snapshots are a window, five are a course: scrapes that are 15 s apart show what rises, too. */
static void rises_between_scrapes(void **state)
{
	uint32_t container = situation_container(&situation, "shop", "docker"),
		 process = situation_process(&situation, container, "python3", 812);
	const struct findings *f;

	(void)state;
	situation.containers[1][container].v[CONTAINER_MEMORY_LIMIT] = 2 * 1073741824.0;
	for (int i = 0; i <= 20; i++) {
		f = scrape(i, container, process, (100 + 10 * i) * 1048576.0, 20 + 6 * i);
		assert_true(not_judged(f, "memory_leak") == (i > 0 && i < 4));
		assert_true(not_judged(f, "thread_growth") == (i > 0 && i < 4));
		assert_int_equal(f->n, i < 4 ? 0 : 2);
		assert_true(i == 0 || f->watched_seconds == 15);
		if (i < 4)
			continue;
		assert_string_equal(f->all[0].rule, "memory_leak");
		assert_string_equal(f->all[1].rule, "thread_growth");
		assert_int_equal(f->all[0].pid, 812);
		/* Ten to twenty snapshots, as soon as there are as many. */
		assert_int_equal(f->all[0].confidence, FINDING_MEDIUM);
		expect_words(&f->all[0],
			     i < 19 ? (i == 4 ? "from 100M to 140M in 60 s" : "M to ")
				    : (i == 19 ? "from 190M to 290M in 150 s" : "from 190M to 300M in 165 s"));
	}
	/* It stops, and after as many snapshots as that nobody speaks of it any more. */
	for (int i = 21; i <= 41; i++)
		f = scrape(i, container, process, 300 * 1048576.0, 140);
	assert_int_equal(f->n, 0);
	assert_false(not_judged(f, "memory_leak"));
}

/* The same memory at each scrape, and memory that goes up and down between them. */
static void no_rise_between_scrapes(void **state)
{
	uint32_t container = situation_container(&situation, "shop", "docker"),
		 process = situation_process(&situation, container, "python3", 812);
	const struct findings *f;

	(void)state;
	for (int i = 0; i <= 20; i++) {
		f = scrape(i, container, process, (100 + (i % 3) * 30 + i) * 1048576.0, 20 + i % 3 * 15);
		assert_int_equal(f->n, 0);
		assert_true(not_judged(f, "memory_leak") == (i > 0 && i < 4));
	}
}

int main(void)
{
#define watch_test(f) cmocka_unit_test_setup_teardown(f, watch_setup, watch_teardown)
	const struct CMUnitTest tests[] = {
		watch_test(every_second),
		watch_test(every_quarter_of_a_minute),
		watch_test(every_minute),
		watch_test(clock_set_back),
		watch_test(since_when),
		watch_test(glances_between_scrapes),
		watch_test(rises_between_scrapes),
		watch_test(no_rise_between_scrapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
