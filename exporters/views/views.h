/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * views.h - the views: what `top --view` and the tabs of the live screen offer. A new view is a file of its own with
 * its struct view_desc, a declaration here and an entry in views.c.
 */
#ifndef SYSSCOPE_VIEWS_H
#define SYSSCOPE_VIEWS_H

#include "exporters/table/view_desc.h"

extern const struct view_desc view_containers;
extern const struct view_desc view_processes;
extern const struct view_desc view_neighbours;
extern const struct view_desc view_loops;
extern const struct view_desc view_findings;
extern const struct view_desc view_threads;
extern const struct view_desc view_events;

/* In the order of Tab and of the keys 1, 2, ...; the first is the default. */
#define VIEWS 7
extern const struct view_desc *const views[VIEWS];

size_t view_index(const struct view_desc *view);
const struct view_desc *view_find(const char *name); /* NULL: there is none */
const char *view_choices(void);			     /* "containers|processes|..." */

#endif
