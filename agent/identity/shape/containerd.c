/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * containerd.c - containers of containerd's CRI plugin and of nerdctl. Called by path.c; reads no file. Containers in
 * containerd's own namespaces (/NAMESPACE/ID, any text as id) cannot be told from other cgroups.
 */
#include "identity/shape/family.h"

bool containerd_match(struct path_walk *w)
{
	struct path_part id;

	if (!walk_scope(w, "cri-containerd", &id) && !walk_scope(w, "nerdctl", &id) &&
	    !(w->in_pod && part_between(w->part, "cri-containerd-", "", &id) && part_hex(id, 64)))
		return false;
	walk_container(w, "containerd", id, 0);
	return true;
}
