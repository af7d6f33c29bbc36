/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_rollup.c - PSS of the process that somebody looks at: the text of smaps_rollup, and when the file is not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample/rollup.h"

static void texts(void **state)
{
	struct sample_rollup r;

	(void)state;
	assert_true(rollup_parse("5581-7ffd ---p 00000000 00:00 0    [rollup]\nRss:      900 kB\nPss:      501 kB\n"
				 "Pss_Dirty:  7 kB\nPss_Anon:  400 kB\nPss_File:  90 kB\nPss_Shmem:  11 kB\n"
				 "Swap:   8 kB\nSwapPss:   3 kB\n",
				 &r));
	assert_true(r.pss == 501 * 1024 && r.pss_anonymous == 400 * 1024 && r.pss_file == 90 * 1024);
	assert_true(r.pss_shmem == 11 * 1024 && r.swap_pss == 3 * 1024);
	assert_false(rollup_parse("", &r));
	assert_true(r.pss == SS_UNKNOWN && r.swap_pss == SS_UNKNOWN);
	assert_false(rollup_parse("Rss: 1 kB\nPss: x kB\n", &r));
	assert_false(rollup_parse("\nXPss: 1 kB\n", &r));
}

static void requests(void **state)
{
	uint32_t me = (uint32_t)getpid();
	struct ss_thread_record records[] = {{.tid = 1}, {.tid = me, .start_ns = 7, .anonymous_units = 100}};
	struct told_thread told[] = {{.record = &records[0]}, {.record = &records[1]}};
	const struct sample_thread threads[] = {{.told = &told[0], .tid = 1}, {.told = &told[1], .tid = me}};
	struct sample_rollup got;
	struct rollup r = {};

	(void)state;
	rollup_read(&r, threads, 2, 1, &got);
	assert_true(got.tgid == 0);
	rollup_watch(&r, me, 8);
	rollup_read(&r, threads, 2, 1, &got);
	assert_true(got.tgid == 0); /* an earlier process of this number */
	rollup_watch(&r, me, 7);
	rollup_read(&r, threads, 2, 1000, &got);
	assert_true(got.tgid == me && got.start_ns == 7 && got.read_ns == 1000);
	/* Seldom. */
	rollup_read(&r, threads, 2, ROLLUP_EVERY_NS, &got);
	assert_true(got.read_ns == 1000);
	rollup_read(&r, threads, 2, 1000 + ROLLUP_EVERY_NS + ROLLUP_PART * r.took_ns, &got);
	assert_true(got.read_ns > 1000);
	/* Not of the largest. */
	rollup_watch(&r, me, 7);
	records[1].anonymous_units = ROLLUP_RESIDENT_MAX / SS_MEMORY_UNIT + 1;
	rollup_read(&r, threads, 2, got.read_ns + ROLLUP_EVERY_NS + ROLLUP_PART * r.took_ns, &got);
	assert_non_null(got.reason);
	rollup_watch(&r, 0, 0);
	rollup_read(&r, threads, 2, 1, &got);
	assert_true(got.tgid == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(requests)};

	return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
