/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile_file.h - reads files, and parses JSON, that may have been written to harm the reader: never blocks, never
 * leaves the folder, never reads files of another owner than the expected one, nor more than a cap.
 */
#ifndef SYSSCOPE_IDENTITY_HOSTILE_FILE_H
#define SYSSCOPE_IDENTITY_HOSTILE_FILE_H

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define HOSTILE_FILE_MAX   (4u << 20)
#define HOSTILE_JSON_DEPTH 64
#define HOSTILE_JSON_PARTS 200000 /* values and keys; without a limit 4 MiB of "0," would take 100 MiB of memory */

#define HOSTILE_SAME_MOUNT 1u /* not across a mount point, which may be a FUSE file system that never answers */
#define HOSTILE_NO_OPENAT2 2u /* for tests: as if openat2 were missing (old kernel, sandbox) */

/* Another inode, size or time is another version of a file. */
struct file_version {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* Opens a folder that only root can have created; symlinks are followed, within `root`. 0 or negative errno. */
int trusted_folder_open(int root, const char *path, int *ret);

/*
 * Finds `path` below the folder and checks it: no symlink anywhere, a regular file, owned by `owner`, not writable
 * by others, at most `cap` bytes. The result is for hostile_read only. -ENOENT: missing; hostile_refused() says
 * whether another error looks like an attack.
 */
int hostile_open(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, int *ret,
		 struct stat *ret_st);

/*
 * The same for a folder, to be listed. The folder itself ("." as the path) may be asked about, too. Its version says whether
 * anything was added, removed or renamed in it.
 */
int hostile_folder(int folder, const char *path, uid_t owner, unsigned int flags, DIR **ret,
		   struct file_version *ret_version);
void closedirp(DIR **d);
#define _cleanup_dir_ cleanup(closedirp)

/* The whole file, NUL-terminated, malloc'ed. */
int hostile_read(int file, size_t cap, char **ret, size_t *ret_len);

/* Limited depth, limited number of parts, no key twice, valid UTF-8; else -EBADMSG. */
int hostile_json(const char *text, size_t len, json_t **ret);

/*
 * hostile_open, hostile_read and hostile_json in one. *ret_version (may be NULL) is set as soon as the file was opened, also
 * if it is not JSON then.
 */
int hostile_json_file(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, json_t **ret,
		      struct file_version *ret_version);

struct file_version file_version_of(const struct stat *st);
bool file_version_same(const struct file_version *a, const struct file_version *b);

bool hostile_refused(int error);

/* The string with this key; "" if there is none, or `object` or the value is of another type. */
const char *json_text(const json_t *object, const char *key);

void json_put(json_t **j);
#define _cleanup_json_ cleanup(json_put)

#endif
