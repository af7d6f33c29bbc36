/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * groups.c - the names of a home's processes, which of them have a row of their own, and the sums of a home: see groups.h.
 *
 * A name that finds no room is folded: it has a group as long as it has processes, and its home's `~other` shows what they
 * use. When a name that is gone makes room, a folded one takes it and starts from zero: what it used before stays in
 * `~other`. So no time is in two rows, and the sum over the rows grows as the home does.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/groups.h"
#include "homes/homes.h"

/* ---- names ---- */

/*
 * The kind of a kernel thread: its name up to a slash, else without the number at its end: kworker, ksoftirqd, jbd2,
 * kswapd. Every CPU, disk and memory node has threads of its own, and nobody asks for one of them.
 */
static void kernel_kind(char comm[SS_COMM_LEN])
{
	size_t end = strnlen(comm, SS_COMM_LEN);
	const char *slash = memchr(comm, '/', end);
	size_t n = slash ? (size_t)(slash - comm) : end;

	if (!slash) {
		while (n && isdigit((unsigned char)comm[n - 1]))
			n--;
		while (n && n < end && strchr("_-:", comm[n - 1]))
			n--;
	}
	if (n)
		memset(comm + n, 0, SS_COMM_LEN - n);
}

static struct group *group_new(struct homes *homes, struct home *h, const char comm[SS_COMM_LEN])
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->key.home = h;
	memcpy(g->key.comm, comm, SS_COMM_LEN);
	memcpy(g->comm, comm, SS_COMM_LEN);
	g->first_update = homes->update;
	g->row = GROUP_NO_ROW;
	for (int i = 0; i < GROUP_METRICS; i++)
		g->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, homes->groups, key, sizeof(g->key), g);
	if (!g->hh.tbl) {
		free(g);
		return NULL;
	}
	DL_APPEND(h->groups.first, g);
	return g;
}

/* The row of the names that find no room. NULL: no memory. */
static struct group *group_other(struct homes *homes, struct home *h)
{
	static const char comm[SS_COMM_LEN] = SS_COMM_OTHER;

	if (!h->groups.other)
		h->groups.other = group_new(homes, h, comm);
	return h->groups.other;
}

struct group *group_get(struct homes *homes, struct home *h, const char *comm)
{
	struct group *g, key = {};
	bool other;

	key.key.home = h;
	/* Bytes behind the NUL are not part of the name. */
	memcpy(key.key.comm, comm, strnlen(comm, SS_COMM_LEN));
	if (h == homes->kernel)
		kernel_kind(key.key.comm);
	HASH_FIND(hh, homes->groups, &key.key, sizeof(key.key), g);
	if (g)
		return g;
	other = memcmp(key.key.comm, SS_COMM_OTHER, sizeof(SS_COMM_OTHER)) == 0;
	if (other || h->groups.apart >= GROUPS_PER_HOME) {
		g = group_other(homes, h);
		if (!g || other)
			return g;
	}
	g = group_new(homes, h, key.key.comm);
	if (!g)
		return NULL;
	g->folded = h->groups.apart >= GROUPS_PER_HOME;
	*(g->folded ? &h->groups.folded : &h->groups.apart) += 1;
	return g;
}

struct group *group_shown(struct group *g)
{
	return g->folded ? g->key.home->groups.other : g;
}

/* Nobody may refer to it any more. */
static void group_drop(struct homes *homes, struct group *g)
{
	HASH_DEL(homes->groups, g);
	DL_DELETE(g->key.home->groups.first, g);
	homes->references_lost += g->tasks.settled != 0;
	free(g->elsewhere);
	free(g->loops);
	free(g);
}

void groups_free(struct homes *homes, struct home *h)
{
	struct group *g, *next;

	DL_FOREACH_SAFE (h->groups.first, g, next)
		group_drop(homes, g);
	h->groups = (struct home_groups){};
}

/* ---- what they used ---- */

void gone_add(struct ss_gone *to, const struct ss_gone *what)
{
	totals_add(&to->totals, &what->totals);
	to->processes_ended += what->processes_ended;
	to->threads_ended += what->threads_ended;
	to->short_lived_ns += what->short_lived_ns;
	waits_add(&to->waits, &what->waits);
}

static void gone_subtract(struct ss_gone *from, const struct ss_gone *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
		a[i] = sub_sat(a[i], b[i]);
}

void groups_reset(struct homes *homes)
{
	for (struct group *g = homes->groups; g; g = g->hh.next) {
		g->now = g->carried;
		g->processes = g->threads = g->rss_bytes = g->memory_known = 0;
		g->open = false;
	}
}

void group_touch(struct group *g, uint64_t update)
{
	if (g->changed == update)
		return;
	g->changed = update;
	memset(&g->tasks, 0, sizeof(g->tasks));
}

static void home_add_tasks(struct home *h, const struct group_tasks *t)
{
	h->processes += t->processes;
	h->threads += t->threads;
	h->stopped_threads += t->stopped_threads;
	h->free_threads += t->free_threads;
	for (size_t i = 0; i < ARRAY_SIZE(h->states); i++)
		h->states[i] += t->states[i];
	h->open_wait_ns += t->open_wait_ns;
	h->init_ended |= t->init_ended;
	if (t->oldest_start_ns && (!h->oldest_start_ns || t->oldest_start_ns < h->oldest_start_ns))
		h->oldest_start_ns = t->oldest_start_ns;
}

void groups_add_tasks(struct homes *homes)
{
	for (struct group *g = homes->groups; g; g = g->hh.next) {
		const struct group_tasks *t = &g->tasks;

		if (!t->settled && !t->threads)
			continue;
		totals_add(&g->now.totals, &t->totals);
		waits_add(&g->now.waits, &t->waits);
		g->processes = t->processes;
		g->threads = t->threads;
		g->rss_bytes = t->rss_bytes;
		g->memory_known = t->memory_known;
		home_add_tasks(g->key.home, t);
	}
}

/* ---- who makes room for whom ---- */

/* What an ended task used is in the tables after an RCU grace period: tens of milliseconds. */
#define COMPLETE_NS 500000000ULL

/* What its last processes used is complete. */
static bool group_is_over(const struct group *g, const struct moment *now)
{
	return !g->threads && !g->open && g->empty_since_ns && now->boot_ns >= g->empty_since_ns + COMPLETE_NS;
}

/* Its last values were in a snapshot, and were delivered if they have to be. */
static bool group_is_told(const struct homes *homes, const struct group *g)
{
	if ((double)g->now.totals.exec_ns > g->held[GROUP_CPU_USAGE])
		return false;
	return !homes->keep_unpublished || !g->unpublished;
}

/* The name of a row that has been gone longest, and whose last values were delivered. NULL: there is none. */
static struct group *group_leaver(const struct homes *homes, const struct home *h, const struct moment *now)
{
	struct group *longest = NULL, *g;

	DL_FOREACH (h->groups.first, g) {
		if (g->folded || g == h->groups.other || !group_is_over(g, now) || !group_is_told(homes, g))
			continue;
		if (!longest || g->empty_since_ns < longest->empty_since_ns)
			longest = g;
	}
	return longest;
}

/* Who runs now before who has ended, then who has used more. */
static bool group_goes_before(const struct group *a, const struct group *b)
{
	if (!a->threads != !b->threads)
		return a->threads;
	return a->now.totals.exec_ns > b->now.totals.exec_ns;
}

static struct group *group_comer(const struct home *h)
{
	struct group *first = NULL, *g;

	DL_FOREACH (h->groups.first, g)
		if (g->folded && (!first || group_goes_before(g, first)))
			first = g;
	return first;
}

/* What it used until now was, or will be, shown in `~other`, unless it is new. Without memory it stays folded. */
static bool group_unfold(struct group *g)
{
	struct home *h = g->key.home;

	g->elsewhere = malloc(sizeof(*g->elsewhere));
	if (!g->elsewhere)
		return false;
	*g->elsewhere = g->now;
	gone_add(&h->groups.other->carried, &g->now);
	gone_add(&h->groups.other->now, &g->now);
	memset(&g->now, 0, sizeof(g->now));
	return true;
}

static bool group_promote(const struct homes *homes, struct group *g)
{
	struct home *h = g->key.home;

	if (g->first_update < homes->update && !group_unfold(g))
		return false;
	g->folded = false;
	h->groups.folded--;
	h->groups.apart++;
	return true;
}

static void room_make(struct homes *homes, struct home *h, const struct moment *now)
{
	while (h->groups.folded) {
		if (h->groups.apart >= GROUPS_PER_HOME) {
			struct group *leaver = group_leaver(homes, h, now);

			if (!leaver)
				return;
			gone_add(&h->groups.left, &leaver->now);
			h->groups.apart--;
			group_drop(homes, leaver);
		}
		if (!group_promote(homes, group_comer(h)))
			return;
	}
}

/* Folded names that are gone stay in `~other` without a group. */
static void folded_merge(struct homes *homes, struct home *h, const struct moment *now)
{
	struct group *g, *next;

	DL_FOREACH_SAFE (h->groups.first, g, next) {
		if (!g->folded || !group_is_over(g, now))
			continue;
		gone_add(&h->groups.other->carried, &g->now);
		gone_add(&h->groups.other->now, &g->now);
		h->groups.folded--;
		group_drop(homes, g);
	}
}

/* ---- sums ---- */

static void home_sum_groups(struct home *h)
{
	const struct home_groups *all = &h->groups;
	struct group *g;

	h->tasks = all->left.totals;
	h->waits = all->left.waits;
	h->short_lived_ns = all->left.short_lived_ns;
	DL_FOREACH (all->first, g) {
		totals_add(&h->tasks, &g->now.totals);
		waits_add(&h->waits, &g->now.waits);
		h->short_lived_ns += g->now.short_lived_ns;
	}
}

/* After the sums: the folded ones are rows of their home no more. */
static void folded_show(struct homes *homes, struct home *h)
{
	struct group *g, *other = h->groups.other;

	DL_FOREACH (h->groups.first, g) {
		if (!g->folded)
			continue;
		gone_add(&other->now, &g->now);
		other->processes += g->processes;
		other->threads += g->threads;
		other->rss_bytes += g->rss_bytes;
		other->memory_known += g->memory_known;
	}
	homes->names_folded += h->groups.folded;
}

void groups_settle(struct homes *homes, const struct moment *now)
{
	for (struct group *g = homes->groups; g; g = g->hh.next)
		if (g->elsewhere)
			gone_subtract(&g->now, g->elsewhere);
	for (struct home *h = homes->all; h; h = h->hh.next) {
		if (h->groups.folded) {
			folded_merge(homes, h, now);
			room_make(homes, h, now);
		}
		home_sum_groups(h);
		if (h->groups.folded)
			folded_show(homes, h);
	}
}
