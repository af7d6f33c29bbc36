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

static void expect_moment(const char *text, uint64_t seconds)
{
	uint64_t got = 0;

	assert_int_equal(when_parse(text, END_NS, &got), 0);
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
		if (when_parse(wrong[i], END_NS, &got) != -EINVAL)
			fail_msg("'%s' is taken", wrong[i]);
	assert_int_equal(got, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
