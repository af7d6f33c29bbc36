/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.c - walks a cgroup's path from the root and keeps the innermost home that a runtime family claimed. Called by
 * the cache (identity.c). Reads no file, allocates nothing, never looks ahead in the path: so a home's own path and
 * every path below that belongs to it have the same match.
 */
#include <stdio.h>
#include <string.h>

#include "identity/shape/family.h"

#define DELETED	      " (deleted)"
#define COMPONENT_MAX 255 /* the kernel's NAME_MAX: no cgroup has a longer name */
#define SHORT_ID      12

/* ---- one component ---- */

bool part_is(struct path_part p, const char *s)
{
	return p.len == strlen(s) && memcmp(p.s, s, p.len) == 0;
}

bool part_starts(struct path_part p, const char *prefix)
{
	size_t n = strlen(prefix);

	return p.len >= n && memcmp(p.s, prefix, n) == 0;
}

bool part_ends(struct path_part p, const char *suffix)
{
	size_t n = strlen(suffix);

	return p.len > n && memcmp(p.s + p.len - n, suffix, n) == 0;
}

bool part_between(struct path_part p, const char *prefix, const char *suffix, struct path_part *ret)
{
	size_t before = strlen(prefix), after = strlen(suffix);

	if (p.len <= before + after || !part_starts(p, prefix) || (after && !part_ends(p, suffix)))
		return false;
	*ret = (struct path_part){p.s + before, p.len - before - after};
	return true;
}

bool part_digits(struct path_part p)
{
	for (size_t i = 0; i < p.len; i++)
		if (p.s[i] < '0' || p.s[i] > '9')
			return false;
	return p.len > 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool part_hex(struct path_part p, size_t digits)
{
	if (p.len != digits)
		return false;
	for (size_t i = 0; i < p.len; i++)
		if (!is_hex(p.s[i]))
			return false;
	return true;
}

bool part_uuid(struct path_part p, char separator)
{
	if (p.len != 36)
		return false;
	for (size_t i = 0; i < p.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? p.s[i] != separator : !is_hex(p.s[i]))
			return false;
	}
	return true;
}

void part_copy(struct path_part p, char *to, size_t size)
{
	size_t n = p.len < size ? p.len : size - 1;

	memcpy(to, p.s, n);
	to[n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void part_unescape(struct path_part p, char *to, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < p.len && out + 1 < size; i++) {
		if (p.s[i] == '\\' && i + 3 < p.len && p.s[i + 1] == 'x') {
			int high = hex_value(p.s[i + 2]), low = hex_value(p.s[i + 3]);

			if (high >= 0 && low >= 0 && (high || low)) {
				to[out++] = (char)(high * 16 + low);
				i += 3;
				continue;
			}
		}
		to[out++] = p.s[i];
	}
	to[out] = '\0';
}

/* ---- shapes that several runtimes share ---- */

/* NAME.slice:prefix:ID, one cgroup: a systemd-style --cgroup-parent taken literally by a cgroupfs driver. */
static bool colon_form(struct path_walk *w, const char *prefix, struct path_part *ret_id)
{
	struct path_part slice = {w->part.s, 0}, id;
	const char *colon = memchr(w->part.s, ':', w->part.len);

	if (!colon)
		return false;
	slice.len = (size_t)(colon - w->part.s);
	id = (struct path_part){colon + 1, w->part.len - slice.len - 1};
	if (!part_ends(slice, ".slice") || !part_starts(id, prefix))
		return false;
	id.s += strlen(prefix);
	id.len -= strlen(prefix);
	if (id.len != 65 || id.s[0] != ':')
		return false;
	id = (struct path_part){id.s + 1, 64};
	if (!part_hex(id, 64))
		return false;
	kubernetes_pod_slice(slice, w->pod_uid);
	*ret_id = id;
	return true;
}

bool walk_scope(struct path_walk *w, const char *prefix, struct path_part *ret_id)
{
	struct path_part id;

	if (part_between(w->part, prefix, ".scope", &id) && id.len == 65 && id.s[0] == '-') {
		id = (struct path_part){id.s + 1, 64};
		/*
		 * systemd puts a scope into a slice and nowhere else. Where others than root make cgroups, one that
		 * stands elsewhere is a disguise, and belongs to those who made it.
		 */
		if (!part_hex(id, 64) ||
		    ((w->place == PLACE_CONTAINER || w->place == PLACE_UNIT) && !part_ends(w->prev, ".slice")))
			return false;
		*ret_id = id;
		return true;
	}
	return colon_form(w, prefix, ret_id);
}

/* ---- who made it ---- */

void walk_guard(struct path_walk *w, enum walk_place place)
{
	w->place = place;
	w->guarded_len = w->end;
}

static bool roots_alone(const struct path_walk *w)
{
	size_t len = w->end - w->part.len;

	if (!w->facts || !w->facts->only_root)
		return false;
	while (len > w->guarded_len) {
		while (len > w->guarded_len && w->path[len - 1] == '/')
			len--;
		if (!w->facts->only_root(w->facts->ctx, w->path, len))
			return false;
		while (len > w->guarded_len && w->path[len - 1] != '/')
			len--;
	}
	return true;
}

bool walk_by_root(struct path_walk *w)
{
	if (w->place == PLACE_TOP || w->place == PLACE_CONTAINER)
		return w->place == PLACE_TOP;
	if (w->roots == ROOTS_UNKNOWN)
		w->roots = roots_alone(w) ? ROOTS_YES : ROOTS_NO;
	return w->roots == ROOTS_YES;
}

/* ---- claims ---- */

void walk_claim(struct path_walk *w, enum home_kind kind, const char *runtime, struct path_part id, const char *name)
{
	struct identity_match *m = w->m;

	m->kind = kind;
	m->home_len = w->end;
	m->instance_at = m->instance_len = 0;
	m->parent_len = w->container_len;
	m->nested = w->container_len > 0;
	m->runtime = runtime;
	m->stores = 0;
	m->space[0] = '\0';
	part_copy(id, m->id, sizeof(m->id));
	memcpy(m->pod_uid, w->pod_uid, sizeof(m->pod_uid));
	memcpy(m->pod, w->pod, sizeof(m->pod));
	snprintf(m->name, sizeof(m->name), "%s", name);
	w->claimed = true;
}

static void walk_enter(struct path_walk *w)
{
	w->container_len = w->end;
	w->place = PLACE_CONTAINER;
	w->entered = true;
}

void walk_container(struct path_walk *w, const char *runtime, struct path_part id, unsigned int stores)
{
	char name[IDENTITY_ID_MAX];

	part_copy(id, name, part_hex(id, 64) ? SHORT_ID + 1 : sizeof(name));
	walk_claim(w, HOME_CONTAINER, runtime, id, name);
	/* In a user's slice only what that user's own files say is believed, whoever made the cgroup. */
	if (w->place == PLACE_USER)
		w->m->stores = w->m->uid >= 0 ? stores & STORES_OF_USERS : 0;
	else if (walk_by_root(w))
		w->m->stores = stores;
	walk_enter(w);
}

void walk_named(struct path_walk *w, enum home_kind kind, const char *runtime, struct path_part id, const char *name)
{
	char chain[IDENTITY_NAME_MAX + IDENTITY_ID_MAX + 1];

	if (w->place != PLACE_CONTAINER) {
		walk_claim(w, kind, runtime, id, name);
	} else {
		/* Otherwise a container could give a nested one the name of one on the host. */
		snprintf(chain, sizeof(chain), "%s/%s", w->m->name, name);
		walk_claim(w, kind, runtime, id, chain);
	}
	if (kind == HOME_CONTAINER)
		walk_enter(w);
	else
		w->done = true;
}

void walk_monitor(struct path_walk *w, const char *runtime, const char *what, struct path_part id)
{
	char name[2 * IDENTITY_ID_MAX], of[IDENTITY_ID_MAX];

	if (w->place == PLACE_CONTAINER)
		return;
	part_copy(id, of, part_hex(id, 64) ? SHORT_ID + 1 : sizeof(of));
	snprintf(name, sizeof(name), "%s%s%s", what, of[0] ? "/" : "", of);
	walk_claim(w, HOME_RUNTIME, runtime, id, name);
	w->done = id.len > 0;
}

/* ---- the walk ---- */

static bool (*const families[])(struct path_walk *w) = {
	kubernetes_match, podman_match, docker_match, containerd_match, crio_match,
	lxc_match,	  vm_match,	nspawn_match, other_match,	systemd_match,
};

static void walk_part(struct path_walk *w)
{
	w->part_is_pod = w->entered = false;
	w->roots = ROOTS_UNKNOWN;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i](w))
			break;
	w->in_pod = w->part_is_pod;
	if (w->entered) {
		w->prev = w->prev2 = (struct path_part){"", 0};
		w->index = 0;
		return;
	}
	w->prev2 = w->prev;
	w->prev = w->part;
	w->index++;
}

void identity_from_path(const char *path, unsigned int flags, const struct identity_facts *facts,
			struct identity_match *ret)
{
	struct path_walk w = {.m = ret,
			      .path = path,
			      .facts = facts,
			      .part = {"", 0},
			      .prev = {"", 0},
			      .prev2 = {"", 0},
			      .place = PLACE_TOP,
			      .on_talos = flags & IDENTITY_PATH_ON_TALOS};
	size_t len = strlen(path), at = 0;

	*ret = (struct identity_match){.kind = HOME_CGROUP, .runtime = "", .uid = -1};
	if ((flags & IDENTITY_PATH_FROM_PROC) && part_ends((struct path_part){path, len}, DELETED))
		len -= strlen(DELETED);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0 || (len == 1 && path[0] == '/')) {
		ret->kind = HOME_HOST;
		ret->home_len = len;
		memcpy(ret->name, "host", sizeof("host"));
		return;
	}
	while (at < len && !w.done) {
		const char *slash;

		if (path[at] == '/') {
			at++;
			continue;
		}
		slash = memchr(path + at, '/', len - at);
		w.part = (struct path_part){path + at, slash ? (size_t)(slash - path) - at : len - at};
		at += w.part.len;
		w.end = at;
		if (w.part.len > COMPONENT_MAX)
			break;
		walk_part(&w);
	}
	if (!w.claimed)
		ret->home_len = len;
}
