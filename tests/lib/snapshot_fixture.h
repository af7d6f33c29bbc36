/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_fixture.h - snapshots made by hand, for the tests of views: no sample, no model. Every value is absent
 * until the test sets it. Included by unit tests only.
 */
#ifndef SYSSCOPE_TESTS_SNAPSHOT_FIXTURE_H
#define SYSSCOPE_TESTS_SNAPSHOT_FIXTURE_H

#include <stdlib.h>

#include "base/util.h"
#include "sysscope/view.h"

struct fixture {
	struct snapshot s;
	struct container_row *containers;
	struct group_row *groups;
	struct process_row *processes;
};
void fixture_absent(double *v, size_t n);
void fixture_init(struct fixture *f, size_t containers, size_t groups, size_t processes);
void fixture_free(struct fixture *f);

#endif
