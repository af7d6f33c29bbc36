/* SPDX-License-Identifier: GPL-2.0-or-later */
/* home_rows.h - the rows of homes and groups in the snapshot. Later subjects fill in what they alone know. */
#ifndef SYSSCOPE_HOMES_HOME_ROWS_H
#define SYSSCOPE_HOMES_HOME_ROWS_H

#include "homes/homes.h"
#include "base/list.h"

struct home_rows {
	LIST(struct container_row) containers;
	LIST(struct group_row) groups;
	LIST(struct instance_row) instances; /* of one container side by side */
};

/* After homes_settle: writes a row for each home and group that is shown, and notes its index. 0 or -ENOMEM. */
int home_rows_fill(struct home_rows *rows, struct homes *homes, const struct moment *now, struct snapshot *snapshot);
void home_rows_free(struct home_rows *rows);

#endif
