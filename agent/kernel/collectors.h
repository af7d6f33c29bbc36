/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectors.h - the collectors in one table: what each gives, and the ways to get it, best first. loader.c goes through
 * it; a new collector is a row there.
 */
#ifndef SYSSCOPE_COLLECTORS_H
#define SYSSCOPE_COLLECTORS_H

#include <stdbool.h>

#include "kernel/loader.h"

#define MAX_PROGRAMS	 10
#define MAX_ALTERNATIVES 4

/* One way to get a collector's data: a set of programs that belong together. */
struct alternative {
	const char *hook;		       /* NULL: there is no more */
	const char *programs[MAX_PROGRAMS];    /* none: it comes with another collector */
	const char *tracepoints[MAX_PROGRAMS]; /* need type information */
	bool needs_task_storage;
	const char *lacks;		  /* what this one cannot do, "" for nothing */
	bool only_without_task_storage;	  /* it counts whole tasks, also what was charged from their state before */
	const char *functions[3];	  /* need type information */
	const char *events[MAX_PROGRAMS]; /* of tracefs, for each program */
	bool needs_current_task;	  /* bpf_get_current_task_btf, which came with task storage */
};

struct collector_desc {
	const char *name, *gives;
	bool required;
	struct alternative ways[MAX_ALTERNATIVES]; /* best first */
	const char *only_for;			   /* off unless this asks for it; NULL: always on */
};
extern const struct collector_desc collectors[COLLECTORS];

#endif
