/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promcheck_histogram.h"

/* The value of label `le`, NULL without. */
static const char *prom_le(const struct prom_sample *s)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (strncmp(s->labels[i], "le=", 3) == 0)
			return s->labels[i] + 3;
	return NULL;
}

/* Are the labels the same but for `le`? */
static bool prom_same_histogram(const struct prom_sample *a, const struct prom_sample *b)
{
	size_t i = 0, j = 0;

	if (a->family != b->family)
		return false;
	for (;; i++, j++) {
		while (i < a->n_labels && strncmp(a->labels[i], "le=", 3) == 0)
			i++;
		while (j < b->n_labels && strncmp(b->labels[j], "le=", 3) == 0)
			j++;
		if (i == a->n_labels || j == b->n_labels)
			return i == a->n_labels && j == b->n_labels;
		if (strcmp(a->labels[i], b->labels[j]) != 0)
			return false;
	}
}

/* A histogram whose first sample is `first`, in the order in which it was written. Returns its end. */
static size_t prom_histogram(struct prom_check *c, size_t first)
{
	const struct prom_sample *bucket = NULL, *count = NULL, *sum = NULL;
	double bound = -INFINITY;
	size_t i;

	for (i = first; i < c->n_samples && prom_same_histogram(&c->samples[first], &c->samples[i]); i++) {
		const struct prom_sample *s = &c->samples[i];
		const char *le = prom_le(s);

		if (prom_ends(s->name, "_sum")) {
			sum = s;
		} else if (prom_ends(s->name, "_count")) {
			count = s;
		} else if (!le) {
			prom_error(c, s->line, "bucket without le");
		} else {
			double next = strtod(le, NULL);

			if (!(next > bound))
				prom_error(c, s->line, "bound %s does not go up", le);
			if (bucket && s->value < bucket->value)
				prom_error(c, s->line, "bucket %s has less than the one before", le);
			bound = next;
			bucket = s;
		}
	}
	if (!sum || !count)
		prom_error(c, c->samples[first].line, "histogram without _sum or _count");
	if (!bucket || !isinf(bound))
		prom_error(c, c->samples[first].line, "histogram without +Inf");
	else if (count && count->value != bucket->value)
		prom_error(c, count->line, "_count is not the +Inf bucket");
	return i;
}

void prom_histograms(struct prom_check *c)
{
	for (size_t i = 0; i < c->n_samples;) {
		if (c->n_families && strcmp(c->families[c->samples[i].family].type, "histogram") == 0)
			i = prom_histogram(c, i);
		else
			i++;
	}
}
