/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread_rows.h - a row for each thread, while somebody looks at threads. The room agent/look/ has the rows that nobody pays for
 * otherwise. Called by model_update.c.
 */
#ifndef SYSSCOPE_LOOK_THREAD_ROWS_H
#define SYSSCOPE_LOOK_THREAD_ROWS_H

#include "base/list.h"
#include "homes/moment.h"
#include "model/processes.h"

typedef LIST(struct thread_row) thread_row_list;

struct thread_rows {
	thread_row_list now, before; /* in the order of tids */
	uint64_t update;	     /* that made `now`; 0: none */
};

/* After the rows of processes. Not `wanted`: gives up what it has. 0 or -ENOMEM. */
int thread_rows_fill(struct thread_rows *t, bool wanted, const struct processes *processes, bool run_delay_kept,
		     const struct moment *now, const struct sample *s, struct snapshot *snapshot);
void thread_rows_free(struct thread_rows *t);

#endif
