/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - the block about memory in the detail of a container: see detail.h. A line without anything to say is left out. */
#include <string.h>

#include "exporters/table/format.h"
#include "exporters/table/oom.h"
#include "exporters/table/stall.h"
#include "exporters/detail/detail.h"

static void memory_put(struct buf *out, const struct container_row *c, int metric)
{
	format_metric(out, SCOPE_CONTAINER, c->v, metric);
}

static void put_percent(struct buf *out, double ratio)
{
	if (value_absent(ratio))
		buf_char(out, '-');
	else
		buf_printf(out, "%.0f %%", ratio * 100);
}

/* What is used, and how near that is to the limit that holds: its own or that of a cgroup above. */
static void usage_lines(struct buf *out, const struct container_row *c)
{
	buf_str(out, "memory         ");
	memory_put(out, c, CONTAINER_MEMORY_USAGE);
	buf_str(out, ", working set ");
	memory_put(out, c, CONTAINER_MEMORY_WORKING_SET);
	if (!value_absent(c->v[CONTAINER_MEMORY_PEAK])) {
		buf_str(out, ", peak ");
		memory_put(out, c, CONTAINER_MEMORY_PEAK);
	}
	buf_char(out, '\n');
	if (!c->memory_limit_of)
		return;
	buf_str(out, "  limit        ");
	memory_put(out, c, CONTAINER_MEMORY_LIMIT);
	buf_str(out, ": ");
	detail_limit_owner(out, c, c->memory_limit_of);
	if (strcmp(c->memory_limit_of, c->cgroup) != 0) {
		if (!value_absent(c->memory_limit_working_set))
			buf_printf(out, ", which uses %.0f %% of it",
				   c->memory_limit_working_set / c->v[CONTAINER_MEMORY_LIMIT] * 100);
		buf_str(out, "\n              ");
	} else {
		buf_char(out, ';');
	}
	buf_str(out, " this working set is ");
	put_percent(out, c->v[CONTAINER_MEMORY_LIMIT_RATIO]);
	buf_str(out, " of it\n");
}

static void kinds_lines(struct buf *out, const struct container_row *c)
{
	const double *v = c->v;

	buf_str(out, "  anonymous    ");
	memory_put(out, c, CONTAINER_MEMORY_RSS);
	if (v[CONTAINER_MEMORY_THP] > 0) {
		buf_str(out, ", of this ");
		memory_put(out, c, CONTAINER_MEMORY_THP);
		buf_str(out, " in transparent huge pages");
	}
	buf_str(out, "\n  page cache   ");
	memory_put(out, c, CONTAINER_MEMORY_CACHE);
	buf_str(out, ", of this ");
	memory_put(out, c, CONTAINER_MEMORY_SHMEM);
	buf_str(out, " shared memory, ");
	memory_put(out, c, CONTAINER_MEMORY_DIRTY);
	buf_str(out, " dirty, ");
	memory_put(out, c, CONTAINER_MEMORY_WRITEBACK);
	buf_str(out, " being written\n  kernel       ");
	memory_put(out, c, CONTAINER_MEMORY_KERNEL);
	if (!value_absent(v[CONTAINER_SLAB_RECLAIMABLE])) {
		buf_str(out, ", of this slabs: ");
		memory_put(out, c, CONTAINER_SLAB_RECLAIMABLE);
		buf_str(out, " reclaimable, ");
		memory_put(out, c, CONTAINER_SLAB_UNRECLAIMABLE);
		buf_str(out, " not");
	}
	buf_str(out, "\n  swap         ");
	memory_put(out, c, CONTAINER_MEMORY_SWAP);
	if (!value_absent(v[CONTAINER_SWAP_LIMIT])) {
		/* On v1 the limit is that of both. */
		buf_str(out, value_absent(v[CONTAINER_MEMORY_MIN]) ? "; limit of memory and swap " : " of ");
		memory_put(out, c, CONTAINER_SWAP_LIMIT);
	}
	buf_char(out, '\n');
}

static void huge_line(struct buf *out, const struct container_row *c, const char *size, int used, int limit)
{
	if (!(c->v[used] > 0) && value_absent(c->v[limit]))
		return;
	buf_str(out, "  huge pages   ");
	memory_put(out, c, used);
	if (!value_absent(c->v[limit])) {
		buf_str(out, " of ");
		memory_put(out, c, limit);
	}
	buf_printf(out, " in pages of %s, beside all numbers above\n", size);
}

static void limit_put(struct buf *out, const struct container_row *c, const char *name, int metric, bool *any)
{
	if (value_absent(c->v[metric]) || (metric != CONTAINER_MEMORY_HIGH && !(c->v[metric] > 0)))
		return;
	buf_str(out, *any ? ", " : "  soft limits  ");
	buf_printf(out, "%s ", name);
	memory_put(out, c, metric);
	*any = true;
}

static void limits_line(struct buf *out, const struct container_row *c)
{
	bool any = false;

	limit_put(out, c, "high", CONTAINER_MEMORY_HIGH, &any);
	limit_put(out, c, "low", CONTAINER_MEMORY_LOW, &any);
	limit_put(out, c, "min", CONTAINER_MEMORY_MIN, &any);
	limit_put(out, c, "swap.high", CONTAINER_SWAP_HIGH, &any);
	if (any)
		buf_char(out, '\n');
}

static void refault_line(struct buf *out, const struct container_row *c)
{
	if (!(c->v[CONTAINER_REFAULT_RATE] > 0) && !(c->v[CONTAINER_MAJOR_FAULT_RATE] > 0))
		return;
	buf_str(out, "  came back    ");
	memory_put(out, c, CONTAINER_REFAULT_RATE);
	buf_str(out, " pages/s that had just been taken (refaults), ");
	memory_put(out, c, CONTAINER_MAJOR_FAULT_RATE);
	buf_str(out, "/s from disk\n");
}

static void event_put(struct buf *out, const struct container_row *c, const char *name, int metric, bool *any)
{
	if (!(c->v[metric] > 0))
		return;
	buf_printf(out, "%s%s %.0f", *any ? ", " : "  events       ", name, c->v[metric]);
	*any = true;
}

/* Only what has happened; the kernel's names. */
static void events_lines(struct buf *out, const struct container_row *c)
{
	bool any = false;

	event_put(out, c, "low", CONTAINER_EVENTS_LOW, &any);
	event_put(out, c, "high", CONTAINER_EVENTS_HIGH, &any);
	event_put(out, c, "max", CONTAINER_MEMORY_FAILCNT, &any);
	event_put(out, c, "oom", CONTAINER_EVENTS_OOM, &any);
	event_put(out, c, "oom_group_kill", CONTAINER_EVENTS_OOM_GROUP, &any);
	event_put(out, c, "processes killed", CONTAINER_OOM_KILLS, &any);
	if (any)
		buf_char(out, '\n');
	if (!(c->v[CONTAINER_OOM_KILL_DISABLED] > 0))
		return;
	buf_str(out, "  OOM killer   turned off: at its limit it hangs");
	buf_str(out, c->v[CONTAINER_UNDER_OOM] > 0 ? ", as now\n" : "\n");
}

static void reclaim_line(struct buf *out, const double *v)
{
	buf_str(out, "  reclaim      stalled for ");
	sentence_time(out, v[CONTAINER_RECLAIM_LIMIT] / 1e9);
	buf_printf(out, " in %.0f stalls at a limit, ", v[CONTAINER_RECLAIM_STALLS_LIMIT]);
	sentence_time(out, v[CONTAINER_RECLAIM_MACHINE] / 1e9);
	buf_printf(out, " in %.0f for lack\n               of memory in the machine\n",
		   v[CONTAINER_RECLAIM_STALLS_MACHINE]);
}

static void oom_lines(struct buf *out, const struct oom_row *kill)
{
	buf_str(out, "last OOM kill  at ");
	detail_clock(out, kill->time);
	buf_str(out, ": ");
	format_name(out, kill->comm);
	buf_printf(out, " %u", kill->pid);
	if (!value_absent(kill->rss))
		buf_str(out, "; ");
	oom_had(out, kill);
	buf_str(out, "\n               ");
	if (!kill->exhausted[0])
		buf_str(out, "why is not known");
	oom_why(out, kill);
	if (kill->n_largest) {
		buf_str(out, "\n               the largest processes, ");
		sentence_time(out, kill->largest_age);
		buf_str(out, " before:\n                 ");
		oom_largest(out, kill, "\n                 ");
	}
	buf_char(out, '\n');
}

/* What its cgroup's files say about it now. */
static void memory_block(struct buf *out, const struct container_row *c)
{
	usage_lines(out, c);
	if (value_absent(c->v[CONTAINER_MEMORY_USAGE]))
		return;
	kinds_lines(out, c);
#define HUGE(INDEX, NAME, KEY, KIB) huge_line(out, c, #NAME, CONTAINER_HUGETLB_##NAME, CONTAINER_HUGETLB_LIMIT_##NAME);
	HUGE_PAGE_LIST(HUGE)
#undef HUGE
	limits_line(out, c);
	refault_line(out, c);
	events_lines(out, c);
}

void detail_container_memory(struct buf *out, const struct container_row *c)
{
	memory_block(out, c);
	if (c->v[CONTAINER_RECLAIM_STALLS_LIMIT] > 0 || c->v[CONTAINER_RECLAIM_STALLS_MACHINE] > 0)
		reclaim_line(out, c->v);
	if (c->last_oom)
		oom_lines(out, c->last_oom);
}

static void pressure_put(struct buf *out, const char *who, double cpu, double memory, double disks)
{
	buf_printf(out, "%s CPU ", who);
	put_percent(out, cpu);
	buf_str(out, ", memory ");
	put_percent(out, memory);
	buf_str(out, ", disks ");
	put_percent(out, disks);
}

void detail_pressure(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	const double *v = c->v;

	if (value_absent(v[CONTAINER_MEMORY_USAGE]) && value_absent(v[CONTAINER_PRESSURE_CPU_SOME]))
		return;
	if (s->pressure_reason || value_absent(v[CONTAINER_PRESSURE_CPU_SOME])) {
		buf_printf(out, "pressure       unknown: %s\n",
			   s->pressure_reason ?: "turned off for its cgroup (cgroup.pressure)");
		return;
	}
	pressure_put(out, "pressure       some wait:", v[CONTAINER_PRESSURE_CPU_SOME_RATIO],
		     v[CONTAINER_PRESSURE_MEMORY_SOME_RATIO], v[CONTAINER_PRESSURE_IO_SOME_RATIO]);
	pressure_put(out, " of the time;\n               all wait: ", v[CONTAINER_PRESSURE_CPU_FULL_RATIO],
		     v[CONTAINER_PRESSURE_MEMORY_FULL_RATIO], v[CONTAINER_PRESSURE_IO_FULL_RATIO]);
	buf_char(out, '\n');
}
