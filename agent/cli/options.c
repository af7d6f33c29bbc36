/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - see options.h. Built on getopt_long: the table is turned into its two, and --help is printed from the same
 * rows.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "cli/options.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  79
#define LONG_BASE   1000

struct shared {
	const char *level, *format;
	bool help, version;
};

#define SHARED_ROWS 4

static void shared_rows(struct shared *s, struct option_row *rows)
{
	rows[0] = (struct option_row){.name = "log.level",
				      .kind = OPTION_CHOICE,
				      .choices = LOG_LEVELS,
				      .target = &s->level,
				      .argument = "LEVEL",
				      .help = "what is worth a line on stderr"};
	rows[1] = (struct option_row){.name = "log.format",
				      .kind = OPTION_CHOICE,
				      .choices = LOG_FORMATS,
				      .target = &s->format,
				      .argument = "FORMAT",
				      .help = "how it is written"};
	rows[2] = (struct option_row){
		.name = "help", .short_name = 'h', .kind = OPTION_FLAG, .target = &s->help, .help = "this text"};
	rows[3] = (struct option_row){
		.name = "version", .kind = OPTION_FLAG, .target = &s->version, .help = "the version"};
}

static bool takes_argument(const struct option_row *r)
{
	return r->kind != OPTION_FLAG && r->kind != OPTION_UNSET;
}

/* ---- --help ---- */

static void help_wrapped(struct buf *out, const char *text)
{
	size_t column = HELP_COLUMN;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH) {
			buf_printf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			buf_char(out, ' ');
			column++;
		}
		buf_add(out, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	buf_char(out, '\n');
}

static void help_default(struct buf *text, const struct option_row *r)
{
	const char *string = r->kind == OPTION_STRING || r->kind == OPTION_CHOICE ? *(const char **)r->target : NULL;
	const struct option_list *list = r->kind == OPTION_LIST ? r->target : NULL;

	if (r->choices) {
		buf_str(text, " (");
		for (const char *c = r->choices; *c; c++)
			buf_str(text, *c == '|' ? ", " : (char[]){*c, '\0'});
		buf_str(text, ")");
	}
	for (size_t i = 0; list && i < list->n; i++)
		buf_printf(text, " [%s]", list->values[i]);
	if (list)
		buf_str(text, " (may be given several times)");
	if (string && string[0])
		buf_printf(text, " [%s]", string);
	if (r->kind == OPTION_U64)
		buf_printf(text, " [%lu]", *(uint64_t *)r->target);
	if (r->kind == OPTION_SECONDS)
		buf_printf(text, " [%g]", *(double *)r->target);
}

static void print_help(const struct verb *verb, const struct option_row *rows, size_t n)
{
	_cleanup_buf_ struct buf out = {};

	buf_printf(&out, "usage: sysscope %s [OPTIONS]%s%s\n\n%s\n\noptions:\n", verb->name, verb->rest ? " " : "",
		   verb->rest ?: "", verb->summary);
	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct buf left = {}, text = {};

		if (rows[i].short_name)
			buf_printf(&left, "  -%c, --%s", rows[i].short_name, rows[i].name);
		else
			buf_printf(&left, "      --%s", rows[i].name);
		if (takes_argument(&rows[i]))
			buf_printf(&left, " %s", rows[i].argument ? rows[i].argument : "VALUE");
		buf_str(&text, rows[i].help);
		help_default(&text, &rows[i]);
		if (left.len + 2 > HELP_COLUMN)
			buf_printf(&out, "%s\n%*s", left.data, HELP_COLUMN, "");
		else
			buf_printf(&out, "%-*s", HELP_COLUMN, left.data);
		help_wrapped(&out, text.data);
	}
	if (verb->examples)
		buf_printf(&out, "\nexamples:\n%s", verb->examples);
	fputs(out.failed ? "" : out.data, stdout);
}

/* ---- parsing ---- */

static int refuse(const struct verb *verb, const char *option, const char *value, const char *why)
{
	_cleanup_buf_ struct buf safe = {};

	text_terminal(&safe, value, strlen(value));
	fprintf(stderr, "sysscope %s: --%s: '%s' %s\n", verb->name, option, safe.data ? safe.data : "", why);
	return -EINVAL;
}

static bool choice_valid(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
		if (strcspn(c, "|") == length && strncmp(c, value, length) == 0)
			return true;
	return false;
}

static bool list_add(struct option_list *list, const char *value)
{
	if (!list->given)
		list->n = 0;
	list->given = true;
	if (list->n >= OPTION_LIST_MAX)
		return false;
	list->values[list->n++] = value;
	return true;
}

static int option_set(const struct verb *verb, const struct option_row *r, const char *value)
{
	_cleanup_buf_ struct buf why = {};
	double max = r->max > 0 ? r->max : (double)UINT32_MAX;
	uint64_t u;
	double d;

	switch (r->kind) {
	case OPTION_FLAG:
	case OPTION_UNSET:
		*(bool *)r->target = r->kind == OPTION_FLAG;
		return 0;
	case OPTION_STRING:
		*(const char **)r->target = value;
		return 0;
	case OPTION_LIST:
		if (list_add(r->target, value))
			return 0;
		buf_printf(&why, "is one too many: at most %d may be given", OPTION_LIST_MAX);
		return refuse(verb, r->name, value, why.data);
	case OPTION_CHOICE:
		if (choice_valid(r->choices, value)) {
			*(const char **)r->target = value;
			return 0;
		}
		buf_printf(&why, "is none of: %s", r->choices);
		for (char *p = why.data; p && *p; p++)
			if (*p == '|')
				*p = ' ';
		return refuse(verb, r->name, value, why.data);
	case OPTION_U64:
		if (parse_u64(value, (uint64_t)r->min, (uint64_t)max, &u) == 0) {
			*(uint64_t *)r->target = u;
			return 0;
		}
		buf_printf(&why, "is not a whole number from %.0f to %.0f", r->min, max);
		return refuse(verb, r->name, value, why.data);
	case OPTION_SECONDS:
		if (parse_double(value, r->min, max, &d) == 0) {
			*(double *)r->target = d;
			return 0;
		}
		buf_printf(&why, "is not a number of seconds from %g to %g", r->min, max);
		return refuse(verb, r->name, value, why.data);
	}
	return -EINVAL;
}

/* How many single-character edits lie between the two; for "did you mean". */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);

	if (n >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j], best = corner + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = above;
			row[j] = best;
		}
	}
	return row[n];
}

/* The option that was probably meant: the shortest that begins so, else the nearest by edits; NULL: none is near. */
static const char *nearest(const struct option_row *rows, size_t n, const char *name)
{
	const char *longer = NULL, *similar = NULL;
	size_t length = strlen(name), best = length < 4 ? length : 4;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(name, rows[i].name);

		if (length && strncmp(name, rows[i].name, length) == 0 &&
		    (!longer || strlen(rows[i].name) < strlen(longer)))
			longer = rows[i].name;
		if (d < best) {
			best = d;
			similar = rows[i].name;
		}
	}
	return longer ? longer : similar;
}

static const struct option_row *row_named(const struct option_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* Of "--name=value" the name alone, as the person typed it; what is no long option whole. */
static void option_typed(struct buf *out, const char *given)
{
	buf_add(out, given, strncmp(given, "--", 2) == 0 ? strcspn(given, "=") : strlen(given));
}

/* `given`: the argument at fault. `code`: what getopt_long returned for it; ':' when a value is missing. */
static int refuse_option(const struct verb *verb, const struct option_row *rows, size_t n, const char *given, int code)
{
	_cleanup_buf_ struct buf typed = {}, safe = {};
	const char *near, *name;
	bool known;

	option_typed(&typed, given);
	if (typed.failed || !typed.data)
		return -ENOMEM;
	text_terminal(&safe, typed.data, typed.len);
	if (safe.failed || !safe.data)
		return -ENOMEM;
	name = typed.data + strspn(typed.data, "-");
	known = strncmp(given, "--", 2) == 0 && row_named(rows, n, typed.data + 2);
	if (code == ':' && (known || given[1] != '-')) {
		fprintf(stderr, "sysscope %s: %s needs a value\n", verb->name, safe.data);
	} else if (known) {
		fprintf(stderr, "sysscope %s: %s takes no value\n", verb->name, safe.data);
	} else {
		near = nearest(rows, n, name);
		fprintf(stderr, "sysscope %s: there is no option %s", verb->name, safe.data);
		fprintf(stderr, near ? "; did you mean --%s?\n" : "; see sysscope %s --help\n",
			near ? near : verb->name);
	}
	return -EINVAL;
}

/* getopt_long takes any beginning of a name that is not ambiguous; then a new option would break old scripts. */
static bool abbreviated(const struct option_row *row, const char *given)
{
	const char *name = given + 2;

	return strcspn(name, "=") != strlen(row->name) || strncmp(name, row->name, strlen(row->name)) != 0;
}

/* Both forms of getopt's table. 0 or -ENOMEM. */
static int tables_make(const struct option_row *rows, size_t n, struct option *longs, struct buf *shorts)
{
	buf_char(shorts, ':');
	for (size_t i = 0; i < n; i++) {
		longs[i] = (struct option){rows[i].name, takes_argument(&rows[i]), NULL, LONG_BASE + (int)i};
		if (rows[i].short_name)
			buf_printf(shorts, "%c%s", rows[i].short_name, takes_argument(&rows[i]) ? ":" : "");
	}
	return shorts->failed ? -ENOMEM : 0;
}

static int parse_all(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv)
{
	_cleanup_free_ struct option *longs = calloc(n + 1, sizeof(*longs));
	_cleanup_buf_ struct buf shorts = {};
	int c, r, at;

	r = longs ? tables_make(rows, n, longs, &shorts) : -ENOMEM;
	opterr = 0;
	optind = 0;
	for (at = 1; r == 0 && (c = getopt_long(argc, argv, shorts.data, longs, NULL)) != -1; at = optind) {
		const char *given = optind > at ? argv[optind - 1] : argv[at];
		const struct option_row *row = NULL;

		if (c == '?' || c == ':')
			return refuse_option(verb, rows, n, given, c);
		if (c >= LONG_BASE) {
			row = &rows[c - LONG_BASE];
			/* With its value in an argument of its own the name stands before that. */
			if (optarg && optarg == given)
				given = argv[optind - 2];
			if (abbreviated(row, given))
				return refuse_option(verb, rows, n, given, '?');
		}
		for (size_t i = 0; i < n && !row; i++)
			if (rows[i].short_name == c)
				row = &rows[i];
		r = row ? option_set(verb, row, optarg) : -EINVAL;
	}
	return r;
}

int options_parse(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  int *ret_rest)
{
	_cleanup_free_ struct option_row *all = calloc(n + SHARED_ROWS, sizeof(*all));
	struct shared shared = {.level = "info", .format = "text"};
	int r;

	if (!all) {
		fprintf(stderr, "sysscope %s: out of memory\n", verb->name);
		return -ENOMEM;
	}
	if (n)
		memcpy(all, rows, n * sizeof(*all));
	shared_rows(&shared, all + n);
	/* Before anything is parsed: the targets still hold the defaults, which --help shows. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		shared.help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
	r = shared.help ? 0 : parse_all(verb, all, n + SHARED_ROWS, argc, argv);
	if (r < 0)
		return r;
	if (shared.help) {
		print_help(verb, all, n + SHARED_ROWS);
		return 1;
	}
	if (shared.version) {
		printf("sysscope %s (%s)\n", SYSSCOPE_VERSION, SYSSCOPE_REVISION);
		return 1;
	}
	if (ret_rest) {
		*ret_rest = optind;
	} else if (optind < argc) {
		_cleanup_buf_ struct buf safe = {};

		text_terminal(&safe, argv[optind], strlen(argv[optind]));
		fprintf(stderr, "sysscope %s: what is '%s'? See sysscope %s --help\n", verb->name, safe.data,
			verb->name);
		return -EINVAL;
	}
	log_setup(shared.level, shared.format);
	return 0;
}
