/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encoder.h - what an encoder keeps, shared by the files that make it one: encode_plan.c prepares what is to be done with each
 * row, encode_rows.c gathers the rows of a snapshot and makes cells of them, encode_match.c finds what each was before,
 * encode_cells.c writes what differs. Used by nobody else.
 */
#ifndef SYSSCOPE_RECORD_ENCODER_H
#define SYSSCOPE_RECORD_ENCODER_H

#include "record/state/codec.h"
#include "record/shape/formulas.h"

/* How the cells of a field are made; fields that follow each other in the row and as cells are one step. */
enum step_kind { STEP_COPY, STEP_NUMBER, STEP_EVIDENCE, STEP_FIELD };
struct row_step {
	const struct shape_field *field; /* STEP_FIELD */
	enum step_kind kind;
	uint16_t offset, size, n; /* of one element; elements */
	uint16_t cell;		  /* the first one */
	bool evidence;		  /* in struct concurrency of the process, if it has one */
};

/* A cell that is an index of a row, or the same and 1. */
struct index_cell {
	uint16_t cell;
	uint8_t other;
	bool next;
};

/* What is to be done with each row of a table, prepared once. Lists of what is a key, or refers to others as one: [1], else [0]. */
struct row_plan {
	LIST(struct row_step) all, keys;
	LIST(struct index_cell) indexes[2];
	LIST(uint16_t) key_cells;
	LIST(uint16_t)
	clocked, unclocked; /* rules that follow a clock or the row above, or a cell that does; the others */
	uint64_t *still;    /* owned: of each cell all bits, of those of clocked rules none */
};

struct kept_table {
	size_t n_cells, n; /* rows before */
	uint8_t *types;	   /* of the cells, owned */
	struct cell_rules rules;
	struct row_plan plan;
	LIST(const void *) rows; /* of the snapshot that is encoded */
	size_t visible;		 /* of them, in the snapshot's own list */
	LIST(uint64_t *) cells;	 /* of each row before, owned, and struct row_notes; NULL: taken over */
	LIST(uint64_t *) next;	 /* of each row now, owned; NULL: it is new */
	LIST(bool) fresh;	 /* of each row now: it is new */
	LIST(uint32_t) now_at;	 /* where a row before is now; 0 also where it is not */
	LIST(uint32_t) slots;	 /* rows before by key + 1, made when first needed */
	bool hashed;
};

/* Behind the cells of a row: what is known of how it follows from itself. */
struct row_notes {
	uint32_t settled; /* see encode_cells.c */
	uint32_t times[]; /* of each RULE_CLOCK */
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
	struct buf body; /* of the state that is encoded */
	uint64_t *scratch, *expected;
	LIST(uint64_t) ahead;	       /* the rows of a table one of whose rules reckons with all of them */
	LIST(uint64_t *) ahead_rows;   /* in it */
	uint64_t *clocks_before;       /* the row of the host as it was */
	uint64_t tag, ordinal;	       /* of the next state; 0: it has to be whole */
	uint32_t cursor[SHAPE_TABLES]; /* end of the range of the container before */
	uint32_t added[SHAPE_TABLES];  /* the next range that only its container refers to */
	bool failed;		       /* no memory */
	codec_rename *rename;	       /* NULL: texts are written as they are */
	void *rename_ctx;
	const char *renaming; /* the table whose row is being made cells */
};

/* Of a table whose types and rules are known. 0 or -ENOMEM. */
int plan_make(struct row_plan *p, enum shape_table table, const struct cell_rules *rules);
void plan_free(struct row_plan *p);

/* Lists the rows of each table, those that only a container or a process refers to behind the snapshot's own. */
void rows_gather(struct encoder *e, const struct snapshot *s);

/* `before` helps to find the numbers of texts: zeros are as right. `keys`: only the cells of the key, the others are left alone. */
void row_flatten(struct encoder *e, const struct snapshot *s, enum shape_table table, const void *row,
		 const uint64_t *before, uint64_t *cells, bool keys);

/* Finds for each row of a table what it was before, and writes that; sets `next` and `now_at`. */
void rows_match(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out);

/* Writes what differs in the rows of a table from what is expected of them. */
void rows_put(struct encoder *e, const struct snapshot *s, enum shape_table table, struct buf *out);

/* Cells that are indexes are moved to where these rows are now: of keys before the rows are told apart, of others afterwards. */
void cells_move(const struct encoder *e, enum shape_table table, uint64_t *cells, bool keys);

#endif
