/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.c - walks a cgroup tree, depth first, by descriptors, so that no path is too long and a removed cgroup is
 * merely skipped. Called by cgroupfs.c. Reads no cgroup file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/walk.h"

struct level {
	DIR *dir;
	uint64_t id;
	size_t path_length;
};

struct walk {
	struct level levels[CGROUPFS_DEPTH_MAX];
	size_t depth; /* levels in use */
	uint64_t count;
	bool truncated;
	char *path;
};

static void walk_free(struct walk **w)
{
	if (!*w)
		return;
	while ((*w)->depth > 0)
		closedir((*w)->levels[--(*w)->depth].dir);
	free((*w)->path);
	free(*w);
}

/* Takes over `fd`, which is < 0 if it could not be opened. A removed cgroup does not count as left out. */
static void level_push(struct walk *w, int fd, uint64_t id, size_t path_length)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		w->truncated |= errno != ENOENT && errno != ENODEV && errno != ENOTDIR;
		closep(&fd);
		return;
	}
	w->levels[w->depth++] = (struct level){.dir = dir, .id = id, .path_length = path_length};
}

static bool entry_is_cgroup(int dir, const struct dirent *entry, struct stat *ret)
{
	const char *name = entry->d_name;

	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return false;
	if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
		return false;
	return fstatat(dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(ret->st_mode);
}

/* One entry of the deepest open directory. */
static int walk_entry(struct walk *w, const struct dirent *entry, cgroup_walk_fn *fn, void *ctx)
{
	const struct level *level = &w->levels[w->depth - 1];
	int dir = dirfd(level->dir), r;
	size_t length = strlen(entry->d_name);
	struct stat st;

	if (!entry_is_cgroup(dir, entry, &st))
		return 0;
	w->path[level->path_length] = '/';
	memcpy(w->path + level->path_length + 1, entry->d_name, length + 1);
	r = fn(ctx, st.st_ino, level->id, w->path);
	w->count++;
	/* kernfs counts sub-directories as links: with 2 links it has none, and need not be opened. */
	if (r != 0 || st.st_nlink == 2)
		return r;
	if (w->depth == CGROUPFS_DEPTH_MAX) {
		w->truncated = true;
		return 0;
	}
	level_push(w, openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), st.st_ino,
		   level->path_length + 1 + length);
	return 0;
}

int cgroup_walk(const struct cgroup_mount *m, cgroup_walk_fn *fn, void *ctx, bool *ret_truncated)
{
	cleanup(walk_free) struct walk *w = calloc(1, sizeof(*w));
	struct stat st;
	int r = 0;

	if (!w)
		return -ENOMEM;
	w->path = malloc(m->prefix_length + CGROUPFS_DEPTH_MAX * (NAME_MAX + 1) + 2);
	if (!w->path)
		return -ENOMEM;
	if (fstat(m->fd, &st) < 0)
		return -errno;
	memcpy(w->path, m->prefix, m->prefix_length + 1);
	r = fn(ctx, st.st_ino, 0, m->prefix_length > 0 ? w->path : "/");
	if (r != 0)
		return r;
	w->count = 1;
	level_push(w, openat(m->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), st.st_ino, m->prefix_length);
	while (w->depth > 0) {
		const struct dirent *entry = readdir(w->levels[w->depth - 1].dir);

		if (!entry) {
			closedir(w->levels[--w->depth].dir);
			continue;
		}
		if (w->count >= CGROUPFS_COUNT_MAX) {
			/* The walk is incomplete only if another cgroup follows, not if another file does. */
			if (!entry_is_cgroup(dirfd(w->levels[w->depth - 1].dir), entry, &st))
				continue;
			w->truncated = true;
			break;
		}
		r = walk_entry(w, entry, fn, ctx);
		if (r != 0)
			return r;
	}
	if (ret_truncated)
		*ret_truncated = w->truncated;
	return 0;
}
