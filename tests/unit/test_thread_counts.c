/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_thread_counts.c - counts of a thread's waits, which are kept in two parts: right beyond 2^32, read at any moment of their
 * change, and charged by several at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "sysscope/abi/task.h"

#define END (1ULL << SS_COUNT_WIDE_BITS)

/* Sets a count, as so many calls of ss_count_add would. */
static void count_set(struct ss_thread_state *s, uint32_t i, uint64_t to)
{
	s->waits.counts[i] = (uint32_t)to;
	if (i < SS_COUNTS_WIDE)
		s->counts_high[i] = (uint8_t)(to >> 31);
}

static void test_counts_beyond_32_bits(void **state)
{
	/* Around each change of bit 31 and of a higher one. */
	static const uint64_t at[] = {0, 1ULL << 31, 1ULL << 32, 3ULL << 31, 255ULL << 31, END - 4};
	struct ss_thread_state s = {};

	(void)state;
	for (uint32_t i = 0; i < SS_COUNTS_WIDE; i++)
		for (size_t a = 0; a < ARRAY_SIZE(at); a++) {
			uint64_t begin = at[a] < 4 ? at[a] : at[a] - 4;

			count_set(&s, i, begin);
			for (uint64_t n = begin; n < begin + 8; n++) {
				assert_int_equal(ss_count(&s, i), n % END);
				ss_count_add(&s, i);
			}
		}
}

static void test_long_waits_have_32_bits(void **state)
{
	struct ss_thread_state s = {}, none = {};

	(void)state;
	for (uint32_t i = SS_COUNTS_WIDE; i < SS_WAIT_COUNTS; i++) {
		count_set(&s, i, UINT32_MAX - 1);
		ss_count_add(&s, i);
		assert_int_equal(ss_count(&s, i), UINT32_MAX);
		ss_count_add(&s, i);
		assert_int_equal(ss_count(&s, i), 0);
	}
	/* And write nowhere else. */
	memset(s.waits.counts, 0, sizeof(s.waits.counts));
	assert_memory_equal(&s, &none, sizeof(s));
}

/* Somebody reads between the two writes of ss_count_add, in whatever order they become visible. */
static void test_a_count_that_is_changing(void **state)
{
	static const uint64_t last[] = {(1ULL << 31) - 1, (1ULL << 32) - 1, (3ULL << 31) - 1, (255ULL << 31) - 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		uint64_t before = last[i], after = before + 1;
		uint8_t high_before = (uint8_t)(before >> 31), high_after = (uint8_t)(after >> 31);

		assert_int_equal(ss_count_of((uint32_t)before, high_before), before);
		assert_int_equal(ss_count_of((uint32_t)after, high_before), after);
		assert_int_equal(ss_count_of((uint32_t)before, high_after), before);
		assert_int_equal(ss_count_of((uint32_t)after, high_after), after);
	}
}

/* Two charge the same thread: one has read an older count, and notes it last. The sum is the count all the same. */
static void test_two_charge_at_once(void **state)
{
	static const int bits[] = {32, SS_COUNT_WIDE_BITS};

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(bits); b++) {
		uint64_t end = 1ULL << bits[b], charged = end - 10, sum = end - 10, read[] = {5, 2, 9};

		for (size_t i = 0; i < ARRAY_SIZE(read); i++) {
			sum += ss_count_since(read[i], charged, bits[b]);
			charged = read[i];
		}
		assert_int_equal(sum, end + 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_beyond_32_bits),
		cmocka_unit_test(test_long_waits_have_32_bits),
		cmocka_unit_test(test_a_count_that_is_changing),
		cmocka_unit_test(test_two_charge_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
