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
	rows[2] = ROW_ASK("help", 'h', &s->help, "print this text and exit");
	rows[3] = ROW_ASK("version", 0, &s->version, "print the version and exit");
}

bool option_takes_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_UNSET && row->kind != OPTION_ASK;
}

void option_printable(struct buf *out, const char *typed)
{
	text_terminal(out, typed, strlen(typed));
}

/* ---- parsing ---- */

/* `given`: as it was typed, or the name of a variable. */
static int refuse(const struct verb *verb, const char *given, const char *value, const struct buf *why)
{
	_cleanup_buf_ struct buf safe = {};

	option_printable(&safe, value);
	log_usage("sysscope %s: %s: '%s' %s", verb->name, given, safe.data ?: "", why->data ?: "is wrong");
	return -EINVAL;
}

static int option_set(const struct verb *verb, const struct option_row *r, const char *value)
{
	_cleanup_buf_ struct buf why = {}, given = {};

	if (option_value_set(r, value, &why))
		return 0;
	buf_printf(&given, "--%s", r->name);
	return refuse(verb, given.data ?: r->name, value, &why);
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
static int parse_line(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		      bool *dashes, bool *given_rows)
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
		if (!r)
			options_given(rows, n, row, given_rows);
	}
	if (dashes)
		*dashes = optind > at;
	return r;
}

/* The command line, the environment, the file: each says only what those before it do not. `error` is of the last two. */
static int parse_all(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		     bool *dashes, struct buf *error)
{
	_cleanup_free_ bool *given = calloc(n, sizeof(*given));
	int r = given ? parse_line(verb, rows, n, argc, argv, dashes, given) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (rows[i].kind == OPTION_ASK && strcmp(rows[i].name, "version") == 0 && *(bool *)rows[i].target)
			return 0;
	r = r < 0 ? r : options_environment(verb, rows, n, given, error);
	return r < 0 ? r : options_file(verb, rows, n, given, error);
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

/* `all`: those and the shared ones. */
static int all_rows(const struct option_row *rows, size_t n, struct shared *shared, struct option_row **ret)
{
	struct option_row *all = calloc(n + SHARED_ROWS, sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (n)
		memcpy(all, rows, n * sizeof(*all));
	*shared = (struct shared){.level = "info", .format = "text"};
	shared_rows(shared, all + n);
	*ret = all;
	return 0;
}

static void shared_note(const struct option_row *rows, size_t n, const struct shared *shared)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == OPTION_CONF) {
			struct option_conf *conf = rows[i].target;

			conf->log_level = shared->level;
			conf->log_format = shared->format;
		}
}

int options_again(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  struct buf *error)
{
	_cleanup_free_ struct option_row *all = NULL;
	struct shared shared;
	int r = all_rows(rows, n, &shared, &all);

	r = r < 0 ? r : parse_all(verb, all, n + SHARED_ROWS, argc, argv, NULL, error);
	shared_note(rows, n, &shared);
	return r;
}

int options_parse(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  int *ret_rest)
{
	_cleanup_free_ struct option_row *all = NULL;
	_cleanup_buf_ struct buf error = {}, unknown = {};
	struct shared shared;
	bool dashes = false;
	int r = all_rows(rows, n, &shared, &all);

	if (r < 0) {
		log_usage("sysscope %s: out of memory", verb->name);
		return r;
	}
	/* Before parsing, since the targets still hold the defaults, which --help shows. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		shared.help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
	r = shared.help ? 0 : parse_all(verb, all, n + SHARED_ROWS, argc, argv, ret_rest ? &dashes : NULL, &error);
	if (error.len || r == -ENOMEM)
		log_usage("%s", error.data ?: "out of memory");
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
	shared_note(rows, n, &shared);
	log_setup(shared.level, shared.format);
	options_environment_unknown(verb, all, n + SHARED_ROWS, &unknown);
	if (unknown.len)
		log_warning("%s", unknown.data);
	return 0;
}
