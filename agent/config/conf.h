/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.h - a configuration file in YAML as a small tree, read by libyaml: strict, bounded, and with the line of everything, so
 * that each error says where it is. Anchors, aliases, tags, several documents and a key that is there twice are refused. Used
 * by the rooms that read configuration; never logs.
 */
#ifndef SYSSCOPE_CONFIG_CONF_H
#define SYSSCOPE_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/util.h"

#define CONF_BYTES_MAX ((size_t)1 << 20)
#define CONF_DEPTH_MAX 16
#define CONF_NODES_MAX 10000

enum conf_kind { CONF_TEXT, CONF_MAP, CONF_LIST };

struct conf {
	enum conf_kind kind;
	bool quoted;		 /* a text in quotes or as a block: never a truth value, never empty by accident */
	unsigned line;		 /* from 1 */
	char *key;		 /* in a map; else NULL */
	char *text;		 /* of a text; without NUL bytes */
	LIST(struct conf) parts; /* of a map or a list, in the order of the file */
};

/*
 * Reads the file `path`, which has to be a regular file of at most CONF_BYTES_MAX that only root, or the user that this process
 * runs as, can have written; the same goes for its folder. An empty file is a map without parts. 0 or negative errno, with one
 * line in `error` that begins with the path and, where there is one, the line: "web.yml:3: ...".
 */
int conf_read(struct conf **ret, const char *path, struct buf *error);
/* The same of a text that was read; `path` is for errors only. */
int conf_parse(struct conf **ret, const char *text, size_t len, const char *path, struct buf *error);
void conf_free(struct conf *c); /* NULL: does nothing */

/* Opens a file as conf_read does, for files that a configuration names (keys, certificates). A descriptor or negative errno. */
int conf_open(const char *path, size_t cap, struct buf *error);

/* The part of a map with this key; NULL: none. */
const struct conf *conf_get(const struct conf *map, const char *key);

/* What a key of a map may hold. `target` is a bool * for CONF_FIELD_TRUTH, else a const struct conf ** that is set to the part. */
enum conf_field_kind {
	CONF_FIELD_TEXT,
	CONF_FIELD_TRUTH, /* true, false, yes, no, on, off */
	CONF_FIELD_TEXTS, /* a list of texts */
	CONF_FIELD_NAMED, /* a map of texts */
	CONF_FIELD_MAP,
};

struct conf_field {
	const char *key;
	enum conf_field_kind kind;
	void *target; /* stays as it is if the key is not there, or has nothing behind it */
};

/* Takes the parts of `map`; an unknown key, or one that holds something else, is refused with its line. 0 or -EINVAL. */
int conf_fields(const struct conf *map, const char *path, const struct conf_field *fields, size_t n, struct buf *error);

/* "PATH:LINE: MESSAGE", sanitised, in place of what `error` has. Returns -EINVAL. */
int conf_refuse(const char *path, unsigned line, struct buf *error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "key:" with nothing behind it. */
bool conf_nothing(const struct conf *c);

/* True and *ret if the text is one of YAML's words for truth values, unquoted. */
bool conf_truth(const struct conf *c, bool *ret);

#endif
