/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.c - see options.h. Built on getopt_long: the table of rows is turned into the two that it reads. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "base/util.h"
#include "options/options.h"

#define LONG_BASE 1000

struct shared {
	const char *level, *format;
	bool help, version;
};

#define SHARED_ROWS 4

static void shared_rows(struct shared *s, struct option_row *rows)
{
	rows[0] = ROW_CHOICE("log.level", 0, LOG_LEVELS, &s->level, "LEVEL",
			     "lowest level that is logged to standard error");
	rows[0].heading = "options of every command";
	rows[1] = ROW_CHOICE("log.format", 0, LOG_FORMATS, &s->format, "FORMAT", "format of log lines");
	rows[2] = ROW_FLAG("help", 'h', &s->help, "print this text and exit");
	rows[3] = ROW_FLAG("version", 0, &s->version, "print the version and exit");
}

bool option_takes_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_UNSET;
}

void option_printable(struct buf *out, const char *typed)
{
	text_terminal(out, typed, strlen(typed));
}

/* ---- parsing ---- */

static int refuse(const struct verb *verb, const char *option, const char *value, const char *why)
{
	_cleanup_buf_ struct buf safe = {};

	option_printable(&safe, value);
	log_usage("sysscope %s: --%s: '%s' %s", verb->name, option, safe.data ? safe.data : "", why);
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

/* False: it is none, or out of range; `why` says what is wanted. */
static bool option_number_set(const struct option_row *r, const char *value, struct buf *why)
{
	double max = r->max > 0 ? r->max : (double)UINT32_MAX;
	int error = -EINVAL;

	switch (r->kind) {
	case OPTION_U64:
		error = parse_u64(value, (uint64_t)r->min, (uint64_t)max, r->target);
		buf_printf(why, "is not a whole number from %.0f to %.0f", r->min, max);
		break;
	case OPTION_SECONDS:
		error = parse_double(value, r->min, max, r->target);
		buf_printf(why, "is not a number of seconds from %g to %g", r->min, max);
		break;
	case OPTION_SIZE:
		error = parse_size(value, (uint64_t)r->min, (uint64_t)max, r->target);
		buf_str(why, "is not a size such as 500M or 2G, from ");
		size_text(why, (uint64_t)r->min);
		buf_str(why, " to ");
		size_text(why, (uint64_t)max);
		break;
	case OPTION_SPAN:
		error = parse_duration(value, r->min, max, r->target);
		buf_str(why, "is not a time such as 90s, 15m, 6h or 7d, from ");
		duration_text(why, r->min);
		buf_str(why, " to ");
		duration_text(why, max);
		break;
	default:
		break;
	}
	return error == 0;
}

static int option_set(const struct verb *verb, const struct option_row *r, const char *value)
{
	_cleanup_buf_ struct buf why = {};

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
		buf_printf(&why, "is one too many: at most %d are allowed", OPTION_LIST_MAX);
		return refuse(verb, r->name, value, why.data);
	case OPTION_CHOICE:
		if (choice_valid(r->choices, value)) {
			*(const char **)r->target = value;
			return 0;
		}
		buf_printf(&why, "is not one of: %s", r->choices);
		for (char *p = why.data; p && *p; p++)
			if (*p == '|')
				*p = ' ';
		return refuse(verb, r->name, value, why.data);
	case OPTION_U64:
	case OPTION_SECONDS:
	case OPTION_SIZE:
	case OPTION_SPAN:
		if (option_number_set(r, value, &why))
			return 0;
		return refuse(verb, r->name, value, why.data ?: "is no number");
	case OPTION_PLACE:
		break;
	}
	return -EINVAL;
}

/* The number of single-character edits between the two. */
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

void nearest_begin(struct nearest *n, const char *typed)
{
	size_t length = strlen(typed);

	*n = (struct nearest){.typed = typed, .edits = length < 4 ? length : 4};
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t edits = distance(n->typed, name);

	if (n->typed[0] && strncmp(n->typed, name, strlen(n->typed)) == 0 &&
	    (!n->longer || strlen(name) < strlen(n->longer)))
		n->longer = name;
	if (edits < n->edits) {
		n->edits = edits;
		n->similar = name;
	}
}

const char *nearest_name(const struct nearest *n)
{
	return n->longer ? n->longer : n->similar;
}

static const struct option_row *row_named(const struct option_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* Of "--name=value" only "--name"; any other argument whole. */
static void option_typed(struct buf *out, const char *given)
{
	buf_add(out, given, strncmp(given, "--", 2) == 0 ? strcspn(given, "=") : strlen(given));
}

/* `given`: the argument at fault. `code`: what getopt_long returned for it; ':' if a value is missing. */
static int refuse_option(const struct verb *verb, const struct option_row *rows, size_t n, const char *given, int code)
{
	_cleanup_buf_ struct buf typed = {}, safe = {};
	struct nearest near;
	bool known;

	option_typed(&typed, given);
	if (typed.failed || !typed.data)
		return -ENOMEM;
	option_printable(&safe, typed.data);
	if (safe.failed || !safe.data)
		return -ENOMEM;
	known = strncmp(given, "--", 2) == 0 && row_named(rows, n, typed.data + 2) &&
		row_named(rows, n, typed.data + 2)->kind != OPTION_PLACE;
	if (code == ':' && (known || given[1] != '-')) {
		log_usage("sysscope %s: %s needs a value", verb->name, safe.data);
	} else if (known) {
		log_usage("sysscope %s: %s takes no value", verb->name, safe.data);
	} else {
		nearest_begin(&near, typed.data + strspn(typed.data, "-"));
		for (size_t i = 0; i < n; i++)
			if (rows[i].kind != OPTION_PLACE)
				nearest_offer(&near, rows[i].name);
		if (nearest_name(&near))
			log_usage("sysscope %s: unknown option %s; did you mean --%s?", verb->name, safe.data,
				  nearest_name(&near));
		else
			log_usage("sysscope %s: unknown option %s; see sysscope %s --help", verb->name, safe.data,
				  verb->name);
	}
	return -EINVAL;
}

/* getopt_long accepts an unambiguous prefix of a name. Refused: a new option would make it ambiguous and break scripts. */
static bool abbreviated(const struct option_row *row, const char *given)
{
	const char *name = given + 2;

	return strcspn(name, "=") != strlen(row->name) || strncmp(name, row->name, strlen(row->name)) != 0;
}

/* getopt's two tables. 0 or -ENOMEM. */
static int tables_make(const struct option_row *rows, size_t n, bool in_order, struct option *longs, struct buf *shorts)
{
	buf_str(shorts, in_order ? "+:" : ":");
	/* An entry without a name would end the table, so a row that is no option gets one that nobody can type. */
	for (size_t i = 0; i < n; i++) {
		if (rows[i].kind == OPTION_PLACE) {
			longs[i] = (struct option){"\n", no_argument, NULL, LONG_BASE + (int)i};
			continue;
		}
		longs[i] = (struct option){rows[i].name, option_takes_value(&rows[i]), NULL, LONG_BASE + (int)i};
		if (rows[i].short_name)
			buf_printf(shorts, "%c%s", rows[i].short_name, option_takes_value(&rows[i]) ? ":" : "");
	}
	return shorts->failed ? -ENOMEM : 0;
}

/* `dashes`: NULL, or where to say that the options ended with a "--" of its own; then they end at other arguments, too. */
static int parse_all(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		     bool *dashes)
{
	_cleanup_free_ struct option *longs = calloc(n + 1, sizeof(*longs));
	_cleanup_buf_ struct buf shorts = {};
	int c, r, at;

	r = longs ? tables_make(rows, n, dashes != NULL, longs, &shorts) : -ENOMEM;
	opterr = 0;
	optind = 0;
	for (at = 1; r == 0 && (c = getopt_long(argc, argv, shorts.data, longs, NULL)) != -1; at = optind) {
		const char *given = optind > at ? argv[optind - 1] : argv[at];
		const struct option_row *row = NULL;

		if (c == '?' || c == ':')
			return refuse_option(verb, rows, n, given, c);
		if (c >= LONG_BASE) {
			row = &rows[c - LONG_BASE];
			/* The value may be an argument of its own; then the name is the one before. */
			if (optarg && optarg == given)
				given = argv[optind - 2];
			if (abbreviated(row, given))
				return refuse_option(verb, rows, n, given, '?');
		}
		for (size_t i = 0; i < n && !row; i++)
			if (rows[i].short_name == c)
				row = &rows[i];
		r = row ? option_set(verb, row, optarg ? optarg : "") : -EINVAL;
	}
	if (dashes)
		*dashes = optind > at;
	return r;
}

static int refuse_argument(const struct verb *verb, const char *given, bool command_allowed)
{
	_cleanup_buf_ struct buf safe = {};

	option_printable(&safe, given);
	if (command_allowed)
		log_usage("sysscope %s: unexpected argument '%s'; write -- before a command to run", verb->name,
			  safe.data ?: "");
	else
		log_usage("sysscope %s: unexpected argument '%s'; see sysscope %s --help", verb->name, safe.data ?: "",
			  verb->name);
	return -EINVAL;
}

/* The argument that has to stand there, wherever it stands. */
static int place_take(const struct verb *verb, const struct option_row *place, int argc, char **argv)
{
	if (optind == argc) {
		log_usage("sysscope %s: no %s was given; see sysscope %s --help", verb->name, place->name, verb->name);
		return -EINVAL;
	}
	*(const char **)place->target = argv[optind++];
	return 0;
}

/* What stands behind the options: a command behind a "--", or nothing. */
static int rest_check(const struct verb *verb, int argc, char **argv, bool command_allowed, bool dashes)
{
	if (optind < argc && !(command_allowed && dashes))
		return refuse_argument(verb, argv[optind], command_allowed);
	if (optind == argc && command_allowed && dashes) {
		log_usage("sysscope %s: no command after --", verb->name);
		return -EINVAL;
	}
	return 0;
}

int options_parse(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  int *ret_rest)
{
	_cleanup_free_ struct option_row *all = calloc(n + SHARED_ROWS, sizeof(*all));
	struct shared shared = {.level = "info", .format = "text"};
	bool dashes = false;
	int r;

	if (!all) {
		log_usage("sysscope %s: out of memory", verb->name);
		return -ENOMEM;
	}
	if (n)
		memcpy(all, rows, n * sizeof(*all));
	shared_rows(&shared, all + n);
	/* Before parsing, since the targets still hold the defaults, which --help shows. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		shared.help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
	r = shared.help ? 0 : parse_all(verb, all, n + SHARED_ROWS, argc, argv, ret_rest ? &dashes : NULL);
	if (r < 0)
		return r;
	if (shared.help) {
		(verb->show ?: options_help)(verb, all, n + SHARED_ROWS);
		return 1;
	}
	if (shared.version) {
		printf("sysscope %s (%s)\n", SYSSCOPE_VERSION, SYSSCOPE_REVISION);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == OPTION_PLACE && place_take(verb, &rows[i], argc, argv) < 0)
			return -EINVAL;
	r = rest_check(verb, argc, argv, ret_rest != NULL, dashes);
	if (r < 0)
		return r;
	if (ret_rest)
		*ret_rest = optind;
	log_setup(shared.level, shared.format);
	return 0;
}
