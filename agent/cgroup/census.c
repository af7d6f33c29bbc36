/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * census.c - counts the cgroups that processes are in, by hierarchy. Called once, by cgroupfs_open(), where there are several
 * hierarchies. Directories without a process do not count: runtimes leave them behind in some hierarchies.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
#include "cgroup/census.h"

/* Lines of all hierarchies with paths of PATH_MAX, and more. */
#define MEMBERSHIP_MAX 65536

/* A path in a hierarchy, by its hash: one that is missed among billions changes nothing. */
struct census_seen {
	uint64_t key;
	UT_hash_handle hh;
};

struct census {
	struct cgroup_census result;
	struct census_seen *seen;
	char text[MEMBERSHIP_MAX];
};

int cgroup_membership_parse(char *line, struct cgroup_membership *ret)
{
	struct cgroup_membership m = {.path = NULL};
	const char *id = strsep(&line, ":"), *controllers = strsep(&line, ":");
	bool any = false;

	if (!controllers || !line || line[0] != '/')
		return -EINVAL;
	for (int slot = 0; slot < CGROUP_SLOTS; slot++) {
		m.slots[slot] = slot == CGROUP_SLOT_V2 ? strcmp(id, "0") == 0 && !controllers[0]
						       : cgroup_list_has(controllers, cgroup_slot_name(slot));
		any |= m.slots[slot];
	}
	/* "/..": outside of this cgroup namespace. */
	if (!any || (strncmp(line, "/..", 3) == 0 && (line[3] == '/' || !line[3])))
		return -ENOMSG;
	m.path = line;
	*ret = m;
	return 0;
}

static int path_count(struct census *c, int slot, const char *path)
{
	uint64_t key = 0xcbf29ce484222325ULL + (uint64_t)slot;
	struct census_seen *seen;

	for (const char *p = path; *p; p++)
		key = (key ^ (unsigned char)*p) * 0x100000001b3ULL;
	HASH_FIND(hh, c->seen, &key, sizeof(key), seen);
	if (seen)
		return 0;
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	seen->key = key;
	HASH_ADD(hh, c->seen, key, sizeof(seen->key), seen);
	if (!seen->hh.tbl) {
		free(seen);
		return -ENOMEM;
	}
	c->result.cgroups[slot]++;
	return 0;
}

/* A process that has ended meanwhile is left out. */
static int process_cgroups_count(struct census *c, int proc, const char *pid)
{
	_cleanup_close_ int fd = -1;
	char path[64], *next = c->text, *line;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/cgroup", pid);
	fd = openat(proc, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, c->text, sizeof(c->text) - 1);
	if (n < 0)
		return 0;
	c->text[n] = '\0';
	while ((line = strsep(&next, "\n"))) {
		struct cgroup_membership m;

		if (cgroup_membership_parse(line, &m) < 0 || strcmp(m.path, "/") == 0)
			continue;
		for (int slot = 0; slot < CGROUP_SLOTS; slot++)
			if (m.slots[slot] && path_count(c, slot, m.path) < 0)
				return -ENOMEM;
	}
	return 0;
}

static void census_free(struct census **c)
{
	struct census_seen *seen, *next;

	if (!*c)
		return;
	HASH_ITER (hh, (*c)->seen, seen, next) {
		HASH_DEL((*c)->seen, seen);
		free(seen);
	}
	free(*c);
}

static void dir_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The next process in the folder, NULL: there is none. */
static const char *process_next(DIR *proc)
{
	const struct dirent *entry;

	do
		entry = readdir(proc);
	while (entry && (entry->d_name[0] < '0' || entry->d_name[0] > '9'));
	return entry ? entry->d_name : NULL;
}

int cgroup_census_take(const char *root, struct cgroup_census *ret)
{
	cleanup(census_free) struct census *c = calloc(1, sizeof(*c));
	cleanup(dir_close) DIR *proc = NULL;
	_cleanup_buf_ struct buf path = {};
	unsigned int processes = 0, step;
	const char *pid;
	int r = 0;

	*ret = (struct cgroup_census){};
	buf_printf(&path, "%s/proc", root);
	if (!c || path.failed)
		return -ENOMEM;
	proc = opendir(path.data);
	if (!proc)
		return -errno;
	while (process_next(proc))
		processes++;
	rewinddir(proc);
	step = processes / CENSUS_PROCESSES + 1;
	for (processes = 0; r == 0 && (pid = process_next(proc)); processes++)
		if (processes % step == 0)
			r = process_cgroups_count(c, dirfd(proc), pid);
	*ret = c->result;
	return r;
}
