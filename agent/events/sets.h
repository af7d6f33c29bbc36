/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sets.h - sets kept over the stream of facts: the processes of a command's tree, and the containers that were created
 * meanwhile. Used by feed.c; bounded.
 */
#ifndef SYSSCOPE_EVENT_SETS_H
#define SYSSCOPE_EVENT_SETS_H

#include <stdbool.h>
#include <stdint.h>

struct pid_member;
struct container_member;

struct event_sets {
	struct pid_member *tree;
	bool any_ended;
	struct container_member *containers;
};
void event_sets_free(struct event_sets *s);

bool tree_has(const struct event_sets *s, uint32_t pid);
int tree_add(struct event_sets *s, uint32_t pid); /* 0 or -ENOMEM */
/* The process has ended, and its pid may be reused. `keep`: late facts about it still belong to the tree for a while. */
void tree_end(struct event_sets *s, uint32_t pid, bool keep);
bool tree_had(const struct event_sets *s, uint32_t pid);
/*
 * Call after each snapshot. Forgets processes whose end was known before the snapshot before: the end can be known while a
 * snapshot is being made that lacks what the process did last.
 */
void tree_forget_ended(struct event_sets *s);

/* By the path of the cgroup. 0, even if there are too many; -ENOMEM. */
int container_made(struct event_sets *s, const char *path, uint64_t time_ns);
/* Whether this is the first task in it. */
bool container_entered(struct event_sets *s, const char *path);
/* Its lifetime in seconds; not a number if it is older than the agent. */
double container_removed(struct event_sets *s, const char *path, uint64_t time_ns);

#endif
