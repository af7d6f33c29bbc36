/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sets.h - what the stream of facts has to remember: the processes of a command's tree, and the containers that were made
 * under its eyes. Used by feed.c; bounded.
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
/* It has ended: its pid may be another's from now on. `keep`: what is told of it late is still of the tree, for a while. */
void tree_end(struct event_sets *s, uint32_t pid, bool keep);
bool tree_had(const struct event_sets *s, uint32_t pid);
void tree_forget_ended(struct event_sets *s);

/* By the path of the cgroup. 0, also when there are too many, or -ENOMEM. */
int container_made(struct event_sets *s, const char *path, uint64_t time_ns);
/* Whether this is its first task. */
bool container_entered(struct event_sets *s, const char *path);
/* Seconds that it lived; not a number when it was there before. */
double container_removed(struct event_sets *s, const char *path, uint64_t time_ns);

#endif
