/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - who a cgroup is: its path parsed, and what the runtime's files say, remembered per home. Used by the
 * sampler's cgroup table. Never talks to a socket, never blocks, never sanitises: names are as raw as they came.
 * Not thread-safe.
 */
#ifndef SYSSCOPE_IDENTITY_H
#define SYSSCOPE_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

/* Cgroups that are remembered; what comes beyond shares one identity named IDENTITY_OTHER until some are forgotten. */
#define IDENTITIES_MAX	  65536
#define IDENTITY_OTHER	  "~other"
#define IDENTITY_TEXT_MAX 4096 /* of each string but labels; what is longer is cut and ends in ~ and a hash of it all */

struct identities;

struct identity_stats {
	uint64_t failures;     /* look-ups in a runtime's files that gave no name */
	uint64_t refused;      /* files not believed: a symlink, no regular file, wrong owner, too large, bad JSON */
	uint64_t overflow;     /* calls answered with IDENTITY_OTHER */
	size_t cgroups, homes; /* remembered now */
	size_t unnamed;	       /* homes for whose names files are still being asked */
};

/* All files are read below `root`: "" or "/" on a live system, a folder in tests. NULL: out of memory. */
struct identities *identities_new(const char *root);
void identities_free(struct identities *ids);

/* A dockerd's --data-root besides the usual places and the one in /etc/docker/daemon.json; absolute. */
int identities_add_docker_root(struct identities *ids, const char *path);

/*
 * All cgroups of one home share one struct. It stays where it is until identities_forget was called for each id that
 * was answered with it, or the same id came with another path. Its strings may be replaced by every identities_get
 * and identities_refresh; `generation` is then another, and no generation is ever given twice. NULL only when out of
 * memory.
 */
const struct identity *identities_get(struct identities *ids, uint64_t cgroup_id, const char *path, uint64_t now_ns);

/*
 * Asks again for names that were not there: 0.1, 0.5, 2 and 10 s after the home was first seen, then every 60 s.
 * Cheap when nothing is due. Returns how many homes changed.
 */
int identities_refresh(struct identities *ids, uint64_t now_ns);

void identities_forget(struct identities *ids, uint64_t cgroup_id);

void identities_stats(const struct identities *ids, struct identity_stats *ret);

#endif
