/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exposition.h - lines of Prometheus text 0.0.4 and OpenMetrics 1.0.0. Used by prometheus.c and family.c only.
 */
#ifndef SYSSCOPE_EXPOSITION_H
#define SYSSCOPE_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/view.h"

struct buf;

/*
 * A text that is written. OpenMetrics has no suffix _total in the name of a counter's family, only in its samples; a counter that
 * has none in text 0.0.4, as some of cAdvisor's, is of type unknown there, since its name would be another one otherwise. It says
 * units, and ends with # EOF. The samples are the same.
 */
struct exposition {
	struct buf *text;
	bool openmetrics;
};

struct family {
	struct exposition *out;
	const struct metric_desc *line; /* the first of the family: its name, type and help */
	bool begun;			/* HELP and TYPE are written together with the first sample */
};

/* What all samples of a line have in common. */
struct line_text {
	const struct metric_desc *line;
	const char *suffix;
	size_t name_len, suffix_len, labels_len;
};
/* After the last family. */
void exposition_end(const struct exposition *out);

struct line_text line_text_of(const struct metric_desc *line);

/*
 * One sample of a line of the family: `labels` is the text between the braces; the line's own labels are added.
 * `v` is in the unit of the line. Nothing is written for VALUE_ABSENT.
 */
void sample_write(struct family *f, const struct line_text *t, const char *labels, size_t labels_len, double v);
void sample_add(struct family *f, const struct metric_desc *line, const char *labels, size_t labels_len, double v);

#endif
