/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fact.h - turns what came over the ring into facts that can be relied on: whole, of a known kind, texts that end,
 * enumerators in range. Called by the sampler; pure: it takes bytes and touches nothing else.
 */
#ifndef SYSSCOPE_FACTS_H
#define SYSSCOPE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/abi/fact.h"

/*
 * One record of the ring. *ret gets a copy, zero behind what its kind has; texts in it end with a NUL. 0; -EBADMSG: it is
 * too short or no fact at all; -ENOTSUP: of a kind that this agent does not know. *ret is untouched on errors.
 */
int fact_decode(const void *data, size_t size, struct ss_fact *ret);

/* As `sysscope events` calls it; "unknown" for another number. */
const char *fact_kind_name(enum ss_fact_kind kind);

#endif
