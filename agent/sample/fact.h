/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fact.h - checks the records of the ring: complete, of a known kind, texts that end with a NUL, enumerators in range.
 * Called by the sampler; pure: it takes bytes and touches nothing else. Also the type of those who get the facts.
 */
#ifndef SYSSCOPE_FACT_H
#define SYSSCOPE_FACT_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/abi/fact.h"

struct identity;

/*
 * Gets each fact as it comes. `who` and `path`: of its cgroup, which is the thread's, or the one that was created,
 * removed or entered; NULL: not known.
 */
struct fact_subscriber {
	void (*take)(void *ctx, const struct ss_fact *f, const struct identity *who, const char *path);
	void *ctx;
};

/*
 * Decodes one record of the ring. *ret gets a copy, zero after the part that its kind has; its texts end with a NUL.
 * 0; -EBADMSG: too short, or out of range; -ENOTSUP: a kind that this agent does not know. *ret is untouched on errors.
 */
int fact_decode(const void *data, size_t size, struct ss_fact *ret);

/* The name of its type in `sysscope events`; "unknown" for another number. */
const char *fact_kind_name(enum ss_fact_kind kind);

#endif
