/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.h - whether a row is what the user asked for: --container and the filter of `top`. Names are compared raw and
 * as a terminal shows them, because users copy what they see. Called by the table, the events and the verbs; pure.
 */
#ifndef SYSSCOPE_MATCH_H
#define SYSSCOPE_MATCH_H

#include <stdbool.h>

#include "base/util.h"
#include "sysscope/view.h"

/* ---- --container ---- */

/*
 * The containers that the user named. Each name is the exact name of a container, "/name" as `docker inspect` prints it,
 * "pod/name", or the beginning of an id. As in docker, a name comes before the beginning of an id, and the beginning must
 * fit only one container: the snapshots tell, so match_choice_look() is to be called with each.
 */
#define MATCH_WANTED_MAX 8
struct match_wanted {
	const char *text;
	bool seen;	/* at any time */
	bool named;	/* it is a name, and not the beginning of an id */
	bool ambiguous; /* ids of several containers begin with it: matches none of them */
	char id[65];	/* the one id that begins with it, once it is known */
};
struct match_choice {
	struct match_wanted wanted[MATCH_WANTED_MAX];
	size_t n;	    /* 0: all containers */
	struct buf message; /* of the latest look; "" if all is well */
};

void match_choice_init(struct match_choice *c, const char *const *names, size_t n); /* the names must stay */
void match_choice_free(struct match_choice *c);

/*
 * Looks for each name in the snapshot. 0; -ENOENT: one was in no snapshot yet; -ENOTUNIQ: one is ambiguous. Then
 * c->message has a line that says so, safe for a terminal.
 */
int match_choice_look(struct match_choice *c, const struct snapshot *s);

/* Reads only name, id and pod of `row`. NULL for `c`: all. */
bool match_choice_row(const struct match_choice *c, const struct container_row *row);

/* ---- the filter of top ---- */

/* Text that must occur in a name as it is shown, ignoring case. */
struct match_filter {
	struct buf wanted, text;
};
void match_filter_init(struct match_filter *f, const char *wanted); /* NULL or "": matches everything */
void match_filter_free(struct match_filter *f);

/* In the container's name or image or, where `p` is not NULL, in the comm; a number also matches that pid. */
bool match_filter_row(struct match_filter *f, const struct container_row *home, const struct process_row *p);
/* The same with a comm but without a pid. */
bool match_filter_comm(struct match_filter *f, const struct container_row *home, const char *comm);

#endif
