/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_rows.h - the rows of processes in the snapshot, from what processes.h has settled. Called by model_update.c. */
#ifndef SYSSCOPE_MODEL_PROCESS_ROWS_H
#define SYSSCOPE_MODEL_PROCESS_ROWS_H

#include "model/processes.h"

/* After the rows of homes: forgets ended processes, writes the rows of the others. 0 or -ENOMEM. */
int process_rows_fill(struct processes *processes, bool run_delay_kept, const struct moment *now,
		      struct snapshot *snapshot);

/* Before processes_rest and processes_free: frees the rows. */
void process_rows_rest(struct processes *processes);

/* PSS of the process that somebody looks at. */
struct rollup_row process_rollup(const struct sample *s);

#endif
