/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces.h - the interfaces of network namespaces: which home each namespace belongs to, and counters that go on when a
 * container is restarted in a new one.
 */
#ifndef SYSSCOPE_MODEL_INTERFACES_H
#define SYSSCOPE_MODEL_INTERFACES_H

#include "base/list.h"
#include "homes/homes.h"
#include "model/namespaces.h"

/* An interface of a home, by its name. */
struct home_interface {
	struct {
		struct home *home;
		char name[SS_INTERFACE_NAME];
	} key;
	uint64_t seen;			/* number of the last update whose sample had it */
	struct sample_interface latest; /* then */
	struct interface_counters past; /* of namespaces, and of interfaces of this name, before that */
	double before[INTERFACE_METRICS];
	UT_hash_handle hh;
};

struct interface_totals {
	struct home_interface *all;
	LIST(struct interface_row) rows;
	LIST(struct home_interface *) sorted;
};

/* After the rows of namespaces; completes those of containers. 0 or -ENOMEM. */
int interface_rows_fill(struct interface_totals *t, const struct namespaces *ns, const struct moment *now,
			const struct sample *s, struct container_row *containers, struct snapshot *snapshot);
void interface_totals_free(struct interface_totals *t);

#endif
