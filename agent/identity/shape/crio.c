/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crio.c - containers, sandboxes and monitors of CRI-O. Called by path.c; reads no file.
 */
#include "identity/shape/family.h"

bool crio_match(struct path_walk *w)
{
	struct path_part id;

	if (part_between(w->part, "crio-conmon-", "", &id)) {
		if (!part_hex(id, 64) && !(part_between(id, "", ".scope", &id) && part_hex(id, 64)))
			return false;
		if (w->place == PLACE_UNIT && !walk_by_root(w))
			return false;
		walk_monitor(w, "cri-o", "conmon", id);
		return true;
	}
	if (walk_scope(w, "crio", &id)) {
		walk_container(w, "cri-o", id, STORE_CRIO | STORE_KUBELET);
		return true;
	}
	if (!part_between(w->part, "crio-", "", &id) || !part_hex(id, 64))
		return false;
	/* With the cgroupfs driver a container; in a pod's slice the sandbox, whose home is the pod. */
	if (part_ends(w->prev, ".slice"))
		return false;
	if (!w->in_pod && w->place != PLACE_USER && !walk_by_root(w))
		return false;
	walk_container(w, "cri-o", id, STORE_CRIO | STORE_KUBELET);
	return true;
}
