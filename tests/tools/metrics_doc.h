/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics_doc.h - writes docs/metrics.md from the descriptors. Shared by metrics_doc.c, which prints it, and
 * test_metrics.c, which fails when the file in the tree is stale.
 */
#ifndef SYSSCOPE_TESTS_METRICS_DOC_H
#define SYSSCOPE_TESTS_METRICS_DOC_H

#include <string.h>

#include "../../exporters/prometheus.h"
#include "sysscope/util.h"
#include "sysscope/view.h"

/* A `|` would end the cell. */
static inline void doc_cell(struct buf *out, const char *text, bool code)
{
	buf_char(out, ' ');
	if (*text && code)
		buf_char(out, '`');
	for (; *text; text++) {
		if (*text == '|')
			buf_char(out, '\\');
		buf_char(out, *text);
		if (!text[1] && code)
			buf_char(out, '`');
	}
	buf_str(out, " |");
}

static inline bool doc_has_columns(enum metric_scope scope)
{
	return scope != SCOPE_HOST && scope != SCOPE_GROUP && scope != SCOPE_TRANSITION;
}

/* No series has a pid. */
static inline bool doc_has_series(enum metric_scope scope)
{
	return scope != SCOPE_PROCESS && scope != SCOPE_LOOP;
}

static inline void doc_row(struct buf *out, enum metric_scope scope, const struct metric_desc *d)
{
	static const char *const units[] = {
		[UNIT_NS] = "seconds",	    [UNIT_UNIX_NS] = "seconds since 1970",
		[UNIT_BYTES] = "bytes",	    [UNIT_COUNT] = "",
		[UNIT_CORES] = "CPUs",	    [UNIT_RATIO] = "ratio",
		[UNIT_RATE] = "per second", [UNIT_DELAY] = "seconds",
	};

	buf_char(out, '|');
	if (doc_has_series(scope)) {
		doc_cell(out, d->prom ? d->prom : "", true);
		doc_cell(out, d->prom ? d->labels : "", true);
	}
	doc_cell(out, d->json ? d->json : "", true);
	if (doc_has_columns(scope))
		doc_cell(out, d->title ? d->title : "", true);
	doc_cell(out, d->kind == METRIC_COUNTER ? "counter" : metric_grows(d) ? "histogram" : "gauge", false);
	doc_cell(out, units[d->unit], false);
	doc_cell(out, d->collector, false);
	doc_cell(out, d->help, false);
	buf_char(out, '\n');
}

static inline void doc_scope(struct buf *out, enum metric_scope scope, const char *heading, const char *text)
{
	const struct metric_desc *d;
	size_t n;

	d = metric_table(scope, &n);
	buf_printf(out, "\n## %s\n\n%s\n\n|", heading, text);
	if (doc_has_series(scope))
		buf_str(out, " Prometheus | own labels |");
	buf_str(out, " JSON |");
	if (doc_has_columns(scope))
		buf_str(out, " column |");
	buf_str(out, " type | unit | collector | what it is |\n|");
	for (int i = 5 + doc_has_columns(scope) + 2 * doc_has_series(scope); i > 0; i--)
		buf_str(out, " --- |");
	buf_char(out, '\n');
	for (size_t i = 0; i < n; i++)
		doc_row(out, scope, &d[i]);
}

static inline void doc_own(struct buf *out)
{
	const struct prometheus_family *f;
	size_t n;

	f = prometheus_families(&n);
	buf_str(out, "\n## About sysscope itself\n\nIn Prometheus only; losses and collectors are in the JSON too.\n\n"
		     "| Prometheus | labels | type | what it is |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < n; i++) {
		buf_char(out, '|');
		doc_cell(out, f[i].line.prom, true);
		doc_cell(out, f[i].label_names, true);
		doc_cell(out, f[i].line.kind == METRIC_COUNTER ? "counter" : "gauge", false);
		doc_cell(out, f[i].line.help, false);
		buf_char(out, '\n');
	}
}

static inline void metrics_doc(struct buf *out)
{
	buf_str(out,
		"# Metrics\n\n"
		"<!-- Made by `make docs` from include/sysscope/metrics.def; a test fails when it is stale. -->\n\n"
		"A value that is not known is absent: no sample in Prometheus, `null` in JSON, `-` on the screen; it "
		"is never\n"
		"shown as 0. Counters never go down; `*_total` counts since sysscope saw the entity, CPU time since "
		"the entity\n"
		"was born. A column's title in lower case and a JSON key are both names for `top --sort`.\n\n"
		"Families that cAdvisor has keep its names, types, labels and units. In Prometheus each family has at "
		"most\n"
		"2,000 series; what is over that is summed in one series whose labels say `~other`, and counted in\n"
		"`sysscope_series_folded_total`. Rows with the same labels are summed; of times and limits the largest "
		"is kept.\n"
		"A counter goes on where it was when a container comes back under the same labels between two "
		"scrapes.\n");
	doc_scope(out, SCOPE_HOST, "Host", "No labels but those shown.");
	doc_scope(
		out, SCOPE_CONTAINER, "Containers",
		"One row per home: container, service, session, virtual machine, the kernel's threads, the host's "
		"rest.\n"
		"`container_*` families have the labels `id` (cgroup path), `name` (containers only), `image`, and in\n"
		"Kubernetes `container`, `pod`, `namespace`. `sysscope_container_*` families have `container` (the "
		"name of\n"
		"the row), and `pod`, `namespace` in Kubernetes; join with `sysscope_container_info` for the rest. "
		"Empty\n"
		"labels are left out.");
	doc_scope(
		out, SCOPE_GROUP, "Processes of one name",
		"All processes of one name in one container, living and dead. Labels: `container`, `comm`, and `pod`,\n"
		"`namespace` in Kubernetes. In the JSON they are the rows of `groups`.");
	doc_scope(out, SCOPE_PROCESS, "Processes",
		  "In the JSON and on the screen only: no Prometheus series has a pid.");
	doc_scope(
		out, SCOPE_NEIGHBOUR, "Neighbours",
		"One row per pair: `waiter` waited for a CPU while `runner` ran on it; both are names of rows of\n"
		"`containers`. `~other`: several that were not kept apart, or not known. Labels: `waiter`, `runner`.\n"
		"docs/scheduler.md says what is blamed on whom, and what that cannot tell.");
	doc_scope(
		out, SCOPE_LOOP, "Event loops",
		"In the JSON (`loops`) and on the screen only: no Prometheus series has a thread; the sums per name\n"
		"of process are `sysscope_eventloop_*` above. One row per thread that lives in epoll, and one for all\n"
		"threads of a process that take turns in it (`kind` is `scheduler`). docs/eventloops.md says what a\n"
		"loop is, and how it is seen.");
	doc_scope(out, SCOPE_TRANSITION, "Namespace transitions",
		  "One row per container, kind of namespace, call, and whether it is a runtime's own. Labels: "
		  "`container`, "
		  "`kind`,\n`how`, `expected`, and `pod`, `namespace` in Kubernetes. In the JSON they are each "
		  "container's\n"
		  "`namespace_transitions`. docs/namespaces.md says what is seen and what is not.");
	doc_own(out);
}

#endif
