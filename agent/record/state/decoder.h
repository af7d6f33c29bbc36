/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decoder.h - what a decoder keeps, shared by the files that make it one: decode.c makes the snapshot, decode_schema.c
 * reads what there is, decode_rows.c follows the rows from state to state. Used by nobody else.
 */
#ifndef SYSSCOPE_RECORD_DECODER_H
#define SYSSCOPE_RECORD_DECODER_H

#include "record/shape/predict.h"

/* No kernel has more tasks; no recording of ours has more cells or tables. */
#define STATE_ROWS_MAX	 (1u << 22)
#define STATE_CELLS_MAX	 4096
#define STATE_TABLES_MAX 256
#define STATE_BYTES_MAX	 (1ULL << 30)

struct told_cell {
	enum shape_cell type;
	uint32_t other; /* table of the recording */
	char *name;	/* owned */
};

/* A table as the recording has it. */
struct told_table {
	char *name; /* owned */
	struct told_cell *cells;
	uint8_t *types; /* of these; owned */
	size_t n_cells;
	struct cell_rules rules;
	LIST(uint64_t *) rows; /* owned: cells, and what their rules learned */
	LIST(uint64_t *) next;
	LIST(uint32_t) now_at; /* where a row before is now */
	LIST(bool) new;
	LIST(uint8_t) parts; /* of each row, a bit for each RULE_PART whose value was told */
	size_t before;	     /* how many there were */
	size_t visible;
};

struct decoder {
	LIST(struct told_table) tables;
	struct wire_texts texts;
	uint8_t version; /* of the states from the latest whole one on */
	uint64_t tag, ordinal;
	double interval;
	uint64_t *before;	 /* a row as it was; owned, for the longest one */
	uint64_t *clocks_before; /* the only row of the first table as it was; owned; NULL: there is none */
	/* What is handed out. */
	struct snapshot s;
	void *rows[SHAPE_TABLES];     /* owned */
	struct concurrency *evidence; /* owned: one for each process */
	struct told_table *told[SHAPE_TABLES];
	uint32_t *from[SHAPE_TABLES]; /* owned: the recording's cell of each of ours, UINT32_MAX: it has none */
};

/* Reads the tables, cells and rules. 0, -EBADMSG or -ENOMEM. */
int schema_get(struct decoder *d, struct wire_input *in);
/* The recording has the field, and the table to which it refers; `cell`: the number of its first cell among ours. */
bool schema_tells(const struct decoder *d, enum shape_table table, const struct shape_field *f, size_t cell);

/* Reads which rows of a table are which of those before. 0, -EBADMSG or -ENOMEM. */
int told_rows_match(struct told_table *t, struct wire_input *in);
/* Reads what differs in them from what is expected. 0, -EBADMSG or -ENOMEM. */
int told_rows_get(struct decoder *d, struct told_table *t, struct wire_input *in);
/* The rows now become the rows before. */
void told_rows_keep(struct told_table *t);

#endif
