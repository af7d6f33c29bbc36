/* SPDX-License-Identifier: GPL-2.0-or-later */
/* encode_plan.c - what is to be done with each row of a table, found once instead of for each row: see encoder.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/encoder.h"

static struct row_step step_of(const struct shape_field *f, size_t cell)
{
	struct row_step step = {.field = f,
				.kind = STEP_FIELD,
				.offset = f->offset,
				.size = f->size,
				.n = (uint16_t)field_cells(f),
				.cell = (uint16_t)cell,
				.evidence = f->evidence};

	switch (f->kind) {
	case FIELD_REAL:
	case FIELD_METRICS:
		step.kind = STEP_COPY;
		break;
	case FIELD_NUMBER:
	case FIELD_INDEX:
	case FIELD_INDEX_OR_NONE:
	case FIELD_INDEX_NEXT:
		step.kind = !f->size ? STEP_EVIDENCE : f->size == sizeof(uint64_t) ? STEP_COPY : STEP_NUMBER;
		break;
	default:
		break;
	}
	return step;
}

/* Whether the step only lengthens the one before it. */
static bool step_joins(const struct row_step *before, const struct row_step *step)
{
	return before->kind == step->kind && (step->kind == STEP_COPY || step->kind == STEP_NUMBER) &&
	       before->size == step->size && before->evidence == step->evidence &&
	       before->offset + before->n * before->size == step->offset && before->cell + before->n == step->cell;
}

static int steps_add(struct row_plan *p, const struct shape_field *f, size_t cell)
{
	const struct row_step step = step_of(f, cell);

	if (list_reserve(&p->all, p->all.n + 1) < 0 || list_reserve(&p->keys, p->keys.n + 1) < 0 ||
	    list_reserve(&p->key_cells, p->key_cells.n + 1) < 0)
		return -ENOMEM;
	if (p->all.n && step_joins(&p->all.at[p->all.n - 1], &step))
		p->all.at[p->all.n - 1].n += step.n;
	else
		p->all.at[p->all.n++] = step;
	if (f->key) {
		p->keys.at[p->keys.n++] = step;
		p->key_cells.at[p->key_cells.n++] = step.cell;
	}
	return 0;
}

static int indexes_add(struct row_plan *p, const struct shape_field *f, size_t cell)
{
	enum shape_cell type = shape_cell_type(f);

	if (type != CELL_INDEX && type != CELL_NEXT)
		return 0;
	if (list_reserve(&p->indexes[f->key], p->indexes[f->key].n + 1) < 0)
		return -ENOMEM;
	p->indexes[f->key].at[p->indexes[f->key].n++] =
		(struct index_cell){(uint16_t)cell, f->other, type == CELL_NEXT};
	return 0;
}

/* Cells of clocked rules have no bit in `still` by then: rules stand behind those of the cells that they name. */
static bool rule_is_clocked(const struct row_plan *p, const struct cell_rule *r)
{
	if (r->kind == RULE_AGE || r->kind == RULE_CLOCK || r->kind == RULE_ABOVE)
		return true;
	for (uint32_t i = 0; i < r->n; i++)
		if (!p->still[r->of[i]])
			return true;
	return false;
}

static int rules_part(struct row_plan *p, const struct cell_rules *rules, size_t n_cells)
{
	p->still = calloc(n_cells, sizeof(*p->still));
	if (!p->still || list_reserve(&p->clocked, rules->all.n) < 0 || list_reserve(&p->unclocked, rules->all.n) < 0)
		return -ENOMEM;
	memset(p->still, 0xff, n_cells * sizeof(*p->still));
	for (size_t i = 0; i < rules->all.n; i++) {
		const struct cell_rule *r = &rules->all.at[i];

		if (rule_is_clocked(p, r)) {
			p->still[r->cell] = 0;
			p->clocked.at[p->clocked.n++] = (uint16_t)i;
		} else {
			p->unclocked.at[p->unclocked.n++] = (uint16_t)i;
		}
	}
	return 0;
}

int plan_make(struct row_plan *p, enum shape_table table, const struct cell_rules *rules)
{
	const struct shape_desc *d = &shapes[table];
	size_t cell = 0;

	for (size_t i = 0; i < d->n_fields; cell += field_cells(&d->fields[i]), i++)
		if (steps_add(p, &d->fields[i], cell) < 0 || indexes_add(p, &d->fields[i], cell) < 0)
			return -ENOMEM;
	return rules_part(p, rules, cell);
}

void plan_free(struct row_plan *p)
{
	list_free(&p->all);
	list_free(&p->keys);
	list_free(&p->indexes[0]);
	list_free(&p->indexes[1]);
	list_free(&p->key_cells);
	list_free(&p->clocked);
	list_free(&p->unclocked);
	free(p->still);
}
