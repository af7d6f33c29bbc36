/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman.c - the shapes of the cgroups of Podman's containers, pods and monitors. Called by path.c.
 */
#include "identity/shape/family.h"

static void claim_pod(struct path_walk *w, struct path_part id)
{
	part_copy(id, w->pod, sizeof(w->pod));
	walk_claim(w, HOME_POD, "podman", id, w->pod);
	/* Whoever may have made it may have chosen the id, too: a user's is looked for among that user's. */
	w->m->stores = w->place != PLACE_USER || w->m->uid >= 0 ? STORE_PODMAN : 0;
}

/* [NAME-]libpod_pod_ID.slice */
static bool pod_slice(struct path_part p, struct path_part *ret_id)
{
	static const char before[] = "libpod_pod_";
	const size_t tail = sizeof(before) - 1 + 64;
	struct path_part rest;

	if (!part_between(p, "", ".slice", &rest) || rest.len < tail)
		return false;
	if (rest.len > tail && rest.s[rest.len - tail - 1] != '-')
		return false;
	rest = (struct path_part){rest.s + rest.len - tail, tail};
	return part_between(rest, before, "", ret_id) && part_hex(*ret_id, 64);
}

/* libpod-ID of the cgroupfs driver, libpod-payload-ID of --cgroups=split. */
static bool folder_match(struct path_walk *w, struct path_part *ret_id)
{
	if (part_between(w->part, "libpod-payload-", "", ret_id) && part_hex(*ret_id, 64))
		return w->place != PLACE_CONTAINER || part_ends(w->prev, ".service");
	if (!part_between(w->part, "libpod-", "", ret_id) || !part_hex(*ret_id, 64))
		return false;
	return w->place == PLACE_USER || walk_by_root(w) || part_is(w->prev, "libpod_parent") ||
	       part_is(w->prev2, "libpod_parent");
}

static bool podman_monitor(const struct path_walk *w, struct path_part *ret_id)
{
	if (part_between(w->part, "libpod-conmon-", ".scope", ret_id) && part_hex(*ret_id, 64))
		return true;
	*ret_id = (struct path_part){"", 0};
	return part_is(w->prev, "libpod_parent") && part_is(w->part, "conmon");
}

static bool podman_pod(const struct path_walk *w, struct path_part *ret_id)
{
	if (pod_slice(w->part, ret_id))
		return true;
	*ret_id = w->part;
	return part_is(w->prev, "libpod_parent") && part_hex(w->part, 64);
}

bool podman_match(struct path_walk *w)
{
	struct path_part id;

	if (walk_scope(w, "libpod", &id) || folder_match(w, &id)) {
		walk_container(w, "podman", id, STORE_PODMAN);
		return true;
	}
	if (podman_monitor(w, &id) && (w->place == PLACE_USER || walk_by_root(w))) {
		walk_monitor(w, "podman", "conmon", id);
		return true;
	}
	if (!podman_pod(w, &id) || (w->place != PLACE_USER && !walk_by_root(w)))
		return false;
	claim_pod(w, id);
	return true;
}
