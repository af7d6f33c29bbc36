/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.c - a snapshot as the bytes of a state: see codec.h. Of each row the encoder keeps the cells that it wrote last. First it
 * finds for each row the one of the snapshot before that has the same key, then it writes the cells that differ.
 */
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/state/encoder.h"

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
	    list_reserve(&t->fresh, t->rows.n) < 0 || list_reserve(&t->now_at, most + 1) < 0)
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

static void rules_put(const struct cell_rules *rules, struct buf *out)
{
	wire_put(out, rules->all.n);
	for (size_t i = 0; i < rules->all.n; i++) {
		const struct cell_rule *r = &rules->all.at[i];

		buf_char(out, (char)r->kind);
		wire_put(out, r->cell);
		wire_put(out, r->n);
		for (uint32_t k = 0; k < r->n; k++)
			wire_put(out, r->of[k]);
	}
}

static void schema_put(const struct encoder *e, struct buf *out)
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
		rules_put(&e->tables[table].rules, out);
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
	size_t before = out->len;

	if (whole)
		state_forget(e);
	else if (!e->ordinal)
		return -ENOENT;
	e->failed = false;
	buf_reset(&e->body);
	body_put(e, s, &e->body);
	if (whole)
		e->tag = wire_real_bits(s->time) ^ hash_number(&e->seed, e->seed.begin, s->sequence);
	buf_char(out, whole ? STATE_WHOLE : STATE_DIFFERENCE);
	buf_char(out, STATE_VERSION);
	wire_put(out, e->tag);
	wire_put(out, e->ordinal);
	wire_put(out, wire_real_bits(s->interval));
	if (whole)
		schema_put(e, out);
	wire_put(out, e->texts.all.n - e->texts_told);
	for (; e->texts_told < e->texts.all.n; e->texts_told++)
		words_put(out, e->texts.all.at[e->texts_told]);
	buf_add(out, e->body.data, e->body.len);
	if (e->failed || e->body.failed || out->failed) {
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

/* What the cells of a table are, and how they follow from others. */
static int table_describe(struct encoder *e, enum shape_table table)
{
	struct kept_table *t = &e->tables[table];
	const struct shape_desc *d = &shapes[table];
	const struct cell_types clocks = {e->tables[SHAPE_HOST].n_cells, e->tables[SHAPE_HOST].types};
	size_t n = 0;

	t->n_cells = shape_cells(table);
	t->types = calloc(t->n_cells, sizeof(*t->types));
	if (!t->types)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_fields; i++)
		for (size_t k = 0; k < field_cells(&d->fields[i]); k++)
			t->types[n++] = (uint8_t)shape_cell_type(&d->fields[i]);
	return formulas_add(&t->rules, table, &(struct cell_types){t->n_cells, t->types},
			    table == SHAPE_HOST ? NULL : &clocks)
		       ?: plan_make(&t->plan, table, &t->rules);
}

int encoder_new(struct encoder **ret)
{
	struct encoder *e = calloc(1, sizeof(*e));
	size_t most = 0;
	int r = 0;

	if (!e)
		return -ENOMEM;
	hash_seed_make(&e->seed);
	for (unsigned int table = 0; table < SHAPE_TABLES && !r; table++) {
		r = table_describe(e, table);
		if (e->tables[table].n_cells > most)
			most = e->tables[table].n_cells;
	}
	e->scratch = calloc(most, sizeof(*e->scratch));
	e->expected = calloc(most, sizeof(*e->expected));
	e->clocks_before = calloc(e->tables[SHAPE_HOST].n_cells + 1, sizeof(*e->clocks_before));
	if (!e->scratch || !e->expected || !e->clocks_before || r) {
		encoder_free(e);
		return r ?: -ENOMEM;
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
		list_free(&t->fresh);
		list_free(&t->now_at);
		list_free(&t->slots);
		free(t->types);
		rules_free(&t->rules);
		plan_free(&t->plan);
	}
	list_free(&e->trees.at);
	list_free(&e->trees.value);
	list_free(&e->heads.at);
	list_free(&e->heads.value);
	list_free(&e->ahead);
	list_free(&e->ahead_rows);
	buf_free(&e->body);
	free(e->scratch);
	free(e->expected);
	free(e->clocks_before);
	free(e);
}
