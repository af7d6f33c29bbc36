/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docker.c - the shapes of Docker's cgroups, with either cgroup driver. Called by path.c.
 */
#include "identity/shape/family.h"

bool docker_match(struct path_walk *w)
{
	struct path_part id;

	if (!walk_scope(w, "docker", &id)) {
		if (!part_is(w->prev, "docker") || !part_hex(w->part, 64))
			return false;
		id = w->part;
	}
	walk_container(w, "docker", id, STORE_DOCKER);
	return true;
}
