/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.c - finds the mounted cgroup hierarchies in mountinfo and opens cgroup directories below them, step by
 * step if the path is longer than PATH_MAX. Called by cgroupfs.c and walk.c. Never mounts, never follows "..".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup/mounts.h"

#define MOUNTINFO_MAX	(16U << 20)
#define PROC_CGROUP_MAX (256U << 10)
#define OPEN_CGROUP_DIR (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define USUAL_PLACE	"/sys/fs/cgroup"

const char *cgroup_slot_name(enum cgroup_slot slot)
{
	static const char *const names[CGROUP_SLOTS] = {
		[CGROUP_SLOT_V2] = "v2",	   [CGROUP_SLOT_CPU] = "cpu",	[CGROUP_SLOT_CPUACCT] = "cpuacct",
		[CGROUP_SLOT_MEMORY] = "memory",   [CGROUP_SLOT_PIDS] = "pids", [CGROUP_SLOT_CPUSET] = "cpuset",
		[CGROUP_SLOT_HUGETLB] = "hugetlb", [CGROUP_SLOT_IO] = "blkio",
	};

	return names[slot];
}

bool cgroup_list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == length && memcmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* mountinfo writes space, tab, newline, backslash and '#' as \ooo. */
static void octal_unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

int cgroup_mount_line_parse(char *line, struct cgroup_mount_line *ret)
{
	char *root = NULL, *point = NULL, *field, *type;

	/* id, parent, device, root, mount point, options, then any number of tags up to "-" */
	for (int i = 0; i < 6; i++) {
		field = strsep(&line, " ");
		if (!field)
			return -EINVAL;
		if (i == 3)
			root = field;
		if (i == 4)
			point = field;
	}
	do {
		field = strsep(&line, " ");
		if (!field)
			return -EINVAL;
	} while (strcmp(field, "-") != 0);
	type = strsep(&line, " ");
	if (!strsep(&line, " ") || !line)
		return -EINVAL;
	if (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0)
		return -ENOMSG;
	octal_unescape(root);
	octal_unescape(point);
	if (root[0] != '/' || point[0] != '/')
		return -EINVAL;
	*ret = (struct cgroup_mount_line){.root = root, .point = point, .options = line, .v2 = type[6] == '2'};
	return 0;
}

static bool path_climbs(const char *path)
{
	for (const char *p = strstr(path, ".."); p; p = strstr(p + 1, ".."))
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* To choose among mounts of one hierarchy: one that shows all of it, then one at the usual place, then a whole mount. */
static int mount_rank(const struct cgroup_mount *m)
{
	size_t n = strlen(USUAL_PLACE);
	bool usual = strncmp(m->point, USUAL_PLACE, n) == 0 && (m->point[n] == '/' || m->point[n] == '\0');

	return 4 * m->whole + 2 * usual + (m->prefix_length == 0);
}

static void mount_free(struct cgroup_mount *m)
{
	closep(&m->fd);
	free(m->point);
	free(m->prefix);
	*m = (struct cgroup_mount){.fd = -1};
}

/* Opens a candidate. After an error other than -ENOMEM it is not usable. */
static int mount_open(const char *root, const struct cgroup_mount_line *line, struct cgroup_mount *ret)
{
	struct cgroup_mount m = {.fd = -1};
	_cleanup_free_ char *path = NULL;
	struct statfs fs;

	if (asprintf(&path, "%s%s", root, line->point) < 0)
		return -ENOMEM;
	m.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m.fd < 0)
		return errno == ENOMEM ? -ENOMEM : -ENODEV;
	/* Another mount may cover this one. In tests the folder is on any file system. */
	if (root[0] == '\0' && (fstatfs(m.fd, &fs) < 0 ||
				(unsigned long)fs.f_type != (line->v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))) {
		mount_free(&m);
		return -ENODEV;
	}
	/* cgroup.events is missing only in v2's true root, cgroup.sane_behavior exists only in v1's. */
	if (line->v2)
		m.whole = faccessat(m.fd, "cgroup.events", F_OK, 0) < 0;
	else
		m.whole = faccessat(m.fd, "cgroup.sane_behavior", F_OK, 0) == 0;
	m.point = strdup(line->point);
	/* "/..": mounted outside of this cgroup namespace, so the true path is not known. */
	m.prefix = strdup(m.whole || strcmp(line->root, "/") == 0 || path_climbs(line->root) ? "" : line->root);
	if (!m.point || !m.prefix) {
		mount_free(&m);
		return -ENOMEM;
	}
	m.prefix_length = strlen(m.prefix);
	*ret = m;
	return 0;
}

/* Gives the mount to all slots of its controllers that have no better one. */
static int mounts_offer(struct cgroup_mounts *mounts, const char *root, const struct cgroup_mount_line *line)
{
	for (int slot = 0; slot < CGROUP_SLOTS; slot++) {
		struct cgroup_mount *kept = &mounts->slots[slot];
		struct cgroup_mount m;
		int r;

		if (line->v2 != (slot == CGROUP_SLOT_V2))
			continue;
		if (!line->v2 && !cgroup_list_has(line->options, cgroup_slot_name(slot)))
			continue;
		r = mount_open(root, line, &m);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		if (kept->fd >= 0 && mount_rank(kept) >= mount_rank(&m)) {
			mount_free(&m);
			continue;
		}
		mount_free(kept);
		*kept = m;
	}
	return 0;
}

/* From /proc/self/cgroup, "4:memory:/path"; if that is not readable, from /proc/cgroups, "memory 4 12 1". */
static void hierarchy_ids_read(struct cgroup_mounts *mounts, const char *root)
{
	static const char *const files[] = {"proc/self/cgroup", "proc/cgroups"};

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		char *next, *line;
		size_t length;

		if (asprintf(&path, "%s/%s", root, files[f]) < 0) {
			path = NULL;
			return;
		}
		if (read_file(path, PROC_CGROUP_MAX, &text, &length) < 0)
			continue;
		for (next = text; (line = strsep(&next, "\n"));) {
			char *first = strsep(&line, f == 0 ? ":" : "\t");
			char *second = strsep(&line, f == 0 ? ":" : "\t");
			uint64_t id;

			if (!second || parse_u64(f == 0 ? first : second, 1, UINT32_MAX, &id) < 0)
				continue;
			for (int slot = CGROUP_SLOT_CPU; slot < CGROUP_SLOTS; slot++)
				if (mounts->slots[slot].hierarchy_id == 0 &&
				    cgroup_list_has(f == 0 ? second : first, cgroup_slot_name(slot)))
					mounts->slots[slot].hierarchy_id = (uint32_t)id;
		}
	}
}

static void v2_controls_read(struct cgroup_mounts *mounts)
{
	_cleanup_close_ int fd = -1;
	char text[4096], *next = text, *word;
	ssize_t n;

	fd = openat(mounts->slots[CGROUP_SLOT_V2].fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	while ((word = strsep(&next, " ")))
		for (int slot = CGROUP_SLOT_CPU; slot < CGROUP_SLOTS; slot++)
			if (strcmp(word, slot == CGROUP_SLOT_IO ? "io" : cgroup_slot_name(slot)) == 0)
				mounts->v2_controls[slot] = true;
}

int cgroup_mounts_detect(const char *root, struct cgroup_mounts *ret)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct cgroup_mounts mounts = {0};
	char *next, *line;
	size_t length;
	int r;

	if (asprintf(&path, "%s/proc/self/mountinfo", root) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = read_file(path, MOUNTINFO_MAX, &text, &length);
	if (r < 0)
		return r;
	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		mounts.slots[slot].fd = -1;
	for (next = text; (line = strsep(&next, "\n"));) {
		struct cgroup_mount_line parsed;

		if (cgroup_mount_line_parse(line, &parsed) < 0)
			continue;
		r = mounts_offer(&mounts, root, &parsed);
		if (r < 0) {
			cgroup_mounts_free(&mounts);
			return r;
		}
	}
	hierarchy_ids_read(&mounts, root);
	if (mounts.slots[CGROUP_SLOT_V2].fd >= 0)
		v2_controls_read(&mounts);
	*ret = mounts;
	return 0;
}

void cgroup_mounts_free(struct cgroup_mounts *m)
{
	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		mount_free(&m->slots[slot]);
}

/* The path below the mount point, "" for the mount point itself; NULL: outside of the mount. */
static const char *mount_relative(const struct cgroup_mount *m, const char *path)
{
	if (path[0] != '/' || strncmp(path, m->prefix, m->prefix_length) != 0 || path_climbs(path))
		return NULL;
	path += m->prefix_length;
	if (path[0] != '/' && path[0] != '\0')
		return NULL;
	return path + strspn(path, "/");
}

/* Opens a directory by a path of any length, in steps that fit into PATH_MAX. */
static int long_path_open(int parent, const char *path)
{
	_cleanup_close_ int at = -1;
	int fd;

	while (*path) {
		char step[PATH_MAX];
		size_t n = strnlen(path, sizeof(step));

		if (n == sizeof(step))
			for (n--; n > 0 && path[n] != '/';)
				n--;
		if (n == 0)
			return -ENAMETOOLONG;
		memcpy(step, path, n);
		step[n] = '\0';
		fd = openat(at < 0 ? parent : at, step, OPEN_CGROUP_DIR);
		if (fd < 0)
			return -errno;
		closep(&at);
		at = fd;
		path += n;
		path += strspn(path, "/");
	}
	fd = at;
	at = -1;
	return fd < 0 ? -ENOENT : fd;
}

static int gone_or(int error)
{
	return error == ENOTDIR || error == ELOOP || error == ENODEV || error == ENAMETOOLONG ? -ENOENT : -error;
}

int cgroup_mount_open(const struct cgroup_mount *m, const char *path)
{
	const char *relative = m->fd < 0 ? NULL : mount_relative(m, path);
	int fd;

	if (!relative)
		return -ENOENT;
	if (strnlen(relative, PATH_MAX) == PATH_MAX) {
		fd = long_path_open(m->fd, relative);
		return fd < 0 ? gone_or(-fd) : fd;
	}
	fd = openat(m->fd, relative[0] ? relative : ".", OPEN_CGROUP_DIR);
	return fd < 0 ? gone_or(errno) : fd;
}

int cgroup_mount_stat(const struct cgroup_mount *m, const char *path, struct stat *ret)
{
	const char *relative = m->fd < 0 ? NULL : mount_relative(m, path);
	_cleanup_close_ int fd = -1;

	if (!relative)
		return -ENOENT;
	if (strnlen(relative, PATH_MAX) < PATH_MAX) {
		if (fstatat(m->fd, relative, ret, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
			return gone_or(errno);
		return 0;
	}
	fd = long_path_open(m->fd, relative);
	if (fd < 0)
		return gone_or(-fd);
	return fstat(fd, ret) < 0 ? gone_or(errno) : 0;
}
