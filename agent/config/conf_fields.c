/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_fields.c - see conf.h: what the parts of a tree may be. Keeps no state. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/conf.h"

const struct conf *conf_get(const struct conf *map, const char *key)
{
	for (size_t i = 0; map && map->kind == CONF_MAP && i < map->parts.n; i++)
		if (strcmp(map->parts.at[i].key, key) == 0)
			return &map->parts.at[i];
	return NULL;
}

bool conf_truth(const struct conf *c, bool *ret)
{
	static const struct {
		const char *word;
		bool means;
	} words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};

	for (size_t i = 0; c->kind == CONF_TEXT && !c->quoted && i < ARRAY_SIZE(words); i++)
		if (strcasecmp(c->text, words[i].word) == 0) {
			*ret = words[i].means;
			return true;
		}
	return false;
}

bool conf_nothing(const struct conf *c)
{
	return c->kind == CONF_TEXT && !c->quoted &&
	       (!c->text[0] || strcmp(c->text, "~") == 0 || strcasecmp(c->text, "null") == 0);
}

/* Takes one part. What was expected in its place, or NULL. */
static const char *field_take(const struct conf_field *f, const struct conf *c, unsigned *ret_line)
{
	bool texts = true;

	*ret_line = c->line;
	for (size_t i = 0; texts && i < c->parts.n; i++) {
		texts = c->parts.at[i].kind == CONF_TEXT;
		*ret_line = texts ? c->line : c->parts.at[i].line;
	}
	switch (f->kind) {
	case CONF_FIELD_TEXT:
		if (c->kind != CONF_TEXT)
			return "a text";
		break;
	case CONF_FIELD_TRUTH:
		return conf_truth(c, f->target) ? NULL : "true or false";
	case CONF_FIELD_TEXTS:
		if (c->kind != CONF_LIST || !texts)
			return "a list of texts";
		break;
	case CONF_FIELD_NAMED:
		if (c->kind != CONF_MAP || !texts)
			return "'name: text' in each line";
		break;
	case CONF_FIELD_MAP:
		if (c->kind != CONF_MAP)
			return "keys of its own";
		break;
	}
	*(const struct conf **)f->target = c;
	return NULL;
}

static int key_refuse(const struct conf *part, const char *path, const struct conf_field *fields, size_t n,
		      struct buf *error)
{
	_cleanup_buf_ struct buf known = {};

	for (size_t i = 0; i < n; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", fields[i].key);
	return conf_refuse(path, part->line, error, "unknown key '%s'; known here: %s", part->key,
			   known.data ?: "none");
}

int conf_fields(const struct conf *map, const char *path, const struct conf_field *fields, size_t n, struct buf *error)
{
	for (size_t i = 0; i < map->parts.n; i++) {
		const struct conf *part = &map->parts.at[i];
		const char *expected;
		unsigned line;
		size_t k = 0;

		while (k < n && strcmp(fields[k].key, part->key) != 0)
			k++;
		if (k == n)
			return key_refuse(part, path, fields, n, error);
		if (conf_nothing(part))
			continue;
		expected = field_take(&fields[k], part, &line);
		if (expected)
			return conf_refuse(path, line, error, "%s: expected %s", part->key, expected);
	}
	return 0;
}
