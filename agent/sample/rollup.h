/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup.h - the proportional share of memory (PSS) of the one process that somebody looks at, from /proc/PID/smaps_rollup. The
 * kernel walks the process's page tables for it: so it is read only on request, and seldom.
 */
#ifndef SYSSCOPE_SAMPLE_ROLLUP_H
#define SYSSCOPE_SAMPLE_ROLLUP_H

#include "sysscope/sample.h"

/* Larger processes are not read: the screen would stand still for more than a second (0.04 s for each GiB of small pages). */
#define ROLLUP_RESIDENT_MAX (32ULL << 30)
/* It is read at most every two seconds, and takes at most one part of that many of the time. */
#define ROLLUP_EVERY_NS (2 * 1000000000ULL)
#define ROLLUP_PART	100

struct rollup {
	uint32_t tgid; /* 0: nobody asks */
	uint64_t start_ns, read_ns, took_ns;
	struct sample_rollup latest;
};

/* Whose is asked for from now on; tgid 0: nobody's. */
void rollup_watch(struct rollup *r, uint32_t tgid, uint64_t start_ns);

/* Into *ret, of the process in `threads`, which are in the order of tids. */
void rollup_read(struct rollup *r, const struct sample_thread *threads, size_t n, uint64_t now,
		 struct sample_rollup *ret);

/* The text of the file. False: it has no PSS. */
bool rollup_parse(const char *text, struct sample_rollup *ret);

#endif
