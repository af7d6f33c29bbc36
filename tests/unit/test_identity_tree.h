/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_identity_tree.h - a temporary root with files in it, for test_identity.c and test_identity_hostile.c: made per
 * test, removed after it, also when it failed.
 */
#ifndef TEST_IDENTITY_TREE_H
#define TEST_IDENTITY_TREE_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define A "4f2b0c9d8e7a6f5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
#define B "b43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f"
#define C "c83d0428058af041eb08dbab9e6eddffe7b63425c4a8b4291744a79dd9011fdd"

#define DOCKER_FOLDER "/var/lib/docker/containers/"
#define PODMAN_LIST   "/var/lib/containers/storage/overlay-containers/"

static char tree_root[PATH_MAX];

static int tree_setup(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(tree_root, sizeof(tree_root), "%s/identity.XXXXXX", where && *where ? where : "/tmp");
	return mkdtemp(tree_root) ? 0 : -1;
}

static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int tree_teardown(void **state)
{
	(void)state;
	return nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Two may be in use at a time. */
static inline const char *tree_path(const char *path)
{
	static char full[2][2 * PATH_MAX];
	static int which;

	which = !which;
	snprintf(full[which], sizeof(full[which]), "%s%s", tree_root, path);
	return full[which];
}

/* All folders that lead to `path`. */
static inline void tree_folders(const char *path)
{
	char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s", tree_path(path));
	for (char *slash = full + strlen(tree_root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

/* The file comes as a new one, as the runtimes write theirs. */
static inline void tree_write_bytes(const char *path, const void *data, size_t len)
{
	char fresh[2 * PATH_MAX + 8];
	FILE *f;

	tree_folders(path);
	snprintf(fresh, sizeof(fresh), "%s.new", tree_path(path));
	f = fopen(fresh, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, 0600), 0);
	assert_int_equal(rename(fresh, tree_path(path)), 0);
}

static inline void tree_write(const char *path, const char *text)
{
	tree_write_bytes(path, text, strlen(text));
}

static inline void tree_delete(const char *path)
{
	assert_int_equal(remove(tree_path(path)), 0);
}

#define tree_test(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

#endif
