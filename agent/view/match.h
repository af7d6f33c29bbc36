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

/* Shorter prefixes of an id match nothing: they could be names. */
#define MATCH_ID_MIN 12

/*
 * `wanted` is the exact name of the container, "pod/name", or a prefix of its id. Reads only name, id and pod of `row`.
 */
bool container_matches(const struct container_row *row, const char *wanted);

/* A filter: text that must occur in a name as it is shown, ignoring case. */
struct match_filter {
	struct buf wanted, text;
};
void match_filter_init(struct match_filter *f, const char *wanted); /* NULL or "": matches everything */
void match_filter_free(struct match_filter *f);

/* In the container's name or image or, where `p` is not NULL, in the comm; a number also matches that pid. */
bool match_filter_row(struct match_filter *f, const struct container_row *home, const struct process_row *p);

#endif
