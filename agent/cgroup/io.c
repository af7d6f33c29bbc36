/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io.c - io.stat, a line per device; and which cgroup of the carrying hierarchy belongs to one of the hierarchy that has the io
 * controller: on v1 that is another one (blkio), whose ids the kernel half reports. Writes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cgroup/io.h"
#include "cgroup/reading.h"

/* Looked-up cgroups that are remembered; beyond this all are forgotten. */
#define KNOWN_MAX 16384
/* A file handle of kernfs is the id (enum fid_type: FILEID_KERNFS). */
#define HANDLE_KERNFS 0xfe

/* ---- io.stat ---- */

static const struct {
	const char *key;
	size_t offset;
} io_keys[] = {
	{"rbytes", offsetof(struct sample_io, read_bytes)},
	{"wbytes", offsetof(struct sample_io, write_bytes)},
	{"rios", offsetof(struct sample_io, reads)},
	{"wios", offsetof(struct sample_io, writes)},
	{"dbytes", offsetof(struct sample_io, discard_bytes)},
	{"dios", offsetof(struct sample_io, discards)},
	/* The first of those that are there only with io.cost. */
	{"cost.usage", offsetof(struct sample_io, cost_usage_us)},
	{"cost.wait", offsetof(struct sample_io, cost_wait_us)},
	{"cost.indebt", offsetof(struct sample_io, cost_indebt_us)},
	{"cost.indelay", offsetof(struct sample_io, cost_indelay_us)},
};
#define IO_KEYS_ALWAYS 6

const char *cgroup_io_number(const char *p, const char *end, uint64_t *ret)
{
	const char *begin = p;
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return NULL;
	*ret = v;
	return p == begin ? NULL : p;
}

bool cgroup_io_device(const char *p, const char *end, uint32_t *ret)
{
	uint64_t major, minor = 0;

	p = cgroup_io_number(p, end, &major);
	if (!p || p == end || *p != ':')
		return false;
	p = cgroup_io_number(p + 1, end, &minor);
	if (p != end || major >= 1u << (32 - SS_DISK_MINOR_BITS) || minor >= 1u << SS_DISK_MINOR_BITS)
		return false;
	*ret = (uint32_t)(major << SS_DISK_MINOR_BITS | minor);
	return true;
}

/* "rbytes=4096"; other keys have other values. -EINVAL: a number is malformed. */
static int pair_take(const char *p, const char *end, struct sample_io *io, unsigned int *found)
{
	const char *equals = memchr(p, '=', (size_t)(end - p));

	for (size_t i = 0; equals && i < ARRAY_SIZE(io_keys); i++) {
		size_t length = strlen(io_keys[i].key);

		if (length != (size_t)(equals - p) || memcmp(p, io_keys[i].key, length) != 0)
			continue;
		if (cgroup_io_number(equals + 1, end, (uint64_t *)((char *)io + io_keys[i].offset)) != end)
			return -EINVAL;
		*found |= 1u << i;
	}
	return 0;
}

/* Some kernels write the numbers of devices without counters before that of the next one: the last is meant. */
static int line_take(const char *p, const char *end, struct sample_io *io, bool *ret_whole)
{
	unsigned int found = 0;
	bool device = false;

	*io = (struct sample_io){};
	for (const char *next; p < end; p = next + 1) {
		next = memchr(p, ' ', (size_t)(end - p)) ?: end;
		if (cgroup_io_device(p, next, &io->device))
			device = true;
		else if (pair_take(p, next, io, &found) < 0)
			return -EINVAL;
	}
	/* dbytes and dios are newer than the others (4.20). */
	*ret_whole = device && (found & 15) == 15;
	io->costs = found >> IO_KEYS_ALWAYS;
	return 0;
}

int cgroup_io_parse(const char *text, size_t length, int (*fn)(void *ctx, const struct sample_io *io), void *ctx)
{
	const char *end = text + length, *newline;
	int result = 0;

	for (; text < end && (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		struct sample_io io;
		bool whole;
		int r = line_take(text, newline, &io, &whole);

		if (r == 0 && whole)
			r = fn(ctx, &io);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

struct io_reading {
	struct cgroupfs *fs;
	uint64_t cgroup_id;
};

static int io_keep(void *ctx, const struct sample_io *io)
{
	const struct io_reading *r = ctx;
	struct cgroupfs *fs = r->fs;

	if (list_reserve(&fs->ios, fs->ios.n + 1) < 0)
		return -ENOMEM;
	fs->ios.at[fs->ios.n] = *io;
	fs->ios.at[fs->ios.n++].cgroup_id = r->cgroup_id;
	return 0;
}

int cgroup_io_take(struct cgroupfs *fs, uint64_t cgroup_id, const char *text, size_t length)
{
	struct io_reading r = {fs, cgroup_id};

	return cgroup_io_parse(text, length, io_keep, &r);
}

const struct sample_io *cgroupfs_ios(const struct cgroupfs *fs, size_t *ret_n)
{
	*ret_n = fs->ios.n;
	return fs->ios.at;
}

/* ---- cgroups of the hierarchy that has the controller ---- */

struct cgroup_io_known {
	uint64_t io_id, id;
	UT_hash_handle hh;
};

static enum cgroup_slot io_slot(const struct cgroupfs *fs)
{
	return fs->mounts.slots[CGROUP_SLOT_IO].fd >= 0 ? CGROUP_SLOT_IO : CGROUP_SLOT_V2;
}

static bool io_slot_carries(const struct cgroupfs *fs)
{
	const struct cgroup_mount *io = &fs->mounts.slots[io_slot(fs)];

	return io_slot(fs) == fs->carrying_slot || (io->hierarchy_id && io->hierarchy_id == fs->carrying->hierarchy_id);
}

/* -ENOENT: it is gone, or it is outside of what is mounted. */
static int io_path(struct cgroupfs *fs, uint64_t io_id, char *ret, size_t size)
{
	const struct cgroup_mount *m = &fs->mounts.slots[io_slot(fs)];
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = {.handle = {.handle_bytes = sizeof(io_id), .handle_type = HANDLE_KERNFS}};
	_cleanup_close_ int fd = -1;
	char link[32], real[PATH_MAX];
	size_t point;
	ssize_t n;

	if (fs->io_root < 0 && m->fd >= 0)
		fs->io_root = openat(m->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs->io_root < 0)
		return -ENOENT;
	memcpy(h.handle.f_handle, &io_id, sizeof(io_id));
	fd = open_by_handle_at(fs->io_root, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n < 0 || n >= (ssize_t)sizeof(real) - 1)
		return -ENOENT;
	real[n] = '\0';
	point = strlen(m->point);
	if (strncmp(real, m->point, point) != 0 || (real[point] && real[point] != '/'))
		return -ENOENT;
	n = snprintf(ret, size, "%s%s", m->prefix, real + point);
	return n < (ssize_t)size ? 0 : -ENOENT;
}

static int io_id_find(struct cgroupfs *fs, uint64_t io_id, uint64_t *ret_id)
{
	char path[2 * PATH_MAX];
	int r = io_path(fs, io_id, path, sizeof(path));

	while (r == 0) {
		char *slash = strrchr(path, '/');

		if (cgroupfs_id(fs, path[0] ? path : "/", ret_id) == 0)
			return 0;
		if (!slash)
			break;
		*slash = '\0';
	}
	return -ENOENT;
}

static void known_free(struct cgroupfs *fs)
{
	struct cgroup_io_known *k, *next;

	HASH_ITER (hh, fs->known, k, next) {
		HASH_DEL(fs->known, k);
		free(k);
	}
}

/* Without memory it is looked up again the next time. */
static void known_add(struct cgroupfs *fs, uint64_t io_id, uint64_t id)
{
	struct cgroup_io_known *k;

	if (HASH_COUNT(fs->known) >= KNOWN_MAX)
		known_free(fs);
	k = malloc(sizeof(*k));
	if (!k)
		return;
	k->io_id = io_id;
	k->id = id;
	HASH_ADD(hh, fs->known, io_id, sizeof(k->io_id), k);
	if (!k->hh.tbl)
		free(k);
}

int cgroupfs_io_id(struct cgroupfs *fs, uint64_t io_id, uint64_t *ret_id)
{
	struct cgroup_io_known *k;
	int r;

	if (io_slot_carries(fs)) {
		*ret_id = io_id;
		return 0;
	}
	HASH_FIND(hh, fs->known, &io_id, sizeof(io_id), k);
	if (k) {
		*ret_id = k->id;
		return 0;
	}
	r = io_id_find(fs, io_id, ret_id);
	if (r == 0)
		known_add(fs, io_id, *ret_id);
	return r;
}

void cgroup_io_free(struct cgroupfs *fs)
{
	known_free(fs);
	list_free(&fs->ios);
	list_free(&fs->io_limits);
	closep(&fs->io_root);
}
