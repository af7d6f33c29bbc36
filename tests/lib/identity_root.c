/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity_root.h"

char root_dir[PATH_MAX];

int root_setup(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(root_dir, sizeof(root_dir), "%s/identity.XXXXXX", where && *where ? where : "/tmp");
	return mkdtemp(root_dir) ? 0 : -1;
}

static int root_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int root_teardown(void **state)
{
	(void)state;
	return nftw(root_dir, root_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *root_path(const char *path)
{
	static char full[2][2 * PATH_MAX];
	static int which;

	which = !which;
	snprintf(full[which], sizeof(full[which]), "%s%s", root_dir, path);
	return full[which];
}

void root_folders(const char *path)
{
	char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s", root_path(path));
	for (char *slash = full + strlen(root_dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

void root_write_bytes(const char *path, const void *data, size_t len)
{
	char fresh[2 * PATH_MAX + 8];
	FILE *f;

	root_folders(path);
	snprintf(fresh, sizeof(fresh), "%s.new", root_path(path));
	f = fopen(fresh, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, 0600), 0);
	assert_int_equal(rename(fresh, root_path(path)), 0);
}

void root_write(const char *path, const char *text)
{
	root_write_bytes(path, text, strlen(text));
}

void root_delete(const char *path)
{
	assert_int_equal(remove(root_path(path)), 0);
}
