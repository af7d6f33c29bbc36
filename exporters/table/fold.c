/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fold.c - leaves out of a tree what is below rows that are folded, and counts it. Called by rows.c. */
#include <errno.h>
#include <stdlib.h>

#include "exporters/table/table.h"

/* The tree is in the order of the screen: what is below a row follows it, deeper. */
int table_rows_fold(struct table_rows *rows, const struct snapshot *s, const struct table_choice *c)
{
	size_t n = 0;

	if (!c->folded)
		return 0;
	rows->below = calloc(rows->n + 1, sizeof(*rows->below));
	if (!rows->below)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n;) {
		const struct row_id id = c->view->id(s, rows->index[i]);
		uint8_t depth = rows->depth[i];

		rows->index[n] = rows->index[i];
		rows->depth[n] = depth;
		i++;
		for (bool folded = c->folded(c->fold_ctx, &id); folded && i < rows->n && rows->depth[i] > depth; i++)
			rows->below[n]++;
		n++;
	}
	rows->n = n;
	return 0;
}
