/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_limit.c - the rule about memory that comes close to its limit. Called by judge.c through the table in rules.def.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"

/* A memory limit, and the row that is asked about it. */
struct limit_case {
	const char *path; /* of the cgroup whose limit it is */
	uint32_t row,
		owner; /* the same if that cgroup has a row, else the largest one below; NO_CONTAINER: it has none */
	double limit, held; /* what counts towards it and cannot be taken back without swap */
};

/* Its own memory, and what is in memory like files of a tmpfs: only swap takes them. */
static double memory_kept(const struct container_row *c)
{
	return value_or_zero(c->v[CONTAINER_MEMORY_RSS]) + value_or_zero(c->v[CONTAINER_MEMORY_SHMEM]);
}

/* Whether the kernel may still move a twentieth of the limit to swap. Of a limit above it is not known, and then it may. */
static bool swap_has_room(const struct judging *j, const struct limit_case *l)
{
	const double *v = j->now->containers[l->row].v;
	double used = value_or_zero(v[CONTAINER_MEMORY_SWAP]);
	bool v1 = value_absent(v[CONTAINER_EVENTS_HIGH]);

	if (!(j->now->v[HOST_SWAP_TOTAL] > 0))
		return false;
	if (l->owner == NO_CONTAINER || value_absent(v[CONTAINER_SWAP_LIMIT]))
		return true;
	/* v1 limits memory and swap together. */
	return v[CONTAINER_SWAP_LIMIT] - used - (v1 ? l->limit : 0) > l->limit / 20;
}

#define USERS_SHOWN 3
struct limit_users {
	uint32_t rows[USERS_SHOWN]; /* the largest first */
	size_t n, all;
};

/* It is below this cgroup, and in no container that is below it, too. */
static bool limit_holds(const struct container_row *c, const char *path)
{
	return !c->dead && strcmp(c->cgroup, path) != 0 && path_within(c->cgroup, path) &&
	       (!*c->parent_cgroup || strcmp(c->parent_cgroup, path) == 0 || !path_within(c->parent_cgroup, path));
}

static struct limit_users users_below(const struct judging *j, const char *path)
{
	struct limit_users u = {};

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		size_t at = u.n;

		if (!limit_holds(c, path))
			continue;
		u.all++;
		while (at > 0 && memory_kept(&j->now->containers[u.rows[at - 1]]) < memory_kept(c))
			at--;
		if (at == USERS_SHOWN)
			continue;
		u.n += u.n < USERS_SHOWN;
		memmove(&u.rows[at + 1], &u.rows[at], (u.n - 1 - at) * sizeof(u.rows[0]));
		u.rows[at] = i;
	}
	return u;
}

/* "has filled 92 % of its memory limit of 512M with memory that ...", of who has the limit, or of those below it. */
static void near_limit_headline(struct judging *j, struct finding *f, const struct limit_case *l,
				const struct limit_users *u)
{
	const char *name = j->now->containers[l->row].name, *limit = advice_bytes(j, l->limit);
	const char *what =
		swap_has_room(j, l) ? "memory that only swap could take" : "memory that cannot be taken back";
	double share = l->held / l->limit;

	if (l->owner != NO_CONTAINER)
		finding_headline(j, f, share, "%s has filled %.0f %% of its memory limit of %s with %s", name,
				 share * 100, limit, what);
	else if (u->all > 1)
		finding_headline(j, f, share,
				 "the containers below %s have filled %.0f %% of its memory limit of %s with %s; the "
				 "largest is %s",
				 l->path, share * 100, limit, what, name);
	else
		finding_headline(j, f, share, "%s has filled %.0f %% of the memory limit of %s, %s, with %s", name,
				 share * 100, l->path, limit, what);
}

static void kinds_evidence(struct judging *j, struct finding *f, const struct container_row *c)
{
	double shmem = value_or_zero(c->v[CONTAINER_MEMORY_SHMEM]), rss = value_or_zero(c->v[CONTAINER_MEMORY_RSS]);
	double files =
		value_or_zero(c->v[CONTAINER_MEMORY_ACTIVE_FILE]) + value_or_zero(c->v[CONTAINER_MEMORY_INACTIVE_FILE]);

	finding_evidence(j, f, "memory_bytes", c->v[CONTAINER_MEMORY_USAGE], "bytes",
			 "it uses %s, %s of it for the cache of files", advice_bytes(j, c->v[CONTAINER_MEMORY_USAGE]),
			 advice_bytes(j, files));
	finding_evidence(j, f, "memory_rss_bytes", rss, "bytes", "its own memory (anonymous) is %s",
			 advice_bytes(j, rss));
	if (shmem > 0)
		finding_evidence(j, f, "memory_shmem_bytes", shmem, "bytes",
				 "shared memory and files in a tmpfs, such as /dev/shm, are %s",
				 advice_bytes(j, shmem));
}

static void users_evidence(struct judging *j, struct finding *f, const struct limit_users *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct container_row *c = &j->now->containers[u->rows[i]];

		finding_evidence(j, f, "memory_rss_bytes", c->v[CONTAINER_MEMORY_RSS], "bytes",
				 "%s has %s of its own (anonymous), %s in shared memory and tmpfs", c->name,
				 advice_bytes(j, value_or_zero(c->v[CONTAINER_MEMORY_RSS])),
				 advice_bytes(j, value_or_zero(c->v[CONTAINER_MEMORY_SHMEM])));
	}
	if (u->all > u->n)
		finding_evidence(j, f, "", (double)(u->all - u->n), "count", "%zu more containers are below this limit",
				 u->all - u->n);
}

static void near_limit_advice(struct judging *j, struct finding *f, const struct limit_case *l, double grows)
{
	double wanted = ceil(l->held * 1.25 / 1048576) * 1048576;
	const struct container_row *c = &j->now->containers[l->row];

	if (!(wanted > j->now->v[HOST_MEMORY_TOTAL]))
		finding_advice(j, f, "if it needs that much, give it more: %s",
			       advice_memory_limit(j, l->row, l->path, wanted));
	if (c->v[CONTAINER_MEMORY_SHMEM] * 4 > l->held)
		finding_advice(j, f,
			       "delete files in its /dev/shm and other tmpfs, or give these mounts a smaller size= "
			       "(docker run --shm-size, --tmpfs /path:size=64m)");
	if (grows > 0)
		finding_advice(j, f, "if it grows without end, it leaks: restart it before the limit does");
}

static void near_limit_find(struct judging *j, struct limit_case *l)
{
	struct limit_users u = users_below(j, l->path);
	double share = l->held / l->limit, grows, before;
	struct finding *f;

	if (l->owner == NO_CONTAINER && u.n)
		l->row = u.rows[0];
	before = window_before(j->w, WINDOW_CONTAINERS, l->row, CONTAINER_MEMORY_LIMIT_HELD);
	grows = judge_rate(j, l->held - before);
	f = judge_find(j, l->row,
		       swap_has_room(j, l)					 ? FINDING_NOTICE
		       : share >= judge_threshold(j, MEMORY_NEAR_LIMIT_CRITICAL) ? FINDING_CRITICAL
										 : FINDING_WARNING);
	if (!f)
		return;
	near_limit_headline(j, f, l, &u);
	finding_evidence(j, f, "memory_limit_held_bytes", l->held, "bytes",
			 "%s of %s cannot be taken back without swap", advice_bytes(j, l->held),
			 advice_bytes(j, l->limit));
	if (l->owner != NO_CONTAINER)
		kinds_evidence(j, f, &j->now->containers[l->row]);
	users_evidence(j, f, &u);
	if (grows > 0 && grows * 3600 > l->limit - l->held)
		finding_evidence(j, f, "memory_limit_held_bytes", grows, "bytes_per_second",
				 "it grew by %s in each second: at that rate the limit is reached in %.0f s",
				 advice_bytes(j, grows), fmax(l->limit - l->held, 0) / grows);
	finding_ruled_out(j, f, "the cache of files: it is not counted, the kernel takes it back first");
	near_limit_advice(j, f, l, grows);
}

static void limit_judge(struct judging *j, uint32_t row, bool own)
{
	const struct container_row *c = &j->now->containers[row];
	struct limit_case l = {own ? c->cgroup : c->memory_limit_of, row, own ? row : NO_CONTAINER,
			       c->v[CONTAINER_MEMORY_LIMIT], c->v[CONTAINER_MEMORY_LIMIT_HELD]};
	double threshold = l.limit * judge_threshold(j, MEMORY_NEAR_LIMIT_SHARE);

	if (value_absent(l.held))
		return;
	if (l.held >= threshold)
		near_limit_find(j, &l);
	else
		judge_near(j, row, l.held, threshold,
			   own ? "%.0f %% of its memory limit is filled with memory that cannot be taken back"
			       : "%.0f %% of a memory limit above it is filled with memory that cannot be taken back",
			   l.held / l.limit * 100);
}

/* A container that has a limit, as one of those that share it. */
struct limit_sharer {
	uint64_t of; /* hash of the path of the cgroup whose limit it is */
	double kept;
	uint32_t row;
	bool own;
};

/* Those that share a limit are adjacent: whose own it is first, then the largest. */
static int sharer_order(const void *a, const void *b)
{
	const struct limit_sharer *x = a, *y = b;

	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	if (x->own != y->own)
		return x->own ? -1 : 1;
	return x->kept < y->kept ? 1 : x->kept > y->kept ? -1 : 0;
}

/* Each limit is judged once: about the row of its cgroup, or, if that has none, about the largest below. */
void judge_memory_near_limit(struct judging *j)
{
	_cleanup_free_ struct limit_sharer *sharers = calloc(j->now->n_containers + 1, sizeof(*sharers));
	const struct row_keys *keys = &j->w->keys;
	size_t n = 0;

	if (!sharers) {
		j->failed = true;
		return;
	}
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		bool own = memory_limit_is_own(c);

		if (!c->dead && c->v[CONTAINER_MEMORY_LIMIT] > 0)
			sharers[n++] = (struct limit_sharer){
				.of = own ? keys->homes[i]
					  : hash_text(&keys->seed, keys->seed.begin, c->memory_limit_of),
				.kept = memory_kept(c),
				.row = i,
				.own = own,
			};
	}
	qsort(sharers, n, sizeof(*sharers), sharer_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || sharers[i].of != sharers[i - 1].of)
			limit_judge(j, sharers[i].row, sharers[i].own);
}
