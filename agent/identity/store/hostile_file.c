/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile_file.c - see hostile_file.h. Used by docker.c, podman.c and stores.c. Checks each file before it opens it for
 * reading: merely opening a device or a FIFO can have an effect.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "identity/store/hostile_file.h"

static int open_resolved(int folder, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Missing before 5.6; some sandboxes return EPERM for system calls that they do not know. */
static bool openat2_missing(int r)
{
	return r == -ENOSYS || r == -EPERM;
}

int trusted_folder_open(int root, const char *path, int *ret)
{
	int fd = open_resolved(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	if (openat2_missing(fd)) {
		while (*path == '/')
			path++;
		fd = openat(root, *path ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

/* Component by component, without following symlinks; the result may itself be a symlink. */
static int open_walk(int folder, const char *path, bool same_mount)
{
	_cleanup_free_ char *copy = strdup(path);
	int at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	char *rest = copy, *name;
	struct stat base, st;

	if (!copy || at < 0 || fstat(at, &base) < 0)
		goto fail;
	while ((name = strsep(&rest, "/"))) {
		int next;

		errno = EXDEV;
		if (!*name || strcmp(name, "..") == 0)
			goto fail;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (rest ? O_DIRECTORY : 0));
		if (next < 0) {
			/* A symlink in the middle: the same error as from openat2. */
			if (errno == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
				errno = ELOOP;
			goto fail;
		}
		close(at);
		at = next;
		errno = EXDEV;
		if (same_mount && (fstat(at, &st) < 0 || st.st_dev != base.st_dev))
			goto fail;
	}
	return at;
fail:
	if (at >= 0)
		closep(&at);
	return errno ? -errno : -ENOMEM;
}

static int open_unfollowed(int folder, const char *path, unsigned int flags)
{
	int fd = -ENOSYS;

	if (!(flags & HOSTILE_NO_OPENAT2))
		fd = open_resolved(folder, path, O_PATH | O_NOFOLLOW | O_CLOEXEC,
				   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					   (flags & HOSTILE_SAME_MOUNT ? RESOLVE_NO_XDEV : 0));
	if (openat2_missing(fd))
		fd = open_walk(folder, path, flags & HOSTILE_SAME_MOUNT);
	return fd;
}

static bool others_write(const struct stat *st, uid_t owner)
{
	return st->st_uid != owner || (st->st_mode & (S_IWGRP | S_IWOTH));
}

int hostile_folder(int folder, const char *path, uid_t owner, unsigned int flags, DIR **ret,
		   struct file_version *ret_version)
{
	_cleanup_close_ int fd = open_unfollowed(folder, path, flags), listed = -1;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
	if (others_write(&st, owner))
		return -EPERM;
	listed = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret = listed < 0 ? NULL : fdopendir(listed);
	if (!*ret)
		return -errno;
	fd_take(&listed);
	*ret_version = file_version_of(&st);
	return 0;
}

void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int hostile_open(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, int *ret,
		 struct stat *ret_st)
{
	_cleanup_close_ int fd = open_unfollowed(folder, path, flags);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	if (others_write(&st, owner))
		return -EPERM;
	if (st.st_size > (off_t)cap)
		return -EFBIG;
	*ret = fd_take(&fd);
	*ret_st = st;
	return 0;
}

int hostile_read(int file, size_t cap, char **ret, size_t *ret_len)
{
	char link[sizeof("/proc/self/fd/") + 16];
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf text = {};
	char chunk[16384];

	/* Opens the inode that was checked. O_NONBLOCK: does not wait for a lease to be broken. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		/* It may grow while it is being read. */
		if (text.len + (size_t)n > cap)
			return -EFBIG;
		buf_add(&text, chunk, (size_t)n);
	}
	buf_add(&text, "", 0);
	if (text.failed || (!text.data && !(text.data = calloc(1, 1))))
		return -ENOMEM;
	*ret = text.data;
	*ret_len = text.len;
	text.data = NULL;
	return 0;
}

/* ---- JSON ---- */

/* jansson recurses per level, up to 2048, and allocates per value: so both are counted first. */
static bool json_is_modest(const char *text, size_t len)
{
	size_t depth = 0, parts = 0;
	bool string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
			continue;
		}
		if (c == '"')
			string = true;
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth)
			depth--;
		if (c == ',' || c == ':' || c == '[' || c == '{')
			parts++;
		if (depth > HOSTILE_JSON_DEPTH || parts > HOSTILE_JSON_PARTS)
			return false;
	}
	return true;
}

int hostile_json(const char *text, size_t len, json_t **ret)
{
	json_t *j;

	if (!json_is_modest(text, len))
		return -EBADMSG;
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!j)
		return -EBADMSG;
	*ret = j;
	return 0;
}

int hostile_json_file(int folder, const char *path, uid_t owner, size_t cap, unsigned int flags, json_t **ret,
		      struct file_version *ret_version)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	struct stat st;
	int r = hostile_open(folder, path, owner, cap, flags, &fd, &st);

	if (r == 0 && ret_version)
		*ret_version = file_version_of(&st);
	if (r == 0)
		r = hostile_read(fd, cap, &text, &len);
	return r < 0 ? r : hostile_json(text, len, ret);
}

struct file_version file_version_of(const struct stat *st)
{
	return (struct file_version){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_version_same(const struct file_version *a, const struct file_version *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

bool hostile_refused(int error)
{
	switch (error) {
	case -ELOOP:
	case -EXDEV:
	case -EISDIR:
	case -ENOTSUP:
	case -EPERM:
	case -EFBIG:
	case -EBADMSG:
		return true;
	}
	return false;
}

const char *json_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

void json_put(json_t **j)
{
	json_decref(*j);
}
