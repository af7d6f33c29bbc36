/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_when.c - moments of a recording as people type them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "record/when.h"

#define SECOND 1000000000ULL
/* 2026-11-30 06:30:00 UTC; in Kathmandu it is 12:15. */
#define END_NS (1796020200ULL * SECOND)

/* A recording of two days. */
#define BEGIN_NS (END_NS - 2 * 86400 * SECOND)

static void expect_moment(const char *text, uint64_t seconds)
{
	uint64_t got = 0;

	assert_int_equal(when_parse(text, BEGIN_NS, END_NS, &got), 0);
	assert_true(got == seconds * SECOND);
}

static void test_forms(void **state)
{
	const uint64_t end = END_NS / SECOND;
	_cleanup_buf_ struct buf text = {};

	(void)state;
	setenv("TZ", "Asia/Kathmandu", 1);
	tzset();
	expect_moment("12:15", end);
	expect_moment("12:14:59", end - 1);
	expect_moment("12:15:01", end - 86400 + 1); /* yesterday's: today's is still to come */
	expect_moment("00:00", end - 12 * 3600 - 15 * 60);
	expect_moment("2026-11-30 12:00", end - 900);
	expect_moment("2026-11-29T12:15:00", end - 86400);
	expect_moment("-15m", end - 900);
	expect_moment("-1.5h", end - 5400);
	expect_moment("-30", end - 30);
	expect_moment("-0s", end);
	when_text(&text, END_NS);
	assert_string_equal(text.data, "2026-11-30 12:15:00");
}

/* A recording of ten minutes: yesterday's is none of it, so what is still to come is the end of it. */
static void test_short_recording(void **state)
{
	const uint64_t end = END_NS / SECOND, begin_ns = END_NS - 600 * SECOND;
	uint64_t got = 0;

	(void)state;
	assert_int_equal(when_parse("12:20", begin_ns, END_NS, &got), 0);
	assert_true(got == (end + 300) * SECOND);
	assert_int_equal(when_parse("11:00", begin_ns, END_NS, &got), 0);
	assert_true(got == (end - 4500) * SECOND);
}

/* The second that is named is in the span, and an end of day comes after the beginning. */
static void test_end_of_a_span(void **state)
{
	const uint64_t end = END_NS / SECOND, ten_ago_ns = END_NS - 600 * SECOND;
	uint64_t got = 0;

	(void)state;
	assert_int_equal(when_parse_end("12:14:59", ten_ago_ns, BEGIN_NS, END_NS, &got), 0);
	assert_true(got == end * SECOND - 1);
	/* Still to come: not that of yesterday, which is before the beginning. */
	assert_int_equal(when_parse_end("12:20", ten_ago_ns, BEGIN_NS, END_NS, &got), 0);
	assert_true(got == (end + 301) * SECOND - 1);
	assert_int_equal(when_parse_end("-1m", ten_ago_ns, BEGIN_NS, END_NS, &got), 0);
	assert_true(got == (end - 60) * SECOND);
	assert_int_equal(when_parse_end("2026-11-29 12:00", ten_ago_ns, BEGIN_NS, END_NS, &got), 0);
	assert_true(got == (end - 900 - 86400 + 1) * SECOND - 1);
	assert_int_equal(when_parse_end("soon", ten_ago_ns, BEGIN_NS, END_NS, &got), -EINVAL);
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "-",
					    "now",
					    "25:00",
					    "12:60",
					    "12",
					    "12:15x",
					    "--5m",
					    "-5y",
					    "2026-13-01 10:00",
					    "30.11.2026",
					    "-1e99d",
					    "15m",
					    "2026-02-30 10:00",
					    "2026-11-31T07:35",
					    "10:00:60"};
	uint64_t got = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (when_parse(wrong[i], BEGIN_NS, END_NS, &got) != -EINVAL)
			fail_msg("'%s' is taken", wrong[i]);
	assert_int_equal(got, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_short_recording),
					   cmocka_unit_test(test_end_of_a_span), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
