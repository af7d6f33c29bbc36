/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket_owners.h - the pass over the open files of all processes that finds who listens, and when it is worth its cost.
 * Called by sampler.c only.
 */
#ifndef SYSSCOPE_LISTENERS_H
#define SYSSCOPE_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample;

struct listeners {
	uint64_t read_ns; /* when the last pass began, 0: none yet */
	uint64_t cost_ns; /* and what it took */
	size_t cap;
};

/* Whether a pass is due; `s` has the threads of this sample and the listeners of the last pass. */
bool listeners_due(const struct listeners *l, const struct sample *s, uint64_t now_ns);

/* The pass: s->listeners anew. `link_fd`: of the iterator. 0, or negative errno, and what was known stays. */
int listeners_read(struct listeners *l, int link_fd, struct sample *s);

#endif
