/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape_make.c - a row of a snapshot, made of cells: see shape.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record/shape/shape.h"

static void pointer_set(void *at, const void *to)
{
	memcpy(at, &to, sizeof(to));
}

static bool number_set(const struct shape_field *f, char *at, uint64_t v)
{
	uint8_t u8 = (uint8_t)v;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	if ((f->below && v >= f->below) || (f->boolean && v > 1))
		return false;
	memcpy(at,
	       f->size == 1   ? &u8
	       : f->size == 2 ? (void *)&u16
	       : f->size == 4 ? (void *)&u32
			      : (void *)&v,
	       f->size);
	return true;
}

static bool pointer_make(const struct shape_making *m, const struct shape_field *f, char *at, uint64_t v)
{
	if (v > m->n_rows[f->other])
		return false;
	if (v && f->kind == FIELD_HEAD)
		pointer_set(at, &m->evidence[v - 1].evidence);
	else
		pointer_set(at, v ? (char *)m->rows[f->other] + (v - 1) * shapes[f->other].size : NULL);
	return true;
}

static bool range_make(struct shape_making *m, const struct shape_field *f, char *row, const uint64_t *cells)
{
	size_t n = cells[1], all = m->n_rows[f->other];
	size_t first = (uint32_t)(m->cursor[f->other] + cells[0]);

	memcpy(row + f->count, &n, sizeof(n));
	pointer_set(row + f->offset, NULL);
	if (!n)
		return true;
	if (first > all || n > all - first)
		return false;
	pointer_set(row + f->offset, (char *)m->rows[f->other] + first * shapes[f->other].size);
	m->cursor[f->other] = first + n;
	return true;
}

static bool index_make(const struct shape_making *m, const struct shape_field *f, char *at, uint64_t v)
{
	uint32_t index = (uint32_t)v;
	size_t n = m->n_rows[f->other];

	memcpy(at, &index, sizeof(index));
	if (f->kind == FIELD_INDEX_NEXT)
		return v <= n;
	return v < n || (f->kind == FIELD_INDEX_OR_NONE && v == UINT32_MAX);
}

static bool field_make(struct shape_making *m, const struct shape_field *f, char *row, const uint64_t *cells)
{
	char *at = row + f->offset;
	bool right = true;

	switch (f->kind) {
	case FIELD_TEXT:
		pointer_set(at, wire_text(m->texts, *cells) ?: "");
		return true;
	case FIELD_TEXT_OR_NULL:
		pointer_set(at, wire_text(m->texts, *cells));
		return true;
	case FIELD_CHARS:
		snprintf(at, f->size, "%s", wire_text(m->texts, *cells) ?: "");
		return true;
	case FIELD_REAL:
	case FIELD_METRICS:
		memcpy(at, cells, f->n * sizeof(*cells));
		return true;
	case FIELD_INDEX:
	case FIELD_INDEX_OR_NONE:
	case FIELD_INDEX_NEXT:
		return index_make(m, f, at, *cells);
	case FIELD_POINTER:
	case FIELD_HEAD:
		return pointer_make(m, f, at, *cells);
	case FIELD_RANGE:
		return range_make(m, f, row, cells);
	case FIELD_NUMBER:
		for (size_t i = 0; i < f->n; i++)
			right &= number_set(f, at + i * f->size, cells[i]);
		return right;
	}
	return false;
}

int shape_row_make(struct shape_making *m, enum shape_table table, size_t i, const uint64_t *cells)
{
	const struct shape_desc *d = &shapes[table];
	char *row = (char *)m->rows[table] + i * d->size;

	for (size_t k = 0, at = 0; k < d->n_fields; at += field_cells(&d->fields[k]), k++) {
		const struct shape_field *f = &d->fields[k];

		if (!f->size)
			((struct process_row *)row)->concurrency = cells[at] ? &m->evidence[i] : NULL;
		else if (!field_make(m, f, f->evidence ? (char *)&m->evidence[i] : row, cells + at))
			return -EBADMSG;
	}
	return 0;
}
