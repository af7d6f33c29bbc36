/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lxc.c - LXC, LXD, Incus and Proxmox containers: the name is in the path. Called by path.c; reads no file. Everything
 * below belongs to the container, mostly a whole systemd tree.
 */
#include "identity/shape/family.h"

static void lxc_claim(struct path_walk *w, struct path_part name)
{
	char text[IDENTITY_ID_MAX];

	part_copy(name, text, sizeof(text));
	walk_named(w, HOME_CONTAINER, "lxc", name, text);
}

/* The name is all that is known of it: a unit must not be able to call something like another one's container. */
static bool may_name(struct path_walk *w)
{
	return w->place != PLACE_UNIT || walk_by_root(w);
}

static bool lxc_payload(const struct path_walk *w, struct path_part *ret_name)
{
	if (part_between(w->part, "lxc.payload.", "", ret_name))
		return true;
	*ret_name = w->part;
	return part_is(w->prev, "lxc.payload") ||
	       (part_is(w->prev, "lxc") && (w->index == 1 || w->place == PLACE_USER));
}

static bool lxc_monitor(const struct path_walk *w, struct path_part *ret_name)
{
	if (part_between(w->part, "lxc.monitor.", "", ret_name))
		return true;
	*ret_name = part_is(w->prev, "lxc.monitor") ? w->part : (struct path_part){"", 0};
	return ret_name->len || part_is(w->part, "lxc.monitor") || part_is(w->part, "lxc.pivot");
}

/* The monitor first: with `lxc.cgroup.dir = lxc` both are below /lxc, where anything else is a container. */
bool lxc_match(struct path_walk *w)
{
	struct path_part name;

	if (lxc_monitor(w, &name)) {
		if (w->place == PLACE_CONTAINER || !may_name(w))
			return false;
		walk_monitor(w, "lxc", !name.len && part_is(w->part, "lxc.pivot") ? "lxc.pivot" : "lxc.monitor", name);
		return true;
	}
	if (!lxc_payload(w, &name) || !may_name(w))
		return false;
	lxc_claim(w, name);
	return true;
}
