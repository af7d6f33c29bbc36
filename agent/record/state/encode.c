/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.c - a snapshot as the bytes of a state: see codec.h. Of each row the encoder keeps the cells that it wrote last. First it
 * finds for each row the one of the snapshot before that has the same key, then it writes the cells that differ.
 */
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/state/encoder.h"

/* ---- what differs ---- */

static uint64_t cell_default(enum shape_cell type)
{
	return type == CELL_REAL ? wire_real_bits(VALUE_ABSENT) : 0;
}

static void cells_put(const struct encoder *e, enum shape_table table, const uint64_t *before, const uint64_t *now,
		      double interval, struct buf *out)
{
	const struct shape_desc *d = &shapes[table];
	uint8_t bits[512] = {};
	size_t n = 0;

	for (size_t i = 0; i < e->tables[table].n_cells; i++)
		if (before[i] != now[i])
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	buf_add(out, bits, (e->tables[table].n_cells + 7) / 8);
	for (size_t i = 0; i < d->n_fields; i++) {
		enum shape_cell type = shape_cell_type(&d->fields[i]);

		for (size_t k = 0; k < field_cells(&d->fields[i]); k++, n++) {
			if (before[n] == now[n])
				continue;
			if (type == CELL_REAL)
				wire_put_real(out, now[n], before[n], interval);
			else if (type == CELL_TEXT)
				wire_put(out, now[n]);
			else
				wire_put(out, wire_zigzag(now[n] - before[n]));
		}
	}
}

static uint64_t *cells_new(const struct kept_table *t, enum shape_table table)
{
	const struct shape_desc *d = &shapes[table];
	uint64_t *cells = calloc(t->n_cells, sizeof(*cells));
	size_t at = 0;

	for (size_t i = 0; cells && i < d->n_fields; i++)
		for (size_t k = 0; k < field_cells(&d->fields[i]); k++)
			cells[at++] = cell_default(shape_cell_type(&d->fields[i]));
	return cells;
}

static void rows_put(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out)
{
	struct kept_table *t = &e->tables[table];
	uint64_t same = 0;

	for (size_t i = 0; i < t->rows.n && !e->failed; i++) {
		bool new = !t->next.at[i];

		if (new)
			t->next.at[i] = cells_new(t, table);
		if (!t->next.at[i]) {
			e->failed = true;
			return;
		}
		if (!new)
			cells_move(e, table, t->next.at[i], false);
		row_flatten(e, s, table, t->rows.at[i], t->next.at[i], e->scratch, false);
		if (!new &&memcmp(t->next.at[i], e->scratch, t->n_cells * sizeof(*e->scratch)) == 0) {
			same++;
			continue;
		}
		wire_put(out, same);
		same = 0;
		cells_put(e, table, t->next.at[i], e->scratch, s->interval, out);
		memcpy(t->next.at[i], e->scratch, t->n_cells * sizeof(*e->scratch));
	}
	if (same)
		wire_put(out, same);
}

/* The rows now become the rows before. */
static void rows_keep(struct kept_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells.at[i]);
	for (size_t i = 0; i < t->rows.n; i++) {
		t->cells.at[i] = t->next.at[i];
		t->next.at[i] = NULL;
	}
	t->n = t->rows.n;
}

static int lists_make(struct kept_table *t)
{
	size_t most = t->rows.n > t->n ? t->rows.n : t->n;

	if (list_reserve(&t->cells, most) < 0 || list_reserve(&t->next, t->rows.n) < 0 ||
	    list_reserve(&t->now_at, most + 1) < 0)
		return -ENOMEM;
	if (t->rows.n)
		memset(t->next.at, 0, t->rows.n * sizeof(*t->next.at));
	t->next.n = t->rows.n;
	return 0;
}

/* ---- states ---- */

static void state_forget(struct encoder *e)
{
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		struct kept_table *t = &e->tables[table];

		for (size_t i = 0; i < t->n; i++)
			free(t->cells.at[i]);
		for (size_t i = 0; i < t->next.n; i++)
			free(t->next.at[i]);
		t->n = t->next.n = 0;
	}
	wire_texts_free(&e->texts);
	e->texts_told = 0;
	e->ordinal = 0;
}

static void words_put(struct buf *out, const char *word)
{
	wire_put(out, strlen(word));
	buf_str(out, word);
}

static void schema_put(struct buf *out)
{
	wire_put(out, SHAPE_TABLES);
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		const struct shape_desc *d = &shapes[table];

		words_put(out, d->name);
		wire_put(out, shape_cells(table));
		for (size_t i = 0; i < d->n_fields; i++)
			for (size_t k = 0; k < field_cells(&d->fields[i]); k++) {
				enum shape_cell type = shape_cell_type(&d->fields[i]);
				_cleanup_buf_ struct buf name = {};

				shape_cell_name(&name, &d->fields[i], k);
				buf_char(out, (char)type);
				if (type == CELL_INDEX || type == CELL_NEXT)
					wire_put(out, d->fields[i].other);
				words_put(out, name.data ? name.data : "");
			}
	}
}

static void body_put(struct encoder *e, const struct snapshot *s, struct buf *out)
{
	rows_gather(e, s);
	for (unsigned int table = 0; table < SHAPE_TABLES && !e->failed; table++)
		if (lists_make(&e->tables[table]) < 0)
			e->failed = true;
	for (unsigned int table = 0; table < SHAPE_TABLES && !e->failed; table++)
		rows_match(e, s, table, out);
	for (unsigned int table = 0; table < SHAPE_TABLES && !e->failed; table++)
		rows_put(e, s, table, out);
}

int encode(struct encoder *e, const struct snapshot *s, bool whole, struct buf *out)
{
	_cleanup_buf_ struct buf body = {};
	size_t before = out->len;

	if (whole)
		state_forget(e);
	else if (!e->ordinal)
		return -ENOENT;
	e->failed = false;
	body_put(e, s, &body);
	if (whole)
		e->tag = wire_real_bits(s->time) ^ hash_number(&e->seed, e->seed.begin, s->sequence);
	buf_char(out, whole ? STATE_WHOLE : STATE_DIFFERENCE);
	buf_char(out, STATE_VERSION);
	wire_put(out, e->tag);
	wire_put(out, e->ordinal);
	wire_put(out, wire_real_bits(s->interval));
	if (whole)
		schema_put(out);
	wire_put(out, e->texts.all.n - e->texts_told);
	for (; e->texts_told < e->texts.all.n; e->texts_told++)
		words_put(out, e->texts.all.at[e->texts_told]);
	buf_add(out, body.data, body.len);
	if (e->failed || body.failed || out->failed) {
		state_forget(e);
		if (out->data)
			out->data[out->len = before] = '\0';
		return -ENOMEM;
	}
	for (unsigned int table = 0; table < SHAPE_TABLES; table++)
		rows_keep(&e->tables[table]);
	e->ordinal++;
	return 0;
}

int encoder_new(struct encoder **ret)
{
	struct encoder *e = calloc(1, sizeof(*e));
	size_t most = 0;

	if (!e)
		return -ENOMEM;
	hash_seed_make(&e->seed);
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		e->tables[table].n_cells = shape_cells(table);
		if (e->tables[table].n_cells > most)
			most = e->tables[table].n_cells;
	}
	e->scratch = calloc(most, sizeof(*e->scratch));
	if (!e->scratch) {
		free(e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

void encoder_rename(struct encoder *e, codec_rename *rename, void *ctx)
{
	e->rename = rename;
	e->rename_ctx = ctx;
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	state_forget(e);
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		struct kept_table *t = &e->tables[table];

		list_free(&t->rows);
		list_free(&t->cells);
		list_free(&t->next);
		list_free(&t->now_at);
		list_free(&t->slots);
	}
	list_free(&e->trees.at);
	list_free(&e->trees.value);
	list_free(&e->heads.at);
	list_free(&e->heads.value);
	free(e->scratch);
	free(e);
}
