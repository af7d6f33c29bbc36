/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode_cells.c - writes what differs in each row from what is expected of it: see encoder.h and predict.h. A row that is as
 * expected is only counted.
 *
 * Most rows are of who sleeps. A row is *still* if no cell has changed but those that follow a clock. It is *settled* once it was
 * still and all its other rules expected what is there: as long as it is still, they expect the same again, and are not asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/encoder.h"

static struct cell_types types_of(const struct kept_table *t)
{
	return (struct cell_types){t->n_cells, t->types};
}

static struct row_notes *notes_of(const struct kept_table *t, uint64_t *cells)
{
	return (struct row_notes *)(cells + t->n_cells);
}

static uint64_t *cells_new(const struct kept_table *t)
{
	uint64_t *cells = calloc(1, t->n_cells * sizeof(*cells) + sizeof(struct row_notes) +
					    t->rules.n_clocks * sizeof(uint32_t));

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

/* The same of a row that is settled: true: it is as expected. */
static bool settled_expect(const struct encoder *e, const struct kept_table *t, const struct rule_time *time,
			   const struct rule_row *row)
{
	const struct cell_types cells = types_of(t);
	bool right = true;

	for (size_t i = 0; i < t->plan.clocked.n; i++) {
		const struct cell_rule *r = &t->rules.all.at[t->plan.clocked.at[i]];
		uint64_t now = row->now[r->cell];

		/* What stood still last time is expected to, and nothing is learned if it does. */
		if (r->kind == RULE_CLOCK && !row->times[r->place] && now == row->before[r->cell]) {
			e->expected[r->cell] = now;
			continue;
		}
		e->expected[r->cell] = rule_expects(r, &cells, time, row);
		right &= e->expected[r->cell] == now;
		rule_learn(r, &cells, time, row);
	}
	for (size_t i = 0; !right && i < t->n_cells; i++)
		if (t->plan.still[i])
			e->expected[i] = row->now[i];
	return right;
}

static bool row_is_still(const struct kept_table *t, const struct rule_row *row)
{
	uint64_t moved = 0;

	for (size_t i = 0; i < t->n_cells; i++)
		moved |= (row->now[i] ^ row->before[i]) & t->plan.still[i];
	return !moved;
}

/* Of a row that is still, after row_expect(). */
static bool row_settles(const struct encoder *e, const struct kept_table *t, const struct rule_row *row)
{
	for (size_t i = 0; i < t->plan.unclocked.n; i++) {
		uint32_t cell = t->rules.all.at[t->plan.unclocked.at[i]].cell;

		if (e->expected[cell] != row->now[cell])
			return false;
	}
	return true;
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

/* Writes the row, unless it is as expected: then it is one more that is the `same`. It becomes the row before. */
static void row_put(const struct encoder *e, const struct kept_table *t, const struct rule_time *time,
		    const struct rule_row *row, const uint64_t *parts, bool fresh, uint64_t *same, struct buf *out)
{
	uint64_t *kept = (uint64_t *)row->before;
	struct row_notes *notes = notes_of(t, kept);
	bool still = !t->rules.n_parts && time->interval > 0 && row_is_still(t, row), right;

	if (still && notes->settled) {
		right = settled_expect(e, t, time, row);
	} else {
		row_expect(e, t, time, row, parts);
		row_learn(t, time, row);
		right = memcmp(e->expected, row->now, t->n_cells * sizeof(*row->now)) == 0;
		notes->settled = still && row_settles(e, t, row);
	}
	if (right && !fresh) {
		++*same;
	} else {
		wire_put(out, *same);
		*same = 0;
		cells_put(e, t, row, time->interval, out);
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
		row.times = notes_of(t, t->next.at[i])->times;
		if (ahead)
			parts_expect(e, t, i, ends, sums, parts);
		row_put(e, t, &time, &row, parts, t->fresh.at[i], &same, out);
		if (table == SHAPE_HOST)
			memcpy(e->clocks_before, row.before, t->n_cells * sizeof(*row.before));
		memcpy(t->next.at[i], row.now, t->n_cells * sizeof(*row.now));
	}
	if (same)
		wire_put(out, same);
}
