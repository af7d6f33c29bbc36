/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oom.c - see oom.h. */
#include <stdio.h>
#include <string.h>

#include "view/oom.h"

static const char *const exhausted_names[SS_OOM_KINDS] = {
	[SS_OOM_UNKNOWN] = "",
	[SS_OOM_MACHINE] = "machine",
	[SS_OOM_NODES] = "nodes",
	[SS_OOM_CGROUP] = "memory_limit",
	[SS_OOM_CGROUP_WITH_SWAP] = "memory_and_swap_limit",
};

void oom_limit_path(struct buf *out, const struct ss_fact *f)
{
	if (f->oom.levels > SS_OOM_LEVELS)
		return;
	for (__u32 i = f->oom.levels; i-- > 0;) {
		buf_char(out, '/');
		buf_str(out, f->oom.path[i]);
	}
}

/* crun under systemd has the limits of a container in a cgroup "container" of its scope. */
static bool is_inner(const char *home, const char *path)
{
	size_t length = strlen(home);

	return length > 6 && strcmp(home + length - 6, ".scope") == 0 && strcmp(path + length, "/container") == 0;
}

static const char *scope_of(const char *home, const char *path)
{
	if (!path[0] || !home[0])
		return "";
	if (path_within(path, home))
		return !path[strlen(home)] || is_inner(home, path) ? "own" : "nested";
	return path_within(home, path) ? "ancestor" : "other";
}

static double bytes_or_absent(__u64 bytes)
{
	return bytes == UINT64_MAX ? VALUE_ABSENT : (double)bytes;
}

void oom_row_fill(struct oom_row *row, const struct ss_fact *f, const char *home, const char *limit_of)
{
	__u32 kind = f->oom.exhausted < SS_OOM_KINDS ? f->oom.exhausted : SS_OOM_UNKNOWN;

	row->pid = f->tgid;
	row->tid = f->tid;
	row->rss = bytes_or_absent(f->oom.rss_bytes);
	row->score_adjust = (int)f->oom.score_adjust;
	row->exhausted = exhausted_names[kind];
	row->limit_of = limit_of;
	row->limit_scope = scope_of(home, limit_of);
	row->limit = bytes_or_absent(f->oom.limit_bytes);
	row->usage = bytes_or_absent(f->oom.usage_bytes);
	row->asker_pid = f->oom.asker_tgid;
	row->asker = f->oom.asker;
	/* Of a process it is known which container it is in, not which of the cgroups inside. */
	row->largest_of =
		strcmp(row->limit_scope, "own") == 0 || strcmp(row->limit_scope, "nested") == 0 ? home : limit_of;
}

static void largest_insert(struct oom_row *row, const struct snapshot *s, const struct process_row *p)
{
	size_t at = row->n_largest;

	while (at > 0 && row->largest[at - 1].rss < p->v[PROCESS_RSS])
		at--;
	if (at >= OOM_LARGEST)
		return;
	row->n_largest += row->n_largest < OOM_LARGEST;
	memmove(&row->largest[at + 1], &row->largest[at], (row->n_largest - 1 - at) * sizeof(row->largest[0]));
	row->largest[at] = (struct oom_process){.pid = p->pid, .rss = p->v[PROCESS_RSS]};
	snprintf(row->largest[at].comm, sizeof(row->largest[at].comm), "%s", p->comm);
	snprintf(row->largest[at].container, sizeof(row->largest[at].container), "%s", process_container(s, p)->name);
}

void oom_largest_fill(struct oom_row *row, const struct snapshot *before)
{
	bool machine = strcmp(row->exhausted, "machine") == 0 || strcmp(row->exhausted, "nodes") == 0;

	row->n_largest = 0;
	row->largest_age = VALUE_ABSENT;
	if (!before || !before->n_processes || before->time > row->time || (!machine && !row->largest_of[0]))
		return;
	row->largest_age = row->time - before->time;
	for (size_t i = 0; i < before->n_processes; i++) {
		const struct process_row *p = &before->processes[i];

		if (!value_absent(p->v[PROCESS_RSS]) && p->v[PROCESS_RSS] > 0 &&
		    (machine || path_within(process_container(before, p)->cgroup, row->largest_of)))
			largest_insert(row, before, p);
	}
}
