/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * promcheck_histogram.h - the part of promcheck.h about histograms: within one label set the buckets' bounds go up,
 * their counts do not go down, the last is +Inf and equal to _count, and _sum is there. Used by promcheck.c only.
 */
#ifndef SYSSCOPE_TESTS_PROMCHECK_HISTOGRAM_H
#define SYSSCOPE_TESTS_PROMCHECK_HISTOGRAM_H

#include "promcheck.h"

void prom_histograms(struct prom_check *c);

#endif
