/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - see identity.h. Keeps one entry per home, shared by its cgroups. Their names come from lookup.c. Never
 * parses a path (shape/) or opens a file itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "identity/known.h"

/* ---- strings ---- */

char *text_capped(const char *s, size_t len)
{
	char tail[1 + 16 + 1], *copy;
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	if (len <= IDENTITY_TEXT_MAX)
		return strndup(s, len);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * 0x100000001b3ULL;
	snprintf(tail, sizeof(tail), "~%016llx", (unsigned long long)hash);
	copy = malloc(IDENTITY_TEXT_MAX + 1);
	if (!copy)
		return NULL;
	memcpy(copy, s, IDENTITY_TEXT_MAX - strlen(tail));
	strcpy(copy + IDENTITY_TEXT_MAX - strlen(tail), tail);
	return copy;
}

void home_publish(struct identities *ids, struct known_home *h)
{
	h->who.home = h->path;
	h->who.parent = h->parent;
	h->who.id = h->id;
	h->who.name = h->name;
	h->who.image = h->image ?: "";
	h->who.pod = h->pod ?: "";
	h->who.pod_namespace = h->pod_namespace ?: "";
	h->who.labels = h->labels ?: "";
	h->who.generation = ++ids->generation;
}

void known_home_free(struct known_home *h)
{
	free(h->path);
	free(h->parent);
	free(h->id);
	free(h->name);
	free(h->image);
	free(h->pod);
	free(h->pod_namespace);
	free(h->labels);
	free(h->pod_uid);
	free(h->pod_id);
	free(h->space);
	free(h);
}

/* ---- homes and cgroups ---- */

/* Of a unit that was made for one connection: the path of its template, which all of them share. */
static char *template_path(const char *path, const struct identity_match *m)
{
	size_t end = m->instance_at + m->instance_len;
	_cleanup_buf_ struct buf whole = {};

	buf_add(&whole, path, m->instance_at);
	buf_add(&whole, path + end, m->home_len - end);
	return whole.failed ? NULL : text_capped(whole.data, whole.len);
}

static char *home_path(const char *path, const struct identity_match *m)
{
	if (m->instance_len)
		return template_path(path, m);
	return m->home_len ? text_capped(path, m->home_len) : strdup("/");
}

static struct known_home *home_new(struct identities *ids, const char *path, const struct identity_match *m)
{
	struct known_home *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->who.kind = m->kind;
	h->who.runtime = m->runtime;
	h->who.uid = m->uid;
	h->stores = m->stores;
	h->who.instances = m->instance_len != 0;
	h->path = home_path(path, m);
	h->parent = text_capped(path, m->parent_len);
	h->id = strdup(m->id);
	h->pod = strdup(m->pod[0] ? m->pod : m->pod_uid); /* the uid until a store has the name */
	h->is_pod = m->kind == HOME_POD;
	h->pod_uid = strdup(m->pod_uid);
	h->pod_id = strdup(m->pod);
	h->space = strdup(m->space);
	if (h->path)
		h->name = strdup(m->name[0] ? m->name : h->path);
	if (!h->path || !h->parent || !h->id || !h->pod || !h->pod_uid || !h->pod_id || !h->space || !h->name)
		goto fail;
	HASH_ADD_KEYPTR(hh, ids->homes, h->path, strlen(h->path), h);
	if (!h->hh.tbl)
		goto fail;
	home_publish(ids, h);
	return h;
fail:
	known_home_free(h);
	return NULL;
}

static void home_drop(struct identities *ids, struct known_home *h)
{
	home_settle(ids, h);
	home_unchecked(ids, h);
	HASH_DEL(ids->homes, h);
	h->dropped = true;
	if (!h->asked)
		known_home_free(h);
}

static struct known_home *home_find(struct identities *ids, const char *path, const struct identity_match *m)
{
	_cleanup_free_ char *capped = NULL;
	size_t len = m->home_len;
	struct known_home *h;

	if (len > IDENTITY_TEXT_MAX || m->instance_len) {
		capped = home_path(path, m);
		path = capped;
		len = capped ? strlen(capped) : 0;
	}
	if (!path)
		return NULL;
	HASH_FIND(hh, ids->homes, len ? path : "/", len ? len : 1, h);
	return h;
}

static struct known_cgroup *cgroup_add(struct identities *ids, uint64_t id)
{
	struct known_cgroup *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->id = id;
	HASH_ADD(hh, ids->cgroups, id, sizeof(c->id), c);
	if (c->hh.tbl)
		return c;
	free(c);
	return NULL;
}

const struct identity *identities_get(struct identities *ids, uint64_t cgroup_id, const char *path, uint64_t now_ns)
{
	struct identity_match m;
	struct known_cgroup *c;
	struct known_home *h;
	bool made = false;

	identity_from_path(path, ids->path_flags, &ids->facts, &m);
	h = home_find(ids, path, &m);
	HASH_FIND(hh, ids->cgroups, &cgroup_id, sizeof(cgroup_id), c);
	if (c && c->home == h)
		return &h->who;
	if (c)
		identities_forget(ids, cgroup_id);
	if (HASH_COUNT(ids->cgroups) >= IDENTITIES_MAX) {
		ids->overflow++;
		return &ids->other;
	}
	if (c)
		h = home_find(ids, path, &m);
	if (!h) {
		h = home_new(ids, path, &m);
		made = true;
	}
	if (!h)
		return NULL;
	c = cgroup_add(ids, cgroup_id);
	if (!c) {
		if (made)
			home_drop(ids, h);
		return NULL;
	}
	c->home = h;
	h->cgroups++;
	/*
	 * A new cgroup at a home's own path is a container that was started, perhaps again and perhaps renamed. A cgroup
	 * further down, inside of the container, changes nothing.
	 */
	if (h->stores && (made || strcmp(path, h->path) == 0))
		home_look_up(ids, h, now_ns);
	return &h->who;
}

void identities_forget(struct identities *ids, uint64_t cgroup_id)
{
	struct known_cgroup *c;

	HASH_FIND(hh, ids->cgroups, &cgroup_id, sizeof(cgroup_id), c);
	if (!c)
		return;
	HASH_DEL(ids->cgroups, c);
	if (--c->home->cgroups == 0)
		home_drop(ids, c->home);
	free(c);
}

/* ---- life ---- */

struct identities *identities_new(const char *root)
{
	struct identities *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return NULL;
	ids->due_ns = UINT64_MAX;
	ids->other = (struct identity){.kind = HOME_CGROUP,
				       .home = IDENTITY_OTHER,
				       .parent = "",
				       .runtime = "",
				       .id = "",
				       .name = IDENTITY_OTHER,
				       .image = "",
				       .pod = "",
				       .pod_namespace = "",
				       .labels = "",
				       .generation = ++ids->generation,
				       .uid = -1};
	if (asker_init(&ids->asker, &ids->stores) < 0) {
		free(ids);
		return NULL;
	}
	if (stores_init(&ids->stores, root) < 0) {
		identities_free(ids);
		return NULL;
	}
	ids->facts = (struct identity_facts){.is_task = containerd_is_task, .task_ctx = &ids->stores};
	ids->path_flags = stores_on_talos(&ids->stores) ? IDENTITY_PATH_ON_TALOS : 0;
	return ids;
}

/* What waits for a file system that does not answer stays until the process ends: it is in use, not leaked. */
static struct identities *volatile identities_in_use;

void identities_free(struct identities *ids)
{
	struct known_cgroup *c, *next_cgroup;
	struct known_home *h, *next_home;

	if (!ids)
		return;
	if (!answers_stop(ids)) {
		identities_in_use = ids;
		return;
	}
	HASH_ITER (hh, ids->cgroups, c, next_cgroup) {
		HASH_DEL(ids->cgroups, c);
		free(c);
	}
	HASH_ITER (hh, ids->homes, h, next_home)
		home_drop(ids, h);
	stores_free(&ids->stores);
	free(ids);
}

void identities_ask_root(struct identities *ids, bool (*only_root)(void *ctx, const char *path, size_t len), void *ctx)
{
	ids->facts.only_root = only_root;
	ids->facts.ctx = ctx;
}

int identities_start(struct identities *ids)
{
	return asker_start(&ids->asker);
}

int identities_add_docker_root(struct identities *ids, const char *path)
{
	int r = data_root_add(&ids->stores.docker_roots, path);

	homes_retry(ids);
	return r;
}

void identities_stats(const struct identities *ids, struct identity_stats *ret)
{
	const struct known_home *h;
	size_t unnamed = 0;

	for (h = ids->homes; h; h = h->hh.next)
		unnamed += h->stores && !h->who.resolved;
	*ret = (struct identity_stats){
		.failures = ids->failures,
		.refused = __atomic_load_n(&ids->stores.refused, __ATOMIC_RELAXED),
		.overflow = ids->overflow,
		.cgroups = HASH_COUNT(ids->cgroups),
		.homes = HASH_COUNT(ids->homes),
		.unnamed = unnamed,
	};
}
