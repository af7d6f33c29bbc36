/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_read.h - the JSON of `sysscope top --json` back into a snapshot: what exporters/json/ writes is read from the same
 * tables of metrics. For tests that replay what was recorded. What the JSON does not have is absent: the evidence for concurrency
 * models, stalls of the interval, values that metrics.def gives no key. Checks of capabilities are what `sysscope capabilities`
 * said of them, which recordings have.
 */
#ifndef SYSSCOPE_TESTS_SNAPSHOT_READ_H
#define SYSSCOPE_TESTS_SNAPSHOT_READ_H

#include <jansson.h>

#include "base/list.h"
#include "sysscope/view.h"

struct snapshot_copy {
	struct snapshot s;
	json_t *root;			  /* owned: the snapshot's texts are in it */
	LIST(void *) blocks;		  /* owned: its rows */
	struct container_row *containers; /* those of `s` */
};

/* Takes over a reference to `root`. Ends the test program if there is no memory. */
void snapshot_read(struct snapshot_copy *copy, json_t *root);
void snapshot_copy_free(struct snapshot_copy *copy);

/* ---- between the files of snapshot_read*.c ---- */
void *snapshot_block(struct snapshot_copy *copy, size_t n, size_t size); /* zeroed, freed with the copy */
const char *json_text(const json_t *row, const char *key);		 /* "" for null */
double json_real_or_absent(const json_t *row, const char *key);
uint64_t json_count(const json_t *row, const char *key); /* 0 for null */
void json_metrics(const json_t *row, enum metric_scope scope, double *v);
/* Index of the container with that path; `nowhere` if there is none. */
uint32_t json_container_index(const struct snapshot *s, const json_t *row, const char *key, uint32_t nowhere);
uint64_t json_bits(const json_t *names, const char *const *known,
		   size_t n_known); /* names as the bits of their numbers */
uint64_t json_capabilities(const struct snapshot *s, const json_t *row, const char *key);
/* NULL for null. */
const char *json_text_or_null(const json_t *row, const char *key);

/* Begins a loop over a list of the JSON, whose rows become `array` of the snapshot: `row` is the list's, `into` the array's. */
#define READ_LIST(copy, list, type, array)                                                            \
	struct type *rows = snapshot_block(copy, json_array_size(list), sizeof(*rows)), *into = rows; \
	size_t at;                                                                                    \
	json_t *row;                                                                                  \
	(copy)->s.array = rows;                                                                       \
	(copy)->s.n_##array = json_array_size(list);                                                  \
	json_array_foreach (list, at, row)

void snapshot_read_containers(struct snapshot_copy *copy); /* before the rows, which refer to them */
void snapshot_read_rows(struct snapshot_copy *copy);

#endif
