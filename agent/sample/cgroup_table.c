/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_table.c - see cgroup_table.h. Used by the sampler only; reads the tree through cgroup/, gets names from
 * identity/, never reads counters.
 */
#define HASH_NONFATAL_OOM	   1
#define uthash_nonfatal_oom(entry) ((entry)->path = NULL) /* noticed by entry_add */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "identity/identity.h"
#include "sample/cgroup_table.h"

struct cgroup_table {
	struct cgroupfs *fs;
	struct identities *ids;
	struct cgroup_entry *entries;
	uint64_t walks;
	uint64_t now_ns; /* of the current walk */
};

static bool only_root(void *ctx, const char *path, size_t len)
{
	return cgroupfs_only_root(ctx, path, len);
}

struct cgroup_table *cgroup_table_new(struct cgroupfs *fs, struct identities *ids)
{
	struct cgroup_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fs = fs;
	t->ids = ids;
	identities_ask_root(ids, only_root, fs);
	return t;
}

static void entry_drop(struct cgroup_table *t, struct cgroup_entry *e)
{
	HASH_DEL(t->entries, e);
	cgroupfs_forget(t->fs, e->id);
	identities_forget(t->ids, e->id);
	free(e->path);
	free(e);
}

void cgroup_table_free(struct cgroup_table *t)
{
	struct cgroup_entry *e, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->entries, e, next)
		entry_drop(t, e);
	free(t);
}

struct cgroup_entry *cgroup_table_find(struct cgroup_table *t, uint64_t id)
{
	struct cgroup_entry *e;

	HASH_FIND(hh, t->entries, &id, sizeof(id), e);
	return e;
}

struct cgroup_entry *cgroup_table_first(struct cgroup_table *t)
{
	return t->entries;
}

size_t cgroup_table_count(const struct cgroup_table *t)
{
	return HASH_COUNT(t->entries);
}

/*
 * crun under systemd creates a cgroup "container" in the container's scope and writes the limits there. The files of the
 * scope count everything in it, but show no limit.
 */
static void inner_note(struct cgroup_table *t, const struct cgroup_entry *e)
{
	struct cgroup_entry *scope = cgroup_table_find(t, e->parent_id);
	const char *name = strrchr(e->path, '/');
	size_t length;

	if (!scope || !scope->home_root || scope->who->kind != HOME_CONTAINER || !name ||
	    strcmp(name, "/container") != 0)
		return;
	length = strlen(scope->path);
	if (length > 6 && strcmp(scope->path + length - 6, ".scope") == 0)
		scope->inner_id = e->id;
}

/* Units by connection and steps of a build share a home, whose path lacks what tells them apart: each is one of its cgroups. */
static bool is_home_root(const struct identity *who, const char *path)
{
	const char *name = strrchr(who->home, '/');
	size_t length;

	if (!who->instances || !name)
		return strcmp(path, who->home) == 0;
	length = (size_t)(name - who->home) + 1;
	return strncmp(path, who->home, length) == 0 && !strchr(path + length, '/');
}

static struct cgroup_entry *entry_add(struct cgroup_table *t, uint64_t id, uint64_t parent_id, const char *path,
				      uint64_t now_ns)
{
	struct cgroup_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->id = id;
	e->parent_id = parent_id;
	e->alive = true;
	e->who = identities_get(t->ids, id, path, now_ns);
	e->path = strdup(path);
	if (!e->path || !e->who)
		goto fail;
	e->home_root = is_home_root(e->who, path);
	HASH_ADD(hh, t->entries, id, sizeof(e->id), e);
	if (!e->hh.tbl)
		goto fail;
	inner_note(t, e);
	return e;
fail:
	identities_forget(t->ids, id);
	free(e->path);
	free(e);
	return NULL;
}

static int walk_one(void *ctx, uint64_t id, uint64_t parent_id, const char *path)
{
	struct cgroup_table *t = ctx;
	struct cgroup_entry *e = cgroup_table_find(t, id);

	/* v1 hierarchies allow a rename: the id stays, the path does not. */
	if (e && strcmp(e->path, path) != 0) {
		entry_drop(t, e);
		e = NULL;
	}
	if (!e)
		e = entry_add(t, id, parent_id, path, t->now_ns);
	if (!e)
		return -ENOMEM;
	e->seen = t->walks;
	e->alive = true;
	e->dead_ns = 0;
	return 0;
}

int cgroup_table_walk(struct cgroup_table *t, uint64_t now_ns)
{
	bool truncated = false;
	int r;

	t->walks++;
	t->now_ns = now_ns;
	r = cgroupfs_walk(t->fs, walk_one, t, &truncated);
	if (r < 0 || truncated)
		return r;
	for (struct cgroup_entry *e = t->entries; e; e = e->hh.next)
		if (e->alive && e->seen != t->walks)
			cgroup_table_removed(t, e->id, now_ns);
	return 0;
}

int cgroup_table_born(struct cgroup_table *t, uint64_t id, uint64_t parent_id, const char *name, uint64_t now_ns)
{
	_cleanup_buf_ struct buf path = {};
	struct cgroup_entry *parent;

	if (cgroup_table_find(t, id))
		return 0;
	parent = cgroup_table_find(t, parent_id);
	if (!parent || !name[0] || strchr(name, '/'))
		return -ENOENT;
	if (strcmp(parent->path, "/") != 0)
		buf_str(&path, parent->path);
	buf_char(&path, '/');
	buf_str(&path, name);
	if (path.failed || !entry_add(t, id, parent_id, path.data, now_ns))
		return -ENOMEM;
	return 0;
}

void cgroup_table_removed(struct cgroup_table *t, uint64_t id, uint64_t now_ns)
{
	struct cgroup_entry *e = cgroup_table_find(t, id);

	if (!e || !e->alive)
		return;
	e->alive = false;
	e->dead_ns = now_ns;
	cgroupfs_forget(t->fs, id);
}

struct cgroup_entry *cgroup_table_unknown(struct cgroup_table *t, uint64_t id, uint64_t now_ns)
{
	struct cgroup_entry *e = entry_add(t, id, 0, "/(gone)", now_ns);

	if (e)
		cgroup_table_removed(t, id, now_ns);
	return e;
}

void cgroup_table_sweep(struct cgroup_table *t, uint64_t now_ns, uint64_t sample,
			void (*dropped)(void *ctx, uint64_t id), void *ctx)
{
	struct cgroup_entry *e, *next;

	HASH_ITER (hh, t->entries, e, next) {
		if (e->alive || e->used + 1 >= sample || now_ns < e->dead_ns + CGROUP_FORGET_AFTER_NS)
			continue;
		if (e->in_kernel)
			dropped(ctx, e->id);
		entry_drop(t, e);
	}
}
