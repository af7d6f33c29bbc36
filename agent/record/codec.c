/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.c - a snapshot as the bytes of a state: see codec.h. Of each row the encoder keeps the cells that it wrote last. First it
 * finds for each row the one of the snapshot before that has the same key, then it writes the cells that differ.
 */
#include <stdlib.h>
#include <string.h>

#include "record/codec.h"
#include "record/shape.h"

struct kept_table {
	size_t n_cells, n;	 /* rows before */
	LIST(const void *) rows; /* of the snapshot that is encoded */
	size_t visible;		 /* of them, in the snapshot's own list */
	LIST(uint64_t *) cells;	 /* of each row before, owned; NULL: taken over */
	LIST(uint64_t *) next;	 /* of each row now, owned; NULL: it is new */
	LIST(uint32_t) now_at;	 /* where a row before is now; 0 also where it is not */
	LIST(uint32_t) slots;	 /* rows before by key + 1, made when first needed */
	bool hashed;
};

/* Rows by their address. */
struct address_map {
	LIST(const void *) at;
	LIST(uint32_t) value; /* + 1 */
	size_t used;
};

struct encoder {
	struct kept_table tables[SHAPE_TABLES];
	struct wire_texts texts;
	size_t texts_told; /* that the stream has */
	struct hash_seed seed;
	struct address_map trees, heads;
	uint64_t *scratch;
	uint64_t tag, ordinal;	       /* of the next state; 0: it has to be whole */
	uint32_t cursor[SHAPE_TABLES]; /* end of the range of the container before */
	uint32_t added[SHAPE_TABLES];  /* the next range that only its container refers to */
	bool failed;		       /* no memory */
};

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

static void rows_gather(struct encoder *e, const struct snapshot *s)
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

static uint64_t text_cell(struct encoder *e, const char *text, uint64_t before)
{
	const char *then = wire_text(&e->texts, before);
	uint64_t number = 0;

	if (!text || (then && strcmp(then, text) == 0))
		return text ? before : 0;
	if (wire_text_number(&e->texts, text, &number) < 0)
		e->failed = true;
	return number;
}

static uint64_t number_cell(const char *at, size_t size)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} v = {};

	memcpy(&v, at, size);
	return size == 1 ? v.u8 : size == 2 ? v.u16 : size == 4 ? v.u32 : v.u64;
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
		*cells = text_cell(e, pointer, *before);
		break;
	case FIELD_CHARS:
		*cells = text_cell(e, at, *before);
		break;
	case FIELD_RANGE:
		range_cells(e, s, f, row, cells);
		break;
	case FIELD_POINTER:
	case FIELD_HEAD:
		memcpy(&pointer, at, sizeof(pointer));
		*cells = pointer_cell(e, s, f, pointer);
		break;
	case FIELD_REAL:
	case FIELD_METRICS:
		memcpy(cells, at, f->n * sizeof(*cells));
		break;
	default:
		for (size_t i = 0; i < f->n; i++)
			cells[i] = number_cell(at + i * f->size, f->size);
	}
}

/* `before` helps to find the numbers of texts: zeros are as right. `keys`: only the cells of the key, the others are left alone. */
static void row_flatten(struct encoder *e, const struct snapshot *s, enum shape_table table, const void *row,
			const uint64_t *before, uint64_t *cells, bool keys)
{
	const struct shape_desc *d = &shapes[table];
	const struct concurrency *c = table == SHAPE_PROCESSES ? ((const struct process_row *)row)->concurrency : NULL;

	for (size_t i = 0, at = 0; i < d->n_fields; at += field_cells(&d->fields[i]), i++) {
		const struct shape_field *f = &d->fields[i];

		if (keys && !f->key)
			continue;
		if (f->evidence && !c)
			memset(cells + at, 0, f->n * sizeof(*cells));
		else if (!f->size)
			cells[at] = c != NULL;
		else
			field_flatten(e, s, f, f->evidence ? (const char *)c : row, before + at, cells + at);
	}
}

/* ---- which row was which ---- */

static bool keys_equal(enum shape_table table, const uint64_t *a, const uint64_t *b)
{
	const struct shape_desc *d = &shapes[table];

	for (size_t i = 0, at = 0; i < d->n_fields; at += field_cells(&d->fields[i]), i++)
		if (d->fields[i].key && a[at] != b[at])
			return false;
	return true;
}

static uint64_t keys_hash(const struct encoder *e, enum shape_table table, const uint64_t *cells)
{
	const struct shape_desc *d = &shapes[table];
	uint64_t hash = e->seed.begin;

	for (size_t i = 0, at = 0; i < d->n_fields; at += field_cells(&d->fields[i]), i++)
		if (d->fields[i].key)
			hash = hash_number(&e->seed, hash, cells[at]);
	return hash;
}

static int rows_hash(struct encoder *e, enum shape_table table)
{
	struct kept_table *t = &e->tables[table];
	size_t slots = 64;

	while (slots < t->n * 2)
		slots *= 2;
	if (list_reserve(&t->slots, slots) < 0)
		return -ENOMEM;
	t->slots.n = slots;
	memset(t->slots.at, 0, slots * sizeof(*t->slots.at));
	for (size_t i = 0; i < t->n; i++) {
		size_t slot;

		if (!t->cells.at[i])
			continue;
		for (slot = keys_hash(e, table, t->cells.at[i]) & (slots - 1); t->slots.at[slot];
		     slot = (slot + 1) & (slots - 1))
			;
		t->slots.at[slot] = (uint32_t)i + 1;
	}
	t->hashed = true;
	return 0;
}

/* The row before with these keys that is not taken yet; t->n: there is none. */
static size_t row_before(struct encoder *e, enum shape_table table, const uint64_t *cells)
{
	struct kept_table *t = &e->tables[table];

	if (!t->hashed && rows_hash(e, table) < 0) {
		e->failed = true;
		return t->n;
	}
	for (size_t slot = keys_hash(e, table, cells) & (t->slots.n - 1); t->slots.at[slot];
	     slot = (slot + 1) & (t->slots.n - 1)) {
		size_t i = t->slots.at[slot] - 1;

		if (t->cells.at[i] && keys_equal(table, t->cells.at[i], cells))
			return i;
	}
	return t->n;
}

/* Cells that are indexes are moved to where these rows are now: of keys before the rows are told apart, of others afterwards. */
static void cells_move(const struct encoder *e, enum shape_table table, uint64_t *cells, bool keys)
{
	const struct shape_desc *d = &shapes[table];

	for (size_t i = 0, at = 0; i < d->n_fields; at += field_cells(&d->fields[i]), i++) {
		const struct shape_field *f = &d->fields[i];
		enum shape_cell type = shape_cell_type(f);
		const struct kept_table *other = &e->tables[f->other];

		if (f->key != keys)
			continue;
		if (type == CELL_INDEX && cells[at] < other->n)
			cells[at] = other->now_at.at[cells[at]];
		else if (type == CELL_NEXT && cells[at] && cells[at] - 1 < other->n)
			cells[at] = other->now_at.at[cells[at] - 1] + 1;
	}
}

/* A run of rows that were there before, one behind the other, then rows that are new. */
struct row_run {
	size_t first, n, new;
};

static void run_put(struct buf *out, struct row_run *run, size_t *cursor)
{
	if (!run->n && !run->new)
		return;
	wire_put(out, run->n);
	if (run->n)
		wire_put(out, wire_zigzag((uint64_t)run->first - *cursor));
	wire_put(out, run->new);
	*cursor = run->first + run->n;
	*run = (struct row_run){.first = *cursor};
}

static void rows_match(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out)
{
	struct kept_table *t = &e->tables[table];
	struct row_run run = {};
	size_t cursor = 0;

	wire_put(out, t->rows.n);
	wire_put(out, t->visible);
	t->hashed = false;
	for (size_t i = 0; i < t->n; i++)
		cells_move(e, table, t->cells.at[i], true);
	if (t->n)
		memset(t->now_at.at, 0, t->n * sizeof(*t->now_at.at));
	for (size_t i = 0, guess = 0; i < t->rows.n; i++) {
		size_t before = guess < t->n && t->cells.at[guess] ? guess : t->n;

		if (before == t->n)
			memset(e->scratch, 0, t->n_cells * sizeof(*e->scratch));
		row_flatten(e, s, table, t->rows.at[i], before < t->n ? t->cells.at[before] : e->scratch, e->scratch,
			    true);
		if (t->n && (before == t->n || !keys_equal(table, t->cells.at[before], e->scratch)))
			before = row_before(e, table, e->scratch);
		if (before < t->n) {
			if (run.new || before != run.first + run.n) {
				run_put(out, &run, &cursor);
				run.first = before;
			}
			run.n++;
			t->now_at.at[before] = (uint32_t)i;
			t->next.at[i] = t->cells.at[before];
			t->cells.at[before] = NULL;
			guess = before + 1;
		} else {
			t->next.at[i] = NULL;
			run.new ++;
		}
	}
	run_put(out, &run, &cursor);
}

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
