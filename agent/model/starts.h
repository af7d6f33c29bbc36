/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * starts.h - how containers start: the last starts by name, with the phases of each, and histograms of all. In view.h, JSON
 * and the metrics a start keeps its older name, birth.
 */
#ifndef SYSSCOPE_MODEL_STARTS_H
#define SYSSCOPE_MODEL_STARTS_H

#include "homes/homes.h"

/* Starts that are remembered. */
#define STARTS_MAX 100
/* Bounds of the histograms' buckets. */
enum { START_BOUNDS = 0 START_BUCKETS(LIST_ONE, ) };

/* How long a phase took: exact, however many starts there were between two samples. */
struct start_histogram {
	uint64_t slots[START_BOUNDS + 1], sum_ns; /* the last slot: longer than all bounds */
};

struct container_start {
	char *container, *id, *cgroup;
	struct ss_cgroup counts;  /* as last seen */
	struct ss_main_ends main; /* in its cgroup or in one below, where runtimes put the first process */
	bool alive;
};

struct starts {
	struct container_start ring[STARTS_MAX];
	uint64_t n; /* ever; the latest is ring[(n - 1) % STARTS_MAX] */
	struct start_histogram histograms[BIRTH_PHASES + 1];
	struct start_row rows[STARTS_MAX];
};

/* After homes_settle and the host's other values. 0 or -ENOMEM. */
int starts_update(struct starts *starts, const struct homes *homes, const struct moment *now,
		  struct snapshot *snapshot);
void starts_free(struct starts *starts);

#endif
