/* SPDX-License-Identifier: GPL-2.0-or-later */
/* encode_rows.c - the rows of a snapshot, and each of them as cells: see encoder.h. */
#include <string.h>

#include "record/state/encoder.h"

/* ---- rows by address ---- */

static int address_map_begin(struct address_map *m, size_t n)
{
	size_t slots = 64;

	while (slots < n * 2)
		slots *= 2;
	if (list_reserve(&m->at, slots) < 0 || list_reserve(&m->value, slots) < 0)
		return -ENOMEM;
	m->at.n = slots;
	memset(m->value.at, 0, slots * sizeof(*m->value.at));
	return 0;
}

/* The slot of the address: its value, or 0 where it may be put. */
static uint32_t *address_slot(struct address_map *m, const void *address)
{
	size_t i = (size_t)((uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15ULL >> 20) & (m->at.n - 1);

	while (m->value.at[i] && m->at.at[i] != address)
		i = (i + 1) & (m->at.n - 1);
	m->at.at[i] = address;
	return &m->value.at[i];
}

/* ---- which rows there are ---- */

static void row_add(struct encoder *e, enum shape_table table, const void *row)
{
	struct kept_table *t = &e->tables[table];

	if (list_reserve(&t->rows, t->rows.n + 1) < 0)
		e->failed = true;
	else
		t->rows.at[t->rows.n++] = row;
}

static void rows_add(struct encoder *e, enum shape_table table, const void *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_add(e, table, (const char *)rows + i * shapes[table].size);
}

/* The list of the snapshot that belongs to a table. */
static const char *list_of(const struct snapshot *s, const struct shape_desc *d, size_t *ret_n)
{
	const void *list;

	memcpy(&list, (const char *)s + d->list, sizeof(list));
	memcpy(ret_n, (const char *)s + d->n_list, sizeof(*ret_n));
	return list;
}

static const char *range_of(const void *row, const struct shape_field *f, size_t *ret_n)
{
	const void *range;

	memcpy(&range, (const char *)row + f->offset, sizeof(range));
	memcpy(ret_n, (const char *)row + f->count, sizeof(*ret_n));
	return range;
}

/* Where in its table a range of a container begins; UINT32_MAX: it is not in the snapshot's list. */
static uint32_t range_begin(const struct snapshot *s, const struct shape_field *f, const char *range, size_t n)
{
	const struct shape_desc *d = &shapes[f->other];
	size_t all = 0;
	const char *list = d->n_list ? list_of(s, d, &all) : NULL;

	if (!list || range < list || range + n * d->size > list + all * d->size)
		return UINT32_MAX;
	return (uint32_t)((size_t)(range - list) / d->size);
}

/* Rows that only a container refers to stand behind those of the snapshot's own list. */
static void ranges_add(struct encoder *e, const struct snapshot *s)
{
	const struct shape_desc *d = &shapes[SHAPE_CONTAINERS];

	for (size_t k = 0; k < d->n_fields; k++)
		for (size_t i = 0; d->fields[k].kind == FIELD_RANGE && i < s->n_containers; i++) {
			size_t n;
			const char *range = range_of(&s->containers[i], &d->fields[k], &n);

			if (n && range_begin(s, &d->fields[k], range, n) == UINT32_MAX)
				rows_add(e, d->fields[k].other, range, n);
		}
}

static void trees_add(struct encoder *e, const struct snapshot *s)
{
	if (address_map_begin(&e->trees, s->n_processes) < 0 || address_map_begin(&e->heads, s->n_processes) < 0) {
		e->failed = true;
		return;
	}
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct concurrency *c = s->processes[i].concurrency;
		uint32_t *slot;

		if (!c)
			continue;
		*address_slot(&e->heads, &c->evidence) = i + 1;
		slot = c->tree ? address_slot(&e->trees, c->tree) : NULL;
		if (slot && !*slot) {
			row_add(e, SHAPE_TREES, c->tree);
			*slot = (uint32_t)e->tables[SHAPE_TREES].rows.n;
		}
	}
}

void rows_gather(struct encoder *e, const struct snapshot *s)
{
	for (unsigned int table = 0; table < SHAPE_TABLES; table++) {
		const struct shape_desc *d = &shapes[table];
		const char *list;
		size_t n;

		e->tables[table].rows.n = 0;
		if (table == SHAPE_HOST)
			row_add(e, table, s);
		list = d->n_list ? list_of(s, d, &n) : NULL;
		if (list)
			rows_add(e, table, list, n);
		e->tables[table].visible = e->tables[table].rows.n;
		e->added[table] = (uint32_t)e->tables[table].rows.n;
		e->cursor[table] = 0;
	}
	ranges_add(e, s);
	trees_add(e, s);
}

/* ---- a row as cells ---- */

static uint64_t text_cell(struct encoder *e, const struct shape_field *f, const char *text, uint64_t before)
{
	const char *then = wire_text(&e->texts, before);
	uint64_t number = 0;

	if (text && *text && e->rename)
		text = e->rename(e->rename_ctx, e->renaming, f->name, text);
	if (!text || (then && strcmp(then, text) == 0))
		return text ? before : 0;
	if (wire_text_number(&e->texts, text, &number) < 0)
		e->failed = true;
	return number;
}

/* Of a size at a time, so that each loop is a short one. */
static void number_cells(const char *at, size_t size, size_t n, uint64_t *cells)
{
	uint32_t u32;
	uint16_t u16;

	switch (size) {
	case sizeof(u32):
		for (size_t i = 0; i < n; i++, at += sizeof(u32)) {
			memcpy(&u32, at, sizeof(u32));
			cells[i] = u32;
		}
		break;
	case sizeof(u16):
		for (size_t i = 0; i < n; i++, at += sizeof(u16)) {
			memcpy(&u16, at, sizeof(u16));
			cells[i] = u16;
		}
		break;
	default:
		for (size_t i = 0; i < n; i++)
			cells[i] = (uint8_t)at[i];
	}
}

static uint64_t pointer_cell(struct encoder *e, const struct snapshot *s, const struct shape_field *f, const void *to)
{
	if (!to)
		return 0;
	if (f->kind == FIELD_HEAD)
		return *address_slot(&e->heads, to);
	if (f->other == SHAPE_TREES)
		return *address_slot(&e->trees, to);
	return (uint64_t)((const struct oom_row *)to - s->oom_kills) + 1;
}

static void range_cells(struct encoder *e, const struct snapshot *s, const struct shape_field *f, const char *row,
			uint64_t *cells)
{
	uint32_t *cursor = &e->cursor[f->other], begin;
	size_t n;
	const char *range = range_of(row, f, &n);

	cells[0] = 0;
	cells[1] = n;
	if (!n)
		return;
	begin = range_begin(s, f, range, n);
	/* Ranges outside of the list were added in this order. */
	if (begin == UINT32_MAX) {
		begin = e->added[f->other];
		e->added[f->other] += (uint32_t)n;
	}
	cells[0] = (uint32_t)(begin - *cursor);
	*cursor = begin + (uint32_t)n;
}

static void field_flatten(struct encoder *e, const struct snapshot *s, const struct shape_field *f, const char *row,
			  const uint64_t *before, uint64_t *cells)
{
	const char *at = row + f->offset;
	const void *pointer;

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		memcpy(&pointer, at, sizeof(pointer));
		*cells = text_cell(e, f, pointer, *before);
		break;
	case FIELD_CHARS:
		*cells = text_cell(e, f, at, *before);
		break;
	case FIELD_RANGE:
		range_cells(e, s, f, row, cells);
		break;
	case FIELD_POINTER:
	case FIELD_HEAD:
		memcpy(&pointer, at, sizeof(pointer));
		*cells = pointer_cell(e, s, f, pointer);
		break;
	default: /* copied */
		break;
	}
}

static void step_flatten(struct encoder *e, const struct snapshot *s, const struct row_step *step, const char *row,
			 const struct concurrency *c, const uint64_t *before, uint64_t *cells)
{
	const char *from = step->evidence ? (const char *)c : row;

	if (step->kind == STEP_EVIDENCE)
		*cells = c != NULL;
	else if (!from)
		memset(cells, 0, step->n * sizeof(*cells));
	else if (step->kind == STEP_COPY)
		memcpy(cells, from + step->offset, step->n * sizeof(*cells));
	else if (step->kind == STEP_NUMBER)
		number_cells(from + step->offset, step->size, step->n, cells);
	else
		field_flatten(e, s, step->field, from, before, cells);
}

void row_flatten(struct encoder *e, const struct snapshot *s, enum shape_table table, const void *row,
		 const uint64_t *before, uint64_t *cells, bool keys)
{
	const struct row_plan *p = &e->tables[table].plan;
	const struct row_step *step = keys ? p->keys.at : p->all.at, *end = step + (keys ? p->keys.n : p->all.n);
	const struct concurrency *c = table == SHAPE_PROCESSES ? ((const struct process_row *)row)->concurrency : NULL;

	e->renaming = shapes[table].name;
	for (; step < end; step++)
		step_flatten(e, s, step, row, c, before + step->cell, cells + step->cell);
}
