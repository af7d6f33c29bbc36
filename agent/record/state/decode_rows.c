/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decode_rows.c - the rows of a recording from one state to the next: see decoder.h. */
#include <stdlib.h>
#include <string.h>

#include "record/state/decoder.h"

/* ---- which row was which ---- */

static uint64_t *told_row_new(const struct told_table *t)
{
	uint64_t *row = calloc(t->n_cells, sizeof(*row));

	for (size_t i = 0; row && i < t->n_cells; i++)
		row[i] = t->cells[i].type == CELL_REAL ? wire_real_bits(VALUE_ABSENT) : 0;
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

static int told_row_get(const struct decoder *d, const struct told_table *t, struct wire_input *in, uint64_t *row)
{
	const uint8_t *bits = wire_take(in, (t->n_cells + 7) / 8);

	for (size_t i = 0; bits && i < t->n_cells; i++) {
		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		if (t->cells[i].type == CELL_REAL)
			row[i] = wire_get_real(in, row[i], d->interval);
		else if (t->cells[i].type == CELL_TEXT)
			row[i] = wire_get(in);
		else
			row[i] += wire_unzigzag(wire_get(in));
		if (t->cells[i].type == CELL_TEXT && row[i] > d->texts.all.n)
			return -EBADMSG;
	}
	return in->bad ? -EBADMSG : 0;
}

int told_rows_get(struct decoder *d, struct told_table *t, struct wire_input *in)
{
	size_t i = 0;

	for (size_t k = 0; k < t->next.n; k++)
		if (!t->new.at[k])
			told_row_move(d, t, t->next.at[k]);
	while (i < t->next.n) {
		uint64_t same = wire_get(in);
		int r;

		if (in->bad || same > t->next.n - i)
			return -EBADMSG;
		i += same;
		if (i == t->next.n)
			break;
		r = told_row_get(d, t, in, t->next.at[i++]);
		if (r < 0)
			return r;
	}
	return 0;
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
