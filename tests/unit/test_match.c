/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_match.c - what a user may type for a container, and what a filter finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "view/match.h"

#define ID "0123456789abcdef0123"

/* One container, with and without a snapshot that has shown it. */
static void test_container(void **state)
{
	static const struct {
		const char *name, *id, *pod, *wanted;
		bool matches;
	} table[] = {
		{"web", "", "", "web", true},
		{"web", "", "", "/web", true}, /* as docker inspect prints it */
		{"web", "", "", "//web", false},
		{"web", "", "", "web/", false},
		{"web", "", "", "/", false},
		{"/web", "", "", "/web", true},
		{"web", "", "", "we", false},
		{"web", "", "", "WEB", false},
		{"web", ID, "", ID, true},
		{"web", ID, "", "0123456789ab", true},
		{"web", ID, "", "0123", true},
		{"web", ID, "", "0", true},
		{"web", ID, "", "123456789abc", false},
		{"web", ID, "", ID "4", false},
		{"web", "", "", "0123456789ab", false},
		{"web-1", "web-1", "", "web", false}, /* an id that is a name */
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
		const struct snapshot s = {.containers = &row, .n_containers = 1};
		cleanup(match_choice_free) struct match_choice c = {};
		bool before, after;

		match_choice_init(&c, &table[i].wanted, 1);
		before = match_choice_row(&c, &row);
		assert_int_equal(match_choice_look(&c, &s), table[i].matches ? 0 : -ENOENT);
		after = match_choice_row(&c, &row);
		if (before != table[i].matches || after != before)
			fail_msg("row %zu: '%s' must%s match '%s'", i, table[i].wanted, table[i].matches ? "" : " not",
				 table[i].name);
	}
}

static struct container_row rows[] = {
	{.name = "web", .id = "b9320000000000000000000000000001", .pod = ""},
	{.name = "db", .id = "b9310000000000000000000000000002", .pod = ""},
	{.name = "b9", .id = "c000000000000000000000000000000c", .pod = ""},
	{.name = "x\x1b[31m", .id = "d000000000000000000000000000000d", .pod = ""},
	{.name = "late", .id = "b9320000000000000000000000000003", .pod = ""},
};

/* The names of the first `n` rows that match, in one word. */
static const char *matching(const struct match_choice *c, size_t n)
{
	static char out[64];

	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		if (match_choice_row(c, &rows[i]))
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s", out[0] ? " " : "", rows[i].name);
	return out;
}

static void test_choice(void **state)
{
	static const struct {
		const char *wanted[3];
		size_t n, rows; /* rows: in the snapshot */
		int look;
		const char *matching, *message;
	} table[] = {
		{{NULL}, 0, 2, 0, "web db", ""},
		{{"web"}, 1, 2, 0, "web", ""},
		{{"web", "db"}, 2, 3, 0, "web db", ""},
		{{"b932"}, 1, 2, 0, "web", ""},
		{{"b93"},
		 1,
		 2,
		 -ENOTUNIQ,
		 "",
		 "'b93' is the beginning of 2 containers' ids: web (b93200000000), db (b93100000000)"},
		{{"b9"}, 1, 3, 0, "b9", ""}, /* a name comes before the beginning of an id */
		{{"typo"}, 1, 3, -ENOENT, "", "there is no container 'typo'"},
		{{"db", "ty\x1bpo"}, 2, 3, -ENOENT, "db", "there is no container 'ty\\x1bpo'"},
		{{"one", "two"}, 2, 3, -ENOENT, "", "there is no container 'one'; there is no container 'two'"},
		{{"b93", "typo"},
		 2,
		 2,
		 -ENOTUNIQ,
		 "",
		 "'b93' is the beginning of 2 containers' ids: web (b93200000000), db (b93100000000); "
		 "there is no container 'typo'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct snapshot s = {.containers = rows, .n_containers = table[i].rows};
		cleanup(match_choice_free) struct match_choice c = {};

		match_choice_init(&c, table[i].wanted, table[i].n);
		assert_int_equal(match_choice_look(&c, &s), table[i].look);
		assert_string_equal(matching(&c, table[i].rows), table[i].matching);
		assert_string_equal(c.message.data ? c.message.data : "", table[i].message);
	}
}

/* What was one container's stays that one's; who is waited for may come. */
static void test_choice_over_time(void **state)
{
	const char *wanted[] = {"b932", "db"};
	struct snapshot s = {.containers = rows, .n_containers = 1};
	cleanup(match_choice_free) struct match_choice c = {};

	(void)state;
	match_choice_init(&c, wanted, 2);
	assert_int_equal(match_choice_look(&c, &s), -ENOENT);
	s.n_containers = 5;
	assert_int_equal(match_choice_look(&c, &s), 0);
	assert_string_equal(matching(&c, 5), "web db");
	s.n_containers = 0;
	assert_int_equal(match_choice_look(&c, &s), 0);
	assert_int_equal(c.message.len, 0);
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
		cleanup(match_filter_free) struct match_filter f = {};

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
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_choice_over_time),
		cmocka_unit_test(test_filter),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
