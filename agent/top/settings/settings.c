/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.c - see settings.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "top/settings/settings.h"

#define FILE_NAME "columns"
#define FILE_MAX  ((size_t)16 << 10)

static const char settings_head[] =
	"# The columns of each view of `sysscope top`, in their order; its key F2 changes them.\n";

/* ---- where ---- */

/* The folder; false: nobody says where settings are kept. A relative path means nothing, says the XDG specification. */
static bool folder_path(struct buf *out, bool parent)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && config[0] == '/')
		buf_str(out, config);
	else if (home && home[0] == '/')
		buf_printf(out, "%s/.config", home);
	else
		return false;
	if (!parent)
		buf_str(out, "/sysscope");
	return !out->failed;
}

/* What is wrong comes first: a line of the screen may end before the path does. */
static int settings_refuse(struct buf *error, int code, const char *why)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(error, "%s: ", why ?: strerror(-code));
	if (folder_path(&path, false))
		buf_str(&path, "/" FILE_NAME);
	text_terminal(error, path.data ?: FILE_NAME, path.data ? path.len : strlen(FILE_NAME));
	return code;
}

/* What others can write is theirs: with `sudo -E` the home folder is somebody else's. */
static bool owned(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* -ENOENT: it is not there, or has nothing to read; -EPERM: it is not this user's alone. */
static int settings_folder(bool to_write, int *ret)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_close_ int folder = -1;

	if (!folder_path(&path, false))
		return -ENOENT;
	folder = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	if (!owned(folder, S_IFDIR))
		return faccessat(folder, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && !to_write ? -ENOENT : -EPERM;
	*ret = fd_take(&folder);
	return 0;
}

/* ---- the text ---- */

static int settings_column(const struct view_desc *view, const char *name)
{
	int all[TABLE_CHOICES_MAX];
	size_t n = table_columns_all(view, all);
	char known[64];

	for (size_t i = 0; i < n; i++) {
		table_column_name(view, all[i], known, sizeof(known));
		if (strcasecmp(known, name) == 0)
			return (int)i;
	}
	return -1;
}

/* "containers name cpu_cores ...": 0, or -EINVAL with what is wrong. */
static int line_parse(struct table_chosen chosen[VIEWS], char *line, struct buf *wrong)
{
	char *save = NULL, *word = strtok_r(line, " \t", &save);
	int all[TABLE_CHOICES_MAX];
	const struct view_desc *view;
	struct table_chosen *c;

	if (!word || word[0] == '#')
		return 0;
	view = view_find(word);
	if (!view) {
		buf_str(wrong, "no view is called ");
		text_terminal(wrong, word, strlen(word));
		return -EINVAL;
	}
	table_columns_all(view, all);
	c = &chosen[view_index(view)];
	c->n = 0;
	while ((word = strtok_r(NULL, " \t", &save))) {
		int at = settings_column(view, word);
		bool twice = false;

		for (size_t i = 0; at >= 0 && i < c->n; i++)
			twice |= c->columns[i] == all[at];
		if (at < 0 || twice) {
			buf_printf(wrong, "%s has %s column ", view->name, twice ? "twice the" : "no");
			text_terminal(wrong, word, strlen(word));
			return -EINVAL;
		}
		c->columns[c->n++] = all[at];
	}
	return 0;
}

int settings_parse(struct table_chosen chosen[VIEWS], const char *text, size_t n, struct buf *error)
{
	_cleanup_free_ char *copy = strndup(text, n);
	_cleanup_buf_ struct buf wrong = {};
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	memset(chosen, 0, sizeof(*chosen) * VIEWS);
	if (copy && memchr(text, '\0', n)) {
		buf_str(&wrong, "it is no text");
		r = -EINVAL;
	}
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = line_parse(chosen, line, &wrong);
	if (r < 0) {
		memset(chosen, 0, sizeof(*chosen) * VIEWS);
		return settings_refuse(error, r, wrong.data);
	}
	return 0;
}

static int settings_text_read(int folder, char *text, size_t *ret_n)
{
	_cleanup_close_ int fd = openat(folder, FILE_NAME, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (!owned(fd, S_IFREG))
		return -EPERM;
	for (*ret_n = 0; (got = read(fd, text + *ret_n, FILE_MAX + 1 - *ret_n)) > 0;)
		*ret_n += (size_t)got;
	return got < 0 ? -errno : *ret_n > FILE_MAX ? -EFBIG : 0;
}

int settings_load(struct table_chosen chosen[VIEWS], struct buf *error)
{
	_cleanup_free_ char *text = malloc(FILE_MAX + 1);
	_cleanup_close_ int folder = -1;
	size_t n = 0;
	int r = text ? settings_folder(false, &folder) : -ENOMEM;

	memset(chosen, 0, sizeof(*chosen) * VIEWS);
	/* A home folder that this user may not even look into is somebody else's, as after `setpriv`. */
	if (r == -ENOENT || r == -EACCES)
		return 0;
	r = r ?: settings_text_read(folder, text, &n);
	if (r == -ENOENT)
		return 0;
	if (r == -EPERM)
		return settings_refuse(error, r, "not a file that only this user can write");
	return r < 0 ? settings_refuse(error, r, NULL) : settings_parse(chosen, text, n, error);
}

/* ---- keeping it ---- */

static void settings_text(struct buf *out, const struct table_chosen chosen[VIEWS])
{
	char name[64];

	buf_str(out, settings_head);
	for (size_t i = 0; i < VIEWS; i++) {
		if (!chosen[i].n)
			continue;
		buf_str(out, views[i]->name);
		for (size_t k = 0; k < chosen[i].n; k++) {
			table_column_name(views[i], chosen[i].columns[k], name, sizeof(name));
			buf_printf(out, " %s", name);
		}
		buf_char(out, '\n');
	}
}

/* Under another name first. */
static int settings_write(int folder, const struct buf *text)
{
	char name[32];
	_cleanup_close_ int fd = -1;
	int r;

	snprintf(name, sizeof(name), ".%s.%d", FILE_NAME, (int)getpid());
	unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text->data, text->len);
	if (r == 0 && (fsync(fd) < 0 || renameat(folder, name, folder, FILE_NAME) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(folder, name, 0);
	return r;
}

int settings_save(const struct table_chosen chosen[VIEWS], struct buf *error)
{
	_cleanup_buf_ struct buf text = {}, path = {};
	_cleanup_close_ int folder = -1;
	int r;

	for (int parent = 1; parent >= 0; parent--) {
		buf_reset(&path);
		if (!folder_path(&path, parent))
			return settings_refuse(error, -ENOENT, "neither XDG_CONFIG_HOME nor HOME says where");
		mkdir(path.data, 0700);
	}
	settings_text(&text, chosen);
	r = settings_folder(true, &folder);
	if (r == -EPERM)
		return settings_refuse(error, r, "not in a folder that only this user can write");
	r = r ?: text.failed ? -ENOMEM : settings_write(folder, &text);
	return r < 0 ? settings_refuse(error, r, NULL) : 0;
}
