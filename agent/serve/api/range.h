/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * range.h - courses of metrics out of a recording, as JSON: so many points of so many metrics, of one container or of the machine.
 * Bounded in points and in the CPU time that it takes. Reading runs on the thread of asks.c; never logs.
 */
#ifndef SYSSCOPE_SERVE_RANGE_H
#define SYSSCOPE_SERVE_RANGE_H

#include <signal.h>

#include "base/util.h"
#include "serve/api/query.h"
#include "sysscope/view.h"

#define RANGE_POINTS	  600
#define RANGE_METRICS	  8
#define RANGE_CPU_SECONDS 5

struct range_ask {
	char *container;	    /* its id, the path of its cgroup, or its name; NULL: the machine */
	int metrics[RANGE_METRICS]; /* indexes into the table of the scope */
	size_t n_metrics;
	double from, to, step; /* 0: not given */
};

struct range_answer {
	unsigned int status;
	const char *wrong; /* a sentence; NULL: `text` is the answer */
	struct buf text;
	uint64_t cpu_ns;
};

extern const char *const range_parameters[];

/* NULL, or what is wrong; "" for no memory. range_ask_free in any case. */
const char *range_ask_parse(struct range_ask *ret, const struct query *q);
void range_ask_free(struct range_ask *a);

/* Reads the recording in this folder. `stop` non-zero: ends early. */
void range_answer_make(struct range_answer *ret, const char *path, const struct range_ask *a,
		       const volatile sig_atomic_t *stop);

#endif
