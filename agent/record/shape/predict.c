/* SPDX-License-Identifier: GPL-2.0-or-later */
/* predict.c - see predict.h. */
#include <errno.h>
#include <stdlib.h>

#include "record/shape/predict.h"

/* ---- rules ---- */

void rules_free(struct cell_rules *r)
{
	list_free(&r->all);
	free(r->marks);
	*r = (struct cell_rules){};
}

struct rule_needs {
	enum rule_kind kind;
	uint32_t least, most; /* cells that it names */
	bool real;	      /* its own cell is a real number */
};

static const struct rule_needs needs[] = {
	{RULE_EQUAL, 1, 1, false},
	{RULE_LEFT, 2, 2, false},
	{RULE_QUOTIENT, 2, 2, true},
	{RULE_NS_MORE, 2, 2, true},
	{RULE_GROWS, 1, RULE_CELLS_MAX, false},
	{RULE_RATE, 1, RULE_CELLS_MAX, true},
	{RULE_CORES, 1, RULE_CELLS_MAX, true},
	{RULE_TIME, 1, RULE_CELLS_MAX, true},
	{RULE_TIME_SHARE, 1, RULE_CELLS_MAX, true},
	{RULE_GROWTHS, 2, RULE_CELLS_MAX, true},
	{RULE_ABOVE, 0, 0, false},
	{RULE_AGE, 2, 2, false},
	{RULE_CLOCK, 1, 1, false},
	{RULE_PART, 1, RULE_CELLS_MAX, true},
};

static bool cell_counts(const struct cell_types *cells, uint32_t i)
{
	return i < cells->n && (cells->type[i] == CELL_NUMBER || cells->type[i] == CELL_REAL);
}

static bool names_clock(enum rule_kind kind)
{
	return kind == RULE_AGE || kind == RULE_CLOCK;
}

static bool rule_is_sound(const struct cell_rules *r, const struct cell_rule *rule, const struct cell_types *cells,
			  const struct cell_types *clocks)
{
	const struct rule_needs *need = NULL;
	uint32_t first = names_clock(rule->kind);

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].kind == rule->kind)
			need = &needs[i];
	if (!need || rule->n < need->least || rule->n > need->most)
		return false;
	if (!cell_counts(cells, rule->cell) || (need->real && cells->type[rule->cell] != CELL_REAL))
		return false;
	/* One that has been named was to have none. */
	if (r->marks[rule->cell])
		return false;
	if (first && (!clocks || rule->of[0] >= clocks->n || clocks->type[rule->of[0]] != CELL_NUMBER))
		return false;
	for (uint32_t i = first; i < rule->n; i++) {
		/* What tells the rows of a part apart may be anything. */
		bool any = rule->kind == RULE_PART && i > 0;

		if (rule->of[i] == rule->cell || (any ? rule->of[i] >= cells->n : !cell_counts(cells, rule->of[i])) ||
		    r->marks[rule->of[i]] & MARK_PART)
			return false;
	}
	return rule->kind != RULE_PART || (cells->type[rule->of[0]] == CELL_REAL && r->n_parts < RULE_PARTS_MAX);
}

int rules_add(struct cell_rules *r, const struct cell_rule *add, const struct cell_types *cells,
	      const struct cell_types *clocks)
{
	struct cell_rule rule = *add;

	if (!r->marks)
		r->marks = calloc(cells->n, sizeof(*r->marks));
	if (!r->marks || list_reserve(&r->all, r->all.n + 1) < 0)
		return -ENOMEM;
	if (!rule_is_sound(r, &rule, cells, clocks))
		return -EBADMSG;
	if (rule.kind == RULE_CLOCK)
		rule.place = (uint32_t)r->n_clocks++;
	if (rule.kind == RULE_PART)
		rule.place = (uint32_t)r->n_parts++;
	r->marks[rule.cell] |= MARK_RULED | (rule.kind == RULE_PART ? MARK_PART : 0);
	for (uint32_t i = names_clock(rule.kind); i < rule.n; i++)
		r->marks[rule.of[i]] |= MARK_NAMED;
	r->all.at[r->all.n++] = rule;
	return 0;
}

/* ---- values ---- */

/* Beyond, not every whole number is a real one; those that are can be grown all the same. */
#define WHOLE_MAX 9223372036854775808.0

/* The whole number that the cell is. Numbers have 64 bits without a sign: differences of them are right. */
static bool whole_in(const struct cell_types *cells, uint32_t i, uint64_t bits, uint64_t *ret)
{
	double v;

	if (cells->type[i] == CELL_NUMBER) {
		*ret = bits;
		return true;
	}
	v = wire_real(bits);
	if (!(v > -WHOLE_MAX && v < WHOLE_MAX))
		return false;
	*ret = (uint64_t)(int64_t)v;
	return (double)(int64_t)v == v;
}

static uint64_t whole_out(const struct cell_types *cells, uint32_t i, uint64_t v)
{
	return cells->type[i] == CELL_NUMBER ? v : wire_real_bits((double)(int64_t)v);
}

static bool is_absent(const struct cell_types *cells, uint32_t i, uint64_t bits)
{
	return cells->type[i] == CELL_REAL && value_absent(wire_real(bits));
}

enum growth { GROWTH_KNOWN, GROWTH_ABSENT, GROWTH_BROKEN };

/* Of cells of[from] and on, together. What was absent began at 0. */
static enum growth growth_of(const struct cell_rule *rule, uint32_t from, uint32_t end, const struct cell_types *cells,
			     const struct rule_row *row, int64_t *ret)
{
	uint64_t sum = 0, now, before;

	for (uint32_t k = from; k < end; k++) {
		uint32_t i = rule->of[k];

		if (is_absent(cells, i, row->now[i]))
			return GROWTH_ABSENT;
		if (!whole_in(cells, i, row->now[i], &now))
			return GROWTH_BROKEN;
		before = 0;
		if (!is_absent(cells, i, row->before[i]) && !whole_in(cells, i, row->before[i], &before))
			return GROWTH_BROKEN;
		sum += now - before;
	}
	*ret = (int64_t)sum;
	return GROWTH_KNOWN;
}

static double rate_by(enum rule_kind kind, int64_t growth, double interval)
{
	double v;

	switch (kind) {
	case RULE_RATE:
		return (double)growth / interval;
	case RULE_CORES:
		return (double)growth / interval / 1e9;
	default:
		v = (double)growth / 1e9 / interval;
		return kind == RULE_TIME_SHARE && v > 1 ? 1 : v;
	}
}

static uint64_t rate_expected(const struct cell_rule *rule, const struct cell_types *cells, double interval,
			      const struct rule_row *row)
{
	int64_t growth;

	if (!(interval > 0))
		return row->before[rule->cell];
	switch (growth_of(rule, 0, rule->n, cells, row, &growth)) {
	case GROWTH_KNOWN:
		return wire_real_bits(rate_by(rule->kind, growth, interval));
	case GROWTH_ABSENT:
		return wire_real_bits(VALUE_ABSENT);
	default:
		return row->before[rule->cell];
	}
}

static uint64_t growths_expected(const struct cell_rule *rule, const struct cell_types *cells,
				 const struct rule_row *row)
{
	int64_t part, all;

	if (growth_of(rule, 0, 1, cells, row, &part) != GROWTH_KNOWN ||
	    growth_of(rule, 1, rule->n, cells, row, &all) != GROWTH_KNOWN || all <= 0)
		return wire_real_bits(VALUE_ABSENT);
	return wire_real_bits((double)part / (double)all);
}

static uint64_t grown_expected(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_row *row)
{
	uint64_t before = row->before[rule->cell], whole;
	int64_t growth;

	if (!whole_in(cells, rule->cell, before, &whole) || !whole ||
	    growth_of(rule, 0, rule->n, cells, row, &growth) != GROWTH_KNOWN)
		return before;
	return whole_out(cells, rule->cell, whole + (uint64_t)growth);
}

static uint64_t left_expected(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_row *row)
{
	uint64_t x, y;

	if (!whole_in(cells, rule->of[0], row->now[rule->of[0]], &x) ||
	    !whole_in(cells, rule->of[1], row->now[rule->of[1]], &y))
		return row->before[rule->cell];
	return whole_out(cells, rule->cell, x - y);
}

/* The cell as a real number. */
static double real_of(const struct cell_types *cells, uint32_t i, uint64_t bits)
{
	return cells->type[i] == CELL_REAL ? wire_real(bits) : (double)bits;
}

static uint64_t real_expected(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_row *row)
{
	double x = real_of(cells, rule->of[0], row->now[rule->of[0]]),
	       y = real_of(cells, rule->of[1], row->now[rule->of[1]]), v;

	if (value_absent(x) || value_absent(y))
		return wire_real_bits(VALUE_ABSENT);
	if (rule->kind == RULE_QUOTIENT && y == 0)
		return row->before[rule->cell];
	v = rule->kind == RULE_QUOTIENT ? x / y : x + y / 1e9;
	return wire_real_bits(v);
}

static uint64_t age_expected(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_time *time,
			     const struct rule_row *row)
{
	uint64_t y;

	if (!time->clocks || !whole_in(cells, rule->of[1], row->now[rule->of[1]], &y))
		return row->before[rule->cell];
	return whole_out(cells, rule->cell, time->clocks[rule->of[0]] - y);
}

static uint64_t clock_went(const struct cell_rule *rule, const struct rule_time *time)
{
	return time->clocks && time->clocks_before ? time->clocks[rule->of[0]] - time->clocks_before[rule->of[0]] : 0;
}

static uint64_t clock_expected(const struct cell_rule *rule, const struct cell_types *cells,
			       const struct rule_time *time, const struct rule_row *row)
{
	uint64_t before;

	if (!row->times[rule->place] || !whole_in(cells, rule->cell, row->before[rule->cell], &before))
		return row->before[rule->cell];
	return whole_out(cells, rule->cell, before + row->times[rule->place] * clock_went(rule, time));
}

uint64_t rule_expects(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_time *time,
		      const struct rule_row *row)
{
	switch (rule->kind) {
	case RULE_EQUAL:
		/* Of another type there is nothing to compare. */
		return cells->type[rule->of[0]] == cells->type[rule->cell] ? row->now[rule->of[0]]
									   : row->before[rule->cell];
	case RULE_LEFT:
		return left_expected(rule, cells, row);
	case RULE_QUOTIENT:
	case RULE_NS_MORE:
		return real_expected(rule, cells, row);
	case RULE_GROWS:
		return grown_expected(rule, cells, row);
	case RULE_RATE:
	case RULE_CORES:
	case RULE_TIME:
	case RULE_TIME_SHARE:
		return rate_expected(rule, cells, time->interval, row);
	case RULE_GROWTHS:
		return growths_expected(rule, cells, row);
	case RULE_ABOVE:
		return row->above ? row->above[rule->cell] : row->before[rule->cell];
	case RULE_AGE:
		return age_expected(rule, cells, time, row);
	case RULE_CLOCK:
		return clock_expected(rule, cells, time, row);
	case RULE_PART:
		break;
	}
	return row->before[rule->cell];
}

void rule_learn(const struct cell_rule *rule, const struct cell_types *cells, const struct rule_time *time,
		const struct rule_row *row)
{
	uint64_t went, now, before, times;

	if (rule->kind != RULE_CLOCK)
		return;
	row->times[rule->place] = 0;
	went = clock_went(rule, time);
	if (row->before[rule->cell] == row->now[rule->cell] || !went || went > INT64_MAX ||
	    !whole_in(cells, rule->cell, row->now[rule->cell], &now) ||
	    !whole_in(cells, rule->cell, row->before[rule->cell], &before) || (int64_t)(now - before) < 0)
		return;
	times = (now - before + went / 2) / went;
	row->times[rule->place] = times < UINT32_MAX ? (uint32_t)times : 0;
}

/* ---- parts of a sum ---- */

static bool rows_belong_together(const struct cell_rule *rule, const uint64_t *a, const uint64_t *b)
{
	for (uint32_t k = 1; k < rule->n; k++)
		if (a[rule->of[k]] != b[rule->of[k]])
			return false;
	return true;
}

size_t rule_parts(const struct cell_rule *rule, uint64_t *const *rows, size_t n, size_t first, uint64_t *ret_sum)
{
	double sum = 0;
	size_t end = first;

	for (; end < n && rows_belong_together(rule, rows[first], rows[end]); end++)
		sum += wire_real(rows[end][rule->of[0]]);
	*ret_sum = wire_real_bits(sum);
	return end;
}

uint64_t rule_part(const struct cell_rule *rule, const uint64_t *row, uint64_t sum)
{
	double all = wire_real(sum), one = wire_real(row[rule->of[0]]);

	/* Not a number is not more than 0. */
	return wire_real_bits(all > 0 && !value_absent(one) ? one / all : VALUE_ABSENT);
}
