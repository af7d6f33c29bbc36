/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collectors.h - the table of collectors: what each one provides, and the alternative sets of programs that provide it,
 * best first. The loader goes through it; a new collector is a row in collectors.c.
 */
#ifndef SYSSCOPE_COLLECTORS_H
#define SYSSCOPE_COLLECTORS_H

#include <stdbool.h>
#include <string.h>

#include "kernel/loader.h"

#define MAX_PROGRAMS	 10
#define MAX_ALTERNATIVES 5

/* One set of programs that provides a collector's data. */
struct alternative {
	const char *hook; /* NULL: end of the list */
	/* None: the data comes from programs of other collectors. One that has several events comes once for each, in a row. */
	const char *programs[MAX_PROGRAMS];
	const char *tracepoints[MAX_PROGRAMS]; /* their type information must exist */
	bool needs_task_storage;
	const char *lacks;		  /* what it cannot do; "" for nothing */
	bool only_without_task_storage;	  /* it counts whole tasks, even the part already charged from their state */
	const char *functions[3];	  /* their type information must exist */
	const char *events[MAX_PROGRAMS]; /* classic tracepoints, one for each program */
	bool controls_unseen;		  /* not every change of an epoll instance is seen */
	bool ends_unseen;		  /* of lifecycle: how processes end is not seen */
	bool programs_of_tcp;		  /* its data comes from those of the collector tcp */
	bool needs_current_task;	  /* bpf_get_current_task_btf, as old as task storage */
	bool counts_by_sockets;		  /* its first program is an iterator, which each sample runs */
	bool at_cgroup_root;		  /* some of its programs are attached to the root of the v2 hierarchy */
	bool only_carrying_v2;		  /* that hierarchy must be the one that carries resources */
};

/* Whether this program is the one before. */
static inline bool alternative_repeats(const struct alternative *w, int program)
{
	return program && strcmp(w->programs[program], w->programs[program - 1]) == 0;
}

struct collector_desc {
	const char *name, *gives;
	bool required;
	struct alternative ways[MAX_ALTERNATIVES]; /* best first */
	const char *only_for;			   /* commands that turn it on; NULL: always on */
	uint32_t facts;				   /* kinds of fact that turn it on, a bit each */
	const char *instead; /* what gives the same without it, at a higher price; NULL: nothing does */
};
extern const struct collector_desc collectors[COLLECTORS];

#endif
