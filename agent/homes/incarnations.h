/* SPDX-License-Identifier: GPL-2.0-or-later */
/* incarnations.h - the cgroups of homes, and the sums over them. Called by homes.c. */
#ifndef SYSSCOPE_HOMES_INCARNATIONS_H
#define SYSSCOPE_HOMES_INCARNATIONS_H

#include "homes/homes.h"

/* Takes the sample's cgroups; forgets those that it does not have any more. 0 or -ENOMEM. */
int incarnations_take(struct homes *homes, const struct moment *now, const struct sample *s);

/* NULL: no cgroup has this id. */
struct home_cgroup *incarnation_find(const struct homes *homes, uint64_t id);

/* The home's own cgroup that this one, which has a home, is part of; NULL: there is none. */
struct home_cgroup *incarnation_of(const struct homes *homes, struct home_cgroup *c);

/* What its living threads used is added up anew in this update. */
void incarnation_touch(struct home_cgroup *c, uint64_t update);

/* After all threads were added, and after groups_settle: what each home's cgroups add up to. */
void incarnations_sum(struct homes *homes);

void incarnations_free(struct homes *homes);

#endif
