/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formulas.h - the rules by which our values follow from others: see predict.h. Used by the encoder, which tells them. */
#ifndef SYSSCOPE_RECORD_FORMULAS_H
#define SYSSCOPE_RECORD_FORMULAS_H

#include "record/shape/predict.h"

/* Adds those of a table. 0 or -ENOMEM; -EBADMSG: one of them is wrong, which the tests do not let pass. */
int formulas_add(struct cell_rules *r, enum shape_table table, const struct cell_types *cells,
		 const struct cell_types *clocks);

#endif
