/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oom.c - see oom.h. */
#include <string.h>

#include "exporters/table/format.h"
#include "exporters/table/oom.h"
#include "exporters/table/stall.h"

static void bytes_text(struct buf *out, double bytes)
{
	static const struct metric_desc d = {.unit = UNIT_BYTES};

	format_value(out, &d, bytes);
}

/* "shop-db", or "/kubepods/pod1 around shop-db". */
static void owner_text(struct buf *out, const struct oom_row *kill)
{
	const char *name = kill->container_name[0] ? kill->container_name : kill->container_cgroup;

	if (strcmp(kill->limit_scope, "own") == 0) {
		format_name(out, name);
		return;
	}
	if (!kill->limit_of[0]) {
		buf_str(out, "a cgroup with a very long path");
		return;
	}
	format_name(out, kill->limit_of);
	if (strcmp(kill->limit_scope, "nested") == 0)
		buf_str(out, " inside ");
	else if (strcmp(kill->limit_scope, "ancestor") == 0)
		buf_str(out, " around ");
	else
		return;
	format_name(out, name);
}

static void limit_text(struct buf *out, const struct oom_row *kill)
{
	owner_text(out, kill);
	buf_str(out, " reached its limit of ");
	bytes_text(out, kill->limit);
	if (strcmp(kill->exhausted, "memory_and_swap_limit") == 0)
		buf_str(out, " for memory and swap");
	buf_str(out, " (used: ");
	bytes_text(out, kill->usage);
	buf_char(out, ')');
}

void oom_why(struct buf *out, const struct oom_row *kill)
{
	if (strcmp(kill->exhausted, "machine") == 0) {
		buf_str(out, "the machine had no memory left (used: ");
		bytes_text(out, kill->usage);
		buf_str(out, " of ");
		bytes_text(out, kill->limit);
		buf_char(out, ')');
	} else if (strcmp(kill->exhausted, "nodes") == 0) {
		buf_str(out, "the memory nodes open to ");
		format_name(out, kill->asker);
		buf_printf(out, " %u had no memory left", kill->asker_pid);
	} else if (kill->exhausted[0]) {
		limit_text(out, kill);
	}
}

void oom_had(struct buf *out, const struct oom_row *kill)
{
	if (value_absent(kill->rss))
		return;
	buf_str(out, "it had ");
	bytes_text(out, kill->rss);
	buf_printf(out, ", oom_score_adj %d", kill->score_adjust);
}

void oom_sentence(struct buf *out, const struct oom_row *kill)
{
	buf_str(out, kill->exhausted[0] ? "killed because " : "killed for lack of memory");
	oom_why(out, kill);
	if (!value_absent(kill->rss))
		buf_str(out, kill->exhausted[0] ? "; " : ": ");
	oom_had(out, kill);
}

static void largest_text(struct buf *out, const struct oom_row *kill, const struct oom_process *p)
{
	format_name(out, p->comm);
	buf_printf(out, " %u", p->pid);
	if (strcmp(p->container, kill->container_name) != 0) {
		buf_str(out, " of ");
		format_name(out, p->container);
	}
	buf_char(out, ' ');
	bytes_text(out, p->rss);
}

void oom_largest(struct buf *out, const struct oom_row *kill, const char *between)
{
	for (size_t i = 0; i < kill->n_largest; i++) {
		buf_str(out, i ? between : "");
		largest_text(out, kill, &kill->largest[i]);
	}
}
