/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oom.c - see oom.h. Called by model_update.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/list.h"
#include "model/oom.h"
#include "view/oom.h"

static void note_free(struct oom_note *n)
{
	if (!n)
		return;
	free(n->container);
	free(n->cgroup);
	free(n->limit_of);
	free(n);
}

/* Where the victim is, and whose limit it was, as far as the homes know. */
static int note_place(struct oom_note *n, const struct homes *homes)
{
	const struct home *home = n->fact.cgroup_id ? home_known(homes, n->fact.cgroup_id) : NULL;

	if (text_keep(&n->container, home ? home->name : "") < 0 || text_keep(&n->cgroup, home ? home->path : "") < 0)
		return -ENOMEM;
	n->row.container_name = n->container;
	n->row.container_cgroup = n->cgroup;
	oom_row_fill(&n->row, &n->fact, n->cgroup, n->limit_of);
	return 0;
}

static int note_fill(struct oom_note *n, const struct homes *homes, const struct moment *now, const struct ss_fact *f,
		     const struct snapshot *before)
{
	_cleanup_buf_ struct buf limit_of = {};

	n->fact = *f;
	memcpy(n->comm, f->process[0] ? f->process : f->comm, SS_COMM_LEN);
	memcpy(n->thread, f->comm, SS_COMM_LEN);
	oom_limit_path(&limit_of, f);
	if (limit_of.failed || text_keep(&n->limit_of, limit_of.data ?: "") < 0)
		return -ENOMEM;
	n->row = (struct oom_row){
		.time = (double)(now->boot_wall_ns + f->time_ns) / 1e9,
		.start_time = f->start_ns ? (double)(now->boot_wall_ns + f->start_ns) / 1e9 : VALUE_ABSENT,
		.comm = n->comm,
		.thread = n->thread,
	};
	if (note_place(n, homes) < 0)
		return -ENOMEM;
	oom_largest_fill(&n->row, before);
	return 0;
}

int oom_kills_take(struct oom_kills *kills, const struct homes *homes, const struct moment *now, const struct sample *s,
		   const struct snapshot *before)
{
	kills->taken = 0;
	for (size_t i = 0; i < s->n_oom_kills; i++) {
		struct oom_note *n = calloc(1, sizeof(*n)), **place = &kills->ring[kills->n % OOM_KILLS_KEPT];

		if (!n || note_fill(n, homes, now, &s->oom_kills[i], before->sequence ? before : NULL) < 0) {
			note_free(n);
			return -ENOMEM;
		}
		note_free(*place);
		*place = n;
		kills->n++;
		kills->taken++;
	}
	return 0;
}

int oom_kills_place(struct oom_kills *kills, const struct homes *homes)
{
	int r = 0;

	for (uint64_t i = 0; i < kills->taken && i < OOM_KILLS_KEPT && r >= 0; i++)
		r = note_place(kills->ring[(kills->n - 1 - i) % OOM_KILLS_KEPT], homes);
	return r;
}

void oom_kill_rows_fill(struct oom_kills *kills, const struct homes *homes, struct container_row *rows,
			struct snapshot *snapshot)
{
	size_t n = kills->n < OOM_KILLS_KEPT ? kills->n : OOM_KILLS_KEPT;

	for (size_t i = 0; i < n; i++) {
		const struct oom_note *note = kills->ring[(kills->n - n + i) % OOM_KILLS_KEPT];
		struct oom_row *row = &kills->rows[i];
		struct home *home = NULL;

		*row = note->row;
		if (note->cgroup[0])
			HASH_FIND_STR(homes->all, note->cgroup, home);
		row->container = home && home->row != HOME_NO_ROW ? home->row : OOM_NOWHERE;
		if (row->container != OOM_NOWHERE)
			rows[row->container].last_oom = row;
	}
	snapshot->oom_kills = kills->rows;
	snapshot->n_oom_kills = n;
}

void oom_kills_free(struct oom_kills *kills)
{
	for (size_t i = 0; i < OOM_KILLS_KEPT; i++)
		note_free(kills->ring[i]);
}
