/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exposition.c - lines of Prometheus text 0.0.4: HELP, TYPE, samples, numbers. Used by prometheus.c, for some
 * 100,000 samples a scrape, so whole numbers are written without printf. Labels arrive sanitised.
 */
#include "base/util.h"
#include "exporters/prometheus/exposition.h"

static void number_u64(struct buf *out, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(out, p, (size_t)(text + sizeof(text) - p));
}

/* Seconds to the nanosecond, without trailing zeros. */
static void number_ns(struct buf *out, uint64_t ns)
{
	uint64_t rest = ns % 1000000000;
	char text[10] = ".";
	size_t len = sizeof(text);

	number_u64(out, ns / 1000000000);
	if (!rest)
		return;
	for (size_t i = sizeof(text) - 1; i > 0; i--, rest /= 10)
		text[i] = (char)('0' + rest % 10);
	while (text[len - 1] == '0')
		len--;
	buf_add(out, text, len);
}

/* The shortest text that reads back as the same double; whole numbers take a fast path. */
static void number_add(struct buf *out, const struct metric_desc *d, double v)
{
	bool ns = d->unit == UNIT_NS || d->unit == UNIT_UNIX_NS || d->unit == UNIT_DELAY;
	size_t before = out->len;
	double back = VALUE_ABSENT;

	if (v >= 0 && v < 9e18 && v == floor(v) && (ns || v < 1e15)) {
		if (ns)
			number_ns(out, (uint64_t)v);
		else
			number_u64(out, (uint64_t)v);
		return;
	}
	v = metric_base_value(d, v);
	if (isinf(v)) {
		buf_str(out, v > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17 && back != v && !out->failed; digits++) {
		out->len = before;
		buf_printf(out, "%.*g", digits, v);
		if (!out->failed)
			parse_double(out->data + before, -INFINITY, INFINITY, &back);
	}
}

static void family_begin(struct family *f)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = " counter\n", [METRIC_GAUGE] = " gauge\n",	  [METRIC_BUCKET] = " histogram\n",
		[METRIC_SUM] = " histogram\n",	 [METRIC_TALLY] = " histogram\n",
	};

	if (f->begun)
		return;
	f->begun = true;
	buf_str(f->out, "# HELP ");
	buf_str(f->out, f->line->prom);
	buf_char(f->out, ' ');
	for (const char *p = f->line->help; *p; p++) {
		if (*p == '\\' || *p == '\n')
			buf_char(f->out, '\\');
		buf_char(f->out, *p == '\n' ? 'n' : *p);
	}
	buf_str(f->out, "\n# TYPE ");
	buf_str(f->out, f->line->prom);
	buf_str(f->out, types[f->line->kind]);
}

void sample_add(struct family *f, const struct metric_desc *line, const char *labels, size_t labels_len, double v)
{
	static const char *const suffixes[] = {
		[METRIC_COUNTER] = "", [METRIC_GAUGE] = "",	  [METRIC_BUCKET] = "_bucket",
		[METRIC_SUM] = "_sum", [METRIC_TALLY] = "_count",
	};
	struct buf *out = f->out;

	if (value_absent(v))
		return;
	family_begin(f);
	buf_str(out, line->prom);
	buf_str(out, suffixes[line->kind]);
	if (labels_len || *line->labels) {
		buf_char(out, '{');
		buf_add(out, labels, labels_len);
		if (labels_len && *line->labels)
			buf_char(out, ',');
		buf_str(out, line->labels);
		buf_char(out, '}');
	}
	buf_char(out, ' ');
	number_add(out, line, v);
	buf_char(out, '\n');
}
