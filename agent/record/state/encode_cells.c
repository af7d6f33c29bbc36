/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode_cells.c - writes what differs in each row from what is expected of it: see encoder.h and predict.h. A row that is as
 * expected is only counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/encoder.h"

static struct cell_types types_of(const struct kept_table *t)
{
	return (struct cell_types){t->n_cells, t->types};
}

/* Behind the cells of a row. */
static uint32_t *times_of(const struct kept_table *t, uint64_t *cells)
{
	return (uint32_t *)(cells + t->n_cells);
}

static uint64_t *cells_new(const struct kept_table *t)
{
	uint64_t *cells = calloc(1, t->n_cells * sizeof(*cells) + t->rules.n_clocks * sizeof(uint32_t));

	for (size_t i = 0; cells && i < t->n_cells; i++)
		if (t->types[i] == CELL_REAL)
			cells[i] = wire_real_bits(VALUE_ABSENT);
	return cells;
}

static struct rule_time time_of(const struct encoder *e, const struct snapshot *s, enum shape_table table)
{
	struct rule_time time = {.interval = s->interval};

	if (table == SHAPE_HOST)
		return time;
	time.clocks = e->tables[SHAPE_HOST].next.at[0];
	time.clocks_before = e->clocks_before;
	return time;
}

/* ---- one row ---- */

static void cell_put(const struct kept_table *t, size_t i, uint64_t expected, uint64_t now, double interval,
		     struct buf *out)
{
	if (t->types[i] == CELL_REAL)
		wire_put_real(out, now, expected, interval);
	else if (t->types[i] == CELL_TEXT)
		wire_put(out, now);
	else
		wire_put(out, wire_zigzag(now - expected));
}

/* What is expected of the row; `parts`: of each RULE_PART. */
static void row_expect(const struct encoder *e, const struct kept_table *t, const struct rule_time *time,
		       const struct rule_row *row, const uint64_t *parts)
{
	const struct cell_types cells = types_of(t);

	memcpy(e->expected, row->before, t->n_cells * sizeof(*e->expected));
	for (size_t i = 0; i < t->rules.all.n; i++) {
		const struct cell_rule *r = &t->rules.all.at[i];

		e->expected[r->cell] = r->kind == RULE_PART ? parts[r->place] : rule_expects(r, &cells, time, row);
	}
}

/*
 * The values of cells with a rule stand behind the others, since what is expected of them follows from those. Who reads a part of a
 * sum does not know the sum yet.
 */
static void cells_put(const struct encoder *e, const struct kept_table *t, const struct rule_row *row, double interval,
		      struct buf *out)
{
	uint8_t bits[512] = {};

	for (size_t i = 0; i < t->n_cells; i++)
		if (e->expected[i] != row->now[i])
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	buf_add(out, bits, (t->n_cells + 7) / 8);
	for (size_t i = 0; i < t->n_cells; i++)
		if (bits[i / 8] >> i % 8 & 1 && !rules_rule(&t->rules, i))
			cell_put(t, i, e->expected[i], row->now[i], interval, out);
	for (size_t i = 0; i < t->rules.all.n; i++) {
		const struct cell_rule *r = &t->rules.all.at[i];
		uint32_t cell = r->cell;

		if (bits[cell / 8] >> cell % 8 & 1)
			cell_put(t, cell, r->kind == RULE_PART ? row->before[cell] : e->expected[cell], row->now[cell],
				 interval, out);
	}
}

static void row_learn(const struct kept_table *t, const struct rule_time *time, const struct rule_row *row)
{
	const struct cell_types cells = types_of(t);

	for (size_t i = 0; t->rules.n_clocks && i < t->rules.all.n; i++)
		rule_learn(&t->rules.all.at[i], &cells, time, row);
}

/* ---- the rows of a table ---- */

/* The cells of a row now; those before are made if it is new. */
static bool row_ready(struct encoder *e, const struct snapshot *s, enum shape_table table, size_t i, uint64_t *now)
{
	struct kept_table *t = &e->tables[table];

	t->fresh.at[i] = !t->next.at[i];
	if (t->fresh.at[i])
		t->next.at[i] = cells_new(t);
	else
		cells_move(e, table, t->next.at[i], false);
	if (!t->next.at[i])
		return false;
	row_flatten(e, s, table, t->rows.at[i], t->next.at[i], now, false);
	return true;
}

/* Where one row reckons with others, all of them are made beforehand. */
static bool rows_ahead(struct encoder *e, const struct snapshot *s, enum shape_table table)
{
	struct kept_table *t = &e->tables[table];

	if (list_reserve(&e->ahead, t->rows.n * t->n_cells) < 0 || list_reserve(&e->ahead_rows, t->rows.n) < 0)
		return false;
	for (size_t i = 0; i < t->rows.n; i++) {
		e->ahead_rows.at[i] = e->ahead.at + i * t->n_cells;
		if (!row_ready(e, s, table, i, e->ahead_rows.at[i]))
			return false;
	}
	return true;
}

/* What is expected of each RULE_PART of row `i`; `ends`: up to where the sums hold. */
static void parts_expect(const struct encoder *e, const struct kept_table *t, size_t i, size_t *ends, uint64_t *sums,
			 uint64_t *parts)
{
	for (size_t k = 0; k < t->rules.all.n; k++) {
		const struct cell_rule *r = &t->rules.all.at[k];

		if (r->kind != RULE_PART)
			continue;
		if (i >= ends[r->place])
			ends[r->place] = rule_parts(r, e->ahead_rows.at, t->rows.n, i, &sums[r->place]);
		parts[r->place] = rule_part(r, e->ahead_rows.at[i], sums[r->place]);
	}
}

void rows_put(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out)
{
	struct kept_table *t = &e->tables[table];
	const struct rule_time time = time_of(e, s, table);
	bool ahead = t->rules.n_parts && t->rows.n;
	uint64_t same = 0, sums[RULE_PARTS_MAX], parts[RULE_PARTS_MAX];
	size_t ends[RULE_PARTS_MAX] = {};

	e->failed |= ahead && !rows_ahead(e, s, table);
	for (size_t i = 0; i < t->rows.n && !e->failed; i++) {
		struct rule_row row = {.above = i ? t->next.at[i - 1] : NULL, .now = e->scratch};

		if (ahead)
			row.now = e->ahead_rows.at[i];
		else if (!row_ready(e, s, table, i, e->scratch))
			e->failed = true;
		if (e->failed)
			return;
		row.before = t->next.at[i];
		row.times = times_of(t, t->next.at[i]);
		if (ahead)
			parts_expect(e, t, i, ends, sums, parts);
		row_expect(e, t, &time, &row, parts);
		row_learn(t, &time, &row);
		if (!t->fresh.at[i] && memcmp(e->expected, row.now, t->n_cells * sizeof(*row.now)) == 0) {
			same++;
		} else {
			wire_put(out, same);
			same = 0;
			cells_put(e, t, &row, s->interval, out);
		}
		if (table == SHAPE_HOST)
			memcpy(e->clocks_before, row.before, t->n_cells * sizeof(*row.before));
		memcpy(t->next.at[i], row.now, t->n_cells * sizeof(*row.now));
	}
	if (same)
		wire_put(out, same);
}
