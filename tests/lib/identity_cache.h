/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity_cache.h - an identity cache over the temporary root of identity_root.h, for test_identity.c and
 * test_identity_stores.c. Users make what is below their slices, root all the rest.
 */
#ifndef SYSSCOPE_TESTS_IDENTITY_CACHE_H
#define SYSSCOPE_TESTS_IDENTITY_CACHE_H

#include "identity/identity.h"
#include "identity_root.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL
#define T0     (1000 * SECOND)

extern struct identities *ids; /* the cache of the running test; freed after it */

int cache_teardown(void **state);
#define cache_test(f) cmocka_unit_test_setup_teardown(f, root_setup, cache_teardown)

void cache_open(void);
/* At T0. */
const struct identity *cache_get(uint64_t id, const char *path);
struct identity_stats cache_stats(void);

#endif
