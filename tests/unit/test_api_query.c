/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_api_query.c - parameters of the API as strangers send them, and the budget of work for its answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "serve/api/budget.h"
#include "serve/api/query.h"

#define SECOND_NS 1000000000ULL

static const char *const keys[] = {"view", "from", NULL};

static void test_decode(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: -EINVAL */
	} rows[] = {
		{"web-1", "web-1"},  {"%2fdocker%2Fab", "/docker/ab"},
		{"a%20b", "a b"},    {"%C3%A9", "\xc3\xa9"},
		{"100%25", "100%"},  {"%00", NULL},
		{"a%0ab", NULL},     {"%7f", NULL},
		{"%", NULL},	     {"%2", NULL},
		{"%2g", NULL},	     {"%g2", NULL},
		{"a\x1b[31m", NULL}, {"%-1", NULL},
		{"% 1", NULL},	     {"%ff", "\xff"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_buf_ struct buf out = {};
		int r = query_decode(&out, rows[i].text);

		if (r != (rows[i].want ? 0 : -EINVAL) || (rows[i].want && strcmp(out.data, rows[i].want) != 0))
			fail_msg("'%s': %d, '%s'", rows[i].text, r, out.data ? out.data : "");
	}
}

static void test_decode_long(void **state)
{
	_cleanup_buf_ struct buf out = {}, again = {};
	char text[QUERY_BYTES + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[QUERY_BYTES] = '\0';
	assert_int_equal(query_decode(&out, text), 0);
	assert_int_equal(out.len, QUERY_BYTES);
	text[QUERY_BYTES] = 'a';
	text[QUERY_BYTES + 1] = '\0';
	assert_int_equal(query_decode(&again, text), -EINVAL);
}

static void test_parameters(void **state)
{
	struct query q;

	(void)state;
	query_init(&q, keys);
	assert_true(query_take(&q, "from", "12%2e5"));
	assert_string_equal(query_value(&q, "from"), "12.5");
	assert_null(query_value(&q, "view"));
	assert_null(query_value(&q, "other"));
	assert_false(query_take(&q, "from", "13"));
	assert_string_equal(q.wrong, "a parameter is given twice");
	assert_false(query_take(&q, "view", "loops")); /* the first fault stays */
	assert_string_equal(q.wrong, "a parameter is given twice");
	query_free(&q);
}

static void test_parameters_wrong(void **state)
{
	static const char *const rows[][2] = {{"View", "x"}, {"", "x"},	      {"view", NULL},
					      {"view", ""},  {"view", "%zz"}, {"from%00", "1"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query q;

		query_init(&q, keys);
		assert_false(query_take(&q, rows[i][0], rows[i][1]));
		assert_non_null(q.wrong);
		query_free(&q);
	}
}

static void test_seconds(void **state)
{
	static const char *const wrong[] = {
		"",    "-1",  "+1", " 1", "1 ",	   "0x10", "1e3",
		"nan", "inf", ".5", "1.", "1.2.3", "101",  "99999999999999999999999999999999999999",
		"1,5"};
	double v = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (query_seconds(wrong[i], 0, 100, &v) != -EINVAL)
			fail_msg("'%s' is %f", wrong[i], v);
	assert_int_equal(query_seconds("99.5", 0, 100, &v), 0);
	assert_true(v > 99.49 && v < 99.51);
	assert_int_equal(query_seconds("0", 0, 100, &v), 0);
}

static void test_words(void **state)
{
	const char *at = "cpu_cores,pressure_ratio.cpu_some", *word;

	(void)state;
	assert_int_equal(query_word(&at, &word), 9);
	assert_memory_equal(word, "cpu_cores", 9);
	assert_int_equal(query_word(&at, &word), 23);
	assert_int_equal(query_word(&at, &word), 0);
}

/* A quarter of the time, and two seconds that were saved. */
static void test_budget(void **state)
{
	uint64_t now_ns = 1000 * SECOND_NS;
	struct budget b = {};

	(void)state;
	assert_int_equal(budget_ask(&b, now_ns), 0);
	budget_spend(&b, 2 * SECOND_NS);
	assert_int_equal(budget_ask(&b, now_ns), 1);
	assert_int_equal(budget_ask(&b, now_ns + SECOND_NS / 100), 0);
	budget_spend(&b, SECOND_NS + SECOND_NS / 400);
	assert_int_equal(budget_ask(&b, now_ns + SECOND_NS / 100), 5);
	assert_int_equal(budget_ask(&b, now_ns + 3 * SECOND_NS), 2);
	assert_int_equal(budget_ask(&b, now_ns + 5 * SECOND_NS), 0);
	/* No more is saved than that, however long nobody asked. */
	assert_int_equal(budget_ask(&b, now_ns + 100000 * SECOND_NS), 0);
	budget_spend(&b, 2 * SECOND_NS + 1);
	assert_int_equal(budget_ask(&b, now_ns + 100000 * SECOND_NS), 1);
	/* A clock of threads that says nonsense costs a minute's work at most. */
	budget_spend(&b, UINT64_MAX);
	assert_true(budget_ask(&b, now_ns + 100000 * SECOND_NS) <= 241);
}

static void test_budget_bytes(void **state)
{
	struct budget b = {.in_flight = BUDGET_BYTES};

	(void)state;
	assert_int_equal(budget_ask(&b, SECOND_NS), 1);
	b.in_flight--;
	assert_int_equal(budget_ask(&b, SECOND_NS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),	   cmocka_unit_test(test_decode_long),
		cmocka_unit_test(test_parameters), cmocka_unit_test(test_parameters_wrong),
		cmocka_unit_test(test_seconds),	   cmocka_unit_test(test_words),
		cmocka_unit_test(test_budget),	   cmocka_unit_test(test_budget_bytes),
	};

	return cmocka_run_group_tests_name("api_query", tests, NULL, NULL);
}
