/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family.c - the samples of one family, in parts of some kilobytes. A part whose series and values are those of an earlier scrape
 * has the same text, which a sink may still have: then it is not written again. Called by prometheus.c and findings.c.
 */
#include <errno.h>
#include <string.h>

#include "exporters/prometheus/prometheus_internal.h"

/* Lines of a part: enough for them to compress well, few enough for a part to stay unchanged while others change. */
#define PART_LINES 128

/* One family while it is written: its published lines, and their columns in the set. */
struct writing {
	struct prometheus *p;
	struct family family;
	const struct series_set *set;
	struct line_text texts[LINES_MAX];
	uint16_t columns[LINES_MAX];
	size_t n_lines;
};

static uint64_t value_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/* Of everything that the text of these series depends on. *ret_any: there is a sample. */
static uint64_t part_digest(const struct writing *w, size_t first, size_t end, bool *ret_any)
{
	const struct hash_seed *seed = &w->p->seed;
	uint64_t digest = hash_number(seed, seed->begin, w->family.begun);

	*ret_any = false;
	for (size_t i = first; i < end; i++) {
		const struct series *series = series_set_at(w->set, i);

		digest = hash_number(seed, digest, series->number);
		for (size_t line = 0; line < w->n_lines; line++) {
			double v = series->value[w->columns[line]];

			*ret_any |= !value_absent(v);
			digest = hash_number(seed, digest, value_bits(v));
		}
	}
	return digest;
}

static void part_write(struct writing *w, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		const struct series *series = series_set_at(w->set, i);

		for (size_t line = 0; line < w->n_lines; line++)
			sample_write(&w->family, &w->texts[line], series->labels, series->labels_len,
				     series->value[w->columns[line]]);
	}
}

int text_send(struct prometheus *p, struct buf *out, uint64_t part, uint64_t digest)
{
	int r = out->failed ? -ENOMEM : 0;

	if (p->sink && !r && out->len) {
		r = p->sink->add(p->sink->ctx, part, digest, out->data, out->len);
		buf_reset(out);
	}
	/* The next ones are not written; the end reports it. */
	if (r < 0)
		out->failed = true;
	return r;
}

static void part_send(struct writing *w, size_t first, size_t end)
{
	struct prometheus *p = w->p;
	/* Tables are constant: the address tells the family. */
	uint64_t part = (uint64_t)(uintptr_t)w->family.line << 16 | (first & 0xffff);
	uint64_t digest;
	bool any;

	digest = part_digest(w, first, end, &any);
	if (!any || text_send(p, w->family.out->text, PART_UNKEPT, 0) < 0)
		return;
	if (p->sink->again(p->sink->ctx, part, digest)) {
		w->family.begun = true;
		return;
	}
	part_write(w, first, end);
	text_send(p, w->family.out->text, part, digest);
}

void write_family(struct prometheus *p, struct exposition *out, const struct series_set *set,
		  const struct metric_desc *lines, size_t first, size_t end)
{
	struct writing w = {.p = p, .family = {out, &lines[first], false}, .set = set};
	size_t count = series_set_count(set), step;

	for (size_t line = first; line < end; line++) {
		uint16_t column = series_set_column(set, line);

		if (column == NO_COLUMN)
			continue;
		w.texts[w.n_lines] = line_text_of(&lines[line]);
		w.columns[w.n_lines++] = column;
	}
	if (!w.n_lines)
		return;
	if (!p->sink) {
		part_write(&w, 0, count);
		return;
	}
	step = w.n_lines < PART_LINES ? PART_LINES / w.n_lines : 1;
	for (size_t i = 0; i < count; i += step)
		part_send(&w, i, count - i < step ? count : i + step);
}
