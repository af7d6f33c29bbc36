/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model.h - samples in, snapshots out. The model alone subtracts, divides by time, joins threads to
 * processes to homes, keeps totals from going down, and keeps the recently dead.
 */
#ifndef SYSSCOPE_MODEL_H
#define SYSSCOPE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/view.h"

struct model;
struct sample;

/* NULL when out of memory. */
struct model *model_new(void);
void model_free(struct model *m);

/*
 * Takes in one sample and makes the next snapshot. 0 or -ENOMEM: the snapshot is then not to be used; totals that are
 * kept by the kernel half come again with the next sample.
 * The sample, its paths and its identities may be freed afterwards: the model copies what it keeps.
 */
int model_update(struct model *m, const struct sample *s);

/* What the next snapshots have beside the rest: bits of enum source_look. */
void model_look(struct model *m, uint32_t what);

/* The latest snapshot, valid until the next model_update; NULL before the first and after model_rest. */
const struct snapshot *model_snapshot(const struct model *m);

/* Gives up the latest snapshot and the memory that only it and its making need. What is remembered stays. */
void model_rest(struct model *m);

/*
 * An exporter has delivered the latest snapshot. With `keep_unpublished` set (serve), the dead stay
 * in the snapshots until they were delivered at least once after their death; else for 30 s.
 */
void model_keep_unpublished(struct model *m, bool keep);
void model_published(struct model *m);

#endif
