/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.c - see users.h. One stat per sample; the file is read again when its time, size or inode changes. A lookup is a binary
 * search and allocates nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/users.h"
#include "base/util.h"

/* 16 MiB hold a quarter of a million users. Names from a larger file are not shown. */
#define PASSWD_BYTES_MAX ((size_t)16 << 20)

struct user {
	uint32_t uid;
	const char *name; /* in `text` */
};

struct users {
	char *path, *text;
	struct user *rows; /* by uid */
	size_t n;
	struct stat seen;
};

struct users *users_new(const char *path)
{
	struct users *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->path = strdup(path);
	if (u->path)
		return u;
	free(u);
	return NULL;
}

static void users_clear(struct users *u)
{
	free(u->rows);
	free(u->text);
	u->rows = NULL;
	u->text = NULL;
	u->n = 0;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	users_clear(u);
	free(u->path);
	free(u);
}

/* Equal uids stay in the order of the file: the first one counts, as in getpwuid. */
static int user_compare(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/* "name:password:uid:...", split in place. False: a comment, an NIS entry, or malformed. */
static bool user_parse(char *line, struct user *ret)
{
	char *rest = line, *name = strsep(&rest, ":"), *uid;
	uint64_t number;

	if (!name[0] || strchr("#+-", name[0]) || !rest)
		return false;
	strsep(&rest, ":");
	if (!rest)
		return false;
	uid = strsep(&rest, ":");
	if (!rest || parse_u64(uid, 0, UINT32_MAX - 1, &number) < 0)
		return false;
	*ret = (struct user){(uint32_t)number, name};
	return true;
}

static void users_parse(struct users *u, size_t length)
{
	size_t lines = 1;
	char *rest = u->text, *line;

	for (size_t i = 0; i < length; i++)
		lines += u->text[i] == '\n';
	u->rows = calloc(lines, sizeof(*u->rows));
	if (!u->rows)
		return;
	while (u->n < lines && (line = strsep(&rest, "\n")))
		u->n += user_parse(line, &u->rows[u->n]);
	if (u->n)
		qsort(u->rows, u->n, sizeof(*u->rows), user_compare);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void users_refresh(struct users *u)
{
	struct stat now = {};
	size_t length;

	/* Only a regular file: opening a FIFO would block. */
	if (stat(u->path, &now) < 0 || !S_ISREG(now.st_mode))
		now = (struct stat){};
	if (same_file(&now, &u->seen))
		return;
	users_clear(u);
	u->seen = now;
	if (now.st_ino && read_file(u->path, PASSWD_BYTES_MAX, &u->text, &length) == 0)
		users_parse(u, length);
}

const char *users_name(void *ctx, uint32_t uid)
{
	const struct users *u = ctx;
	size_t low = 0, high = u->n;

	/* The first entry with this uid. */
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (u->rows[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < u->n && u->rows[low].uid == uid ? u->rows[low].name : NULL;
}
