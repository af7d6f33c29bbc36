/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recent.h - the latest events of the present for a view of them: a source of snapshots around another one. Starts and ends of
 * processes are noted only while somebody looks. Used by the body of `top`.
 */
#ifndef SYSSCOPE_EVENTS_RECENT_H
#define SYSSCOPE_EVENTS_RECENT_H

#include "pipeline.h"
#include "sysscope/source.h"

struct match_choice;
struct recent_events;

/*
 * Before the pipeline is opened: sets the options that it needs. `containers`: only their events; NULL or none: all.
 * 0 or -ENOMEM.
 */
int recent_events_new(struct recent_events **ret, struct match_choice *containers, struct pipeline_options *o);
void recent_events_free(struct recent_events *r); /* NULL: nothing to do */

/* Does as `inner`, the source of this pipeline, does; its snapshots have events while somebody looks at them. */
const struct snapshot_source *recent_events_source(struct recent_events *r, struct pipeline *p,
						   const struct snapshot_source *inner);

#endif
