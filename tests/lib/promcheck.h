/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * promcheck.h - a checker of Prometheus text 0.0.4 that is stricter than Prometheus: what it accepts is what our
 * writer may write. Used by tools/promcheck and the unit tests; shares no code with the writer on purpose.
 */
#ifndef SYSSCOPE_TESTS_PROMCHECK_H
#define SYSSCOPE_TESTS_PROMCHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prom_sample {
	char *name;
	char **labels; /* "name=value", the value unescaped; sorted */
	size_t n_labels;
	char *series; /* name and labels, canonical: equal for equal series */
	double value;
	int line;
	size_t family; /* index */
};

struct prom_family {
	char *name;
	char type[16]; /* "" until TYPE was seen */
	int line;
	size_t samples;
};

struct prom_check {
	FILE *errors; /* NULL: counted only */
	int n_errors;
	int line;
	struct prom_family *families;
	size_t n_families;
	struct prom_sample *samples;
	size_t n_samples, cap_samples;
};

__attribute__((format(printf, 3, 4))) void prom_error(struct prom_check *c, int line, const char *format, ...);
void *prom_alloc(void *p, size_t size);
char *prom_strndup(const char *s, size_t n);
void prom_check_free(struct prom_check *c);
bool prom_ends(const char *s, const char *end);

/* Returns the number of errors. Leaves the samples sorted by series. */
int prom_check_text(struct prom_check *c, const char *text, size_t len);

/* NULL when there is none. `series` as in a struct prom_sample. Only after prom_check_text. */
const struct prom_sample *prom_find(const struct prom_check *c, const char *series);

/* Counters, and buckets, sums and counts of histograms, must not go down from one scrape to a later one. */
int prom_compare(struct prom_check *before, struct prom_check *after);

#endif
