/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_promcheck.c - judges the judge: what the strict exposition checker has to refuse, and the little that it has
 * to accept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/promcheck.h"

#define COUNTER "# HELP a_total h\n# TYPE a_total counter\n"
#define GAUGE	"# HELP g h\n# TYPE g gauge\n"
#define HIST	"# HELP h h\n# TYPE h histogram\n"
#define IN(s)	s, sizeof(s) - 1

static const struct {
	const char *text;
	size_t len;
	bool good;
} rows[] = {
	{IN(COUNTER "a_total 1\n"), true},
	{IN(COUNTER "a_total{x=\"1\",y=\"\"} 1.5e3\na_total{x=\"2\"} 0\n" GAUGE "g -1\n"), true},
	{IN(GAUGE "g{x=\"\\\\ \\\" \\n caf\xc3\xa9\"} +Inf\n"), true},
	{IN("# HELP a_total \\\\ and \\n\n# TYPE a_total counter\na_total 1\n"), true},
	{IN(HIST "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"), true},
	{IN(HIST "h_bucket{a=\"1\",le=\"+Inf\"} 2\nh_sum{a=\"1\"} 3\nh_count{a=\"1\"} 2\n"
		 "h_bucket{a=\"2\",le=\"+Inf\"} 4\nh_sum{a=\"2\"} 3\nh_count{a=\"2\"} 4\n"),
	 true},
	{IN(""), false},
	{IN(COUNTER "a_total 1"), false},					/* no LF */
	{IN(COUNTER "a_total 1\n\n"), false},					/* empty line */
	{IN(COUNTER), false},							/* no sample */
	{IN("a_total 1\n"), false},						/* no HELP */
	{IN("# TYPE a_total counter\n# HELP a_total h\na_total 1\n"), false},	/* order */
	{IN("# HELP a_total h\na_total 1\n"), false},				/* no TYPE */
	{IN("# HELP a_total h\n# TYPE a_total count\na_total 1\n"), false},	/* unknown type */
	{IN("# HELP a_total \n# TYPE a_total counter\na_total 1\n"), false},	/* no text */
	{IN("# HELP a_total \\x\n# TYPE a_total counter\na_total 1\n"), false}, /* escape in HELP */
	{IN("# hello\n" COUNTER "a_total 1\n"), false},				/* comment */
	{IN("# HELP a h\n# TYPE a counter\na 1\n"), false},			/* counter without _total */
	{IN("# HELP a_total h\n# TYPE a_total gauge\na_total 1\n"), false},	/* gauge with _total */
	{IN(COUNTER "a_total 1\n" COUNTER "a_total{x=\"1\"} 1\n"), false},	/* HELP twice */
	{IN(COUNTER "a_total 1\n" GAUGE "g 1\na_total{x=\"1\"} 1\n"), false},	/* interleaved */
	{IN(COUNTER "a_total 1\na_total 2\n"), false},				/* twice */
	{IN(COUNTER "a_total{x=\"1\",y=\"2\"} 1\na_total{y=\"2\",x=\"1\"} 1\n"), false},
	{IN(COUNTER "a_total{x=\"1\",x=\"2\"} 1\n"), false},
	{IN(COUNTER "a_total -1\n"), false},
	{IN(COUNTER "a_total NaN\n"), false},
	{IN(GAUGE "g 1 1700000000000\n"), false}, /* timestamp */
	{IN(GAUGE "g  1\n"), false},
	{IN(GAUGE "g 1 \n"), false},
	{IN(GAUGE "g 0x1\n"), false},
	{IN(GAUGE "g inf\n"), false},
	{IN(GAUGE "g\n"), false},
	{IN(GAUGE "g 1.2.3\n"), false},
	{IN(GAUGE "g{} 1\n"), false},
	{IN(GAUGE "g{x=\"1\",} 1\n"), false},
	{IN(GAUGE "g{x=1} 1\n"), false},
	{IN(GAUGE "g{1x=\"1\"} 1\n"), false},
	{IN(GAUGE "g{__x=\"1\"} 1\n"), false},
	{IN(GAUGE "g{x=\"1} 1\n"), false},
	{IN(GAUGE "g{x=\"\\x1b\"} 1\n"), false},
	{IN(GAUGE "g{x=\"a\"b\"} 1\n"), false},
	{IN(GAUGE "g{x=\"caf\xe9\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\xed\xa0\x80\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\x1b\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\x7f\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\xc2\x9b\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\r\"} 1\n"), false},
	{IN(GAUGE "g{x=\"\0\"} 1\n"), false},
	{IN("# HELP g:a h\n# TYPE g:a gauge\ng:a 1\n"), false},
	{IN(HIST "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n"), false},				 /* no +Inf */
	{IN(HIST "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 3\n"), false}, /* _count */
	{IN(HIST "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"), false}, /* falls */
	{IN(HIST "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"), false},
	{IN(HIST "h_bucket{le=\"+Inf\"} 2\nh_count 2\n"), false}, /* no _sum */
	{IN(HIST "h 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n"), false},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prom_check c = {0};
		bool good = prom_check_text(&c, rows[i].text, rows[i].len) == 0;

		if (good != rows[i].good) {
			print_error("row %zu is %s\n%s", i, good ? "accepted" : "refused", rows[i].text);
			fail();
		}
		prom_check_free(&c);
	}
}

static void test_compare(void **state)
{
	static const struct {
		const char *old, *new;
		bool good;
	} pairs[] = {
		{COUNTER "a_total 1\n", COUNTER "a_total 1\n", true},
		{COUNTER "a_total{x=\"1\"} 5\n", COUNTER "a_total{x=\"2\"} 1\n", true},
		{COUNTER "a_total{x=\"1\"} 5\n", COUNTER "a_total{x=\"1\"} 4\n", false},
		{GAUGE "g 5\n", GAUGE "g 4\n", true},
		{COUNTER "a_total 1\n", GAUGE "g 4\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct prom_check old = {0}, new = {0};

		assert_int_equal(prom_check_text(&old, pairs[i].old, strlen(pairs[i].old)), 0);
		assert_int_equal(prom_check_text(&new, pairs[i].new, strlen(pairs[i].new)), 0);
		assert_int_equal(prom_compare(&old, &new) == 0, pairs[i].good);
		prom_check_free(&old);
		prom_check_free(&new);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
