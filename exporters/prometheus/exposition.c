/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exposition.c - lines of Prometheus text 0.0.4 and OpenMetrics 1.0.0: HELP, TYPE, UNIT, samples, numbers. Used by prometheus.c
 * and family.c, for some 100,000 samples a scrape, so a line is put together in place, and whole numbers are written without
 * printf. Labels arrive sanitised.
 */
#include <string.h>

#include "base/util.h"
#include "exporters/prometheus/exposition.h"

#define NUMBER_MAX 32 /* digits, a point, blank and newline of a whole number */

/* These write at `at` and return the end of what they wrote. */
static char *text_put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *put_u64(char *at, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return text_put(at, p, (size_t)(text + sizeof(text) - p));
}

/* Seconds to the nanosecond, without trailing zeros. */
static char *put_ns(char *at, uint64_t ns)
{
	uint32_t rest = (uint32_t)(ns % 1000000000);

	at = put_u64(at, ns / 1000000000);
	if (!rest)
		return at;
	*at = '.';
	for (size_t i = 9; i > 0; i--, rest /= 10)
		at[i] = (char)('0' + rest % 10);
	at += 10;
	while (at[-1] == '0')
		at--;
	return at;
}

/* Whether it is written by put_ns, or put_u64. */
static bool number_is_ns(const struct metric_desc *d)
{
	return d->unit == UNIT_NS || d->unit == UNIT_UNIX_NS || d->unit == UNIT_DELAY;
}

static bool number_is_whole(const struct metric_desc *d, double v)
{
	return v >= 0 && v < (number_is_ns(d) ? 9e18 : 1e15) && (double)(uint64_t)v == v;
}

/* The shortest text that reads back as the same double. */
static void number_add(struct buf *out, const struct metric_desc *d, double v)
{
	size_t before = out->len;
	double back = VALUE_ABSENT;

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

static void help_add(struct buf *out, const char *help, bool openmetrics)
{
	for (const char *p = help; *p; p++) {
		if (*p == '\\' || *p == '\n' || (openmetrics && *p == '"'))
			buf_char(out, '\\');
		buf_char(out, *p == '\n' ? 'n' : *p);
	}
}

static bool ends_with(const char *name, size_t len, const char *end)
{
	return len > strlen(end) && memcmp(name + len - strlen(end), end, strlen(end)) == 0;
}

/* What precedes the first sample in text 0.0.4. */
static void family_text(struct buf *out, const struct metric_desc *line)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge",	    [METRIC_BUCKET] = "histogram",
		[METRIC_SUM] = "histogram",   [METRIC_TALLY] = "histogram",
	};

	buf_printf(out, "# HELP %s ", line->prom);
	help_add(out, line->help, false);
	buf_printf(out, "\n# TYPE %s %s\n", line->prom, types[line->kind]);
}

static void family_openmetrics(struct buf *out, const struct metric_desc *line)
{
	static const char *const units[] = {"seconds", "bytes", "ratio"};
	size_t len = strlen(line->prom);
	const char *type = "histogram";

	if (line->kind == METRIC_COUNTER) {
		type = ends_with(line->prom, len, "_total") ? "counter" : "unknown";
		len -= ends_with(line->prom, len, "_total") ? strlen("_total") : 0;
	} else if (line->kind == METRIC_GAUGE) {
		type = ends_with(line->prom, len, "_info") ? "info" : "gauge";
		len -= ends_with(line->prom, len, "_info") ? strlen("_info") : 0;
	}
	buf_printf(out, "# TYPE %.*s %s\n", (int)len, line->prom, type);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (ends_with(line->prom, len, units[i]) && line->prom[len - strlen(units[i]) - 1] == '_')
			buf_printf(out, "# UNIT %.*s %s\n", (int)len, line->prom, units[i]);
	buf_printf(out, "# HELP %.*s ", (int)len, line->prom);
	help_add(out, line->help, true);
	buf_char(out, '\n');
}

static void family_begin(struct family *f)
{
	if (f->begun)
		return;
	f->begun = true;
	if (f->out->openmetrics)
		family_openmetrics(f->out->text, f->line);
	else
		family_text(f->out->text, f->line);
}

void exposition_end(const struct exposition *out)
{
	if (out->openmetrics)
		buf_str(out->text, "# EOF\n");
}

struct line_text line_text_of(const struct metric_desc *line)
{
	static const char *const suffixes[] = {
		[METRIC_COUNTER] = "", [METRIC_GAUGE] = "",	  [METRIC_BUCKET] = "_bucket",
		[METRIC_SUM] = "_sum", [METRIC_TALLY] = "_count",
	};

	return (struct line_text){
		.line = line,
		.suffix = suffixes[line->kind],
		.name_len = strlen(line->prom),
		.suffix_len = strlen(suffixes[line->kind]),
		.labels_len = strlen(line->labels),
	};
}

void sample_write(struct family *f, const struct line_text *t, const char *labels, size_t labels_len, double v)
{
	struct buf *out = f->out->text;
	char *at;

	if (value_absent(v))
		return;
	family_begin(f);
	if (!buf_room(out, t->name_len + t->suffix_len + labels_len + t->labels_len + strlen("{,}") + NUMBER_MAX))
		return;
	at = text_put(out->data + out->len, t->line->prom, t->name_len);
	at = text_put(at, t->suffix, t->suffix_len);
	if (labels_len || t->labels_len) {
		*at++ = '{';
		at = text_put(at, labels, labels_len);
		if (labels_len && t->labels_len)
			*at++ = ',';
		at = text_put(at, t->line->labels, t->labels_len);
		*at++ = '}';
	}
	*at++ = ' ';
	if (number_is_whole(t->line, v)) {
		at = number_is_ns(t->line) ? put_ns(at, (uint64_t)v) : put_u64(at, (uint64_t)v);
		*at++ = '\n';
		*at = '\0';
		out->len = (size_t)(at - out->data);
		return;
	}
	*at = '\0';
	out->len = (size_t)(at - out->data);
	number_add(out, t->line, v);
	buf_char(out, '\n');
}

void sample_add(struct family *f, const struct metric_desc *line, const char *labels, size_t labels_len, double v)
{
	struct line_text t = line_text_of(line);

	sample_write(f, &t, labels, labels_len, v);
}
