/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_rows.h - the memory of a home: usage, limits, events and huge pages, from what its cgroup's files said last. */
#ifndef SYSSCOPE_HOMES_MEMORY_ROWS_H
#define SYSSCOPE_HOMES_MEMORY_ROWS_H

#include "homes/homes.h"

/* Writes values of CONTAINER_METRICS; those that the files `f` do not have stay as they are: absent. */
void memory_values_fill(const struct home *h, const struct cgroup_counters *f, double *v);

/* How long its tasks had to take memory back themselves. Of a home of kernel threads nothing. */
void reclaim_values_fill(const struct home *h, double *v);

#endif
