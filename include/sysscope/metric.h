/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metric.h - the descriptors of metrics, made from metrics.def, and the indexes into the arrays of their values. */
#ifndef SYSSCOPE_METRIC_H
#define SYSSCOPE_METRIC_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define METRICS_BEGIN(SCOPE, name) SCOPE_##SCOPE,
enum metric_scope {
#include "sysscope/metrics.def"
	SCOPE_COUNT
};
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_BUCKET, METRIC_SUM, METRIC_TALLY };
enum metric_unit { UNIT_NS, UNIT_UNIX_NS, UNIT_DELAY, UNIT_BYTES, UNIT_COUNT, UNIT_CORES, UNIT_RATIO, UNIT_RATE };

struct metric_desc {
	const char *id; /* "CPU_USAGE" */
	enum metric_kind kind;
	enum metric_unit unit;
	const char *prom;   /* family or NULL */
	const char *labels; /* literal labels of this line, "" for none */
	const char *json;   /* key or NULL */
	const char *title;  /* column title or NULL */
	int width;
	int sort; /* -1 largest first, +1 smallest first */
	const char *collector;
	const char *help;
};

/* Indexes into the value array of a scope, from 0: CONTAINER_CPU_USAGE, ...; and their number: CONTAINER_METRICS. */
#define METRICS_BEGIN(SCOPE, name) SCOPE##_BEGIN = -1,
#define METRIC(SCOPE, ID, ...)	   SCOPE##_##ID,
#define METRICS_END(SCOPE)	   SCOPE##_METRICS,
enum metric_index {
#include "sysscope/metrics.def"
};

/* How long a list of metrics.def is: 0 WAIT_CLASS_LIST(LIST_ONE). */
#define LIST_ONE(...) +1 /* NOLINT(bugprone-macro-parentheses): a term of a sum */

/* The value never goes down: counters and the parts of a histogram. */
static inline bool metric_grows(const struct metric_desc *d)
{
	return d->kind != METRIC_GAUGE;
}

/* Descriptors of a scope in the order of metrics.def; index = the enum above. SCOPE_COUNT has none. */
const struct metric_desc *metric_table(enum metric_scope scope, size_t *ret_n);
const char *metric_scope_name(enum metric_scope scope); /* "host", "container", ... */

/* Value in the unit that Prometheus and JSON write: ns -> seconds; others as they are. */
double metric_base_value(const struct metric_desc *d, double v);

#define VALUE_ABSENT	NAN
#define value_absent(v) isnan(v)

#endif
