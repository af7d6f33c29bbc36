/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/prometheus/detail.h"
#include "exporters/prometheus/prometheus.h"
#include "metrics_doc.h"
#include "sysscope/view.h"

/* A `|` would end the cell. */
static void doc_text(struct buf *out, const char *text)
{
	buf_char(out, ' ');
	for (; *text; text++) {
		if (*text == '|')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

static void doc_cell(struct buf *out, const char *text, bool code)
{
	if (*text && code)
		buf_printf(out, " `%s` |", text);
	else if (*text) {
		doc_text(out, text);
		buf_str(out, " |");
	} else {
		buf_str(out, " |");
	}
}

static bool doc_has_columns(enum metric_scope scope)
{
	return scope != SCOPE_HOST && scope != SCOPE_GROUP && scope != SCOPE_TRANSITION && scope != SCOPE_DISK &&
	       scope != SCOPE_DISK_NEIGHBOUR && scope != SCOPE_DEVICE && scope != SCOPE_TCP_SUM &&
	       scope != SCOPE_PORT && scope != SCOPE_NAMED;
}

/* No series has a pid. */
static bool doc_has_series(enum metric_scope scope)
{
	return scope != SCOPE_PROCESS && scope != SCOPE_LOOP && scope != SCOPE_THREAD && scope != SCOPE_TCP_SUM;
}

/* Neighbouring lines of a table that are one row of the page. */
struct doc_family {
	const struct metric_desc *lines;
	size_t n;
};

/* They share a Prometheus family; or they have none, and are keys of one JSON object. */
static bool doc_same_family(const struct metric_desc *a, const struct metric_desc *b)
{
	size_t len = a->json ? strcspn(a->json, ".") + 1 : 0;

	if (a->prom || b->prom)
		return a->prom && b->prom && !strcmp(a->prom, b->prom);
	return len && b->json && strchr(a->json, '.') && !strncmp(a->json, b->json, len);
}

static struct doc_family doc_family_at(const struct metric_desc *d, size_t n)
{
	struct doc_family f = {d, 1};

	while (f.n < n && doc_same_family(d, &d[f.n]))
		f.n++;
	return f;
}

/* The value of label `name` (of length `len`) in `labels`, without quotes; NULL without it. */
static const char *doc_label_value(const char *labels, const char *name, size_t len, size_t *ret_len)
{
	for (const char *p = labels; *p; p++) {
		if ((p != labels && p[-1] != ',') || strncmp(p, name, len) != 0 || strncmp(p + len, "=\"", 2) != 0)
			continue;
		*ret_len = strcspn(p + len + 2, "\"");
		return p + len + 2;
	}
	return NULL;
}

/* `name`: each value once, in the order of the lines. */
static void doc_label(struct buf *out, struct doc_family f, const char *name, size_t len)
{
	const char *last = NULL;
	size_t value_len = 0, last_len = 0;

	buf_printf(out, " `%.*s`:", (int)len, name);
	for (size_t i = 0; i < f.n; i++) {
		const char *value = doc_label_value(f.lines[i].labels, name, len, &value_len);

		if (!value || (last && value_len == last_len && !strncmp(value, last, last_len)))
			continue;
		buf_printf(out, "%s %.*s", last ? "," : "", (int)value_len, value);
		last = value;
		last_len = value_len;
	}
}

static void doc_labels(struct buf *out, struct doc_family f)
{
	const char *p = f.lines[0].prom ? f.lines[0].labels : "";
	bool first = true;

	while (*p) {
		size_t len = strcspn(p, "=");

		if (strncmp(p, "le=", 3) != 0) {
			buf_str(out, first ? "" : ";");
			doc_label(out, f, p, len);
			first = false;
		}
		p += len + 1;
		p += 1 + strcspn(p + 1, "\"") + 1;
		p += *p == ',';
	}
	buf_str(out, " |");
}

/* Keys of one object are written once: `object.*`, or its keys by name where no label names them. */
static void doc_keys(struct buf *out, struct doc_family f)
{
	const char *object = "";
	bool first = true;

	for (size_t i = 0; i < f.n; i++) {
		const char *key = f.lines[i].json;
		size_t len = key ? strcspn(key, ".") : 0;
		bool again = key && key[len] && !strncmp(key, object, len) && object[len] == '.';

		if (again && !f.lines[i].prom)
			buf_printf(out, ", %s", key + len + 1);
		if (!key || again)
			continue;
		buf_printf(out, "%s `%.*s", first ? "" : ",", (int)len, key);
		if (!key[len])
			buf_char(out, '`');
		else if (f.lines[i].prom)
			buf_str(out, ".*`");
		else
			buf_printf(out, "`: %s", key + len + 1);
		object = key;
		first = false;
	}
	buf_str(out, " |");
}

static void doc_seconds(struct buf *out, double s)
{
	if (s < 0.001)
		buf_printf(out, "%.3g us", s * 1e6);
	else if (s < 1)
		buf_printf(out, "%.3g ms", s * 1e3);
	else
		buf_printf(out, "%.3g s", s);
}

/* " 15 buckets: 4 us to 4.19 s, and the rest." for a histogram of times, which all of them are. */
static void doc_buckets(struct buf *out, struct doc_family f)
{
	double low = 0, high = 0;
	size_t n = 0;

	for (size_t i = 0; i < f.n && f.lines[i].kind == METRIC_BUCKET; i++, n++) {
		size_t len;
		const char *text = doc_label_value(f.lines[i].labels, "le", 2, &len);
		double le = text ? strtod(text, NULL) : 0;

		low = n ? low : le;
		high = isinf(le) ? high : le;
	}
	if (!n)
		return;
	buf_printf(out, " %zu buckets: up to ", n);
	doc_seconds(out, low);
	buf_str(out, ", ..., up to ");
	doc_seconds(out, high);
	buf_str(out, ", and longer.");
}

/* What of it is only there with --metrics.detail. */
static void doc_detail(struct buf *out, struct doc_family f)
{
	const struct detail_family *d;
	const char *prom = f.lines[0].prom ? f.lines[0].prom : "", *histogram, *sep = " ";

	for (size_t i = 0; (d = detail_family_at(i)); i++)
		if (strcmp(d->prom, prom) == 0)
			buf_printf(out, " **Only with `--metrics.detail`**: %s.", d->why);
	for (size_t i = 0; (histogram = detail_histogram_at(i)); i++) {
		if (strcmp(histogram, prom) != 0)
			continue;
		buf_str(out, " Without `--metrics.detail` its `le` are");
		for (size_t line = 0; line < f.n && f.lines[line].kind == METRIC_BUCKET; line++) {
			size_t len;
			const char *le = doc_label_value(f.lines[line].labels, "le", 2, &len);

			if (!le || metric_is_detail(&f.lines[line]))
				continue;
			buf_printf(out, "%s%.*s", sep, (int)len, le);
			sep = ", ";
			if (strncmp(le, "+Inf", len) == 0)
				break; /* the next operation has the same */
		}
		buf_char(out, '.');
	}
}

static const char *doc_unit(struct doc_family f)
{
	static const char *const units[] = {
		[UNIT_NS] = "seconds",	    [UNIT_UNIX_NS] = "seconds since 1970",
		[UNIT_BYTES] = "bytes",	    [UNIT_COUNT] = "",
		[UNIT_CORES] = "CPUs",	    [UNIT_RATIO] = "ratio",
		[UNIT_RATE] = "per second", [UNIT_DELAY] = "seconds",
	};

	/* A histogram's unit is that of its sum. */
	for (size_t i = 0; i < f.n; i++)
		if (f.lines[i].kind == METRIC_SUM)
			return units[f.lines[i].unit];
	return units[f.lines[0].unit];
}

static void doc_row(struct buf *out, enum metric_scope scope, struct doc_family f)
{
	const struct metric_desc *d = f.lines;

	buf_char(out, '|');
	if (doc_has_series(scope)) {
		doc_cell(out, d->prom ? d->prom : "", true);
		doc_labels(out, f);
	}
	doc_keys(out, f);
	if (doc_has_columns(scope))
		doc_cell(out, d->title ? d->title : "", true);
	doc_cell(out, d->kind == METRIC_COUNTER ? "counter" : metric_grows(d) ? "histogram" : "gauge", false);
	doc_cell(out, doc_unit(f), false);
	doc_cell(out, d->collector, false);
	doc_text(out, d->help);
	doc_buckets(out, f);
	doc_detail(out, f);
	buf_str(out, " |\n");
}

static void doc_scope(struct buf *out, enum metric_scope scope, const char *heading, const char *text)
{
	const struct metric_desc *d;
	struct doc_family f;
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
	for (size_t i = 0; i < n; i += f.n) {
		f = doc_family_at(&d[i], n - i);
		doc_row(out, scope, f);
	}
}

static void doc_own(struct buf *out)
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

struct doc_section {
	enum metric_scope scope;
	const char *heading, *anchor, *text;
};

static const struct doc_section doc_sections[] = {
	{SCOPE_HOST, "Host", "host", "No labels but those shown."},
	{SCOPE_CONTAINER, "Containers", "containers",
	 "One row per container, service, session, virtual machine, the kernel's threads, and what is left of the "
	 "host.\n\n"
	 "- `container_*` families have the labels `id` (cgroup path), `name` (containers only), `image`, and in "
	 "Kubernetes\n"
	 "  `container`, `pod`, `namespace`.\n"
	 "- `sysscope_container_*` families have `container` (the name of the row), `id` (the path of its cgroup: "
	 "unique, names\n"
	 "  are not), and `pod`, `namespace` in Kubernetes. Join them `on (id)` with `sysscope_container_info` for "
	 "the other\n"
	 "  labels.\n"
	 "- Empty labels are left out."},
	{SCOPE_GROUP, "Processes of one name", "processes-of-one-name",
	 "All processes of one name ([design.md](design.md#homes) says which) in one container, living and dead. "
	 "Labels: `container`, `id`, `comm`, and "
	 "`pod`,\n"
	 "`namespace` in Kubernetes. In the JSON they are the rows of `groups`."},
	{SCOPE_NAMED, "Groups of processes, as process-exporter has them",
	 "groups-of-processes-as-process-exporter-has-them",
	 "With `--metrics.namedprocess` only: the processes of one name in all containers. Label: `groupname`, the "
	 "name. "
	 "[prometheus.md](prometheus.md#process-exporters-families) says what differs."},
	{SCOPE_PROCESS, "Processes", "processes",
	 "In the JSON and on the screen only: no Prometheus series has a pid."},
	{SCOPE_THREAD, "Threads", "threads",
	 "In the JSON of `--view threads` and on the screen only, and made only while somebody looks at them: no "
	 "Prometheus\n"
	 "series has a thread. Beside these a row has `pid`, `tid`, `comm` (its process), `thread` (its own name), "
	 "`state`,\n"
	 "`cpu` (that it runs on, ran on last, or waits for) and `waits_for`: `cpu`, `quota` (a CPU quota is used up), "
	 "or the\n"
	 "class of its sleep."},
	{SCOPE_NEIGHBOUR, "Neighbours", "neighbours",
	 "One row per pair: `waiter` waited for a CPU while `runner` ran on it. Both are names of rows of "
	 "`containers`;\n"
	 "`~other` stands for runners that were not kept apart, or are not known. Labels: `waiter`, `waiter_id`, "
	 "`runner`, `runner_id`.\n"
	 "[scheduler.md](scheduler.md) explains how the time is assigned, and what that cannot tell."},
	{SCOPE_DISK, "Disks of a container", "disks-of-a-container",
	 "One row per container and block device; in the JSON they are each container's `disks`. Labels of "
	 "`container_fs_*`: as\n"
	 "other families of cAdvisor, and `device` (`/dev/sda`); `container_blkio_*` also has `major` and `minor`. "
	 "Labels "
	 "of\n"
	 "`sysscope_disk_*`: `container`, `id`, `device` (`sda`), and `pod`, `namespace` in Kubernetes. "
	 "[disk.md](disk.md) "
	 "explains\n"
	 "what is counted where."},
	{SCOPE_DISK_NEIGHBOUR, "Disk neighbours", "disk-neighbours",
	 "One row per pair and device: requests of `waiter` waited while the device served `filler`. In the JSON they "
	 "are\n"
	 "`disk_neighbours`. Labels: `waiter`, `waiter_id`, `filler`, `filler_id`, `device`. [disk.md](disk.md) "
	 "explains "
	 "how the\n"
	 "time is assigned, and what that cannot tell."},
	{SCOPE_DEVICE, "Devices", "devices",
	 "One row per block device of the machine that has done something, without partitions. In the JSON they are "
	 "`devices`.\n"
	 "Label: `device`."},
	{SCOPE_INTERFACE, "Interfaces", "interfaces",
	 "One row per interface of a container's own network namespace, except the loopback, in the JSON in the list\n"
	 "`interfaces` of its container. Labels: those of cAdvisor's families, and `interface`. "
	 "[network.md](network.md) "
	 "says\n"
	 "which container a shared namespace belongs to."},
	{SCOPE_LOOP, "Event loops", "event-loops",
	 "In the JSON (`loops`) and on the screen only: no Prometheus series has a thread. The sums per process name "
	 "are\n"
	 "`sysscope_eventloop_*` above. One row per thread that lives in epoll, and one for all threads of a process "
	 "that take\n"
	 "turns in it (`kind` is `scheduler`). [eventloops.md](eventloops.md) explains what a loop is and how it is "
	 "seen."},
	{SCOPE_PORT, "TCP ports", "tcp-ports",
	 "One row per container, direction and port: `to` a remote port that the container connects to, `from` others "
	 "to a port\n"
	 "of its own. A container has up to 64 ports in each direction, the rest is the port `~other`. Labels: "
	 "`container`, `id`,\n"
	 "`direction`, `port`, and `pod`, `namespace` in Kubernetes. In the JSON they are the rows of `ports`. "
	 "[tcp.md](tcp.md)\n"
	 "explains them."},
	{SCOPE_TCP_SUM, "TCP of a container", "tcp-of-a-container",
	 "In the JSON only, as the object `tcp` of each row of `containers`: sums over its ports, of both ends where "
	 "both are its\n"
	 "own."},
	{SCOPE_TRANSITION, "Namespace transitions", "namespace-transitions",
	 "One row per container, kind of namespace, call, and whether a runtime is expected to make it. Labels: "
	 "`container`,\n"
	 "`id`, `kind`, `how`, `expected`, and `pod`, `namespace` in Kubernetes. In the JSON they are each "
	 "container's\n"
	 "`namespace_transitions`. [namespaces.md](namespaces.md) explains what is seen and what is not."},
};

void metrics_doc(struct buf *out)
{
	const size_t n = sizeof(doc_sections) / sizeof(doc_sections[0]);

	buf_str(out,
		"# Metrics\n\n"
		"<!-- Made by `make docs` from include/sysscope/metrics.def; a test fails when it is stale. -->\n\n"
		"Use this page to look up what a metric, a JSON key or a column means.\n\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "- [%s](#%s)\n", doc_sections[i].heading, doc_sections[i].anchor);
	buf_str(out, "- [About sysscope itself](#about-sysscope-itself)\n\n"
		     "How to read it:\n\n"
		     "- A value that is not known is absent: no sample in Prometheus, `null` in the JSON, `-` on the "
		     "screen. It is\n"
		     "  never shown as 0.\n"
		     "- Counters never go down. `*_total` counts since sysscope first saw the entity; CPU time counts "
		     "since the entity\n"
		     "  was born. A counter continues when a service or container is started again in the same "
		     "cgroup.\n"
		     "- A column's title in lower case and a JSON key are both valid for `top --sort`.\n"
		     "- Families that cAdvisor also has keep its names, types, labels and units.\n"
		     "- Each family has at most 2,000 series in Prometheus. The rest is summed in one series whose "
		     "labels are `~other`,\n"
		     "  and counted in `sysscope_series_folded_total`.\n"
		     "- Families that need `--metrics.detail`, half of the text of many containers, say so and why; "
		     "the JSON has all of\n"
		     "  them always.\n"
		     "- No two rows have the same labels but those that text cannot tell apart; they are summed, and "
		     "of times "
		     "and limits\n"
		     "  the largest is kept.\n");
	for (size_t i = 0; i < n; i++)
		doc_scope(out, doc_sections[i].scope, doc_sections[i].heading, doc_sections[i].text);
	doc_own(out);
}
