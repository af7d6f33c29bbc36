/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd.c - services, scopes, sessions and the units of users' own managers; services of Talos, which has no
 * systemd. Called by path.c after all runtimes; reads no file. A slice is not a home, and the cgroups below a unit
 * belong to the unit.
 */
#include <string.h>

#include "identity/shape/family.h"

static bool is_unit(struct path_part p)
{
	return part_ends(p, ".service") || part_ends(p, ".scope");
}

static void systemd_claim(struct path_walk *w, enum home_kind kind)
{
	char name[IDENTITY_ID_MAX];

	part_unescape(w->part, name, sizeof(name));
	walk_claim(w, kind, "systemd", w->part, name);
}

/* user-UID.slice, as systemd writes it: decimal, without leading zeros. */
static bool user_of_slice(struct path_part p, int64_t *ret)
{
	struct path_part digits;
	uint64_t uid = 0;

	if (!part_between(p, "user-", ".slice", &digits) || !part_digits(digits) || digits.len > 10 ||
	    (digits.len > 1 && digits.s[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.len; i++)
		uid = uid * 10 + (uint64_t)(digits.s[i] - '0');
	if (uid > UINT32_MAX)
		return false;
	*ret = (int64_t)uid;
	return true;
}

static bool user_match(struct path_walk *w)
{
	if (w->user_manager) {
		if (!is_unit(w->part) || part_is(w->part, "init.scope"))
			return true;
		w->user_manager = false;
		systemd_claim(w, HOME_SESSION);
		return true;
	}
	/* Slices may come in between; the first unit is a session, the user's manager, or a unit for the user. */
	if (w->claimed || !is_unit(w->part))
		return false;
	systemd_claim(w, HOME_SESSION);
	w->user_manager = part_starts(w->part, "user@") && part_ends(w->part, ".service");
	return true;
}

bool systemd_match(struct path_walk *w)
{
	if (w->place == PLACE_USER)
		return user_match(w);
	if (w->place != PLACE_TOP)
		return false;
	if (w->index == 1 && part_is(w->prev, "user.slice") && part_ends(w->part, ".slice")) {
		/* Even if the uid is not known, nothing in it belongs to the host. */
		walk_guard(w, PLACE_USER);
		user_of_slice(w->part, &w->m->uid);
		return true;
	}
	if (is_unit(w->part) && (w->index == 0 || part_ends(w->prev, ".slice"))) {
		systemd_claim(w, HOME_SERVICE);
		walk_guard(w, PLACE_UNIT);
		return true;
	}
	if ((w->index == 1 && (part_is(w->prev, "podruntime") || part_is(w->prev, "system"))) ||
	    (w->index == 0 && part_is(w->part, "init"))) {
		char name[IDENTITY_ID_MAX];

		part_copy(w->part, name, sizeof(name));
		walk_claim(w, HOME_SERVICE, "talos", w->part, name);
		walk_guard(w, PLACE_UNIT);
		return true;
	}
	return false;
}
