/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_options.c - the command line: what is taken, what is refused and by which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options/options.h"
#include "base/util.h"

struct given {
	bool flag, unset;
	uint64_t number;
	double seconds;
	const char *text, *choice;
	struct option_list list;
	int rest;
	uint64_t size;
	double span;
	const char *place;
};

static const struct verb verb = {.name = "test", .about = "Tests.", .examples = "  sysscope test\n"};

/* What parsing "a b c" gives; stdout and stderr into `said`. */
static int parse(const char *line, struct given *g, bool with_rest, char *said, size_t size)
{
	static char copy[256], *argv[32] = {"test"}, *state = NULL;
	int argc = 1, r, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	const struct option_row rows[] = {
		ROW_FLAG("flag", 'f', &g->flag, "a flag"),
		ROW_UNSET("no-unset", 0, &g->unset, "takes it away"),
		ROW_U64("number", 'n', 1, 100, &g->number, "N", "a number"),
		ROW_SECONDS("seconds", 's', 0.1, 3600, &g->seconds, "SECONDS", "a time"),
		ROW_STRING("text", 't', &g->text, "TEXT", "a text"),
		ROW_LIST("list", 'l', &g->list, "TEXT", "texts"),
		ROW_CHOICE("choice", 0, "red|green", &g->choice, "COLOUR", "a colour"),
	};

	*g = (struct given){.unset = true, .number = 7, .seconds = 1, .text = "default", .list = {{"one"}, 1, false}};
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
		argv[argc++] = strcmp(word, "EMPTY") == 0 ? "" : word;
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	r = options_parse(&verb, rows, ARRAY_SIZE(rows), argc, argv, with_rest ? &g->rest : NULL);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = '\0';
	fclose(file);
	return r;
}

static void test_taken(void **state)
{
	char said[4096];
	struct given g;

	(void)state;
	assert_int_equal(
		parse("-f --no-unset -n 100 --seconds 0.1 --text=x --choice green", &g, false, said, sizeof(said)), 0);
	assert_true(g.flag && !g.unset);
	assert_int_equal(g.number, 100);
	assert_true(g.seconds == 0.1);
	assert_string_equal(g.text, "x");
	assert_string_equal(g.choice, "green");
	assert_string_equal(said, "");
	assert_int_equal(parse("", &g, false, said, sizeof(said)), 0);
	assert_int_equal(g.number, 7);
	assert_int_equal(g.list.n, 1);
	assert_string_equal(g.list.values[0], "one");
	/* The first value takes the default's place, the others stand behind it. */
	assert_int_equal(parse("--list a -l b --list=c -f", &g, false, said, sizeof(said)), 0);
	assert_int_equal(g.list.n, 3);
	assert_string_equal(g.list.values[0], "a");
	assert_string_equal(g.list.values[1], "b");
	assert_string_equal(g.list.values[2], "c");
	assert_int_equal(parse("-f -- a b", &g, true, said, sizeof(said)), 0);
	assert_int_equal(g.rest, 3);
}

/* A command stands behind a "--" that is no option's value; a "--" with nothing behind it is a variable that was empty. */
static void test_command(void **state)
{
	static const struct {
		const char *line;
		int rest; /* 0: refused */
		const char *says;
	} table[] = {
		{"", 1, ""},
		{"-f", 2, ""},
		{"-- a", 2, ""},
		{"-- -- a", 2, ""},
		{"-f -- a -n 3 --", 3, ""},
		{"-- EMPTY", 2, ""},
		{"--text --", 3, ""},
		{"-ft --", 3, ""},
		{"--text -- -- a", 4, ""},
		{"--", 0, "sysscope test: no command after --\n"},
		{"-f --", 0, "no command after --\n"},
		{"-ft x --", 0, "no command after --\n"},
		{"--text -- --", 0, "no command after --\n"},
		{"a", 0, "unexpected argument 'a'; write -- before a command to run\n"},
		{"a --", 0, "unexpected argument 'a'; write -- "},
		{"a -- b", 0, "unexpected argument 'a'; write -- "},
		{"a -f", 0, "unexpected argument 'a'; write -- "},
		{"--text -- a", 0, "unexpected argument 'a'; write -- "},
		{"EMPTY", 0, "unexpected argument ''; write -- "},
		{"a\x1b[2J", 0, "unexpected argument 'a\\x1b[2J'; write -- "},
	};
	char said[4096];
	struct given g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r = parse(table[i].line, &g, true, said, sizeof(said));

		assert_true(table[i].rest ? r == 0 : r < 0);
		assert_int_equal(g.rest, table[i].rest);
		assert_non_null(strstr(said, table[i].says));
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *says;
	} table[] = {
		{"--number 0", "--number"},
		{"--number 101", "from 1 to 100"},
		{"-n 1x", "--number"},
		{"-n EMPTY", "--number"},
		{"-n -1", "--number"},
		{"-n 1e2", "--number"},
		{"-n 99999999999999999999", "--number"},
		{"-n 0x10", "--number"},
		{"--seconds 0", "--seconds"},
		{"--seconds nan", "--seconds"},
		{"--seconds inf", "--seconds"},
		{"--seconds 1e999", "--seconds"},
		{"--seconds 1s", "--seconds"},
		{"--choice blue", "red"},
		{"--choice re", "red"},
		{"--choice red|green", "red"},
		{"--nunber 3", "did you mean --number"},
		{"--frobnicate", "--frobnicate"},
		{"-x", "-x"},
		{"--text", "--text needs a value"},
		{"-t", "-t needs a value"},
		/* No beginning of a name stands for it, with a value, without, or cut short. */
		{"--num 3", "unknown option --num; did you mean --number?"},
		{"--num=3", "unknown option --num; did you mean --number?"},
		{"--num", "unknown option --num; did you mean --number?"},
		{"-l 1 -l 2 -l 3 -l 4 -l 5 -l 6 -l 7 -l 8 -l 9", "--list: '9' is one too many"},
		{"--lis a", "did you mean --list?"},
		{"--fla", "unknown option --fla; did you mean --flag?"},
		{"--fla=1", "unknown option --fla; did you mean --flag?"},
		{"--log.l info", "unknown option --log.l; did you mean --log.level?"},
		{"--log info", "unknown option --log; did you mean --log.level?"},
		{"--hel", "unknown option --hel; did you mean --help?"},
		{"--vers", "did you mean --version?"},
		{"--nunber=3", "unknown option --nunber; did you mean --number?"},
		{"--flag=yes", "--flag takes no value"},
		{"--numbers 3", "did you mean --number?"},
		{"a --num 3", "unknown option --num"},
		{"--xy", "unknown option --xy; see"},
		{"-fn", "needs a value"},
		{"-fx", "-fx"},
		{"--number=", "--number"},
		{"--number 1.0", "--number"},
		{"--number +5", "--number"},
		{"--seconds 0x1p0", "--seconds"},
		{"--seconds EMPTY", "--seconds"},
		{"--seconds 3600.1", "from 0.1 to 3600"},
		{"stray", "unexpected argument 'stray'; see sysscope test --help"},
		{"--log.level loud", "--log.level"},
		{"\x1b[31m", "\\x1b[31m"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char said[4096];
		struct given g;
		int r = parse(table[i].line, &g, false, said, sizeof(said));

		if (r >= 0 || !strstr(said, table[i].says) || strchr(said, '\x1b'))
			fail_msg("'%s' gives %d and says: %s", table[i].line, r, said);
		assert_int_equal(g.number, 7);
		assert_true(g.seconds == 1);
	}
}

static void test_help(void **state)
{
	static const char *const has[] = {"usage: sysscope test [OPTIONS]\n\nTests.\n\noptions:\n",
					  "-n, --number N",
					  "a number (default: 7)",
					  "a colour: red, green\n",
					  "may be given several times (default: one)",
					  "\noptions of every command:\n",
					  "--log.format FORMAT",
					  "\nexamples:\n"};
	char said[8192];
	struct given g;

	(void)state;
	assert_int_equal(parse("-n 5 --help", &g, false, said, sizeof(said)), 1);
	for (size_t i = 0; i < ARRAY_SIZE(has); i++)
		if (!strstr(said, has[i]))
			fail_msg("--help does not say '%s': %s", has[i], said);
	for (char *line = said, *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		assert_true(end - line < 80);
		if (!*end)
			break;
	}
	assert_int_equal(parse("--version", &g, false, said, sizeof(said)), 1);
	assert_non_null(strstr(said, SYSSCOPE_VERSION));
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"top", "serve", "events", "capabilities", "doctor"};
	static const struct {
		const char *typed, *meant;
	} table[] = {
		{"tpo", "top"},
		{"t", "top"},
		{"sevre", "serve"},
		{"event", "events"},
		{"cap", "capabilities"},
		{"docter", "doctor"},
		{"frobnicate", NULL},
		{"xyz", NULL},
		{"", NULL},
		{"\xff\x1b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct nearest near;
		const char *meant;

		nearest_begin(&near, table[i].typed);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			nearest_offer(&near, names[j]);
		meant = nearest_name(&near);
		if (!meant != !table[i].meant || (meant && strcmp(meant, table[i].meant) != 0))
			fail_msg("'%s' means %s", table[i].typed, meant ? meant : "nothing");
	}
}

static int parse_place(const char *line, struct given *g)
{
	static char copy[256], *argv[8] = {"test"}, *state = NULL;
	const struct option_row rows[] = {
		ROW_SIZE("size", 1024, 1e15, &g->size, "how much"),
		ROW_SPAN("span", 60, 86400 * 366.0, &g->span, "for how long"),
		ROW_PLACE("DIR", &g->place),
		ROW_FLAG("flag", 'f', &g->flag, "a flag"),
	};
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
		argv[argc++] = word;
	*g = (struct given){.size = 2, .span = 3};
	return options_parse(&verb, rows, ARRAY_SIZE(rows), argc, argv, NULL);
}

static void test_units(void **state)
{
	static const struct {
		const char *size;
		uint64_t bytes; /* 0: refused */
	} sizes[] = {
		{"2G", 2ULL << 30},  {"500m", 500ULL << 20},
		{"1K", 1024},	     {"7T", 7ULL << 40},
		{"4096", 4096},	     {"1023", 0},
		{"1P", 0},	     {"G", 0},
		{"-1G", 0},	     {"1.5G", 0},
		{"2GB", 0},	     {"0x10K", 0},
		{"99999999999T", 0}, {"1e3K", 0},
	};
	static const struct {
		const char *span;
		double seconds; /* 0: refused */
	} spans[] = {
		{"7d", 604800}, {"15m", 900}, {"1.5h", 5400}, {"90", 90}, {"90s", 90}, {"2w", 1209600},
		{"59s", 0},	{"m", 0},     {"-5m", 0},     {"5x", 0},  {"1e9d", 0}, {"nan", 0},
	};
	char line[64];
	struct given g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(line, sizeof(line), "--size=%s dir", sizes[i].size);
		assert_int_equal(parse_place(line, &g), sizes[i].bytes ? 0 : -EINVAL);
		assert_true(g.size == (sizes[i].bytes ?: 2));
	}
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		snprintf(line, sizeof(line), "--span=%s dir", spans[i].span);
		assert_int_equal(parse_place(line, &g), spans[i].seconds > 0 ? 0 : -EINVAL);
		assert_true(g.span == (spans[i].seconds > 0 ? spans[i].seconds : 3));
	}
}

static void test_place(void **state)
{
	struct given g;

	(void)state;
	assert_int_equal(parse_place("-f /var/lib/x", &g), 0);
	assert_string_equal(g.place, "/var/lib/x");
	assert_int_equal(parse_place("/var/lib/x --size 1M -f", &g), 0);
	assert_string_equal(g.place, "/var/lib/x");
	assert_true(g.flag && g.size == 1 << 20);
	assert_int_equal(parse_place("-- -x", &g), 0);
	assert_string_equal(g.place, "-x");
	assert_int_equal(parse_place("-f", &g), -EINVAL);
	assert_int_equal(parse_place("a b", &g), -EINVAL);
	assert_int_equal(parse_place("--DIR a", &g), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken), cmocka_unit_test(test_command), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_help),  cmocka_unit_test(test_nearest), cmocka_unit_test(test_units),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
