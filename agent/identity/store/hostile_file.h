/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile_file.h - reads files that somebody else may have made to hurt the reader: never blocks, never leaves the
 * folder, never reads what the expected owner did not write, never more than a cap. And JSON of that kind.
 */
#ifndef SYSSCOPE_IDENTITY_HOSTILE_FILE_H
#define SYSSCOPE_IDENTITY_HOSTILE_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define HOSTILE_FILE_MAX   (4u << 20)
#define HOSTILE_JSON_DEPTH 64
#define HOSTILE_JSON_PARTS 200000 /* values and keys; 4 MiB of "0," would else become 100 MiB of memory */

#define HOSTILE_SAME_MOUNT 1u /* not across a mount point, behind which may be a FUSE file system that never answers */
#define HOSTILE_NO_OPENAT2 2u /* for tests: as on a kernel or in a sandbox that lacks it */

/* A folder that only root can have put there; its symlinks are followed, within `root`. -errno. */
int trusted_folder_open(int root, const char *path, int *ret);

/*
 * Finds `path` below the folder and checks it: no symlink anywhere, a regular file, owned by `owner`, writable by
 * nobody else, at most `cap` bytes. The result may be given to hostile_read only. -ENOENT: not there;
 * hostile_refused() tells whether another error means that somebody tried something.
 */
int hostile_open(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, int *ret,
		 struct stat *ret_st);

/* The whole file, NUL-terminated, malloc'ed. */
int hostile_read(int file, size_t cap, char **ret, size_t *ret_len);

/* Not deep, not of too many parts, no key twice, valid UTF-8; else -EBADMSG. */
int hostile_json(const char *text, size_t len, json_t **ret);

/* hostile_open, hostile_read and hostile_json in one. */
int hostile_json_file(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, json_t **ret);

bool hostile_refused(int error);

/* The string under `key`, or "": also when `object` is none, or the value is something else. */
const char *json_text(const json_t *object, const char *key);

void json_put(json_t **j);
#define _cleanup_json_ cleanup(json_put)

#endif
