/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.h - the last processes that the OOM killer chose, and how many there were by what was exhausted.
 */
#ifndef SYSSCOPE_MODEL_OOM_H
#define SYSSCOPE_MODEL_OOM_H

#include "homes/homes.h"

/* Kills that are remembered. */
#define OOM_KILLS_KEPT 100

struct oom_note {
	struct ss_fact fact;
	struct oom_row row; /* refers to the texts below and to the fact */
	char *container, *cgroup, *limit_of;
	char comm[SS_COMM_LEN + 1], thread[SS_COMM_LEN + 1];
};

struct oom_kills {
	struct oom_note *ring[OOM_KILLS_KEPT];
	uint64_t n;	/* ever; the latest is ring[(n - 1) % OOM_KILLS_KEPT] */
	uint64_t taken; /* of these, from the latest sample */
	struct oom_row rows[OOM_KILLS_KEPT];
};

/*
 * Takes the sample's kills. Before anything else reads the sample: the snapshot `before` has the processes from before the
 * kills, and homes_begin frees names in it. 0 or -ENOMEM.
 */
int oom_kills_take(struct oom_kills *kills, const struct homes *homes, const struct moment *now, const struct sample *s,
		   const struct snapshot *before);

/* After homes_begin, which knows the containers that are new. 0 or -ENOMEM. */
int oom_kills_place(struct oom_kills *kills, const struct homes *homes);

/* After the rows of homes. */
void oom_kill_rows_fill(struct oom_kills *kills, const struct homes *homes, struct container_row *rows,
			struct snapshot *snapshot);
void oom_kills_free(struct oom_kills *kills);

#endif
