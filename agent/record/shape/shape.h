/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shape.h - the rows of a snapshot, described once: what each table has, and each of its rows, as cells of 64 bits. encode.c
 * and decode.c work by this description only. A field of view.h that is not described fails tests/unit/test_codec.c.
 */
#ifndef SYSSCOPE_RECORD_SHAPE_H
#define SYSSCOPE_RECORD_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "concurrency/concurrency.h"
#include "record/shape/wire.h"
#include "sysscope/view.h"

/* Rows of tables further up are told apart before those of tables further down, which refer to them by index. */
enum shape_table {
	SHAPE_HOST, /* one row: what the snapshot has beside its lists */
	SHAPE_CONTAINERS,
	SHAPE_PROCESSES,
	SHAPE_TREES, /* of concurrency models */
	SHAPE_GROUPS,
	SHAPE_NEIGHBOURS,
	SHAPE_DISKS,
	SHAPE_DISK_NEIGHBOURS,
	SHAPE_DEVICES,
	SHAPE_LOOPS,
	SHAPE_STALLS,
	SHAPE_TRANSITIONS,
	SHAPE_OUTSIDE,
	SHAPE_PORTS,
	SHAPE_INTERFACES,
	SHAPE_INSTANCES,
	SHAPE_CHECKS,
	SHAPE_BIRTHS,
	SHAPE_OOM_KILLS,
	SHAPE_LOSSES,
	SHAPE_COLLECTORS,
	SHAPE_CPUS,
	SHAPE_TABLES
};

/* What a cell holds; also how a recording says it. INDEX: of a row of a table; NEXT: the same and 1, or 0 for none. */
enum shape_cell { CELL_NUMBER = 'n', CELL_REAL = 'd', CELL_TEXT = 't', CELL_INDEX = 'i', CELL_NEXT = 'o' };

enum shape_kind {
	FIELD_TEXT,
	FIELD_TEXT_OR_NULL,
	FIELD_CHARS,   /* an array of char, terminated */
	FIELD_NUMBER,  /* of `size` bytes */
	FIELD_REAL,    /* double */
	FIELD_METRICS, /* doubles, named by the metrics of a scope */
	FIELD_INDEX,
	FIELD_INDEX_OR_NONE, /* UINT32_MAX: none */
	FIELD_INDEX_NEXT,    /* index + 1; 0: none */
	FIELD_POINTER,	     /* to a row of a table, or NULL */
	FIELD_HEAD,	     /* to the evidence of a process, or NULL */
	FIELD_RANGE,	     /* pointer to rows of a table, and their number */
};

struct shape_field {
	const char *name;
	enum shape_kind kind;
	uint16_t offset, size, n; /* of one element; elements */
	uint16_t count;		  /* of a range: offset of the number */
	uint8_t other;		  /* table or scope */
	bool key;		  /* tells rows apart */
	bool evidence;		  /* in struct concurrency of the process, if it has one */
	bool boolean;		  /* a number that has to be 0 or 1 */
	uint32_t below;		  /* a number has to be smaller; 0: any */
};

struct shape_desc {
	const char *name;
	size_t size; /* of a row */
	const struct shape_field *fields;
	size_t n_fields;
	uint16_t list, n_list; /* offsets in the snapshot of the pointer to the rows and of their number; 0: in none */
};
extern const struct shape_desc shapes[SHAPE_TABLES];

/* The first bytes of a state: its kind and the version of the format. */
enum { STATE_WHOLE = 'W', STATE_DIFFERENCE = 'D', STATE_VERSION = 2, STATE_WITH_RULES = 2 };

size_t shape_cells(enum shape_table table);
enum shape_cell shape_cell_type(const struct shape_field *f);
size_t field_cells(const struct shape_field *f);
/* Appends the name of the i-th cell of the field: "pid", "v.cpu_seconds_total", "namespaces.mnt". */
void shape_cell_name(struct buf *out, const struct shape_field *f, size_t i);

/* Rows being made of cells: what they refer to. */
struct shape_making {
	void *rows[SHAPE_TABLES];
	size_t n_rows[SHAPE_TABLES];
	struct concurrency *evidence; /* one for each process */
	const struct wire_texts *texts;
	size_t cursor[SHAPE_TABLES]; /* end of the range of the container before */
};
/* Makes the i-th row of a table of its cells; the texts stay the dictionary's. -EBADMSG: they refer to what is not there. */
int shape_row_make(struct shape_making *m, enum shape_table table, size_t i, const uint64_t *cells);

#endif
