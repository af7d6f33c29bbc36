/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - see identity.h. Keeps one entry per home, shared by its cgroups, looks up names in the runtimes'
 * stores (store/), and retries those that are late. Never parses a path (shape/) or opens a file itself.
 */
#define HASH_NONFATAL_OOM 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/util.h"
#include "identity/identity.h"
#include "identity/shape/path.h"
#include "identity/store/stores.h"

#define MS     1000000ULL
#define SECOND (1000 * MS)
/* After the first look-up; then every RETRY_LATE_NS. */
static const uint64_t retry_after_ns[] = {100 * MS, 500 * MS, 2 * SECOND, 10 * SECOND};
#define RETRY_LATE_NS (60 * SECOND)
/* Look-ups per refresh: thousands of containers without a name must not delay a sample. */
#define REFRESH_MAX 256
/* A user can create cgroups and files at any rate: their look-ups must not cost more than a few percent of a CPU. */
#define ROOTLESS_PER_SECOND 8

struct known_home {
	struct identity who; /* first: callers hold a pointer to it */
	char *path;	     /* who.home */
	char *parent, *id, *name, *image, *pod, *pod_namespace, *labels;
	unsigned int stores;
	bool in_pod;	/* a Kubernetes pod */
	size_t cgroups; /* how many share it */
	unsigned int attempts;
	uint64_t first_ns, due_ns;
	bool pending;
	struct known_home *prev, *next; /* pending */
	UT_hash_handle hh;
};

struct known_cgroup {
	uint64_t id;
	struct known_home *home;
	UT_hash_handle hh;
};

struct identities {
	struct stores stores;
	struct known_home *homes, *pending;
	struct known_cgroup *cgroups;
	uint32_t generation;
	uint64_t due_ns; /* of the earliest pending home; UINT64_MAX: none */
	uint64_t rootless_second_ns;
	unsigned int rootless_used;
	uint64_t failures, overflow;
	struct identity other;
};

/* ---- strings ---- */

/* At most IDENTITY_TEXT_MAX bytes; texts that differ only after that get different hashes. */
static char *text_capped(const char *s, size_t len)
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

/* Lets `who` point to the strings that the home owns. */
static void home_publish(struct identities *ids, struct known_home *h)
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

static void known_home_free(struct known_home *h)
{
	free(h->path);
	free(h->parent);
	free(h->id);
	free(h->name);
	free(h->image);
	free(h->pod);
	free(h->pod_namespace);
	free(h->labels);
	free(h);
}

/* ---- names from files ---- */

/* Takes a string that is neither empty nor the same as before, and sets *changed then. */
static void text_take(char **to, char **from, bool *changed)
{
	char *capped;

	if (!*from || !**from || (*to && strcmp(*to, *from) == 0))
		return;
	capped = text_capped(*from, strlen(*from));
	if (!capped)
		return;
	free(*to);
	*to = capped;
	*changed = true;
}

static bool home_learn(struct identities *ids, struct known_home *h, struct store_answer *a, const char *runtime)
{
	enum home_kind kind = a->pod_sandbox ? HOME_POD : HOME_CONTAINER;
	bool changed = !h->who.resolved || h->who.kind != kind;

	text_take(&h->name, &a->name, &changed);
	text_take(&h->image, &a->image, &changed);
	text_take(&h->pod, &a->pod, &changed);
	text_take(&h->pod_namespace, &a->pod_namespace, &changed);
	if (a->labels && (!h->labels || strcmp(h->labels, a->labels) != 0)) {
		/* The store has limited its size: cut text would not be JSON. */
		free(h->labels);
		h->labels = a->labels;
		a->labels = NULL;
		changed = true;
	}
	h->who.kind = kind;
	h->who.runtime = runtime;
	h->who.resolved = true;
	if (changed)
		home_publish(ids, h);
	return changed;
}

/* False: too many files of users were read within this second. */
static bool rootless_allowed(struct identities *ids, uint64_t now_ns)
{
	if (now_ns < ids->rootless_second_ns || now_ns - ids->rootless_second_ns >= SECOND) {
		ids->rootless_second_ns = now_ns;
		ids->rootless_used = 0;
	}
	if (ids->rootless_used >= ROOTLESS_PER_SECOND)
		return false;
	ids->rootless_used++;
	return true;
}

static void home_settle(struct identities *ids, struct known_home *h)
{
	if (h->pending)
		DL_DELETE(ids->pending, h);
	h->pending = false;
}

static void home_retry_at(struct identities *ids, struct known_home *h, uint64_t due_ns)
{
	if (!h->pending)
		DL_APPEND(ids->pending, h);
	h->pending = true;
	h->due_ns = due_ns;
	if (due_ns < ids->due_ns)
		ids->due_ns = due_ns;
}

/* One look-up in the stores. Whether anything changed. */
static bool home_ask(struct identities *ids, struct known_home *h, uint64_t now_ns)
{
	struct store_answer answer = {};
	const char *runtime = "docker";
	uint64_t due_ns = now_ns + RETRY_LATE_NS;
	int r = -1;
	bool changed;

	if (h->who.uid > 0 && !rootless_allowed(ids, now_ns)) {
		home_retry_at(ids, h, now_ns + SECOND);
		return false;
	}
	if (h->stores & STORE_DOCKER)
		r = docker_lookup(&ids->stores, h->who.uid, h->id, h->in_pod, &answer);
	if (r < 0 && (h->stores & STORE_PODMAN)) {
		runtime = "podman";
		r = podman_lookup(&ids->stores, h->who.uid, h->id, &answer);
	}
	if (r == 0) {
		home_settle(ids, h);
		changed = home_learn(ids, h, &answer, runtime);
		store_answer_free(&answer);
		return changed;
	}
	ids->failures++;
	if (h->who.resolved) {
		/* It keeps the name that it had when it was last started. */
		home_settle(ids, h);
		return false;
	}
	while (h->attempts < ARRAY_SIZE(retry_after_ns) && h->first_ns + retry_after_ns[h->attempts] <= now_ns)
		h->attempts++;
	if (h->attempts < ARRAY_SIZE(retry_after_ns))
		due_ns = h->first_ns + retry_after_ns[h->attempts];
	home_retry_at(ids, h, due_ns);
	return false;
}

int identities_refresh(struct identities *ids, uint64_t now_ns)
{
	struct known_home *h, *next;
	int changed = 0, asked = 0;
	uint64_t due_ns = UINT64_MAX;

	if (now_ns < ids->due_ns)
		return 0;
	ids->due_ns = UINT64_MAX;
	DL_FOREACH_SAFE(ids->pending, h, next)
	{
		/* Homes of users have a budget of their own. */
		if (h->due_ns <= now_ns && (h->who.uid > 0 || asked++ < REFRESH_MAX))
			changed += home_ask(ids, h, now_ns);
		if (h->pending && h->due_ns < due_ns)
			due_ns = h->due_ns;
	}
	ids->due_ns = due_ns;
	return changed;
}

/* ---- homes and cgroups ---- */

static struct known_home *home_new(struct identities *ids, const char *path, const struct identity_match *m)
{
	struct known_home *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->who.kind = m->kind;
	h->who.runtime = m->runtime;
	h->who.uid = m->uid;
	h->stores = m->stores;
	h->in_pod = m->pod_uid[0] != '\0';
	h->path = m->home_len ? text_capped(path, m->home_len) : strdup("/");
	h->parent = text_capped(path, m->parent_len);
	h->id = strdup(m->id);
	h->pod = strdup(m->pod);
	if (h->path)
		h->name = strdup(m->name[0] ? m->name : h->path);
	if (!h->path || !h->parent || !h->id || !h->pod || !h->name)
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
	HASH_DEL(ids->homes, h);
	known_home_free(h);
}

static struct known_home *home_find(struct identities *ids, const char *path, const struct identity_match *m)
{
	_cleanup_free_ char *capped = NULL;
	size_t len = m->home_len;
	struct known_home *h;

	if (len > IDENTITY_TEXT_MAX) {
		capped = text_capped(path, len);
		path = capped;
		len = IDENTITY_TEXT_MAX;
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

	identity_from_path(path, 0, &m);
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
	if (h->stores && (made || strcmp(path, h->path) == 0)) {
		h->first_ns = now_ns;
		h->attempts = 0;
		home_ask(ids, h, now_ns);
	}
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
	if (stores_init(&ids->stores, root) < 0) {
		identities_free(ids);
		return NULL;
	}
	return ids;
}

void identities_free(struct identities *ids)
{
	struct known_cgroup *c, *next_cgroup;
	struct known_home *h, *next_home;

	if (!ids)
		return;
	HASH_ITER (hh, ids->cgroups, c, next_cgroup) {
		HASH_DEL(ids->cgroups, c);
		free(c);
	}
	HASH_ITER (hh, ids->homes, h, next_home)
		home_drop(ids, h);
	stores_free(&ids->stores);
	free(ids);
}

int identities_add_docker_root(struct identities *ids, const char *path)
{
	return docker_root_add(&ids->stores, path);
}

void identities_stats(const struct identities *ids, struct identity_stats *ret)
{
	const struct known_home *h;
	size_t unnamed = 0;

	DL_FOREACH(ids->pending, h)
	unnamed++;
	*ret = (struct identity_stats){
		.failures = ids->failures,
		.refused = ids->stores.refused,
		.overflow = ids->overflow,
		.cgroups = HASH_COUNT(ids->cgroups),
		.homes = HASH_COUNT(ids->homes),
		.unnamed = unnamed,
	};
}
