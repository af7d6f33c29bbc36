/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf.c - see conf.h: libyaml's events become a tree. Keeps no state. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/text.h"
#include "config/conf.h"

struct conf_reader {
	yaml_parser_t parser;
	const char *path;
	struct buf *error;
	size_t nodes;
};

int conf_refuse(const char *path, unsigned line, struct buf *error, const char *format, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&message, format, args);
	va_end(args);
	if (n < 0)
		message = NULL;
	buf_reset(error);
	text_terminal(error, path, strlen(path));
	if (line)
		buf_printf(error, ":%u", line);
	buf_str(error, ": ");
	text_terminal(error, message ?: "wrong", strlen(message ?: "wrong"));
	return -EINVAL;
}

/* ---- events to a tree ---- */

static unsigned mark_line(const yaml_mark_t *mark)
{
	return (unsigned)mark->line + 1;
}

static int event_next(struct conf_reader *r, yaml_event_t *e)
{
	if (yaml_parser_parse(&r->parser, e))
		return 0;
	if (r->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (r->parser.error == YAML_READER_ERROR)
		return conf_refuse(r->path, 0, r->error, "byte %zu: %s", r->parser.problem_offset,
				   r->parser.problem ?: "it cannot be read");
	return conf_refuse(r->path, mark_line(&r->parser.problem_mark), r->error, "%s",
			   r->parser.problem ?: "this is no YAML");
}

static int scalar_text(struct conf_reader *r, const yaml_event_t *e, char **ret)
{
	const char *value = (const char *)e->data.scalar.value;

	if (strlen(value) != e->data.scalar.length)
		return conf_refuse(r->path, mark_line(&e->start_mark), r->error, "a NUL byte in a text");
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

/* What makes a file mean more than it says is refused. */
static int extras_refuse(struct conf_reader *r, const yaml_event_t *e)
{
	bool anchor = e->type == YAML_SCALAR_EVENT	    ? e->data.scalar.anchor != NULL
		      : e->type == YAML_MAPPING_START_EVENT ? e->data.mapping_start.anchor != NULL
							    : e->data.sequence_start.anchor != NULL;
	bool tag = e->type == YAML_SCALAR_EVENT		 ? e->data.scalar.tag != NULL
		   : e->type == YAML_MAPPING_START_EVENT ? e->data.mapping_start.tag != NULL
							 : e->data.sequence_start.tag != NULL;

	if (anchor || tag)
		return conf_refuse(r->path, mark_line(&e->start_mark), r->error, "%s are not supported here",
				   anchor ? "anchors (&name)" : "tags (!name)");
	return 0;
}

static int node_read(struct conf_reader *r, const yaml_event_t *e, size_t depth, struct conf *ret);

static struct conf *part_new(struct conf *whole)
{
	if (list_reserve(&whole->parts, whole->parts.n + 1) < 0)
		return NULL;
	whole->parts.at[whole->parts.n] = (struct conf){};
	return &whole->parts.at[whole->parts.n++];
}

/* The key of a map's next part, and the event of its value in place of the key's. */
static int key_read(struct conf_reader *r, yaml_event_t *e, struct conf *map, struct conf *part)
{
	int code;

	if (e->type != YAML_SCALAR_EVENT)
		return conf_refuse(r->path, mark_line(&e->start_mark), r->error, "a key has to be a text");
	code = extras_refuse(r, e);
	if (!code)
		code = scalar_text(r, e, &part->key);
	for (size_t i = 0; !code && &map->parts.at[i] != part; i++)
		if (strcmp(map->parts.at[i].key, part->key) == 0)
			code = conf_refuse(r->path, mark_line(&e->start_mark), r->error,
					   "the key '%s' is there twice, first in line %u", part->key,
					   map->parts.at[i].line);
	if (code)
		return code;
	yaml_event_delete(e);
	return event_next(r, e);
}

static int parts_read(struct conf_reader *r, size_t depth, struct conf *ret)
{
	yaml_event_type_t end = ret->kind == CONF_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	int code = 0;

	while (!code) {
		yaml_event_t e;
		struct conf *part;
		bool last;

		code = event_next(r, &e);
		if (code)
			return code;
		last = e.type == end;
		part = last ? NULL : part_new(ret);
		if (!last && !part)
			code = -ENOMEM;
		if (part && ret->kind == CONF_MAP)
			code = key_read(r, &e, ret, part);
		if (part && !code)
			code = node_read(r, &e, depth + 1, part);
		/* After an error of the parser it is empty. */
		yaml_event_delete(&e);
		if (last)
			return 0;
	}
	return code;
}

static int node_read(struct conf_reader *r, const yaml_event_t *e, size_t depth, struct conf *ret)
{
	int code = 0;

	ret->line = mark_line(&e->start_mark);
	if (depth > CONF_DEPTH_MAX)
		return conf_refuse(r->path, ret->line, r->error, "more than %d levels", CONF_DEPTH_MAX);
	if (++r->nodes > CONF_NODES_MAX)
		return conf_refuse(r->path, ret->line, r->error, "more than %d values", CONF_NODES_MAX);
	if (e->type == YAML_ALIAS_EVENT)
		return conf_refuse(r->path, ret->line, r->error, "aliases (*name) are not supported here");
	code = extras_refuse(r, e);
	if (code)
		return code;
	if (e->type == YAML_SCALAR_EVENT) {
		ret->kind = CONF_TEXT;
		ret->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		return scalar_text(r, e, &ret->text);
	}
	ret->kind = e->type == YAML_MAPPING_START_EVENT ? CONF_MAP : CONF_LIST;
	return parts_read(r, depth, ret);
}

/* Stream, document, the map, the end of both. */
static int document_read(struct conf_reader *r, struct conf *ret)
{
	bool had = false;
	int code = 0;

	while (!code) {
		yaml_event_t e;
		yaml_event_type_t type;

		code = event_next(r, &e);
		if (code)
			return code;
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT && had)
			code = conf_refuse(r->path, mark_line(&e.start_mark), r->error, "more than one document");
		else if (type == YAML_DOCUMENT_START_EVENT)
			had = true;
		else if (type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT ||
			 type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT)
			code = node_read(r, &e, 0, ret);
		yaml_event_delete(&e);
		if (type == YAML_STREAM_END_EVENT)
			return 0;
	}
	return code;
}

static void conf_clear(struct conf *c)
{
	free(c->key);
	free(c->text);
	for (size_t i = 0; i < c->parts.n; i++)
		conf_clear(&c->parts.at[i]);
	list_free(&c->parts);
}

void conf_free(struct conf *c)
{
	if (c)
		conf_clear(c);
	free(c);
}

int conf_parse(struct conf **ret, const char *text, size_t len, const char *path, struct buf *error)
{
	struct conf_reader r = {.path = path, .error = error};
	struct conf *root = calloc(1, sizeof(*root));
	int code;

	if (!root || !yaml_parser_initialize(&r.parser)) {
		free(root);
		return -ENOMEM;
	}
	root->kind = CONF_MAP;
	/* libyaml 0.2.5 counts the mark of UTF-8 as a column. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	code = document_read(&r, root);
	yaml_parser_delete(&r.parser);
	/* Only comments, or nothing. */
	if (!code && root->kind == CONF_TEXT && !root->quoted && !root->text[0])
		root->kind = CONF_MAP;
	if (!code && root->kind != CONF_MAP)
		code = conf_refuse(path, root->line, error, "expected 'key: value'");
	if (code < 0) {
		conf_free(root);
		return code;
	}
	*ret = root;
	return 0;
}

/* ---- files ---- */

static bool written_by_us(const struct stat *st)
{
	bool ours = st->st_uid == 0 || st->st_uid == geteuid();
	bool group = (st->st_mode & S_IWGRP) && st->st_gid != 0 && st->st_gid != getegid();

	return ours && !group && !(st->st_mode & S_IWOTH);
}

/* Where others may rename, what is there could be something else tomorrow. A sticky folder of ours keeps what is not theirs. */
static bool folder_is_ours(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return written_by_us(&st) || ((st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & S_ISVTX));
}

#define LINKS_MAX 40 /* as the kernel's */

/* Of a path under way: the folder reached, without links, and what is left of it. */
struct folder_walk {
	char at[PATH_MAX], left[PATH_MAX];
	unsigned links;
};

/* `target` is what a link says: it stands in place of its name. */
static int walk_link(struct folder_walk *w, const char *target)
{
	_cleanup_free_ char *rest = strdup(w->left);

	if (!rest)
		return -ENOMEM;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (target[0] == '/')
		w->at[0] = '\0';
	return snprintf(w->left, sizeof(w->left), "%s/%s", target, rest) < (int)sizeof(w->left) ? 0 : -ENAMETOOLONG;
}

/* One name of the path. 0 or negative errno. */
static int walk_step(struct folder_walk *w)
{
	char target[PATH_MAX], *name = w->left + strspn(w->left, "/"), word[NAME_MAX + 1];
	size_t n = strcspn(name, "/"), length = strlen(w->at);
	ssize_t linked;

	if (n > NAME_MAX || length + 1 + n >= sizeof(w->at))
		return -ENAMETOOLONG;
	memcpy(word, name, n);
	word[n] = '\0';
	memmove(w->left, name + n, strlen(name + n) + 1);
	if (!n || strcmp(word, ".") == 0)
		return 0;
	if (strcmp(word, "..") == 0) {
		*(strrchr(w->at, '/') ?: w->at) = '\0';
		return 0;
	}
	snprintf(w->at + length, sizeof(w->at) - length, "/%s", word);
	linked = readlink(w->at, target, sizeof(target) - 1);
	if (linked < 0)
		return errno == EINVAL ? 0 : -errno;
	target[linked] = '\0';
	w->at[length] = '\0';
	return walk_link(w, target);
}

/* Every folder on the way to the file, links followed: who can write one of them decides what the path means. */
static int folders_check(const char *path, struct buf *error)
{
	struct folder_walk w = {};
	int r = 0;

	if (path[0] != '/' && !getcwd(w.at, sizeof(w.at)))
		r = -errno;
	/* Those above the one that it was started in, too: from the root. */
	if (!r && snprintf(w.left, sizeof(w.left), "%s/%s", w.at, path) >= (int)sizeof(w.left))
		r = -ENAMETOOLONG;
	w.at[0] = '\0';
	while (!r && w.left[strspn(w.left, "/")]) {
		if (!folder_is_ours(w.at[0] ? w.at : "/")) {
			conf_refuse(path, 0, error, "others can replace it: they can write %s", w.at[0] ? w.at : "/");
			return -EPERM;
		}
		r = walk_step(&w);
	}
	if (r < 0)
		conf_refuse(path, 0, error, "its folders: %s", strerror(-r));
	return r;
}

int conf_open(const char *path, size_t cap, struct buf *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		conf_refuse(path, 0, error, "%s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode))
		return conf_refuse(path, 0, error, "not a regular file");
	if (st.st_size > (off_t)cap)
		return conf_refuse(path, 0, error, "larger than %zu kB", cap >> 10);
	if (!written_by_us(&st)) {
		conf_refuse(path, 0, error,
			    "others can write it; it has to belong to root, or to the user that reads it, and "
			    "`chmod go-w`");
		return -EPERM;
	}
	r = folders_check(path, error);
	if (r < 0)
		return r;
	return fd_take(&fd);
}

int conf_read(struct conf **ret, const char *path, struct buf *error)
{
	_cleanup_close_ int fd = conf_open(path, CONF_BYTES_MAX, error);
	_cleanup_free_ char *text = NULL;
	char link[64];
	size_t len;
	int r;

	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = read_file(link, CONF_BYTES_MAX, &text, &len);
	if (r < 0) {
		conf_refuse(path, 0, error, "%s", strerror(-r));
		return r;
	}
	return conf_parse(ret, text, len, path, error);
}
