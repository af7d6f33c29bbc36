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

bool lxc_match(struct path_walk *w)
{
	struct path_part none = {"", 0}, name;

	if (part_between(w->part, "lxc.payload.", "", &name)) {
		lxc_claim(w, name);
		return true;
	}
	if (part_is(w->prev, "lxc.payload") || (part_is(w->prev, "lxc") && (w->index == 1 || w->place == PLACE_USER))) {
		lxc_claim(w, w->part);
		return true;
	}
	if (w->place == PLACE_CONTAINER)
		return false;
	if (part_between(w->part, "lxc.monitor.", "", &name))
		walk_monitor(w, "lxc", "lxc.monitor", name);
	else if (part_is(w->prev, "lxc.monitor"))
		walk_monitor(w, "lxc", "lxc.monitor", w->part);
	else if (part_is(w->part, "lxc.monitor") || part_is(w->part, "lxc.pivot"))
		walk_monitor(w, "lxc", part_is(w->part, "lxc.pivot") ? "lxc.pivot" : "lxc.monitor", none);
	else
		return false;
	return true;
}
