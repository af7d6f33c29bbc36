/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.h - which lines of metrics.def are only published with `serve --metrics.detail`, so that the text of many containers
 * stays small. Used by prometheus.c, and by the generator of docs/metrics.md.
 */
#ifndef SYSSCOPE_PROMETHEUS_DETAIL_H
#define SYSSCOPE_PROMETHEUS_DETAIL_H

#include <stdbool.h>
#include <stddef.h>

struct metric_desc;

/* Such a line: its whole family, or one bucket of a histogram of which some are always there. */
bool metric_is_detail(const struct metric_desc *d);

/* The families that are detail, each with the reason. NULL after the last one. */
struct detail_family {
	const char *prom, *why;
};
const struct detail_family *detail_family_at(size_t i);
/* The histograms that have fewer buckets without detail. NULL after the last one. */
const char *detail_histogram_at(size_t i);

#endif
