/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespaces.h - namespaces: transitions counted by home, kind and call; which processes are in a container's namespaces
 * without being in its cgroup; which namespaces a container shares with the host.
 */
#ifndef SYSSCOPE_MODEL_NAMESPACES_H
#define SYSSCOPE_MODEL_NAMESPACES_H

#include "homes/homes.h"
#include "base/list.h"
#include "model/processes.h"

/* Threads of a home that came into other namespaces of one kind. */
struct transition {
	struct {
		struct home *home;
		uint8_t kind, how, expected;
	} key;
	uint64_t carried, now, held;
	UT_hash_handle hh;
};

/* A process in a namespace that is not the host's. */
struct namespace_member {
	uint32_t inode, kind;
	struct process *process;
};

/* One that is in a namespace of a container from elsewhere. */
struct outsider {
	const struct home *owner;
	const struct process *process;
	uint32_t kind;
};

struct namespaces {
	struct transition *transitions;
	LIST(struct transition_row) rows;
	LIST(struct namespace_member) members; /* by namespace, the oldest process first */
	LIST(struct outsider) found;	       /* among them */
	uint64_t standings, described;	       /* of processes and homes, when these were found */
	LIST(struct outsider_row) outsiders;
};

/* Before homes_settle: adds the sample's transitions. 0 or -ENOMEM. */
int transitions_take(struct namespaces *ns, const struct homes *homes, const struct sample *s);

/* After the rows of processes; completes those of containers. 0 or -ENOMEM. */
int namespace_rows_fill(struct namespaces *ns, const struct homes *homes, const struct processes *processes,
			struct container_row *containers, struct snapshot *snapshot);
void namespaces_free(struct namespaces *ns);

#endif
