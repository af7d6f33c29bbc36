/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode_schema.c - what a recording says of its tables, cells and rules, and which of its cells are ours, by name: see decoder.h.
 * Read once per whole state.
 */
#include <stdlib.h>
#include <string.h>

#include "record/state/decoder.h"

static int word_get(struct wire_input *in, char **ret)
{
	uint64_t n = wire_get(in);
	const char *at = wire_take(in, n);

	if (!at)
		return -EBADMSG;
	*ret = strndup(at, n);
	return *ret ? 0 : -ENOMEM;
}

static int told_cell_get(struct wire_input *in, struct told_cell *cell)
{
	const char *type = wire_take(in, 1);

	if (!type || !*type || !strchr("ndtio", *type))
		return -EBADMSG;
	cell->type = (enum shape_cell) * type;
	if (cell->type == CELL_INDEX || cell->type == CELL_NEXT) {
		uint64_t other = wire_get(in);

		if (other >= STATE_TABLES_MAX)
			return -EBADMSG;
		cell->other = (uint32_t)other;
	}
	return word_get(in, &cell->name);
}

static int told_table_get(struct wire_input *in, struct told_table *t)
{
	uint64_t n;
	int r = word_get(in, &t->name);

	n = wire_get(in);
	if (r < 0)
		return r;
	if (in->bad || !n || n > STATE_CELLS_MAX || n > wire_left(in))
		return -EBADMSG;
	t->cells = calloc(n, sizeof(*t->cells));
	t->types = calloc(n, sizeof(*t->types));
	if (!t->cells || !t->types)
		return -ENOMEM;
	t->n_cells = n;
	for (size_t i = 0; i < n && !r; i++) {
		r = told_cell_get(in, &t->cells[i]);
		t->types[i] = (uint8_t)t->cells[i].type;
	}
	return r;
}

static int told_rule_get(struct wire_input *in, struct cell_rule *rule)
{
	const char *kind = wire_take(in, 1);
	uint64_t cell = wire_get(in), n = wire_get(in), of;

	if (!kind || in->bad || cell > UINT32_MAX || n > RULE_CELLS_MAX)
		return -EBADMSG;
	*rule = (struct cell_rule){.kind = (enum rule_kind) * kind, .cell = (uint32_t)cell, .n = (uint32_t)n};
	for (uint32_t i = 0; i < rule->n; i++) {
		of = wire_get(in);
		if (of > UINT32_MAX)
			return -EBADMSG;
		rule->of[i] = (uint32_t)of;
	}
	return in->bad ? -EBADMSG : 0;
}

/* `first`: the table that has the clocks; NULL: this is it. */
static int told_rules_get(struct wire_input *in, struct told_table *t, const struct told_table *first)
{
	const struct cell_types cells = {t->n_cells, t->types},
				clocks = {first ? first->n_cells : 0, first ? first->types : NULL};
	uint64_t n = wire_get(in);
	int r = 0;

	if (in->bad || n > t->n_cells)
		return -EBADMSG;
	for (uint64_t i = 0; i < n && !r; i++) {
		struct cell_rule rule;

		r = told_rule_get(in, &rule);
		if (!r)
			r = rules_add(&t->rules, &rule, &cells, first ? &clocks : NULL);
	}
	return r;
}

static bool cell_is_ours(const struct decoder *d, const struct told_cell *cell, const struct shape_field *f,
			 const char *name)
{
	bool refers = cell->type == CELL_INDEX || cell->type == CELL_NEXT;

	return cell->type == shape_cell_type(f) && strcmp(cell->name, name) == 0 &&
	       (!refers || strcmp(d->tables.at[cell->other].name, shapes[f->other].name) == 0);
}

/* Finds the cells of one of our tables in one of the recording's. They mostly stand in the same order. */
static int cells_find(struct decoder *d, enum shape_table table, struct told_table *t)
{
	const struct shape_desc *desc = &shapes[table];
	uint32_t *from = calloc(shape_cells(table), sizeof(*from));
	size_t n = 0, guess = 0;

	if (!from)
		return -ENOMEM;
	d->told[table] = t;
	d->from[table] = from;
	for (size_t i = 0; i < desc->n_fields; i++)
		for (size_t k = 0; k < field_cells(&desc->fields[i]); k++, n++) {
			_cleanup_buf_ struct buf name = {};

			shape_cell_name(&name, &desc->fields[i], k);
			if (name.failed)
				return -ENOMEM;
			from[n] = UINT32_MAX;
			for (size_t at = 0; at < t->n_cells && from[n] == UINT32_MAX; at++) {
				size_t one = (guess + at) % t->n_cells;

				if (cell_is_ours(d, &t->cells[one], &desc->fields[i], name.data))
					from[n] = (uint32_t)one;
			}
			if (from[n] != UINT32_MAX)
				guess = from[n] + 1;
		}
	return 0;
}

static bool field_refers(const struct shape_field *f)
{
	return f->kind == FIELD_INDEX || f->kind == FIELD_INDEX_OR_NONE || f->kind == FIELD_INDEX_NEXT ||
	       f->kind == FIELD_POINTER || f->kind == FIELD_RANGE;
}

bool schema_tells(const struct decoder *d, enum shape_table table, const struct shape_field *f, size_t cell)
{
	return d->from[table][cell] != UINT32_MAX && (!field_refers(f) || d->told[f->other]);
}

/* Without what tells its rows apart, or to whom they belong, a table says nothing. */
static bool table_is_told(const struct decoder *d, enum shape_table table)
{
	const struct shape_desc *desc = &shapes[table];

	for (size_t k = 0, n = 0; k < desc->n_fields; n += field_cells(&desc->fields[k]), k++) {
		const struct shape_field *f = &desc->fields[k];

		if (!schema_tells(d, table, f, n) &&
		    (f->kind == FIELD_INDEX || (f->key && f->kind != FIELD_INDEX_OR_NONE)))
			return false;
	}
	return true;
}

static void tables_drop(struct decoder *d)
{
	bool dropped = true;

	while (dropped) {
		dropped = false;
		for (unsigned int table = 0; table < SHAPE_TABLES; table++)
			if (d->told[table] && !table_is_told(d, table)) {
				d->told[table] = NULL;
				dropped = true;
			}
	}
}

int schema_get(struct decoder *d, struct wire_input *in)
{
	uint64_t n = wire_get(in);
	size_t longest = 1;
	int r = 0;

	if (in->bad || n > STATE_TABLES_MAX || n > wire_left(in))
		return -EBADMSG;
	if (list_reserve(&d->tables, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n && !r; i++) {
		d->tables.at[d->tables.n++] = (struct told_table){};
		r = told_table_get(in, &d->tables.at[i]);
		if (!r && d->version >= STATE_WITH_RULES)
			r = told_rules_get(in, &d->tables.at[i], i ? &d->tables.at[0] : NULL);
		if (!r && d->tables.at[i].n_cells > longest)
			longest = d->tables.at[i].n_cells;
	}
	d->before = r ? NULL : calloc(longest, sizeof(*d->before));
	if (!r && !d->before)
		return -ENOMEM;
	for (size_t i = 0; i < d->tables.n && !r; i++)
		for (size_t k = 0; k < d->tables.at[i].n_cells; k++)
			if (d->tables.at[i].cells[k].other >= d->tables.n)
				return -EBADMSG;
	for (size_t i = 0; i < d->tables.n && !r; i++)
		for (unsigned int table = 0; table < SHAPE_TABLES && !r; table++)
			if (!d->told[table] && strcmp(shapes[table].name, d->tables.at[i].name) == 0)
				r = cells_find(d, table, &d->tables.at[i]);
	if (!r)
		tables_drop(d);
	return r;
}
