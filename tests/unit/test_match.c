/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_match.c - what a user may type for a container, and what a filter finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>

#include "view/match.h"

#define ID "0123456789abcdef0123"

static void test_container(void **state)
{
	static const struct {
		const char *name, *id, *pod, *wanted;
		bool matches;
	} table[] = {
		{"web", "", "", "web", true},
		{"web", "", "", "we", false},
		{"web", "", "", "WEB", false},
		{"web", ID, "", ID, true},
		{"web", ID, "", "0123456789ab", true},
		{"web", ID, "", "0123456789a", false}, /* too short for an id */
		{"web", ID, "", "123456789abc", false},
		{"web", "", "", "0123456789ab", false},
		{"web", "", "", "", false},
		{"", "", "", "", true},
		{"app", "", "shop-7", "shop-7/app", true},
		{"app", "", "shop-7", "app", true},
		{"app", "", "shop-7", "shop-7", false},
		{"app", "", "", "shop-7/app", false},
		{"a\x1b[31m\xe9", "", "", "a\x1b[31m\xe9", true},
		{"a\x1b[31m\xe9", "", "", "a\\x1b[31m\xef\xbf\xbd", true}, /* as a terminal shows it */
		{"a\x1b[31m\xe9", "", "", "a\\x1b[31m", false},
		{"a\nb", "", "p\t", "p\\x09/a\\x0ab", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct container_row row = {.name = table[i].name, .id = table[i].id, .pod = table[i].pod};

		if (container_matches(&row, table[i].wanted) != table[i].matches)
			fail_msg("row %zu: '%s' must%s match '%s'", i, table[i].wanted, table[i].matches ? "" : " not",
				 table[i].name);
	}
}

static void test_filter(void **state)
{
	static const struct {
		const char *wanted;
		bool container, process; /* found without the process, with it */
	} table[] = {
		{NULL, true, true},	    {"", true, true},
		{"SHOP-7/AL", true, true}, /* ignoring case, across the slash */
		{"nginx:1", true, true},   /* the image */
		{"work", false, true},	   /* the comm */
		{"\\x1b[31m", false, true}, {"\x1b[31m", false, true},
		{"4711", false, true},	    {"471", false, false}, /* part of a pid */
		{"absent", false, false},
	};
	struct container_row home = {.name = "alpha", .id = "", .pod = "shop-7", .image = "nginx:1.25"};
	struct process_row p = {.pid = 4711, .comm = "worker\x1b[31m"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cleanup(match_filter_free) struct match_filter f;

		match_filter_init(&f, table[i].wanted);
		if (match_filter_row(&f, &home, NULL) != table[i].container ||
		    match_filter_row(&f, &home, &p) != table[i].process)
			fail_msg("row %zu: '%s'", i, table[i].wanted ?: "NULL");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_filter),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
