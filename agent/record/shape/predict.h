/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * predict.h - what a cell is expected to be: the encoder and the decoder of a state reckon it alike, and a value that is what was
 * expected, to the bit, takes no place. Most cells are expected to be what they were. The others have a rule, which names cells
 * of the same row that it reckons with; docs/recording.md has the rules, formulas.c has ours. A recording may be hostile: its
 * rules are checked when they are read, and whatever its values are, a rule gives some value.
 */
#ifndef SYSSCOPE_RECORD_PREDICT_H
#define SYSSCOPE_RECORD_PREDICT_H

#include "record/shape/shape.h"

/* The letter of a rule, as a recording has it. X, Y: the cells it names; their growth: what they are more than before. */
enum rule_kind {
	RULE_EQUAL = '=',      /* X */
	RULE_LEFT = '-',       /* X less Y, whole numbers */
	RULE_QUOTIENT = '/',   /* X / Y */
	RULE_NS_MORE = 'n',    /* X and a billionth of Y */
	RULE_GROWS = '+',      /* before, and the growth of all it names; what was 0 stays so */
	RULE_RATE = 'r',       /* that growth / interval */
	RULE_CORES = 'c',      /* that growth / interval / 1e9 */
	RULE_TIME = 's',       /* that growth / 1e9 / interval */
	RULE_TIME_SHARE = 'p', /* the same, at most 1 */
	RULE_GROWTHS = 'g',    /* growth of X / growth of all the others */
	RULE_ABOVE = 'a',      /* this cell in the row above; names none */
	RULE_AGE = 'o',	       /* clock X less Y, whole numbers */
	RULE_CLOCK = 't',      /* before, and so many times what clock X went on as the last time, rounded */
	RULE_PART = '%',       /* X / the sum of X over the rows beside each other that have the same Y, ... */
};

#define RULE_CELLS_MAX 16
/* A table has at most so many of RULE_PART. */
#define RULE_PARTS_MAX 8

struct cell_rule {
	enum rule_kind kind;
	uint32_t cell;
	uint32_t n, of[RULE_CELLS_MAX]; /* a clock is a cell of the first table */
	uint32_t place;			/* RULE_CLOCK, RULE_PART: how many of these there are before it */
};

/* A cell has a rule, and this is RULE_PART; rules reckon with it. */
enum rule_mark { MARK_RULED = 1, MARK_PART = 2, MARK_NAMED = 4 };

/* The rules of one table, each behind those of the cells that it names. */
struct cell_rules {
	LIST(struct cell_rule) all;
	uint8_t *marks; /* of each cell: enum rule_mark; owned */
	size_t n_clocks, n_parts;
};
void rules_free(struct cell_rules *r);
static inline bool rules_rule(const struct cell_rules *r, size_t cell)
{
	return r->marks && r->marks[cell] & MARK_RULED;
}

/* What the cells of a table are. */
struct cell_types {
	size_t n;
	const uint8_t *type; /* enum shape_cell */
};
/*
 * Adds a rule. -EBADMSG: it cannot be reckoned: it names a cell that does not exist, or is neither a number nor a real number, or
 * has a rule that is not there yet; or its cell has one already, or another one reckons with that. `clocks`: the first table;
 * NULL: this is it. -ENOMEM.
 */
int rules_add(struct cell_rules *r, const struct cell_rule *add, const struct cell_types *cells,
	      const struct cell_types *clocks);

/* The time of a state and of the one before: its interval, and the only row of the first table. */
struct rule_time {
	double interval;
	const uint64_t *clocks, *clocks_before; /* NULL: no clock is known */
};

struct rule_row {
	const uint64_t *before, *now, *above; /* `above`: NULL for the first */
	uint32_t *times;		      /* of each RULE_CLOCK */
};

/* What is expected of the rule's cell. Of RULE_PART: what it was before. */
uint64_t rule_expects(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_time *time,
		      const struct rule_row *row);
/* After the value is known. */
void rule_learn(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_time *time,
		const struct rule_row *row);

/*
 * RULE_PART: what is expected of its cell in rows `first` and on, as many as belong together; `rows`: their values now. Returns the
 * first that does not.
 */
size_t rule_parts(const struct cell_rule *rule, uint64_t *const *rows, size_t n, size_t first, uint64_t *ret_sum);
uint64_t rule_part(const struct cell_rule *rule, const uint64_t *row, uint64_t sum);

#endif
