/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - which limit holds a home back: the smallest among its own cgroup's and those of the cgroups above, and whose it
 * is. Completes the rows of homes.
 */
#ifndef SYSSCOPE_HOMES_LIMITS_H
#define SYSSCOPE_HOMES_LIMITS_H

#include "base/list.h"
#include "homes/homes.h"

struct limit_node; /* limits.c */

struct limits {
	struct limit_node *all;		   /* the cgroups of living homes and those above them, by id */
	const struct sample_io_limit *ios; /* of the sample of this update */
	size_t n_ios;
};

/* What a home may do at a block device in a second; SS_UNLIMITED: as much as it likes. */
struct io_limit {
	uint64_t read_bytes, write_bytes, reads, writes;
	const char *of; /* the cgroup above that has any of them; NULL: they are its own */
};

/* Takes the limits of the sample's cgroups. 0 or -ENOMEM. */
int limits_take(struct limits *limits, const struct moment *now, const struct sample *s);

/* After the rows of homes: `rows` are those of containers, `cpus` the CPUs that are online. */
void limit_rows_fill(const struct limits *limits, const struct homes *homes, unsigned int cpus,
		     struct container_row *rows);

/* The smallest on the way up to the root. False: none holds it there. */
bool limits_io(const struct limits *limits, const struct home *h, uint32_t device, struct io_limit *ret);

void limits_free(struct limits *limits);

#endif
