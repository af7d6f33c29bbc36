/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_span.c - what `diagnose` finds in a recording: a minute of a quarter of an hour, a slow rise, what one thing explains of
 * another, what has ended since; and that nothing is compared across a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "lib/situation.h"
#include "past/span.h"
#include "record/recorder.h"

#define BEGIN 1700000000.0
#define STEP  5.0

static char folder[64];
static struct recorder *recorder;
static struct replay *replay;
static struct past_span span;
static struct match_choice containers;
static struct snapshot *s = &situation.now;

static int span_setup(void **state)
{
	struct store_options o = {.path = folder, .interval = STEP, .host = "host", .kernel = "6.1"};
	_cleanup_buf_ struct buf error = {};

	strcpy(folder, "/tmp/sysscope-span.XXXXXX");
	if (!mkdtemp(folder) || recorder_open(&recorder, &o, &error) < 0)
		return -1;
	replay = NULL;
	match_choice_init(&containers, NULL, 0);
	situation_setup(state);
	s->began = BEGIN;
	s->time = BEGIN - STEP;
	s->interval = STEP;
	s->sequence = 0;
	return 0;
}

static int span_teardown(void **state)
{
	char command[128];

	span_free(&span);
	replay_close(replay);
	match_choice_free(&containers);
	situation_teardown(state);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

/* One more sample. */
static void sample(void)
{
	s->time += STEP;
	s->sequence++;
	assert_int_equal(recorder_note(recorder, s), 0);
}

static void samples(int n)
{
	while (n--)
		sample();
}

/* The container wants a CPU, and its quota lets it have a fifth of one. */
static void throttled_sample(uint32_t container)
{
	double *v = situation.containers[1][container].v;

	v[CONTAINER_CPU_USAGE] += 0.2 * STEP * 1e9;
	v[CONTAINER_CPU_TASKS] += 0.2 * STEP * 1e9;
	v[CONTAINER_WAKEUP_WAIT] += 0.8 * STEP * 1e9;
	v[CONTAINER_THROTTLED_WAIT] += 0.8 * STEP * 1e9;
	v[CONTAINER_THROTTLED_RATIO] = 1;
	sample();
	v[CONTAINER_THROTTLED_RATIO] = 0;
}

static uint32_t limited(const char *name)
{
	uint32_t container = situation_container(&situation, name, "docker");
	double *v = situation.containers[1][container].v;

	v[CONTAINER_CPU_LIMIT] = 0.2;
	v[CONTAINER_CPU_CORES] = 0.2;
	return container;
}

static const struct findings *judged(double from, double to, int expect)
{
	struct span_choice c = {
		.from = BEGIN + from, .to = BEGIN + to, .options = &situation.options, .containers = &containers};
	_cleanup_buf_ struct buf error = {};

	recorder_close(recorder);
	recorder = NULL;
	situation.options.recorded = true;
	assert_int_equal(replay_open(&replay, folder, &error), 0);
	assert_int_equal(span_judge(&span, replay, &c), expect);
	return &span.findings;
}

/* A minute of a quarter of an hour, which as a whole is a tenth as bad. */
static void a_minute(void **state)
{
	uint32_t container = limited("web");
	const struct findings *f;

	(void)state;
	samples(60);
	for (int i = 0; i < 12; i++)
		throttled_sample(container);
	samples(108);
	f = judged(0, 900, 0);
	assert_true(f->from == BEGIN && f->time == BEGIN + 895 && f->cuts == 0);
	assert_true(f->watched_seconds == 895);
	assert_int_equal(f->n, 1);
	assert_string_equal(f->all[0].rule, "cpu_throttled");
	assert_string_equal(f->all[0].container, "web");
	assert_int_equal(f->all[0].severity, FINDING_CRITICAL);
	/* Windows are up to 20 seconds long. */
	assert_true(f->all[0].since >= BEGIN + 275 && f->all[0].since <= BEGIN + 300);
	assert_true(f->all[0].until >= BEGIN + 355 && f->all[0].until <= BEGIN + 375);
}

/* Before it and behind it there is nothing; what was asked for begins with the sample before. */
static void beside_it(void **state)
{
	uint32_t container = limited("web");
	const struct findings *f;

	(void)state;
	samples(20);
	for (int i = 0; i < 12; i++)
		throttled_sample(container);
	f = judged(12, 78, 0);
	assert_true(f->from == BEGIN + 10 && f->time == BEGIN + 75);
	assert_int_equal(f->n, 0);
}

/* Ten seconds are one window, as they are live. */
static void ten_seconds(void **state)
{
	uint32_t container = limited("web");
	const struct findings *f;

	(void)state;
	samples(1);
	for (int i = 0; i < 40; i++)
		throttled_sample(container);
	f = judged(100, 110, 0);
	assert_true(f->watched_seconds == 10);
	assert_int_equal(f->n, 1);
	assert_true(f->all[0].since == BEGIN + 100 && f->all[0].until == BEGIN + 110);
	expect_words(&f->all[0], "0.20 CPU of the 0.20");
}

/* What the kernel half counts begins anew with sysscope. */
static void started_again(void **state)
{
	uint32_t container = limited("web");
	const struct findings *f;

	(void)state;
	for (int i = 0; i < 5; i++)
		throttled_sample(container);
	/* The other counts further, so that a comparison would not be refused: in an hour, and by more samples. */
	s->time += 3600;
	s->began = s->time - 100;
	s->sequence += 100;
	situation.containers[1][container].v[CONTAINER_THROTTLED_WAIT] += 1e15;
	samples(5);
	f = judged(0, 7200, 0);
	assert_int_equal(f->cuts, 1);
	assert_true(f->watched_seconds == 40);
	assert_int_equal(f->n, 1);
	expect_words(&f->all[0], "100 % of its periods");
	assert_true(f->all[0].until == BEGIN + 20);
}

/* Nothing was recorded for a while: that is said, and what is before it is not judged if it was not asked for. */
static void a_hole(void **state)
{
	const struct findings *f;

	(void)state;
	samples(20);
	s->time += 300;
	samples(20);
	f = judged(50, 7200, 0);
	assert_int_equal(f->cuts, 0);
	assert_int_equal(f->n_gaps, 1);
	assert_true(f->gaps[0].from == BEGIN + 95 && f->gaps[0].to == BEGIN + 400);
	assert_true(f->watched_seconds == 445);
}

static void begins_in_a_hole(void **state)
{
	const struct findings *f;

	(void)state;
	samples(20);
	s->time += 300;
	samples(20);
	f = judged(390, 7200, 0);
	assert_int_equal(f->n_gaps, 0);
	assert_true(f->from == BEGIN + 400);
}

/* Nobody said when it began: then it did where the numbers of the samples begin again. */
static void started_again_before(void **state)
{
	uint32_t container = limited("web");

	(void)state;
	s->began = VALUE_ABSENT;
	for (int i = 0; i < 5; i++)
		throttled_sample(container);
	s->sequence = 0;
	samples(5);
	assert_int_equal(judged(0, 7200, 0)->cuts, 1);
}

/* It was throttled, and is gone at the end. */
static void ended_since(void **state)
{
	uint32_t container = limited("web");
	const struct findings *f;

	(void)state;
	samples(1);
	for (int i = 0; i < 12; i++)
		throttled_sample(container);
	s->n_containers = 0;
	samples(12);
	f = judged(0, 900, 0);
	assert_int_equal(f->n, 1);
	assert_true(f->all[0].ended);
	expect_words(&f->all[0], "web has ended since");
}

/* What was not recorded is not judged, and not "fine". */
static void not_recorded(void **state)
{
	const struct findings *f;
	bool said = false;

	(void)state;
	situation_collector_off(&situation, "sched");
	samples(20);
	f = judged(0, 900, 0);
	for (size_t i = 0; i < f->n_unjudged; i++)
		said |= strcmp(f->unjudged[i].rule, "cpu_neighbour") == 0 &&
			strcmp(f->unjudged[i].reason, "collector sched was off when this was recorded") == 0;
	assert_true(said);
}

static void one_sample(void **state)
{
	(void)state;
	samples(1);
	judged(0, 900, -ENODATA);
}

/* What looks at it looks at that moment of the recording. */
static void look_at_it(void **state)
{
	const struct findings *f;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	s->v[HOST_SWAP_TOTAL] = 1 << 30;
	samples(60);
	for (int i = 0; i < 12; i++) {
		/* The machine swaps all the time. */
		s->v[HOST_SWAP_IN] += 5000 * STEP;
		s->v[HOST_SWAP_OUT] += 5000 * STEP;
		s->v[HOST_PRESSURE_MEMORY_SOME] += 0.5 * STEP * 1e9;
		sample();
	}
	samples(60);
	situation.options.recording = "/var/lib/sysscope";
	f = judged(0, 900, 0);
	assert_int_equal(f->n, 1);
	expect_words(&f->all[0],
		     "find out who is in swap: sysscope top --replay /var/lib/sysscope --at 2023-11-14T22:1");
}

static void only_one_container(void **state)
{
	static const char *const names[] = {"db"};
	uint32_t web = limited("web"), db = limited("db");

	(void)state;
	match_choice_init(&containers, names, 1);
	samples(1);
	for (int i = 0; i < 20; i++)
		throttled_sample(web);
	assert_int_equal(judged(0, 900, 0)->n, 0);
	assert_int_equal(containers.message.len, 0);
	(void)db;
}

#define span_test(f) cmocka_unit_test_setup_teardown(f, span_setup, span_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		span_test(a_minute),
		span_test(beside_it),
		span_test(ten_seconds),
		span_test(started_again),
		span_test(started_again_before),
		span_test(a_hole),
		span_test(begins_in_a_hole),
		span_test(ended_since),
		span_test(not_recorded),
		span_test(look_at_it),
		span_test(one_sample),
		span_test(only_one_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
