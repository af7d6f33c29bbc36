/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index.h - the rows of a snapshot by container, and processes by number, for rules: a rule that reads all processes for each
 * container would take seconds on a large machine. Made when the first rule of a run asks. Used by the rules.
 */
#ifndef SYSSCOPE_DIAGNOSE_INDEX_H
#define SYSSCOPE_DIAGNOSE_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct judging;
struct process_row;

/* The rows of one kind in the order of their containers. */
struct index_rows {
	uint32_t *begin; /* of each container, and one more; NULL: not made yet */
	uint32_t *rows;	 /* indexes into the snapshot's */
};
struct index {
	struct index_rows processes, groups;
	uint32_t *by_pid; /* indexes of processes in the order of pids; NULL: not made yet */
};
void index_free(struct index *x);

/* The processes, and the names of programs, in a container: indexes into the snapshot's rows, *ret_n of them. */
const uint32_t *index_processes(struct judging *j, uint32_t container, size_t *ret_n);
const uint32_t *index_groups(struct judging *j, uint32_t container, size_t *ret_n);
/* NULL: there is none. */
const struct process_row *index_pid(struct judging *j, uint32_t pid);

#endif
