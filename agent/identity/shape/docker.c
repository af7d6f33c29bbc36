/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docker.c - the shapes of Docker's cgroups, with either cgroup driver, and of BuildKit's steps. Called by path.c.
 */
#include <string.h>

#include "identity/shape/family.h"

/* BuildKit's ids: 25 digits of base 36. */
static bool is_step(struct path_part id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!((id.s[i] >= '0' && id.s[i] <= '9') || (id.s[i] >= 'a' && id.s[i] <= 'z')))
			return false;
	return id.len == 25;
}

/* NAME.slice:docker:ID: what dockerd says to systemd's driver, taken literally, as BuildKit's runc does. */
static bool literal_step(struct path_part p, struct path_part *ret_id)
{
	const char *colon = memchr(p.s, ':', p.len);
	struct path_part slice = {p.s, colon ? (size_t)(colon - p.s) : 0}, rest = {p.s + slice.len, p.len - slice.len};

	return part_ends(slice, ".slice") &&
	       (part_between(rest, ":docker:", "", ret_id) || part_between(rest, ":buildkit:", "", ret_id)) &&
	       is_step(*ret_id);
}

/*
 * A build has a container for each of its steps, which lives for a moment: they are one home. With cgroupfs they are in a
 * cgroup of their own, /docker/buildkit/ID.
 */
static bool buildkit_match(struct path_walk *w)
{
	struct path_part none = {"", 0}, id = none;

	if ((!part_is(w->part, "buildkit") && !literal_step(w->part, &id)) || !walk_by_root(w))
		return false;
	walk_claim(w, HOME_CONTAINER, "buildkit", none, "buildkit");
	w->m->instance_at = w->end - id.len;
	w->m->instance_len = id.len;
	w->done = true;
	return true;
}

bool docker_match(struct path_walk *w)
{
	struct path_part id;

	if (buildkit_match(w))
		return true;
	if (!walk_scope(w, "docker", &id)) {
		if (!part_is(w->prev, "docker") || !part_hex(w->part, 64))
			return false;
		id = w->part;
	}
	walk_container(w, "docker", id, STORE_DOCKER);
	return true;
}
