/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options_layers.c - see options.h: the environment and a file say what the command line does not. Both know an option by its name
 * without "no-", as a switch can be false there. Keeps no state.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/conf.h"
#include "options/options.h"

#define VARIABLE_BEGIN "SYSSCOPE_"
#define VARIABLE_BYTES 96
#define UNKNOWN_SHOWN  3

/* ---- an option by its name ---- */

const char *option_key(const struct option_row *row)
{
	return strncmp(row->name, "no-", 3) == 0 ? row->name + 3 : row->name;
}

static bool row_is_layered(const struct option_row *row, bool file)
{
	return row->kind != OPTION_PLACE && row->kind != OPTION_ASK && !(file && row->kind == OPTION_CONF);
}

static bool row_is_switch(const struct option_row *row)
{
	return row && (row->kind == OPTION_FLAG || row->kind == OPTION_UNSET);
}

/* NAME, and --no-NAME; NULL each: there is none. */
struct option_pair {
	const struct option_row *plain, *no;
	size_t at; /* the index of the first of them */
};

static bool pair_find(const struct option_row *rows, size_t n, const char *name, bool file, struct option_pair *ret)
{
	*ret = (struct option_pair){.at = n};
	for (size_t i = 0; i < n; i++) {
		if (!row_is_layered(&rows[i], file) || strcmp(option_key(&rows[i]), name) != 0)
			continue;
		if (rows[i].name == option_key(&rows[i]))
			ret->plain = &rows[i];
		else
			ret->no = &rows[i];
		ret->at = ret->at == n ? i : ret->at;
	}
	return ret->at < n;
}

void options_given(const struct option_row *rows, size_t n, const struct option_row *row, bool *given)
{
	for (size_t i = 0; i < n; i++)
		given[i] |= strcmp(option_key(&rows[i]), option_key(row)) == 0;
}

bool option_value_same(const struct option_row *a, const struct option_row *b)
{
	const struct option_list *la = a->target, *lb = b->target;
	const char *ta, *tb;

	switch (a->kind) {
	case OPTION_FLAG:
	case OPTION_UNSET:
		return *(const bool *)a->target == *(const bool *)b->target;
	case OPTION_U64:
	case OPTION_SIZE:
		return *(const uint64_t *)a->target == *(const uint64_t *)b->target;
	case OPTION_SECONDS:
	case OPTION_SPAN:
		return *(const double *)a->target == *(const double *)b->target;
	case OPTION_LIST:
		for (size_t i = 0; i < la->n && i < lb->n; i++)
			if (strcmp(la->values[i], lb->values[i]) != 0)
				return false;
		return la->n == lb->n;
	case OPTION_STRING:
	case OPTION_CHOICE:
		ta = *(const char *const *)a->target;
		tb = *(const char *const *)b->target;
		return (!ta && !tb) || (ta && tb && strcmp(ta, tb) == 0);
	case OPTION_PLACE:
	case OPTION_ASK:
	case OPTION_CONF:
		break;
	}
	return true;
}

/* "is none", or NULL: `pair` is set. `truth`: NULL, or what the value means as one. */
static const char *pair_set(const struct option_pair *pair, const bool *truth, const char *value, struct buf *why)
{
	if (truth && row_is_switch(pair->plain)) {
		option_switch_set(pair->plain, *truth);
		return NULL;
	}
	if (truth && pair->no) {
		option_switch_set(pair->no, !*truth);
		return NULL;
	}
	if (!pair->plain || row_is_switch(pair->plain))
		return "is not true or false";
	return option_value_set(pair->plain, value, why) ? NULL : why->data ?: "is wrong";
}

/* ---- the environment ---- */

static void variable_name(const struct option_row *row, char *ret, size_t size)
{
	snprintf(ret, size, VARIABLE_BEGIN "%s", option_key(row));
	for (char *c = ret; *c; c++)
		*c = *c == '.' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static bool text_truth(const char *text, bool *ret)
{
	static const struct conf blank;
	struct conf c = blank;

	c.text = (char *)(uintptr_t)text;
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return conf_truth(&c, ret);
	*ret = text[0] == '1';
	return true;
}

/* Values with commas between them. */
static bool list_split(struct option_list *list, const char *value, const struct option_row *row, struct buf *why)
{
	char *state = NULL;

	if (strlen(value) >= sizeof(list->split)) {
		buf_printf(why, "is longer than %zu bytes", sizeof(list->split) - 1);
		return false;
	}
	strcpy(list->split, value);
	for (char *v = strtok_r(list->split, ",", &state); v; v = strtok_r(NULL, ",", &state))
		if (!option_value_set(row, v, why))
			return false;
	return true;
}

static int variable_take(const struct verb *verb, const struct option_pair *pair, const char *name, const char *value,
			 struct buf *error)
{
	_cleanup_buf_ struct buf why = {}, safe = {};
	const char *wrong;
	bool truth, is_truth = text_truth(value, &truth);

	if (pair->plain && pair->plain->kind == OPTION_LIST)
		wrong = list_split(pair->plain->target, value, pair->plain, &why) ? NULL : why.data ?: "is wrong";
	else
		wrong = pair_set(pair, is_truth ? &truth : NULL, value, &why);
	if (!wrong)
		return 0;
	option_printable(&safe, value);
	buf_printf(error, "sysscope %s: %s: '%s' %s", verb->name, name, safe.data ?: "", wrong);
	return -EINVAL;
}

int options_environment(const struct verb *verb, const struct option_row *rows, size_t n, bool *given,
			struct buf *error)
{
	for (size_t i = 0; i < n; i++) {
		char name[VARIABLE_BYTES];
		struct option_pair pair;
		const char *value;

		if (!pair_find(rows, n, option_key(&rows[i]), false, &pair) || pair.at != i || given[i])
			continue;
		variable_name(&rows[i], name, sizeof(name));
		value = getenv(name);
		/* A file of variables often has names without values. */
		if (!value || !value[0])
			continue;
		if (variable_take(verb, &pair, name, value, error) < 0)
			return -EINVAL;
		options_given(rows, n, &rows[i], given);
	}
	return 0;
}

/* Those of the tests, of looking into libbpf, and of the unit file. */
static bool variable_is_other(const char *name)
{
	static const char *const others[] = {"TEST_", "LIBBPF_DEBUG", "CACHE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strncmp(name + strlen(VARIABLE_BEGIN), others[i], strlen(others[i])) == 0)
			return true;
	return false;
}

static bool variable_is_known(const struct option_row *rows, size_t n, const char *name, char *nearest, size_t size)
{
	char of_row[VARIABLE_BYTES];
	struct nearest near;

	nearest_begin(&near, name);
	nearest[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (!row_is_layered(&rows[i], false))
			continue;
		variable_name(&rows[i], of_row, sizeof(of_row));
		if (strcmp(of_row, name) == 0)
			return true;
		near.similar = near.longer = NULL;
		nearest_offer(&near, of_row);
		if (nearest_name(&near))
			snprintf(nearest, size, "%s", of_row);
	}
	return false;
}

void options_environment_unknown(const struct verb *verb, const struct option_row *rows, size_t n, struct buf *out)
{
	size_t found = 0;

	for (char **e = environ; *e; e++) {
		_cleanup_buf_ struct buf safe = {};
		char name[VARIABLE_BYTES], nearest[VARIABLE_BYTES];
		size_t length = strcspn(*e, "=");

		if (strncmp(*e, VARIABLE_BEGIN, strlen(VARIABLE_BEGIN)) != 0 || !(*e)[length] || !(*e)[length + 1])
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : sizeof(name) - 1), *e);
		if (variable_is_other(name) || variable_is_known(rows, n, name, nearest, sizeof(nearest)))
			continue;
		if (++found > UNKNOWN_SHOWN)
			continue;
		option_printable(&safe, name);
		buf_printf(out, "%s%s", found > 1 ? ", " : "variables without effect: ", safe.data ?: "?");
		if (nearest[0])
			buf_printf(out, " (did you mean %s?)", nearest);
	}
	if (found > UNKNOWN_SHOWN)
		buf_printf(out, " and %zu more", found - UNKNOWN_SHOWN);
	if (found)
		buf_printf(out, "; `sysscope %s` has no such option", verb->name);
}

/* ---- the file ---- */

struct file_reader {
	const struct verb *verb;
	const struct option_row *rows;
	size_t n;
	const bool *given;
	unsigned *lines; /* where each was said first; 0: not yet */
	const char *path;
	struct buf *error;
};

/* A place to put a value whose option has been given elsewhere: it has to be right all the same. */
union option_scratch {
	bool flag;
	uint64_t number;
	double seconds;
	const char *text;
	struct option_list list;
};

static int value_take(const struct file_reader *f, const struct option_pair *pair, const char *name,
		      const struct conf *c)
{
	_cleanup_buf_ struct buf why = {};
	union option_scratch scratch = {.list = {.n = 0}};
	struct option_row plain = pair->plain ? *pair->plain : *pair->no, no = pair->no ? *pair->no : plain;
	struct option_pair to = {pair->plain ? &plain : NULL, pair->no ? &no : NULL, pair->at};
	bool truth, is_truth = conf_truth(c, &truth);
	const char *wrong;

	if (f->given[pair->at])
		plain.target = no.target = &scratch;
	if (c->kind == CONF_LIST && !(to.plain && plain.kind == OPTION_LIST))
		return conf_refuse(f->path, c->line, f->error, "%s: expected one value, not a list", name);
	if (c->kind == CONF_LIST && !c->parts.n)
		return conf_refuse(f->path, c->line, f->error, "%s: the list is empty", name);
	for (size_t i = 0; i < (c->kind == CONF_LIST ? c->parts.n : 1); i++) {
		const struct conf *one = c->kind == CONF_LIST ? &c->parts.at[i] : c;

		if (one->kind != CONF_TEXT)
			return conf_refuse(f->path, one->line, f->error, "%s: expected a list of texts", name);
		buf_reset(&why);
		wrong = pair_set(&to, is_truth ? &truth : NULL, one->text, &why);
		if (wrong)
			return conf_refuse(f->path, one->line, f->error, "%s: '%s' %s", name, one->text, wrong);
	}
	return 0;
}

static bool is_group(const struct file_reader *f, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < f->n; i++)
		if (row_is_layered(&f->rows[i], true) && strncmp(option_key(&f->rows[i]), name, length) == 0 &&
		    option_key(&f->rows[i])[length] == '.')
			return true;
	return false;
}

static int key_unknown(const struct file_reader *f, const char *name, const struct conf *c)
{
	struct option_pair pair;
	struct nearest near;

	if (strncmp(name, "no-", 3) == 0 && pair_find(f->rows, f->n, name + 3, true, &pair))
		return conf_refuse(f->path, c->line, f->error, "unknown key '%s'; write '%s: false'", name, name + 3);
	for (size_t i = 0; i < f->n; i++)
		if (!row_is_layered(&f->rows[i], true) && f->rows[i].kind != OPTION_PLACE &&
		    strcmp(f->rows[i].name, name) == 0)
			return conf_refuse(f->path, c->line, f->error,
					   "'%s' cannot be in a file: --%s can only be given "
					   "on the command line",
					   name, name);
	nearest_begin(&near, name);
	for (size_t i = 0; i < f->n; i++)
		if (row_is_layered(&f->rows[i], true))
			nearest_offer(&near, option_key(&f->rows[i]));
	if (nearest_name(&near))
		return conf_refuse(f->path, c->line, f->error, "unknown key '%s'; did you mean '%s'?", name,
				   nearest_name(&near));
	return conf_refuse(f->path, c->line, f->error,
			   "unknown key '%s'; the keys are the options of sysscope %s --help", name, f->verb->name);
}

static int group_take(const struct file_reader *f, const struct conf *map, const char *above);

/* One of a map; `name` with those above it. */
static int key_take(const struct file_reader *f, const struct conf *c, const char *name)
{
	struct option_pair pair;
	bool known = pair_find(f->rows, f->n, name, true, &pair), group = is_group(f, name);

	if (!known && !group)
		return key_unknown(f, name, c);
	/* A group may have all its keys in comments; an option without a value has lost it. */
	if (conf_nothing(c) && known)
		return conf_refuse(f->path, c->line, f->error, "%s: the value is missing", name);
	if (conf_nothing(c))
		return 0;
	if (group && c->kind == CONF_MAP)
		return group_take(f, c, name);
	if (!known)
		return conf_refuse(f->path, c->line, f->error, "%s: expected keys of its own", name);
	if (c->kind == CONF_MAP)
		return conf_refuse(f->path, c->line, f->error, "%s: expected a value, not keys of its own", name);
	if (f->lines[pair.at])
		return conf_refuse(f->path, c->line, f->error, "'%s' is there twice, first in line %u", name,
				   f->lines[pair.at]);
	f->lines[pair.at] = c->line;
	return value_take(f, &pair, name, c);
}

/* As deep as conf_read allows. */
static int group_take(const struct file_reader *f, const struct conf *map, const char *above)
{
	for (size_t i = 0; i < map->parts.n; i++) {
		_cleanup_buf_ struct buf name = {};
		int r;

		buf_printf(&name, "%s%s%s", above, above[0] ? "." : "", map->parts.at[i].key);
		r = name.failed ? -ENOMEM : key_take(f, &map->parts.at[i], name.data ?: "");
		if (r < 0)
			return r;
	}
	return 0;
}

int options_file(const struct verb *verb, const struct option_row *rows, size_t n, const bool *given, struct buf *error)
{
	_cleanup_free_ unsigned *lines = calloc(n, sizeof(*lines));
	struct option_conf *conf = NULL;
	struct file_reader f = {verb, rows, n, given, lines, NULL, error};
	int r;

	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == OPTION_CONF)
			conf = rows[i].target;
	if (!conf || !conf->path)
		return 0;
	f.path = conf->path;
	r = lines ? conf_read(&conf->tree, conf->path, error) : -ENOMEM;
	return r < 0 ? r : group_take(&f, conf->tree, "");
}
