/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io_limits.c - what a cgroup may do at a block device in a second: io.max of v2, blkio.throttle.* of v1. Nearly all cgroups have
 * no such limit: of these the files are read seldom, and not kept open. Called by reading.c.
 */
#include <errno.h>
#include <string.h>

#include "cgroup/io.h"
#include "cgroup/io_limits.h"
#include "cgroup/reading.h"

static const struct {
	const char *key;
	size_t offset;
} io_max_keys[] = {
	{"rbps=", offsetof(struct sample_io_limit, read_bytes)},
	{"wbps=", offsetof(struct sample_io_limit, write_bytes)},
	{"riops=", offsetof(struct sample_io_limit, reads)},
	{"wiops=", offsetof(struct sample_io_limit, writes)},
};

static int limit_number(const char *p, const char *end, uint64_t *ret)
{
	if (end - p == 3 && memcmp(p, "max", 3) == 0)
		*ret = SS_UNLIMITED;
	else if (cgroup_io_number(p, end, ret) != end)
		return -EINVAL;
	return 0;
}

/* "8:16 rbps=1048576 wbps=max riops=max wiops=120"; other keys are another kernel's. */
static int io_max_words(const char *p, const char *end, struct sample_io_limit *l)
{
	for (const char *next; p < end; p = next + 1) {
		next = memchr(p, ' ', (size_t)(end - p)) ?: end;
		for (size_t i = 0; i < ARRAY_SIZE(io_max_keys); i++) {
			size_t length = strlen(io_max_keys[i].key);

			if ((size_t)(next - p) > length && memcmp(p, io_max_keys[i].key, length) == 0 &&
			    limit_number(p + length, next, (uint64_t *)((char *)l + io_max_keys[i].offset)) < 0)
				return -EINVAL;
		}
	}
	return 0;
}

/* That of the device, which is new without any limit. On v1 each limit has a file of its own. */
static struct sample_io_limit *limit_get(cgroup_io_limit_list *list, uint32_t device)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].device == device)
			return &list->at[i];
	if (list_reserve(list, list->n + 1) < 0)
		return NULL;
	list->at[list->n] = (struct sample_io_limit){.device = device,
						     .read_bytes = SS_UNLIMITED,
						     .write_bytes = SS_UNLIMITED,
						     .reads = SS_UNLIMITED,
						     .writes = SS_UNLIMITED};
	return &list->at[list->n++];
}

static int limit_line(const struct cgroup_file *file, const char *p, const char *end, cgroup_io_limit_list *list)
{
	const char *space = memchr(p, ' ', (size_t)(end - p));
	struct sample_io_limit *l;
	uint32_t device;

	if (!space || !cgroup_io_device(p, space, &device))
		return -EINVAL;
	l = limit_get(list, device);
	if (!l)
		return -ENOMEM;
	if (file->kind == CGROUP_FILE_IO_MAX)
		return io_max_words(space + 1, end, l);
	l->alone = true;
	return limit_number(space + 1, end, (uint64_t *)((char *)l + file->offset));
}

int cgroup_io_limits_parse(const struct cgroup_file *file, const char *text, size_t length, cgroup_io_limit_list *list)
{
	const char *end = text + length, *newline;
	int result = 0;

	if (file->kind != CGROUP_FILE_IO_MAX && file->kind != CGROUP_FILE_IO_LIMIT)
		return 0;
	for (; text < end && (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		int r = limit_line(file, text, newline, list);

		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

bool cgroup_io_limits_due(const struct cgroupfs *fs, const struct open_cgroup *e)
{
	bool few = fs->stats.open_cgroups <= CGROUPFS_LIMITS_ALWAYS;
	uint64_t age = fs->now_ns - e->io_limits_ns;

	if (e->reads < CGROUPFS_YOUNG_READS || (few && e->io_limits.n))
		return true;
	if (few || e->io_limits.n)
		return age >= CGROUPFS_LIMITS_NS;
	/* Not all of them at one sample. */
	return age >= CGROUPFS_IO_LIMITS_NS - e->id % 16 * 1000000000;
}

int cgroup_io_limits_give(struct cgroupfs *fs, const struct open_cgroup *e)
{
	if (list_reserve(&fs->io_limits, fs->io_limits.n + e->io_limits.n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < e->io_limits.n; i++) {
		fs->io_limits.at[fs->io_limits.n] = e->io_limits.at[i];
		fs->io_limits.at[fs->io_limits.n++].cgroup_id = e->id;
	}
	return 0;
}

const struct sample_io_limit *cgroupfs_io_limits(const struct cgroupfs *fs, size_t *ret_n)
{
	*ret_n = fs->io_limits.n;
	return fs->io_limits.at;
}

void cgroupfs_io_limits_lift(struct cgroupfs *fs, size_t from, uint64_t cgroup_id)
{
	for (size_t i = from; i < fs->io_limits.n; i++)
		fs->io_limits.at[i].cgroup_id = cgroup_id;
}
