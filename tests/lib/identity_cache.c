/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity_cache.c - see identity_cache.h. */
#include "identity_cache.h"

struct identities *ids;

int cache_teardown(void **state)
{
	identities_free(ids);
	ids = NULL;
	return root_teardown(state);
}

static bool outside_of_users(void *ctx, const char *path, size_t len)
{
	(void)ctx;
	return !memmem(path, len, "user.slice", 10);
}

void cache_open(void)
{
	ids = identities_new(root_dir);
	assert_non_null(ids);
	identities_ask_root(ids, outside_of_users, NULL);
}

const struct identity *cache_get(uint64_t id, const char *path)
{
	const struct identity *who = identities_get(ids, id, path, T0);

	assert_non_null(who);
	return who;
}

struct identity_stats cache_stats(void)
{
	struct identity_stats s;

	identities_stats(ids, &s);
	return s;
}
