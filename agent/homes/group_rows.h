/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group_rows.h - the rows of what homes consist of: groups and instances. Called by home_rows.c. */
#ifndef SYSSCOPE_HOMES_GROUP_ROWS_H
#define SYSSCOPE_HOMES_GROUP_ROWS_H

#include "homes/home_rows.h"

/* Those of living homes, or those of `dead` ones. There is room for all. */
void group_rows_add(struct home_rows *rows, struct homes *homes, const struct moment *now, bool dead);

/* 0 or -ENOMEM. */
int instance_rows_add(struct home_rows *rows, const struct homes *homes);

#endif
