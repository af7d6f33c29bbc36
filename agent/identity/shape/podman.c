/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman.c - the shapes of the cgroups of Podman's containers, pods and monitors. Called by path.c.
 */
#include "identity/shape/family.h"

static void claim_pod(struct path_walk *w, struct path_part id)
{
	part_copy(id, w->pod, sizeof(w->pod));
	walk_claim(w, HOME_POD, "podman", id, w->pod);
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
static bool folder_match(const struct path_walk *w, struct path_part *ret_id)
{
	bool guarded = w->place == PLACE_UNIT || w->place == PLACE_CONTAINER;

	if (part_between(w->part, "libpod-payload-", "", ret_id) && part_hex(*ret_id, 64))
		return w->place != PLACE_CONTAINER || part_ends(w->prev, ".service");
	if (!part_between(w->part, "libpod-", "", ret_id) || !part_hex(*ret_id, 64))
		return false;
	return !guarded || part_is(w->prev, "libpod_parent") || part_is(w->prev2, "libpod_parent");
}

bool podman_match(struct path_walk *w)
{
	bool payload = part_starts(w->part, "libpod-payload-");
	struct path_part id;

	if (walk_scope(w, "libpod", &id) || folder_match(w, &id)) {
		walk_container(w, "podman", id, w->place != PLACE_UNIT || payload ? STORE_PODMAN : 0);
		return true;
	}
	if (w->place == PLACE_UNIT || w->place == PLACE_CONTAINER)
		return false;
	if (part_between(w->part, "libpod-conmon-", ".scope", &id) && part_hex(id, 64)) {
		walk_monitor(w, "podman", "conmon", id);
		return true;
	}
	if (part_is(w->prev, "libpod_parent") && part_is(w->part, "conmon")) {
		walk_monitor(w, "podman", "conmon", (struct path_part){"", 0});
		return true;
	}
	if (!pod_slice(w->part, &id)) {
		if (!part_is(w->prev, "libpod_parent") || !part_hex(w->part, 64))
			return false;
		id = w->part;
	}
	claim_pod(w, id);
	return true;
}
