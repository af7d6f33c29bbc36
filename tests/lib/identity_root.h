/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity_root.h - a temporary root with files in it, for test_identity.c and test_identity_hostile.c: made per
 * test, removed after it, also when it failed.
 */
#ifndef SYSSCOPE_TESTS_IDENTITY_ROOT_H
#define SYSSCOPE_TESTS_IDENTITY_ROOT_H

#include <errno.h>
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

extern char root_dir[PATH_MAX];

int root_setup(void **state);
int root_teardown(void **state);

/* Two may be in use at a time. */
const char *root_path(const char *path);

/* All folders that lead to `path`. */
void root_folders(const char *path);

/* The file comes as a new one, as the runtimes write theirs. */
void root_write_bytes(const char *path, const void *data, size_t len);
void root_write(const char *path, const char *text);
void root_delete(const char *path);

#define root_test(f) cmocka_unit_test_setup_teardown(f, root_setup, root_teardown)

#endif
