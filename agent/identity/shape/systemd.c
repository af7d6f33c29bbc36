/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd.c - services, scopes, sessions and the units of users' own managers; services of Talos, which has no
 * systemd. Called by path.c after all runtimes; reads no file. A slice is not a home, and the cgroups below a unit
 * belong to the unit.
 */
#include <stdio.h>
#include <string.h>

#include "identity/shape/family.h"

static bool is_unit(struct path_part p)
{
	return part_ends(p, ".service") || part_ends(p, ".scope");
}

/* A number and what follows it; leading zeros are none of systemd's. */
static bool number_skip(struct path_part *p)
{
	size_t n = 0;

	while (n < p->len && p->s[n] >= '0' && p->s[n] <= '9')
		n++;
	if (!n || (n > 1 && p->s[0] == '0'))
		return false;
	*p = (struct path_part){p->s + n, p->len - n};
	return true;
}

static bool char_skip(struct path_part *p, char c)
{
	if (!p->len || p->s[0] != c)
		return false;
	*p = (struct path_part){p->s + 1, p->len - 1};
	return true;
}

/* Addresses and ports: 10.0.0.1:22-10.0.0.2:5555, fe80::1:22-fe80::2:5555; of vsock only numbers. */
static bool is_addresses(struct path_part p)
{
	bool colon = false, dash = false;

	for (size_t i = 0; i < p.len; i++) {
		colon |= p.s[i] == ':';
		dash |= p.s[i] == '-';
		if (!strchr("0123456789abcdef.:-", p.s[i]))
			return false;
	}
	return colon && dash;
}

/* The client of a Unix socket: PID-UID, or PID_PIDFD-UID, or unknown. */
static bool is_client(struct path_part p)
{
	if (part_is(p, "unknown"))
		return true;
	if (!number_skip(&p) || (char_skip(&p, '_') && !number_skip(&p)))
		return false;
	return char_skip(&p, '-') && number_skip(&p) && !p.len;
}

/*
 * The instance of a service that a socket unit with Accept=yes starts for each connection, as systemd's
 * instance_from_socket names it: the number of the connection, then who is connected. A date (2026-11-29) is none.
 */
static bool is_connection(struct path_part instance)
{
	struct path_part p = instance;

	if (!number_skip(&p) || !char_skip(&p, '-') || !p.len)
		return false;
	if (instance.len == 10 && instance.s[4] == '-' && instance.s[7] == '-')
		return false;
	return is_addresses(p) || is_client(p);
}

/* chk@17-10.0.0.1:6556-10.0.0.2:5555.service. There may be any number of them, and each lives for a moment. */
static bool instance_of(struct path_part unit, struct path_part *ret)
{
	const char *at = memchr(unit.s, '@', unit.len);
	size_t before = at ? (size_t)(at - unit.s) : 0;
	struct path_part behind = {unit.s + before + 1, unit.len - before - 1};

	return before && part_between(behind, "", ".service", ret) && is_connection(*ret);
}

static void systemd_claim(struct path_walk *w, enum home_kind kind)
{
	char name[IDENTITY_ID_MAX], template[IDENTITY_ID_MAX];
	struct path_part unit = w->part, instance;
	bool connection = instance_of(unit, &instance);

	if (connection) {
		int before = (int)(instance.s - unit.s);

		snprintf(template, sizeof(template), "%.*s.service", before, unit.s);
		unit = (struct path_part){template, strlen(template)};
	}
	part_unescape(unit, name, sizeof(name));
	walk_claim(w, kind, "systemd", unit, name);
	if (connection) {
		w->m->instance_at = w->end - w->part.len + (size_t)(instance.s - w->part.s);
		w->m->instance_len = instance.len;
	}
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

static bool talos_match(struct path_walk *w)
{
	char name[IDENTITY_ID_MAX];

	if (!(w->index == 1 && (part_is(w->prev, "podruntime") || part_is(w->prev, "system"))) &&
	    !(w->index == 0 && part_is(w->part, "init")))
		return false;
	part_copy(w->part, name, sizeof(name));
	walk_claim(w, HOME_SERVICE, "talos", w->part, name);
	walk_guard(w, PLACE_UNIT);
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
	return w->on_talos && talos_match(w);
}
