/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nspawn.c - containers of systemd-nspawn: the name is in the unit's name. Called by path.c; reads no file.
 */
#include <string.h>

#include "identity/shape/family.h"

bool nspawn_match(struct path_walk *w)
{
	struct identity_match *m = w->m;
	char text[IDENTITY_ID_MAX];
	struct path_part name;

	/* The home is the unit: its `payload` is the container, its `supervisor` is systemd-nspawn. */
	if (w->place == PLACE_CONTAINER && w->index == 0 && !m->nested && strcmp(m->runtime, "nspawn") == 0 &&
	    m->home_len == w->container_len && (part_is(w->part, "supervisor") || part_is(w->part, ".control"))) {
		memcpy(text, m->id, sizeof(text));
		w->place = PLACE_TOP;
		w->container_len = 0;
		walk_monitor(w, "nspawn", "nspawn", (struct path_part){text, strlen(text)});
		w->done = true;
		return true;
	}
	if (w->place == PLACE_USER || w->place == PLACE_UNIT)
		return false;
	if (!(part_between(w->part, "systemd-nspawn@", ".service", &name) && part_ends(w->prev, ".slice")) &&
	    !(part_between(w->part, "machine-", ".scope", &name) && part_starts(w->prev, "machine") &&
	      part_ends(w->prev, ".slice")))
		return false;
	part_unescape(name, text, sizeof(text));
	walk_named(w, HOME_CONTAINER, "nspawn", (struct path_part){text, strlen(text)}, text);
	return true;
}
