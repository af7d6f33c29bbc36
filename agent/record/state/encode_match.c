/* SPDX-License-Identifier: GPL-2.0-or-later */
/* encode_match.c - which row of a snapshot was which of the one before: see encoder.h. */
#include <string.h>

#include "record/state/encoder.h"

/* ---- which row was which ---- */

static bool keys_equal(const struct row_plan *p, const uint64_t *a, const uint64_t *b)
{
	for (size_t i = 0; i < p->key_cells.n; i++)
		if (a[p->key_cells.at[i]] != b[p->key_cells.at[i]])
			return false;
	return true;
}

static uint64_t keys_hash(const struct encoder *e, const struct row_plan *p, const uint64_t *cells)
{
	uint64_t hash = e->seed.begin;

	for (size_t i = 0; i < p->key_cells.n; i++)
		hash = hash_number(&e->seed, hash, cells[p->key_cells.at[i]]);
	return hash;
}

static int rows_hash(struct encoder *e, enum shape_table table)
{
	struct kept_table *t = &e->tables[table];
	size_t slots = 64;

	while (slots < t->n * 2)
		slots *= 2;
	if (list_reserve(&t->slots, slots) < 0)
		return -ENOMEM;
	t->slots.n = slots;
	memset(t->slots.at, 0, slots * sizeof(*t->slots.at));
	for (size_t i = 0; i < t->n; i++) {
		size_t slot;

		if (!t->cells.at[i])
			continue;
		for (slot = keys_hash(e, &t->plan, t->cells.at[i]) & (slots - 1); t->slots.at[slot];
		     slot = (slot + 1) & (slots - 1))
			;
		t->slots.at[slot] = (uint32_t)i + 1;
	}
	t->hashed = true;
	return 0;
}

/* The row before with these keys that is not taken yet; t->n: there is none. */
static size_t row_before(struct encoder *e, enum shape_table table, const uint64_t *cells)
{
	struct kept_table *t = &e->tables[table];

	if (!t->hashed && rows_hash(e, table) < 0) {
		e->failed = true;
		return t->n;
	}
	for (size_t slot = keys_hash(e, &t->plan, cells) & (t->slots.n - 1); t->slots.at[slot];
	     slot = (slot + 1) & (t->slots.n - 1)) {
		size_t i = t->slots.at[slot] - 1;

		if (t->cells.at[i] && keys_equal(&t->plan, t->cells.at[i], cells))
			return i;
	}
	return t->n;
}

void cells_move(const struct encoder *e, enum shape_table table, uint64_t *cells, bool keys)
{
	const struct row_plan *p = &e->tables[table].plan;

	for (size_t i = 0; i < p->indexes[keys].n; i++) {
		const struct index_cell *index = &p->indexes[keys].at[i];
		const struct kept_table *other = &e->tables[index->other];
		uint64_t *cell = &cells[index->cell];

		if (!index->next && *cell < other->n)
			*cell = other->now_at.at[*cell];
		else if (index->next && *cell && *cell - 1 < other->n)
			*cell = other->now_at.at[*cell - 1] + 1;
	}
}

/* A run of rows that were there before, one behind the other, then rows that are new. */
struct row_run {
	size_t first, n, new;
};

static void run_put(struct buf *out, struct row_run *run, size_t *cursor)
{
	if (!run->n && !run->new)
		return;
	wire_put(out, run->n);
	if (run->n)
		wire_put(out, wire_zigzag((uint64_t)run->first - *cursor));
	wire_put(out, run->new);
	*cursor = run->first + run->n;
	*run = (struct row_run){.first = *cursor};
}

void rows_match(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out)
{
	struct kept_table *t = &e->tables[table];
	struct row_run run = {};
	size_t cursor = 0;

	wire_put(out, t->rows.n);
	wire_put(out, t->visible);
	t->hashed = false;
	for (size_t i = 0; t->plan.indexes[1].n && i < t->n; i++)
		cells_move(e, table, t->cells.at[i], true);
	if (t->n)
		memset(t->now_at.at, 0, t->n * sizeof(*t->now_at.at));
	for (size_t i = 0, guess = 0; i < t->rows.n; i++) {
		size_t before = guess < t->n && t->cells.at[guess] ? guess : t->n;

		if (before == t->n)
			memset(e->scratch, 0, t->n_cells * sizeof(*e->scratch));
		row_flatten(e, s, table, t->rows.at[i], before < t->n ? t->cells.at[before] : e->scratch, e->scratch,
			    true);
		if (t->n && (before == t->n || !keys_equal(&t->plan, t->cells.at[before], e->scratch)))
			before = row_before(e, table, e->scratch);
		if (before < t->n) {
			if (run.new || before != run.first + run.n) {
				run_put(out, &run, &cursor);
				run.first = before;
			}
			run.n++;
			t->now_at.at[before] = (uint32_t)i;
			t->next.at[i] = t->cells.at[before];
			t->cells.at[before] = NULL;
			guess = before + 1;
		} else {
			t->next.at[i] = NULL;
			run.new ++;
		}
	}
	run_put(out, &run, &cursor);
}
