/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decoder.h - what a decoder keeps, shared by the files that make it one: decode.c reads the schema and makes the snapshot,
 * decode_rows.c follows the rows from state to state. Used by nobody else.
 */
#ifndef SYSSCOPE_RECORD_DECODER_H
#define SYSSCOPE_RECORD_DECODER_H

#include "record/state/shape.h"

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
	size_t n_cells;
	LIST(uint64_t *) rows; /* owned */
	LIST(uint64_t *) next;
	LIST(uint32_t) now_at; /* where a row before is now */
	LIST(bool) new;
	size_t before; /* how many there were */
	size_t visible;
};

struct decoder {
	LIST(struct told_table) tables;
	struct wire_texts texts;
	uint64_t tag, ordinal;
	double interval;
	/* What is handed out. */
	struct snapshot s;
	void *rows[SHAPE_TABLES];     /* owned */
	struct concurrency *evidence; /* owned: one for each process */
	struct told_table *told[SHAPE_TABLES];
	uint32_t *from[SHAPE_TABLES]; /* owned: the recording's cell of each of ours, UINT32_MAX: it has none */
};

/* Reads which rows of a table are which of those before. 0, -EBADMSG or -ENOMEM. */
int told_rows_match(struct told_table *t, struct wire_input *in);
/* Reads what differs in them. 0 or -EBADMSG. */
int told_rows_get(struct decoder *d, struct told_table *t, struct wire_input *in);
/* The rows now become the rows before. */
void told_rows_keep(struct told_table *t);

#endif
