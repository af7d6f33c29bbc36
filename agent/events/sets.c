/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sets.c - see sets.h. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "events/sets.h"

#define TREE_MANY      65536
#define CONTAINERS_MAX 65536

struct pid_member {
	uint32_t pid;
	unsigned char ended; /* 0, or 1 more than the snapshots since its end */
	UT_hash_handle hh;
};
struct container_member {
	uint64_t time_ns;
	bool entered;
	UT_hash_handle hh;
	char path[];
};

void event_sets_free(struct event_sets *s)
{
	struct pid_member *p, *next_pid;
	struct container_member *c, *next_container;

	HASH_ITER (hh, s->tree, p, next_pid) {
		HASH_DEL(s->tree, p);
		free(p);
	}
	HASH_ITER (hh, s->containers, c, next_container) {
		HASH_DEL(s->containers, c);
		free(c);
	}
}

/* ---- the tree of a command ---- */

static struct pid_member *tree_find(const struct event_sets *s, uint32_t pid)
{
	struct pid_member *m;

	HASH_FIND(hh, s->tree, &pid, sizeof(pid), m);
	return m;
}

bool tree_has(const struct event_sets *s, uint32_t pid)
{
	const struct pid_member *m = tree_find(s, pid);

	return m && !m->ended;
}

bool tree_had(const struct event_sets *s, uint32_t pid)
{
	return tree_find(s, pid) != NULL;
}

static void tree_remove(struct event_sets *s, struct pid_member *m)
{
	HASH_DEL(s->tree, m);
	free(m);
}

void tree_end(struct event_sets *s, uint32_t pid, bool keep)
{
	struct pid_member *m = tree_find(s, pid);

	if (m && keep && HASH_COUNT(s->tree) < TREE_MANY)
		m->ended = s->any_ended = 1;
	else if (m)
		tree_remove(s, m);
}

void tree_forget_ended(struct event_sets *s)
{
	struct pid_member *m, *next;

	if (!s->any_ended)
		return;
	s->any_ended = false;
	HASH_ITER (hh, s->tree, m, next) {
		if (m->ended > 1) {
			tree_remove(s, m);
		} else if (m->ended) {
			m->ended++;
			s->any_ended = true;
		}
	}
}

/* If there are many members, removes those whose end was lost. */
static void tree_sweep(struct event_sets *s)
{
	struct pid_member *m, *next;

	HASH_ITER (hh, s->tree, m, next)
		if (kill((pid_t)m->pid, 0) < 0 && errno == ESRCH)
			tree_remove(s, m);
}

int tree_add(struct event_sets *s, uint32_t pid)
{
	struct pid_member *m = tree_find(s, pid);

	if (m) {
		m->ended = 0;
		return 0;
	}
	if (HASH_COUNT(s->tree) >= TREE_MANY)
		tree_sweep(s);
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->pid = pid;
	HASH_ADD(hh, s->tree, pid, sizeof(m->pid), m);
	if (m->hh.tbl)
		return 0;
	free(m);
	return -ENOMEM;
}

/* ---- containers that were created meanwhile ---- */

static struct container_member *member_find(const struct event_sets *s, const char *path)
{
	struct container_member *c;

	HASH_FIND_STR(s->containers, path, c);
	return c;
}

int container_made(struct event_sets *s, const char *path, uint64_t time_ns)
{
	size_t size = strlen(path) + 1;
	struct container_member *c = member_find(s, path);

	if (c || HASH_COUNT(s->containers) >= CONTAINERS_MAX)
		return 0;
	c = calloc(1, sizeof(*c) + size);
	if (!c)
		return -ENOMEM;
	c->time_ns = time_ns;
	memcpy(c->path, path, size);
	HASH_ADD_STR(s->containers, path, c);
	if (c->hh.tbl)
		return 0;
	free(c);
	return -ENOMEM;
}

bool container_entered(struct event_sets *s, const char *path)
{
	struct container_member *c = member_find(s, path);

	if (!c || c->entered)
		return false;
	c->entered = true;
	return true;
}

double container_removed(struct event_sets *s, const char *path, uint64_t time_ns)
{
	struct container_member *c = member_find(s, path);
	double lived;

	if (!c)
		return NAN;
	lived = (double)(time_ns - c->time_ns) / 1e9;
	HASH_DEL(s->containers, c);
	free(c);
	return lived;
}
