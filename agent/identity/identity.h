/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - the identity of a cgroup: from its path and the runtime's files, cached per home. Used by the sampler's
 * cgroup table. Never talks to a socket, never sanitises: names are raw. Not thread-safe. Files are read by a thread of its own,
 * if it is started, which is waited for with a limit: one that never answers delays nobody for long.
 */
#ifndef SYSSCOPE_IDENTITY_H
#define SYSSCOPE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

/* Cgroups in the cache; further ones share one identity named IDENTITY_OTHER until some are forgotten. */
#define IDENTITIES_MAX 65536
#define IDENTITY_OTHER "~other"
#define IDENTITY_TEXT_MAX \
	4096 /* of each string but labels; a longer one is cut and ends in ~ and a hash of all of it */

struct identities;

struct identity_stats {
	uint64_t failures;     /* look-ups in a runtime's files without a result */
	uint64_t refused;      /* files that were rejected: symlink, not regular, wrong owner, too large, bad JSON */
	uint64_t overflow;     /* calls answered with IDENTITY_OTHER */
	size_t cgroups, homes; /* in the cache */
	size_t unnamed;	       /* homes without a name, for which look-ups go on */
};

/* All files are read below `root`: "" or "/" on a live system, a folder in tests. NULL: out of memory. */
struct identities *identities_new(const char *root);
void identities_free(struct identities *ids);

/*
 * From now on a thread reads the files. 0, or negative errno: there is none, and they go on to be read by who asks, as in
 * tests.
 */
int identities_start(struct identities *ids);

/* Adds a dockerd's --data-root to those that are found; absolute. Before identities_start. */
int identities_add_docker_root(struct identities *ids, const char *path);

/*
 * How to find out whether nobody but root can make, rename or remove cgroups in the one that the first `len` bytes of a path
 * name. Without it whatever is below a unit or a user's slice counts as made by these.
 */
void identities_ask_root(struct identities *ids, bool (*only_root)(void *ctx, const char *path, size_t len), void *ctx);

/*
 * All cgroups of one home share one struct. It is valid until identities_forget was called for each of its cgroups, or
 * their ids came with another path. Each identities_get and identities_refresh may replace its strings; `generation`
 * then changes, and no value is used twice. NULL only if out of memory.
 */
const struct identity *identities_get(struct identities *ids, uint64_t cgroup_id, const char *path, uint64_t now_ns);

/*
 * Retries look-ups that had no result: 0.1, 0.5, 2 and 10 s after the home was first seen, then every 60 s. Does what
 * identities_check does if that was not done for a second. Cheap if nothing is due. Returns how many homes changed.
 */
int identities_refresh(struct identities *ids, uint64_t now_ns);

/* Waits for the names of what has just come, at most 20 ms. Returns how many homes changed. */
int identities_wait(struct identities *ids);

/*
 * For each sample: retries, too, and compares the runtimes' files with what was read of them. Those that were replaced are
 * read again: renamed containers, other labels. Waits for the answers, at most 50 ms, the first time 1 s. Returns how
 * many homes changed.
 */
int identities_check(struct identities *ids, uint64_t now_ns);

void identities_forget(struct identities *ids, uint64_t cgroup_id);

void identities_stats(const struct identities *ids, struct identity_stats *ret);

#endif
