/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pairs.c - neighbours: which home waited for a CPU that which other home had. Sums the cgroups' pairs up to homes,
 * keeps them for as long as both are known. Part of the model (internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

/* `final`: what it is asked for will not come again, so that a pair without room of its own is counted now. */
static struct pair *pair_get(struct model *m, struct home *waiter, struct home *runner, bool final)
{
	struct pair *p, key;

	memset(&key, 0, sizeof(key));
	key.key.waiter = waiter;
	key.key.runner = runner;
	HASH_FIND(hh, m->pairs, &key.key, sizeof(key.key), p);
	if (p)
		return p;
	if (runner && HASH_COUNT(m->pairs) >= PAIRS_MAX) {
		m->pairs_folded += final;
		return pair_get(m, waiter, NULL, final);
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.waiter = waiter;
	p->key.runner = runner;
	HASH_ADD(hh, m->pairs, key, sizeof(p->key), p);
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

static int pairs_add(struct model *m, const struct sample_pair *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_pair_key *key = &list[i].key;
		bool others = key->runner == SS_CGROUP_OTHERS || key->runner == SS_CGROUP_NONE;
		struct pair *p = pair_get(m, home_of_cgroup(m, key->waiter, NULL),
					  others ? NULL : home_of_cgroup(m, key->runner, NULL), final);

		if (!p)
			return -ENOMEM;
		pair_add(&p->now, &list[i].value);
		if (final)
			pair_add(&p->carried, &list[i].value);
	}
	return 0;
}

int pairs_read(struct model *m, const struct sample *s)
{
	int r;

	for (struct pair *p = m->pairs; p; p = p->hh.next)
		p->now = p->carried;
	r = pairs_add(m, s->pairs_final, s->n_pairs_final, true);
	return r < 0 ? r : pairs_add(m, s->pairs_open, s->n_pairs_open, false);
}

static void pair_row(const struct model *m, struct pair *p, struct neighbour_row *row, double interval)
{
	*row = (struct neighbour_row){.waiter = p->key.waiter->row,
				      .runner = p->key.runner ? p->key.runner->row : NEIGHBOUR_OTHERS};
	for (int i = 0; i < NEIGHBOUR_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	/* The two tables change places while they are being read. */
	if (p->now.wait_ns > p->held_ns)
		p->held_ns = p->now.wait_ns;
	if (p->now.waits > p->held_waits)
		p->held_waits = p->now.waits;
	row->v[NEIGHBOUR_WAIT] = (double)p->held_ns;
	row->v[NEIGHBOUR_WAITS] = (double)p->held_waits;
	/* A pair begins when it is first met, so that all of it is new, but for the first sample. */
	if (m->sequence > 1 && interval > 0)
		row->v[NEIGHBOUR_WAIT_RATE] = (double)(p->held_ns - p->before_ns) / interval;
	p->before_ns = p->held_ns;
}

static int waiter_compare(const void *a, const void *b)
{
	const struct neighbour_row *x = a, *y = b;

	return (x->waiter > y->waiter) - (x->waiter < y->waiter);
}

/* Of all that the waiter waited in the interval. */
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

int pairs_finish(struct model *m, double interval)
{
	size_t n = 0;
	int r = array_reserve(&m->neighbour_rows, &m->cap_neighbours, HASH_COUNT(m->pairs), sizeof(*m->neighbour_rows));

	if (r < 0)
		return r;
	for (struct pair *p = m->pairs; p; p = p->hh.next) {
		if (p->key.waiter->row == HOME_NO_ROW || (p->key.runner && p->key.runner->row == HOME_NO_ROW))
			continue;
		pair_row(m, p, &m->neighbour_rows[n++], interval);
	}
	if (n)
		qsort(m->neighbour_rows, n, sizeof(*m->neighbour_rows), waiter_compare);
	shares_fill(m->neighbour_rows, n);
	m->snapshot.neighbours = m->neighbour_rows;
	m->snapshot.n_neighbours = n;
	return 0;
}

void pairs_forget_home(struct model *m, const struct home *h)
{
	struct pair *p, *next;

	HASH_ITER (hh, m->pairs, p, next) {
		if (p->key.waiter != h && p->key.runner != h)
			continue;
		HASH_DEL(m->pairs, p);
		free(p);
	}
}

void pairs_free(struct model *m)
{
	struct pair *p, *next;

	HASH_ITER (hh, m->pairs, p, next) {
		HASH_DEL(m->pairs, p);
		free(p);
	}
}
