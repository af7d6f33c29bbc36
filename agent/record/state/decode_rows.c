/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decode_rows.c - the rows of a recording from one state to the next: see decoder.h. */
#include <stdlib.h>
#include <string.h>

#include "record/state/decoder.h"

/* ---- which row was which ---- */

static uint64_t *told_row_new(const struct told_table *t)
{
	uint64_t *row = calloc(1, t->n_cells * sizeof(*row) + t->rules.n_clocks * sizeof(uint32_t));

	for (size_t i = 0; row && i < t->n_cells; i++)
		row[i] = t->types[i] == CELL_REAL ? wire_real_bits(VALUE_ABSENT) : 0;
	return row;
}

static int told_rows_take(struct told_table *t, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		if (!t->rows.at[i])
			return -EBADMSG;
		t->now_at.at[i] = (uint32_t)t->next.n;
		t->new.at[t->next.n] = false;
		t->next.at[t->next.n++] = t->rows.at[i];
		t->rows.at[i] = NULL;
	}
	return 0;
}

int told_rows_match(struct told_table *t, struct wire_input *in)
{
	uint64_t n = wire_get(in), visible = wire_get(in), cursor = 0, row_bytes = (t->n_cells + 7) / 8, kept, fresh;

	/* A row that is new has at least its bits in what is left. */
	if (in->bad || visible > n || n > STATE_ROWS_MAX || n > t->rows.n + wire_left(in) / row_bytes)
		return -EBADMSG;
	if (list_reserve(&t->next, n) < 0 || list_reserve(&t->new, n) < 0 || list_reserve(&t->now_at, t->rows.n) < 0)
		return -ENOMEM;
	if (t->rows.n)
		memset(t->now_at.at, 0, t->rows.n * sizeof(*t->now_at.at));
	t->visible = visible;
	t->before = t->rows.n;
	while (t->next.n < n) {
		kept = wire_get(in);
		if (kept)
			cursor += wire_unzigzag(wire_get(in));
		fresh = wire_get(in);
		if (in->bad || kept + fresh == 0 || kept > n - t->next.n || fresh > n - t->next.n - kept ||
		    cursor > t->rows.n || kept > t->rows.n - cursor || told_rows_take(t, cursor, kept) < 0)
			return -EBADMSG;
		cursor += kept;
		for (uint64_t i = 0; i < fresh; i++) {
			uint64_t *row = told_row_new(t);

			if (!row)
				return -ENOMEM;
			t->new.at[t->next.n] = true;
			t->next.at[t->next.n++] = row;
		}
	}
	return 0;
}

/* ---- what differs ---- */

static void told_row_move(const struct decoder *d, const struct told_table *t, uint64_t *row)
{
	for (size_t i = 0; i < t->n_cells; i++) {
		enum shape_cell type = t->cells[i].type;
		const struct told_table *other = &d->tables.at[t->cells[i].other];

		if (type == CELL_INDEX && row[i] < other->before)
			row[i] = other->now_at.at[row[i]];
		else if (type == CELL_NEXT && row[i] && row[i] - 1 < other->before)
			row[i] = other->now_at.at[row[i] - 1] + 1ULL;
	}
}

static void told_cell_read(const struct decoder *d, const struct told_table *t, struct wire_input *in, size_t i,
			   uint64_t *row)
{
	if (t->types[i] == CELL_REAL)
		row[i] = wire_get_real(in, row[i], d->interval);
	else if (t->types[i] == CELL_TEXT)
		row[i] = wire_get(in);
	else
		row[i] += wire_unzigzag(wire_get(in));
	if (t->types[i] == CELL_TEXT && row[i] > d->texts.all.n)
		in->bad = true;
}

/* The cells of row `k`: those that were told, if `told`, and the others as they are expected. */
static int told_row_get(const struct decoder *d, struct told_table *t, const struct rule_time *time,
			struct wire_input *in, size_t k, bool told)
{
	const struct cell_types cells = {t->n_cells, t->types};
	const uint8_t *bits = told ? wire_take(in, (t->n_cells + 7) / 8) : NULL;
	uint64_t *now = t->next.at[k];
	struct rule_row row = {.now = now, .before = d->before, .above = k ? t->next.at[k - 1] : NULL};

	if (told && !bits)
		return -EBADMSG;
	row.times = (uint32_t *)(now + t->n_cells);
	memcpy(d->before, now, t->n_cells * sizeof(*now));
	for (size_t i = 0; bits && i < t->n_cells; i++)
		if (bits[i / 8] >> i % 8 & 1 && !rules_rule(&t->rules, i))
			told_cell_read(d, t, in, i, now);
	for (size_t i = 0; i < t->rules.all.n; i++) {
		const struct cell_rule *r = &t->rules.all.at[i];
		bool differs = bits && bits[r->cell / 8] >> r->cell % 8 & 1;

		now[r->cell] = rule_expects(r, &cells, time, &row);
		if (differs)
			told_cell_read(d, t, in, r->cell, now);
		if (differs && r->kind == RULE_PART)
			t->parts.at[k] |= (uint8_t)(1u << r->place);
		rule_learn(r, &cells, time, &row);
	}
	return in->bad ? -EBADMSG : 0;
}

/* What was not told of parts of a sum, now that all rows are there. */
static void told_parts_fill(struct told_table *t)
{
	for (size_t i = 0; t->rules.n_parts && i < t->rules.all.n; i++) {
		const struct cell_rule *r = &t->rules.all.at[i];
		uint64_t sum;

		for (size_t k = 0, end; r->kind == RULE_PART && k < t->next.n; k = end) {
			end = rule_parts(r, t->next.at, t->next.n, k, &sum);
			for (size_t one = k; one < end; one++)
				if (!(t->parts.at[one] >> r->place & 1))
					t->next.at[one][r->cell] = rule_part(r, t->next.at[one], sum);
		}
	}
}

/* The clocks are those of a first table that has one row. */
static int told_clocks_keep(struct decoder *d, const struct told_table *t)
{
	free(d->clocks_before);
	d->clocks_before = NULL;
	if (t->next.n != 1)
		return 0;
	d->clocks_before = calloc(t->n_cells, sizeof(*d->clocks_before));
	if (!d->clocks_before)
		return -ENOMEM;
	memcpy(d->clocks_before, t->next.at[0], t->n_cells * sizeof(*d->clocks_before));
	return 0;
}

static int told_rows_begin(struct decoder *d, struct told_table *t)
{
	if (list_reserve(&t->parts, t->next.n) < 0)
		return -ENOMEM;
	if (t->next.n)
		memset(t->parts.at, 0, t->next.n * sizeof(*t->parts.at));
	for (size_t k = 0; k < t->next.n; k++)
		if (!t->new.at[k])
			told_row_move(d, t, t->next.at[k]);
	return t == d->tables.at ? told_clocks_keep(d, t) : 0;
}

int told_rows_get(struct decoder *d, struct told_table *t, struct wire_input *in)
{
	struct rule_time time = {.interval = d->interval};
	size_t i = 0;
	int r = told_rows_begin(d, t);

	if (t != d->tables.at && d->clocks_before) {
		time.clocks = d->tables.at[0].next.at[0];
		time.clocks_before = d->clocks_before;
	}
	while (i < t->next.n && !r) {
		uint64_t same = wire_get(in);

		if (in->bad || same > t->next.n - i)
			return -EBADMSG;
		for (; same && !r; same--)
			r = t->rules.all.n ? told_row_get(d, t, &time, in, i++, false) : (i++, 0);
		if (i < t->next.n && !r)
			r = told_row_get(d, t, &time, in, i++, true);
	}
	if (!r)
		told_parts_fill(t);
	return r;
}

void told_rows_keep(struct told_table *t)
{
	__typeof__(t->rows) before = t->rows;

	for (size_t i = 0; i < before.n; i++)
		free(before.at[i]);
	memcpy(&t->rows, &t->next, sizeof(t->rows));
	memcpy(&t->next, &before, sizeof(t->next));
	t->next.n = 0;
}
