/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reading.c - reads the counters and limits of cgroups from descriptors that stay open between samples. Called by
 * the sampler for thousands of cgroups a second: nothing is allocated after a cgroup's first read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM	   1
#define uthash_nonfatal_oom(entry) ((entry)->in_table = false) /* noticed by open_cgroup_new() */
#include <uthash.h>

#include "cgroup/io.h"
#include "cgroup/reading.h"

/* memory.stat, the longest file, has up to 8 KiB on large machines. */
#define FILE_TEXT_MAX 16384

static void file_close(struct cgroupfs *fs, struct open_cgroup *e, size_t i)
{
	if (e->files[i] < 0)
		return;
	close(e->files[i]);
	e->files[i] = FILE_CLOSED;
	fs->stats.open_files--;
}

static void open_cgroup_free(struct cgroupfs *fs, struct open_cgroup *e)
{
	for (size_t i = 0; i < CGROUP_FILES_MAX; i++)
		file_close(fs, e, i);
	HASH_DEL(fs->open, e);
	list_free(&e->io_limits);
	free(e);
	fs->stats.open_cgroups--;
}

void readings_free(struct cgroupfs *fs)
{
	struct open_cgroup *e, *next;

	HASH_ITER (hh, fs->open, e, next)
		open_cgroup_free(fs, e);
}

static struct open_cgroup *open_cgroup_find(struct cgroupfs *fs, uint64_t id)
{
	struct open_cgroup *e;

	HASH_FIND(hh, fs->open, &id, sizeof(id), e);
	return e;
}

void cgroupfs_forget(struct cgroupfs *fs, uint64_t id)
{
	struct open_cgroup *e = open_cgroup_find(fs, id);

	if (e)
		open_cgroup_free(fs, e);
}

static int open_cgroup_new(struct cgroupfs *fs, uint64_t id, const char *path, struct open_cgroup **ret)
{
	struct open_cgroup *e;

	if (fs->stats.open_cgroups >= CGROUPFS_COUNT_MAX)
		return -ENOSPC;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->id = e->places[fs->carrying_slot].id = id;
	cgroup_counters_clear(&e->limits);
	memset(e->pressure, 0xff, sizeof(e->pressure)); /* SS_UNKNOWN */
	for (size_t i = 0; i < CGROUP_FILES_MAX; i++)
		e->files[i] = FILE_CLOSED;
	for (size_t i = 0; i < fs->n_counters; i++)
		if (fs->table[fs->counters[i]].never_root && strcmp(path, "/") == 0)
			e->files[fs->counters[i]] = FILE_NEVER;
	for (size_t i = 0; i < fs->n_io_max; i++)
		e->files[fs->io_max[i]] = strcmp(path, "/") == 0 ? FILE_NEVER : FILE_CLOSED;
	e->in_table = true;
	HASH_ADD(hh, fs->open, id, sizeof(e->id), e);
	if (!e->in_table) {
		free(e);
		return -ENOMEM;
	}
	fs->stats.open_cgroups++;
	*ret = e;
	return 0;
}

/* One cgroup that is being read: a directory is opened when a file first needs it, and closed at the end. */
struct reading {
	struct cgroupfs *fs;
	struct open_cgroup *e;
	const char *path;
	bool missed; /* a file of the carrying hierarchy was missing */
	int dirs[CGROUP_SLOTS];
	char text[FILE_TEXT_MAX];
};

static void reading_end(struct reading *r)
{
	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		closep(&r->dirs[slot]);
}

/* A descriptor; -ENODEV: the cgroup was removed; -ENOENT: it does not exist in this other hierarchy. */
static int reading_dir(struct reading *r, enum cgroup_slot slot)
{
	bool carrying = slot == r->fs->carrying_slot;
	struct stat st;
	int fd;

	if (r->dirs[slot] >= 0)
		return r->dirs[slot];
	fd = cgroup_mount_open(&r->fs->mounts.slots[slot], r->path);
	if (fd < 0)
		return carrying && fd == -ENOENT ? -ENODEV : fd;
	if (carrying && (fstat(fd, &st) < 0 || st.st_ino != r->e->id)) {
		close(fd);
		return -ENODEV;
	}
	r->dirs[slot] = fd;
	return fd;
}

static bool file_keep(const struct cgroupfs *fs, const struct cgroup_file *file)
{
	return fs->stats.open_files < (file->limit ? fs->keep_max / 2 : fs->keep_max);
}

/*
 * Opens file i. Returns its descriptor or a negative errno, and notes when to retry. -ENODEV: the cgroup was
 * removed.
 */
static int file_open(struct reading *r, size_t i)
{
	const struct cgroup_file *file = &r->fs->table[i];
	int dir, fd;

	r->e->printed[i] = false;
	dir = reading_dir(r, file->slot);
	if (dir < 0) {
		if (dir == -ENOENT)
			r->e->files[i] = FILE_NO_DIR;
		return dir;
	}
	/* O_NONBLOCK: a test, or a file system mounted over this one, may have a pipe here. */
	fd = openat(dir, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		r->e->files[i] = FILE_MISSING;
	r->missed |= file->slot == r->fs->carrying_slot;
	return errno == ENODEV ? -ENOENT : -errno;
}

/* After a failed pread() of file i: closes it and notes when to retry. -ENODEV as in file_read(). */
static int file_failed(struct reading *r, size_t i, int fd, int error)
{
	struct cgroupfs *fs = r->fs;

	fs->stats.open_files -= r->e->files[i] >= 0;
	close(fd);
	r->e->printed[i] = false;
	/* Some files exist but are not supported, such as memory.kmem.* without kernel accounting. */
	r->e->files[i] = error == EOPNOTSUPP ? FILE_MISSING : FILE_CLOSED;
	/* The files of pressure go when it is turned off for a cgroup (cgroup.pressure). */
	if (error == ENODEV && fs->table[i].kind == CGROUP_FILE_PRESSURE) {
		r->e->files[i] = FILE_MISSING;
		return 0;
	}
	if (error == ENODEV)
		return fs->table[i].slot == fs->carrying_slot ? -ENODEV : 0;
	fs->stats.read_errors += error != EOPNOTSUPP;
	return 0;
}

/* Reads file i into `c`. -ENODEV: the cgroup was removed. Other errors are only counted. */
static int file_read(struct reading *r, size_t i, struct cgroup_counters *c)
{
	struct cgroupfs *fs = r->fs;
	int fd = r->e->files[i];
	ssize_t n;

	if (fd < FILE_CLOSED)
		return 0;
	if (fd == FILE_CLOSED)
		fd = file_open(r, i);
	if (fd < 0) {
		fs->stats.read_errors += fd != -ENODEV && fd != -ENOENT;
		return fd == -ENODEV ? fd : 0;
	}
	n = pread(fd, r->text, sizeof(r->text), 0);
	if (n < 0)
		return file_failed(r, i, fd, errno);
	r->e->printed[i] = true;
	if (r->e->files[i] < 0) {
		if (file_keep(fs, &fs->table[i])) {
			r->e->files[i] = fd;
			fs->stats.open_files++;
		} else {
			close(fd);
		}
	}
	if (cgroup_file_parse(&fs->table[i], r->text, (size_t)n, c) < 0)
		fs->stats.read_errors++;
	if (cgroup_io_limits_parse(&fs->table[i], r->text, (size_t)n, &r->e->io_limits) < 0)
		fs->stats.read_errors++;
	if (fs->table[i].kind == CGROUP_FILE_IO && cgroup_io_take(fs, r->e->id, r->text, (size_t)n) < 0)
		fs->stats.read_errors++;
	return 0;
}

/* Whether what the kernel half noted is in `c` now, in place of file i, which is then not kept open. */
static bool file_replaced(struct reading *r, size_t i, struct cgroup_counters *c)
{
	if (!cgroup_file_replaced(r->fs, r->e, r->path, i, c))
		return false;
	if (r->fs->table[i].value != CGROUP_VALUE_MEMORY_STAT)
		file_close(r->fs, r->e, i);
	return true;
}

/* Files that were missing are opened at the next read. */
static void open_cgroup_retry(struct open_cgroup *e, bool missing_too)
{
	for (size_t i = 0; i < CGROUP_FILES_MAX; i++)
		if (e->files[i] == FILE_NO_DIR || (missing_too && e->files[i] == FILE_MISSING))
			e->files[i] = FILE_CLOSED;
}

static bool cgroup_is(const struct cgroupfs *fs, const char *path, uint64_t id)
{
	struct stat st;

	return cgroup_mount_stat(fs->carrying, path, &st) == 0 && st.st_ino == id;
}

/* -ENOENT: the cgroup was removed. */
static int open_cgroup_limits(struct reading *r)
{
	const struct cgroupfs *fs = r->fs;
	struct open_cgroup *e = r->e;

	bool due = e->reads < CGROUPFS_YOUNG_READS || fs->stats.open_cgroups <= CGROUPFS_LIMITS_ALWAYS ||
		   fs->now_ns - e->limits_ns >= CGROUPFS_LIMITS_NS;

	if (due) {
		e->limits_ns = fs->now_ns;
		cgroup_counters_clear(&e->limits);
	}
	for (size_t i = 0; i < fs->n_limits; i++)
		if (!file_replaced(r, fs->limits[i], &e->limits) && due && file_read(r, fs->limits[i], &e->limits) < 0)
			return -ENOENT;
	return 0;
}

/* -ENOENT: the cgroup was removed. */
static int open_cgroup_io_limits(struct reading *r)
{
	struct cgroupfs *fs = r->fs;
	struct open_cgroup *e = r->e;

	if (cgroup_io_limits_due(fs, e)) {
		e->io_limits.n = 0;
		e->io_limits_ns = fs->now_ns;
		for (size_t i = 0; i < fs->n_io_max; i++)
			if (file_read(r, fs->io_max[i], &e->limits) < 0)
				return -ENOENT;
		for (size_t i = 0; i < fs->n_io_max && !e->io_limits.n; i++)
			file_close(fs, e, fs->io_max[i]);
	}
	fs->stats.read_errors += e->io_limits.n && cgroup_io_limits_give(fs, e) < 0;
	return 0;
}

static bool is_limited(uint64_t limit)
{
	return limit != SS_UNKNOWN && limit != SS_UNLIMITED;
}

/* Whether a file of counters is read; `c` has what was read before it. */
static bool file_wanted(const struct cgroup_file *file, const struct cgroup_counters *c, bool above)
{
	if (file->cpu_backup && c->cpu_user_ns != SS_UNKNOWN && c->cpu_system_ns != SS_UNKNOWN)
		return false;
	if (!above)
		return true;
	return (file->above == CGROUP_ABOVE_QUOTA && is_limited(c->cpu_quota_us)) ||
	       (file->above == CGROUP_ABOVE_MEMORY && is_limited(c->memory_limit)) ||
	       (file->above == CGROUP_ABOVE_PIDS && is_limited(c->pids_limit));
}

/* See CGROUPFS_PRESSURE_NS. `c` has what was read before it. -ENOENT: the cgroup was removed. */
static int open_cgroup_pressure(struct reading *r, struct cgroup_counters *c)
{
	uint64_t *now = &c->pressure_cpu_some_ns;
	struct open_cgroup *e = r->e;
	const struct cgroupfs *fs = r->fs;

	if (e->reads >= CGROUPFS_YOUNG_READS && !e->pressure_moved && c->cpu_usage_ns == e->pressure_usage_ns &&
	    c->cpu_usage_ns != SS_UNKNOWN && fs->now_ns - e->pressure_ns < CGROUPFS_PRESSURE_NS) {
		memcpy(now, e->pressure, sizeof(e->pressure));
		return 0;
	}
	for (size_t i = 0; i < fs->n_pressures; i++)
		if (file_read(r, fs->pressures[i], c) < 0)
			return -ENOENT;
	e->pressure_moved = memcmp(now, e->pressure, sizeof(e->pressure)) != 0;
	e->pressure_usage_ns = c->cpu_usage_ns;
	e->pressure_ns = fs->now_ns;
	memcpy(e->pressure, now, sizeof(e->pressure));
	return 0;
}

static int open_cgroup_read(struct reading *r, bool above, struct cgroup_counters *ret)
{
	const struct cgroupfs *fs = r->fs;
	struct open_cgroup *e = r->e;
	struct cgroup_counters c;
	bool young = e->reads < CGROUPFS_YOUNG_READS;

	if (young || e->reads % CGROUPFS_NO_DIR_EVERY == 0)
		open_cgroup_retry(e, young || e->reads % CGROUPFS_RETRY_EVERY == 0);
	if (open_cgroup_limits(r) < 0)
		return -ENOENT;
	c = e->limits;
	for (size_t i = 0; i < fs->n_counters; i++) {
		const struct cgroup_file *file = &fs->table[fs->counters[i]];

		if (!file_wanted(file, &c, above) || file_replaced(r, fs->counters[i], &c))
			continue;
		if (file_read(r, fs->counters[i], &c) < 0)
			return -ENOENT;
		if (file->value == CGROUP_VALUE_MEMORY_STAT)
			cgroup_stat_keep(r->fs, e, r->path, file, &c);
	}
	if ((!above && open_cgroup_pressure(r, &c) < 0) || open_cgroup_io_limits(r) < 0)
		return -ENOENT;
	/* While a cgroup is being removed, its directory may open and its files not. */
	if (r->missed && !cgroup_is(fs, r->path, e->id))
		return -ENOENT;
	e->reads++;
	*ret = c;
	return 0;
}

void cgroupfs_moment(struct cgroupfs *fs, uint64_t now_ns)
{
	fs->now_ns = now_ns;
	fs->ios.n = fs->io_limits.n = 0;
}

/* Whether the kernel has just listed the cgroup, and no cgroup is called otherwise than before. */
static bool cgroup_listed(struct cgroupfs *fs, struct open_cgroup *e, const char *path)
{
	return e && e->reads >= CGROUPFS_YOUNG_READS && !fs->values.names_changed &&
	       cgroup_values_find(fs, fs->carrying_slot, path, &e->places[fs->carrying_slot]);
}

static int cgroup_read(struct cgroupfs *fs, uint64_t id, const char *path, bool above, struct cgroup_counters *ret)
{
	struct reading reading;
	uint64_t id_now;
	int r = 0;

	reading.e = open_cgroup_find(fs, id);
	/*
	 * Kept descriptors would return ENODEV, but there may be none; this look-up costs 2 us. If the cgroup is removed
	 * after it, the descriptors or reading_dir() notice.
	 */
	if (!cgroup_listed(fs, reading.e, path))
		r = cgroupfs_id(fs, path, &id_now);
	else
		id_now = id;
	if (r == 0 && id_now != id)
		r = -ENOENT;
	if (r == 0 && !reading.e)
		r = open_cgroup_new(fs, id, path, &reading.e);
	if (r == 0) {
		reading.fs = fs;
		reading.path = path;
		reading.missed = false;
		for (int slot = 0; slot < CGROUP_SLOTS; slot++)
			reading.dirs[slot] = -1;
		r = open_cgroup_read(&reading, above, ret);
		reading_end(&reading);
	}
	if (r == -ENOENT)
		cgroupfs_forget(fs, id);
	return r;
}

int cgroupfs_read(struct cgroupfs *fs, uint64_t id, const char *path, struct cgroup_counters *ret)
{
	return cgroup_read(fs, id, path, false, ret);
}

int cgroupfs_read_above(struct cgroupfs *fs, uint64_t id, const char *path, struct cgroup_counters *ret)
{
	return cgroup_read(fs, id, path, true, ret);
}
