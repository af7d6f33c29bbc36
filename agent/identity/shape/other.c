/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * other.c - schedulers with cgroup shapes of their own (ECS, Nomad), and a bare 64-digit id, which is a container of
 * an unknown runtime wherever root made it: also below a unit (--cgroup-parent, Nomad). Called by path.c after the known
 * runtimes; reads no file.
 */
#include <string.h>

#include "identity/shape/family.h"

/* /ecs/TASK/ID; on Fargate /ecs/TASK/TASK-NUMBER. */
static bool ecs_match(struct path_walk *w)
{
	struct path_part number = w->part;

	if (!part_is(w->prev2, "ecs") || (!part_hex(w->prev, 32) && !part_uuid(w->prev, '-')))
		return false;
	if (part_hex(w->part, 64)) {
		walk_container(w, "docker", w->part, STORE_DOCKER);
		return true;
	}
	if (w->part.len <= 33 || w->part.s[32] != '-' || !part_hex((struct path_part){w->part.s, 32}, 32))
		return false;
	number.s += 33;
	number.len -= 33;
	if (!part_digits(number))
		return false;
	walk_container(w, "ecs", w->part, 0);
	return true;
}

/* /nomad.slice/{share,reserve}.slice/ALLOCATION.TASK.scope */
static bool nomad_match(struct path_walk *w)
{
	char name[IDENTITY_ID_MAX];
	struct path_part id, task;

	if (!part_is(w->prev2, "nomad.slice") ||
	    !(part_is(w->prev, "share.slice") || part_is(w->prev, "reserve.slice")) ||
	    !part_between(w->part, "", ".scope", &task) || task.len < 38 || task.s[36] != '.')
		return false;
	id = (struct path_part){task.s, 36};
	task = (struct path_part){task.s + 37, task.len - 37};
	if (!part_uuid(id, '-'))
		return false;
	part_copy(task, name, sizeof(name));
	walk_named(w, HOME_CONTAINER, "nomad", id, name);
	return true;
}

static bool below_containerd(const struct path_walk *w)
{
	return w->place == PLACE_UNIT && strcmp(w->m->id, "containerd.service") == 0;
}

bool other_match(struct path_walk *w)
{
	if (w->place == PLACE_TOP && (ecs_match(w) || nomad_match(w)))
		return true;
	if (!part_hex(w->part, 64) || !walk_by_root(w))
		return false;
	walk_container(w, below_containerd(w) ? "containerd" : "", w->part, STORE_DOCKER | STORE_CONTAINERD);
	return true;
}
