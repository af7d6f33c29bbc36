/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_range.c - courses out of a recording: averages of known samples, holes as null, and what is asked for wrongly. The samples
 * are five seconds apart; the nth has n/10 CPUs in use, and 0.5 s of CPU time more than the one before for each second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#include "lib/snapshot_fixture.h"
#include "record/recorder.h"
#include "serve/api/asks.h"
#include "serve/api/range.h"

#define BEGIN 1796014800.0
#define STEP  5.0

static char top[64], folder[128];
static struct fixture fixture;

static void record(struct recorder *r, int from, int to)
{
	struct snapshot *s = &fixture.s;

	for (int i = from; i < to; i++) {
		struct container_row *web = &fixture.containers[0];

		s->sequence++;
		s->time = BEGIN + STEP * i;
		s->interval = STEP;
		s->v[HOST_CPU_CORES] = i / 10.0;
		web->v[CONTAINER_CPU_CORES] = i / 10.0;
		web->v[CONTAINER_CPU_USAGE] = i * STEP * 0.5 * 1e9;
		web->v[CONTAINER_MEMORY_USAGE] = i % 2 ? 1 << 20 : VALUE_ABSENT;
		assert_int_equal(recorder_note(r, s), 0);
	}
}

/* Two hundred samples; those from 80 to 99 are missing. */
static int setup(void **state)
{
	static const char *const names[] = {"web", "twin", "twin", "<img>"};
	struct store_options o = {.path = folder,
				  .interval = STEP,
				  .keep_bytes = 1 << 30,
				  .keep_seconds = 1e6,
				  .host = "host",
				  .kernel = "6.1.0"};
	_cleanup_buf_ struct buf error = {};
	struct recorder *r;

	(void)state;
	snprintf(top, sizeof(top), "/tmp/sysscope-range-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/recording", top);
	fixture_init(&fixture, 4, 0, 0);
	for (int i = 0; i < 4; i++) {
		static const char *const paths[] = {"/docker/0", "/docker/1", "/docker/2", "/docker/3"};

		fixture.containers[i].name = names[i];
		fixture.containers[i].cgroup = paths[i];
		fixture.containers[i].id = paths[i] + 8;
	}
	if (recorder_open(&r, &o, &error) < 0)
		fail_msg("%s", error.data);
	record(r, 0, 80);
	record(r, 100, 200);
	recorder_close(r);
	return 0;
}

static int teardown(void **state)
{
	char command[256];

	(void)state;
	fixture_free(&fixture);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static const char *parse(struct range_ask *a, const char *text)
{
	struct query q;
	char copy[512], *state = NULL;
	const char *wrong;

	query_init(&q, range_parameters);
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, "&", &state); p; p = strtok_r(NULL, "&", &state)) {
		char *value = strchr(p, '=');

		if (value)
			*value++ = '\0';
		query_take(&q, p, value);
	}
	wrong = range_ask_parse(a, &q);
	query_free(&q);
	return wrong;
}

static void make(struct range_answer *answer, const char *text)
{
	static const volatile sig_atomic_t go_on;
	struct range_ask a;
	const char *wrong = parse(&a, text);

	if (wrong)
		fail_msg("%s: %s", text, wrong);
	range_answer_make(answer, folder, &a, &go_on);
	range_ask_free(&a);
}

static json_t *made(const char *text)
{
	struct range_answer answer;
	json_t *o;

	make(&answer, text);
	if (answer.wrong)
		fail_msg("%s: %u %s", text, answer.status, answer.wrong);
	assert_int_equal(answer.status, 200);
	assert_true(answer.cpu_ns > 0);
	o = json_loads(answer.text.data, 0, NULL);
	assert_non_null(o);
	buf_free(&answer.text);
	return o;
}

static const json_t *values(const json_t *o, size_t series)
{
	return json_object_get(json_array_get(json_object_get(o, "series"), series), "values");
}

static void assert_near(const json_t *v, double want)
{
	if (!json_is_number(v) || json_number_value(v) < want - 1e-6 || json_number_value(v) > want + 1e-6)
		fail_msg("%f, not %f", json_is_number(v) ? json_number_value(v) : -1, want);
}

/* Four samples in each step: of a gauge their average, of a counter the rate, of what every other one has its value. */
static void test_course(void **state)
{
	json_t *o = made(
		"container=web&metric=cpu_cores,cpu_seconds_total,memory_bytes&from=1796014800&to=1796015800&step=20");

	(void)state;
	assert_int_equal(json_array_size(values(o, 0)), 51);
	for (size_t i = 0; i < 50; i++) {
		bool hole = i >= 20 && i < 25;

		if (hole) {
			for (size_t m = 0; m < 3; m++)
				assert_true(json_is_null(json_array_get(values(o, m), i)));
			continue;
		}
		assert_near(json_array_get(values(o, 0), i), ((double)i * 4 + 1.5) / 10);
		assert_near(json_array_get(values(o, 1), i), 0.5);
		assert_near(json_array_get(values(o, 2), i), 1 << 20);
	}
	assert_string_equal(json_string_value(json_object_get(o, "container_cgroup")), "/docker/0");
	assert_near(json_object_get(o, "recorded_from"), BEGIN);
	assert_true(json_is_true(json_object_get(json_array_get(json_object_get(o, "series"), 1), "per_second")));
	assert_true(json_is_false(json_object_get(json_array_get(json_object_get(o, "series"), 0), "per_second")));
	json_decref(o);
}

/* Of the machine, without being told when: all of a recording that is younger than an hour, in steps of two samples. */
static void test_usual(void **state)
{
	json_t *o = made("metric=cpu_cores");
	size_t n = json_array_size(values(o, 0));

	(void)state;
	assert_int_equal(n, 100);
	assert_near(json_object_get(o, "step"), 2 * STEP);
	assert_near(json_object_get(o, "from"), BEGIN);
	assert_near(json_array_get(values(o, 0), 1), 0.25);
	assert_near(json_array_get(values(o, 0), 99), 19.85);
	assert_true(json_is_null(json_object_get(o, "container")));
	json_decref(o);
}

static void test_who(void **state)
{
	static const struct {
		const char *text;
		unsigned int status;
	} rows[] = {
		{"container=0&metric=cpu_cores", 200},
		{"container=%2fdocker%2f2&metric=cpu_cores", 200},
		{"container=twin&metric=cpu_cores", 400},
		{"container=none&metric=cpu_cores", 404},
		{"container=%3cimg%3e&metric=cpu_cores", 200},
		{"metric=cpu_cores&from=1796015900", 400},
		{"metric=cpu_cores&to=1796000000", 200},
		{"metric=cpu_cores&from=1&to=2000000000&step=1", 400},
		{"metric=cpu_cores&from=1796014800&to=1796015800&step=0.1", 200},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct range_answer answer;

		make(&answer, rows[i].text);
		if (answer.status != rows[i].status || (answer.status == 200) != !answer.wrong)
			fail_msg("%s: %u %s", rows[i].text, answer.status, answer.wrong ? answer.wrong : "");
		buf_free(&answer.text);
	}
}

static void test_wrong(void **state)
{
	static const char *const rows[] = {
		"",
		"metric=",
		"metric=nothing",
		"metric=cpu_cores,nothing",
		"metric=throttled_ratio", /* the machine has none */
		"metric=cpu_cores,",
		"metric=,",
		"metric=cpu_cores,,nonsense",
		"metric=cpu_cores,,load1",
		"metric=cpu_cores&from=x",
		"metric=cpu_cores&from=-1",
		"metric=cpu_cores&from=1e300",
		"metric=cpu_cores&from=nan",
		"metric=cpu_cores&step=0",
		"metric=cpu_cores&step=-5",
		"metric=cpu_cores&from=20&to=10",
		"metric=cpu_cores&from=20&to=20",
		"metric=cpu_cores&other=1",
		"metric=cpu_cores&metric=cpu_cores",
		"metric=load1,load1,load1,load1,load1,load1,load1,load1,load1",
		"container=web&metric=load1",
		"container=%00&metric=cpu_cores",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct range_ask a;
		bool fine = strcmp(rows[i], "metric=cpu_cores,") == 0;

		if (!parse(&a, rows[i]) != fine)
			fail_msg("'%s'", rows[i]);
		range_ask_free(&a);
	}
}

static void test_no_recording(void **state)
{
	static const volatile sig_atomic_t go_on, stop = 1;
	struct range_answer answer;
	struct range_ask a;

	(void)state;
	assert_null(parse(&a, "metric=cpu_cores"));
	range_answer_make(&answer, "/nowhere/at/all", &a, &go_on);
	assert_int_equal(answer.status, 503);
	range_answer_make(&answer, folder, &a, &stop);
	assert_int_equal(answer.status, 503);
	range_ask_free(&a);
}

/* The thread gives back each that it took, and no more may wait than there is room for. */
static void test_asks(void **state)
{
	struct asks *k;
	int taken = 0, back = 0;

	(void)state;
	assert_int_equal(asks_open(&k, folder), 0);
	for (int i = 0; i < 3 * ASKS_MAX; i++) {
		struct range_ask a;
		struct ask_job *job;

		assert_null(parse(&a, "container=web&metric=cpu_cores"));
		taken += asks_add(k, &a, &taken) != NULL;
		assert_null(a.container);
		while (i % 4 == 0 && (job = asks_done(k))) {
			back++;
			ask_job_free(job);
		}
	}
	assert_true(taken >= ASKS_MAX);
	asks_stop(k);
	for (struct ask_job *job = asks_drop(k); job; job = asks_drop(k)) {
		assert_ptr_equal(job->who, &taken);
		back++;
		ask_job_free(job);
	}
	assert_int_equal(back, taken);
	asks_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_course), cmocka_unit_test(test_usual),	    cmocka_unit_test(test_who),
		cmocka_unit_test(test_wrong),  cmocka_unit_test(test_no_recording), cmocka_unit_test(test_asks),
	};

	return cmocka_run_group_tests_name("range", tests, setup, teardown);
}
