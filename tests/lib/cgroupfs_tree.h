/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroupfs_tree.h - a temporary folder that looks like a machine to cgroupfs_open(): made by the tests of
 * cgroupfs from a few lines, removed with all that is in it also when a test failed. Touches nothing else.
 */
#ifndef SYSSCOPE_TESTS_CGROUPFS_TREE_H
#define SYSSCOPE_TESTS_CGROUPFS_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cgroup/cgroupfs.h"
#include "base/util.h"

struct tree {
	char root[256];
};

void tree_make(struct tree *t);

/* Removes what is at `path` below the folder, "" for all. */
void tree_remove(const struct tree *t, const char *path);
void tree_dir(const struct tree *t, const char *path);

/* Writes a file of the folder, with the directories on the way. */
void tree_file(const struct tree *t, const char *path, const char *text);

#define BASE "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
int tree_setup(void **state);
int tree_teardown(void **state);
struct cgroupfs *open_tree(const struct tree *t);
int read_at(struct cgroupfs *fs, const char *path, struct cgroup_counters *ret);
void no_errors(struct cgroupfs *fs);
void v2_files(const struct tree *t, const char *dir);

/* `controllers`: which of c(pu) a(cct) m(emory) p(ids) cpu(s)et this directory serves. */
void v1_files(const struct tree *t, const char *dir, const char *controllers);
void v2_tree(const struct tree *t);
void v1_tree(const struct tree *t);

#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

#endif
