/* SPDX-License-Identifier: GPL-2.0-or-later */
/* folder.c - see folder.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "record/folder.h"

#define FOLDER_MODE 0700
#define FILE_MODE   0600

/* One line about the folder, and the error. */
static int folder_refuse(struct buf *error, const char *path, int r, const char *why)
{
	buf_char(error, '\'');
	text_terminal(error, path, strlen(path));
	buf_printf(error, "': %s", why ?: strerror(-r));
	return r;
}

/* ---- the segments in it ---- */

static DIR *folder_dir(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static int segment_order(const void *a, const void *b)
{
	const struct folder_segment *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int folder_entry_take(int folder, const char *name, struct folder_segments *ret)
{
	struct folder_segment s = {};
	struct stat st;
	int r;

	if (!segment_name_read(name, &s.number, &s.time_ns) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	strcpy(s.name, name); /* as long as a name of ours: segment_name_read compared it */
	s.bytes = (uint64_t)st.st_size;
	r = list_reserve(&ret->list, ret->list.n + 1);
	if (r == 0)
		ret->list.at[ret->list.n++] = s;
	return r;
}

int folder_segments_list(int folder, struct folder_segments *ret)
{
	DIR *dir = folder_dir(folder);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	ret->list.n = 0;
	while (r == 0 && (entry = readdir(dir)))
		r = folder_entry_take(folder, entry->d_name, ret);
	closedir(dir);
	if (r == 0 && ret->list.n)
		qsort(ret->list.at, ret->list.n, sizeof(*ret->list.at), segment_order);
	return r;
}

void folder_segments_free(struct folder_segments *s)
{
	list_free(&s->list);
}

int folder_file(int folder, const char *name, int *ret, uint64_t *ret_bytes)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* Merely opening a device can have an effect, and opening a FIFO can block. */
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	*ret = fd_take(&fd);
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

/* ---- to write ---- */

/* Nothing is in it, but what a new file system has. */
static bool folder_empty(int folder)
{
	DIR *dir = folder_dir(folder);
	const struct dirent *entry;
	bool empty = dir != NULL;

	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			strcmp(entry->d_name, "lost+found") == 0;
	if (dir)
		closedir(dir);
	return empty;
}

/* The mark, which may be of this moment. */
static int mark_open(int folder, int *ret)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	_cleanup_close_ int fd = openat(folder, RECORDING_MARK, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		if (!folder_empty(folder))
			return -ENOTEMPTY;
		fd = openat(folder, RECORDING_MARK, flags | O_CREAT | O_EXCL, FILE_MODE);
		/* The text is for people; a disk that is full now may have room later. */
		if (fd >= 0 && write(fd, RECORDING_MARK_TEXT, strlen(RECORDING_MARK_TEXT)) < 0 && errno != ENOSPC)
			return -errno;
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOTSUP;
	*ret = fd_take(&fd);
	return 0;
}

int folder_take(const char *path, int *ret_folder, int *ret_mark, struct buf *error)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_close_ int folder = -1, mark = -1;
	int r;

	if (mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST)
		return folder_refuse(error, path, -errno, NULL);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return folder_refuse(error, path, -errno, NULL);
	r = mark_open(folder, &mark);
	if (r == -ENOTEMPTY)
		return folder_refuse(error, path, r,
				     "has files in it and is no recording; choose an empty or a new folder");
	if (r < 0)
		return folder_refuse(error, path, r, NULL);
	/* A lock of this open file: it ends with it, and another thread's close cannot drop it. */
	if (fcntl(mark, F_OFD_SETLK, &lock) < 0) {
		r = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
		return folder_refuse(error, path, r, r == -EBUSY ? "another sysscope records into it" : NULL);
	}
	*ret_folder = fd_take(&folder);
	*ret_mark = fd_take(&mark);
	return 0;
}

/* ---- to read ---- */

int folder_open(const char *path, int *ret_folder, struct buf *error)
{
	_cleanup_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(folder_segments_free) struct folder_segments segments = {};
	struct stat st;
	int r;

	if (folder < 0)
		return folder_refuse(error, path, -errno, NULL);
	r = folder_segments_list(folder, &segments);
	if (r < 0)
		return folder_refuse(error, path, r, NULL);
	if (segments.list.n == 0 && fstatat(folder, RECORDING_MARK, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return folder_refuse(error, path, -ENODATA, "is no recording of sysscope");
	*ret_folder = fd_take(&folder);
	return 0;
}

bool folder_busy(int folder)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	_cleanup_close_ int mark = -1;
	uint64_t bytes;

	/* Asks without taking a lock: one that starts to record at this moment must not find it taken. */
	return folder_file(folder, RECORDING_MARK, &mark, &bytes) == 0 && fcntl(mark, F_OFD_GETLK, &lock) == 0 &&
	       lock.l_type != F_UNLCK;
}

bool folder_removed(int folder)
{
	struct stat st;

	return fstat(folder, &st) == 0 && st.st_nlink == 0;
}
