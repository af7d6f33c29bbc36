/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_path.c - any path of a cgroup gets an identity: a name that is not empty, and a home that is a part of the path. */
#include "fuzz.h"
#include "identity/identity.h"

static bool only_root(void *ctx, const char *path, size_t len)
{
	(void)ctx;
	must(len > 0 && len <= strlen(path) && path[len - 1] != '/');
	return path[len - 1] & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct identities *ids;
	static uint64_t id;
	const struct identity *who;
	char *path;

	if (!ids)
		ids = identities_new("/nonexistent");
	must(ids);
	identities_ask_root(ids, only_root, NULL);
	if (size > 8192)
		return 0;
	path = malloc(size + 2);
	must(path);
	path[0] = '/';
	memcpy(path + 1, data, size);
	path[size + 1] = '\0';
	id++;
	who = identities_get(ids, id, path, id);
	must(who && who->name[0] && who->kind < HOME_KINDS);
	must(strlen(who->home) <= strlen(path) + 1);
	identities_forget(ids, id);
	free(path);
	return 0;
}
