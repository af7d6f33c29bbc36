/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pairs.c - neighbours: sums the cgroups' pairs up to homes and keeps each pair for as long as both homes are known. Called
 * by model_update.c.
 */
#include <string.h>

#include "model/pairs.h"

/* Pairs kept apart; the rest of a waiter's runners is NEIGHBOUR_OTHERS. */
#define PAIRS_MAX 8192

/* `final`: the line does not come again, so a pair without room of its own is counted now. */
static struct pair *pair_get(struct pairs *pairs, struct home *waiter, struct home *runner, bool final)
{
	struct pair *p, key;

	memset(&key, 0, sizeof(key));
	key.key.waiter = waiter;
	key.key.runner = runner;
	HASH_FIND(hh, pairs->all, &key.key, sizeof(key.key), p);
	if (p)
		return p;
	if (runner && HASH_COUNT(pairs->all) >= PAIRS_MAX) {
		pairs->folded += final;
		return pair_get(pairs, waiter, NULL, final);
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.waiter = waiter;
	p->key.runner = runner;
	HASH_ADD(hh, pairs->all, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	return p;
}

static void pair_add(struct ss_pair *to, const struct ss_pair *what)
{
	to->wait_ns += what->wait_ns;
	to->waits += what->waits;
}

static int pairs_add(struct pairs *pairs, const struct homes *homes, const struct sample_pair *list, size_t n,
		     bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_pair_key *key = &list[i].key;
		/* Several runners that the kernel half did not keep apart, or a runner that it does not know. */
		bool others = key->runner == SS_CGROUP_OTHERS || key->runner == SS_CGROUP_NONE;
		struct pair *p = pair_get(pairs, home_of_cgroup(homes, key->waiter),
					  others ? NULL : home_of_cgroup(homes, key->runner), final);

		if (!p)
			return -ENOMEM;
		pair_add(&p->now, &list[i].value);
		if (final)
			pair_add(&p->carried, &list[i].value);
	}
	return 0;
}

int pairs_take(struct pairs *pairs, const struct homes *homes, const struct sample *s)
{
	struct pair *p, *next;
	int r;

	HASH_ITER (hh, pairs->all, p, next) {
		p->now = p->carried;
		if (!p->key.waiter->forgotten && !(p->key.runner && p->key.runner->forgotten))
			continue;
		HASH_DEL(pairs->all, p);
		free(p);
	}
	r = pairs_add(pairs, homes, s->pairs_final, s->n_pairs_final, true);
	return r < 0 ? r : pairs_add(pairs, homes, s->pairs_open, s->n_pairs_open, false);
}

static void pair_row(const struct moment *now, struct pair *p, struct neighbour_row *row)
{
	*row = (struct neighbour_row){.waiter = p->key.waiter->row,
				      .runner = p->key.runner ? p->key.runner->row : NEIGHBOUR_OTHERS};
	for (int i = 0; i < NEIGHBOUR_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	/* The two tables change places while they are read, so a sum may be too small once. */
	if (p->now.wait_ns > p->held_ns)
		p->held_ns = p->now.wait_ns;
	if (p->now.waits > p->held_waits)
		p->held_waits = p->now.waits;
	row->v[NEIGHBOUR_WAIT] = (double)p->held_ns;
	row->v[NEIGHBOUR_WAITS] = (double)p->held_waits;
	/* A pair begins when it is first met, so all of it is new, except in the first sample. */
	if (now->number > 1 && now->interval > 0)
		row->v[NEIGHBOUR_WAIT_RATE] = (double)(p->held_ns - p->before_ns) / now->interval;
	p->before_ns = p->held_ns;
}

static int waiter_compare(const void *a, const void *b)
{
	const struct neighbour_row *x = a, *y = b;

	return (x->waiter > y->waiter) - (x->waiter < y->waiter);
}

/* The share of each runner in all that the waiter waited in the interval. */
static void shares_fill(struct neighbour_row *rows, size_t n)
{
	for (size_t first = 0, end; first < n; first = end) {
		double sum = 0;

		for (end = first; end < n && rows[end].waiter == rows[first].waiter; end++)
			sum += rows[end].v[NEIGHBOUR_WAIT_RATE];
		for (size_t i = first; i < end && sum > 0; i++)
			rows[i].v[NEIGHBOUR_SHARE] = rows[i].v[NEIGHBOUR_WAIT_RATE] / sum;
	}
}

int pair_rows_fill(struct pairs *pairs, const struct moment *now, struct snapshot *snapshot)
{
	if (list_fit(&pairs->rows, HASH_COUNT(pairs->all)) < 0)
		return -ENOMEM;
	pairs->rows.n = 0;
	for (struct pair *p = pairs->all; p; p = p->hh.next) {
		if (p->key.waiter->row == HOME_NO_ROW || (p->key.runner && p->key.runner->row == HOME_NO_ROW))
			continue;
		pair_row(now, p, &pairs->rows.at[pairs->rows.n++]);
	}
	if (pairs->rows.n)
		qsort(pairs->rows.at, pairs->rows.n, sizeof(*pairs->rows.at), waiter_compare);
	shares_fill(pairs->rows.at, pairs->rows.n);
	snapshot->neighbours = pairs->rows.at;
	snapshot->n_neighbours = pairs->rows.n;
	return 0;
}

void pairs_free(struct pairs *pairs)
{
	struct pair *p, *next;

	HASH_ITER (hh, pairs->all, p, next) {
		HASH_DEL(pairs->all, p);
		free(p);
	}
	list_free(&pairs->rows);
}
