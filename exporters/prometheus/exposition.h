/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exposition.h - lines of Prometheus text 0.0.4. Used by prometheus.c only.
 */
#ifndef SYSSCOPE_EXPOSITION_H
#define SYSSCOPE_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#include "sysscope/view.h"

struct buf;

struct family {
	struct buf *out;
	const struct metric_desc *line; /* the first of the family: its name, type and help */
	bool begun;			/* HELP and TYPE are written together with the first sample */
};

/*
 * One sample of a line of the family: `labels` is the text between the braces; the line's own labels are added.
 * `v` is in the unit of the line. Nothing is written for VALUE_ABSENT.
 */
void sample_add(struct family *f, const struct metric_desc *line, const char *labels, size_t labels_len, double v);

#endif
