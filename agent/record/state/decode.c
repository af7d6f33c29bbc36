/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode.c - the bytes of a state as a snapshot: see codec.h. The bytes may be hostile: whatever is read is checked before it is
 * used, and what does not fit ends the state. Rows are kept as the recording has them.
 */
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/state/decoder.h"

/* ---- forgetting ---- */

static void snapshot_forget(struct decoder *d)
{
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		free(d->rows[table]);
		d->rows[table] = NULL;
	}
	free(d->evidence);
	d->evidence = NULL;
	d->s = (struct snapshot){};
}

static void told_table_forget(struct told_table *t)
{
	for (size_t i = 0; i < t->rows.n; i++)
		free(t->rows.at[i]);
	for (size_t i = 0; i < t->next.n; i++)
		free(t->next.at[i]);
	for (size_t i = 0; t->cells && i < t->n_cells; i++)
		free(t->cells[i].name);
	list_free(&t->rows);
	list_free(&t->next);
	list_free(&t->now_at);
	list_free(&t->new);
	list_free(&t->parts);
	rules_free(&t->rules);
	free(t->types);
	free(t->cells);
	free(t->name);
}

static void decoder_forget(struct decoder *d)
{
	snapshot_forget(d);
	for (size_t i = 0; i < d->tables.n; i++)
		told_table_forget(&d->tables.at[i]);
	list_free(&d->tables);
	wire_texts_free(&d->texts);
	free(d->before);
	free(d->clocks_before);
	d->before = d->clocks_before = NULL;
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		free(d->from[table]);
		d->from[table] = NULL;
		d->told[table] = NULL;
	}
	d->ordinal = 0;
}

/* ---- texts ---- */

static int texts_get(struct decoder *d, struct wire_input *in)
{
	uint64_t n = wire_get(in);

	if (in->bad || n > wire_left(in))
		return -EBADMSG;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t length = wire_get(in);
		const char *at = wire_take(in, length);

		if (!at)
			return -EBADMSG;
		if (wire_text_add(&d->texts, at, length) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- the snapshot ---- */

/* Of what the recording does not have: not known. */
static uint64_t cell_unknown(const struct shape_field *f)
{
	if (f->kind == FIELD_INDEX_OR_NONE)
		return UINT32_MAX;
	return shape_cell_type(f) == CELL_REAL ? wire_real_bits(VALUE_ABSENT) : 0;
}

static void cells_take(const struct decoder *d, enum shape_table table, const uint64_t *row, uint64_t *ours)
{
	for (size_t k = 0, n = 0; k < shapes[table].n_fields; k++) {
		const struct shape_field *f = &shapes[table].fields[k];
		size_t end = n + field_cells(f);

		for (; n < end; n++)
			ours[n] = schema_tells(d, table, f, n) ? row[d->from[table][n]] : cell_unknown(f);
	}
}

static int rows_make(struct decoder *d, struct shape_making *m, enum shape_table table)
{
	const struct told_table *t = d->told[table];
	uint64_t ours[STATE_CELLS_MAX];
	int r = 0;

	for (size_t i = 0; i < m->n_rows[table] && !r; i++) {
		cells_take(d, table, t->rows.at[i], ours);
		r = shape_row_make(m, table, i, ours);
	}
	return r;
}

static int snapshot_make(struct decoder *d)
{
	struct shape_making m = {.texts = &d->texts};
	uint64_t bytes = 0;
	int r = 0;

	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		m.n_rows[table] = d->told[table] ? d->told[table]->rows.n : 0;
		bytes += m.n_rows[table] * shapes[table].size;
		if (bytes > STATE_BYTES_MAX)
			return -EBADMSG;
		d->rows[table] = m.rows[table] = calloc(m.n_rows[table] + 1, shapes[table].size);
		if (!d->rows[table])
			return -ENOMEM;
	}
	d->evidence = m.evidence = calloc(m.n_rows[SHAPE_PROCESSES] + 1, sizeof(*d->evidence));
	if (!d->evidence)
		return -ENOMEM;
	if (m.n_rows[SHAPE_HOST] != 1)
		return -EBADMSG;
	for (unsigned int table = 0; table < SHAPE_TABLES && !r; table++)
		r = rows_make(d, &m, table);
	if (r < 0)
		return r;
	d->s = *(struct snapshot *)d->rows[SHAPE_HOST];
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		size_t visible = d->told[table] ? d->told[table]->visible : 0;

		if (!shapes[table].n_list)
			continue;
		memcpy((char *)&d->s + shapes[table].list, &d->rows[table], sizeof(d->rows[table]));
		memcpy((char *)&d->s + shapes[table].n_list, &visible, sizeof(visible));
	}
	return 0;
}

/* ---- states ---- */

static int body_get(struct decoder *d, struct wire_input *in)
{
	int r = texts_get(d, in);

	for (size_t i = 0; i < d->tables.n && !r; i++)
		r = told_rows_match(&d->tables.at[i], in);
	for (size_t i = 0; i < d->tables.n && !r; i++)
		r = told_rows_get(d, &d->tables.at[i], in);
	for (size_t i = 0; i < d->tables.n && !r; i++)
		told_rows_keep(&d->tables.at[i]);
	if (r < 0)
		return r;
	return in->bad || wire_left(in) ? -EBADMSG : snapshot_make(d);
}

static int state_get(struct decoder *d, struct wire_input *in)
{
	const uint8_t *head = wire_take(in, 2);
	uint64_t tag, ordinal;
	int r = 0;

	if (!head || (head[0] != STATE_WHOLE && head[0] != STATE_DIFFERENCE))
		return -EBADMSG;
	if (head[1] > STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (!head[1])
		return -EBADMSG;
	if (head[0] == STATE_WHOLE)
		decoder_forget(d);
	else
		snapshot_forget(d);
	tag = wire_get(in);
	ordinal = wire_get(in);
	d->interval = wire_real(wire_get(in));
	if (in->bad || ordinal != d->ordinal || (head[0] == STATE_DIFFERENCE && (tag != d->tag || !ordinal)))
		return -EBADMSG;
	if (head[0] == STATE_WHOLE) {
		d->version = head[1];
		r = schema_get(d, in);
	}
	if (head[1] != d->version)
		return -EBADMSG;
	if (!r)
		r = body_get(d, in);
	d->tag = tag;
	d->ordinal++;
	return r;
}

int decode(struct decoder *d, const void *bytes, size_t n, const struct snapshot **ret)
{
	struct wire_input in = {.at = bytes, .end = (const uint8_t *)bytes + n};
	int r = state_get(d, &in);

	if (r < 0)
		decoder_forget(d);
	else
		*ret = &d->s;
	return r;
}

int decoder_new(struct decoder **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	decoder_forget(d);
	free(d);
}
