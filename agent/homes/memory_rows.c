/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_rows.c - see memory_rows.h. Called by home_rows.c for each home whose files were read; the limit that holds, which may
 * be that of a cgroup above, is written by limits.c. Keeps no state.
 */
#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/memory_rows.h"

/* cAdvisor writes 0 for "no limit". */
static double or_zero(uint64_t value)
{
	return value == SS_UNKNOWN ? VALUE_ABSENT : value == SS_UNLIMITED ? 0 : (double)value;
}

static void values_memory(const struct cgroup_counters *f, double *v)
{
	v[CONTAINER_MEMORY_USAGE] = value_or_absent(f->memory_usage);
	if (f->memory_usage != SS_UNKNOWN && f->memory_inactive_file != SS_UNKNOWN)
		v[CONTAINER_MEMORY_WORKING_SET] = (double)sub_sat(f->memory_usage, f->memory_inactive_file);
	v[CONTAINER_MEMORY_RSS] = value_or_absent(f->memory_rss);
	v[CONTAINER_MEMORY_CACHE] = value_or_absent(f->memory_cache);
	v[CONTAINER_MEMORY_INACTIVE_FILE] = value_or_absent(f->memory_inactive_file);
	v[CONTAINER_MEMORY_ACTIVE_FILE] = value_or_absent(f->memory_active_file);
	v[CONTAINER_MEMORY_MAPPED] = value_or_absent(f->memory_mapped);
	v[CONTAINER_MEMORY_KERNEL] = value_or_absent(f->memory_kernel);
	v[CONTAINER_MEMORY_SWAP] = value_or_absent(f->memory_swap);
	v[CONTAINER_MEMORY_PEAK] = value_or_absent(f->memory_peak);
	v[CONTAINER_MEMORY_THP] = value_or_absent(f->memory_thp);
	v[CONTAINER_MEMORY_SHMEM] = value_or_absent(f->memory_shmem);
	v[CONTAINER_SLAB_RECLAIMABLE] = value_or_absent(f->slab_reclaimable);
	v[CONTAINER_SLAB_UNRECLAIMABLE] = value_or_absent(f->slab_unreclaimable);
	v[CONTAINER_MEMORY_DIRTY] = value_or_absent(f->memory_dirty);
	v[CONTAINER_MEMORY_WRITEBACK] = value_or_absent(f->memory_writeback);
}

/* Its own, unlike CONTAINER_MEMORY_LIMIT. */
static void values_memory_limits(const struct cgroup_counters *f, double *v)
{
	v[CONTAINER_SPEC_MEMORY_LIMIT] = or_zero(f->memory_limit);
	v[CONTAINER_SPEC_MEMORY_RESERVATION] = or_zero(f->memory_reservation);
	v[CONTAINER_SPEC_SWAP_LIMIT] = or_zero(f->swap_limit);
	v[CONTAINER_MEMORY_MIN] = limit_or_absent(f->memory_min);
	/* v1's soft limit protects nothing. */
	if (f->memory_min != SS_UNKNOWN)
		v[CONTAINER_MEMORY_LOW] = limit_or_absent(f->memory_reservation);
	v[CONTAINER_MEMORY_HIGH] = limit_or_absent(f->memory_high);
	v[CONTAINER_SWAP_LIMIT] = limit_or_absent(f->swap_limit);
	v[CONTAINER_SWAP_HIGH] = limit_or_absent(f->swap_high);
	v[CONTAINER_UNDER_OOM] = value_or_absent(f->under_oom);
	v[CONTAINER_OOM_KILL_DISABLED] = value_or_absent(f->oom_kill_disabled);
}

static void values_file_counters(const struct home *h, const struct cgroup_counters *f, double *v)
{
#define VALUE(FIELD, METRIC)        \
	if (f->FIELD != SS_UNKNOWN) \
		v[CONTAINER_##METRIC] = (double)h->sum.files.FIELD;
	HOME_FILE_COUNTERS(VALUE)
#undef VALUE
	/* As the periods: of a quota of its own. */
	if (value_absent(v[CONTAINER_PERIODS]))
		v[CONTAINER_BURSTS] = v[CONTAINER_BURST] = VALUE_ABSENT;
	/* v1 has no other events. */
	if (f->events_high != SS_UNKNOWN && f->memory_failcnt != SS_UNKNOWN)
		v[CONTAINER_EVENTS_MAX] = (double)h->sum.files.memory_failcnt;
}

/* In the order of HUGE_PAGE_LIST. */
static void values_huge_pages(const struct home *h, const struct cgroup_counters *f, double *v)
{
#define VALUES(INDEX, NAME, KEY, KIB)                                                 \
	v[CONTAINER_HUGETLB_##NAME] = value_or_absent(f->hugetlb[INDEX]);             \
	v[CONTAINER_HUGETLB_PEAK_##NAME] = value_or_absent(f->hugetlb_peak[INDEX]);   \
	v[CONTAINER_HUGETLB_LIMIT_##NAME] = limit_or_absent(f->hugetlb_limit[INDEX]); \
	if (f->hugetlb_failcnt[INDEX] != SS_UNKNOWN)                                  \
		v[CONTAINER_HUGETLB_FAILCNT_##NAME] = (double)h->sum.hugetlb_failcnt[INDEX];
	HUGE_PAGE_LIST(VALUES)
#undef VALUES
}

void memory_values_fill(const struct home *h, const struct cgroup_counters *f, double *v)
{
	values_memory(f, v);
	values_memory_limits(f, v);
	values_file_counters(h, f, v);
	values_huge_pages(h, f, v);
}

void reclaim_values_fill(const struct home *h, double *v)
{
	_Static_assert(CONTAINER_RECLAIM_STALLS_LIMIT == CONTAINER_RECLAIM_MACHINE + 1, "two of each");
	if (h->kind == HOME_KERNEL)
		return;
	for (int i = 0; i < SS_RECLAIM_CAUSES; i++) {
		v[CONTAINER_RECLAIM_LIMIT + i] = (double)h->sum.reclaim[i].ns;
		v[CONTAINER_RECLAIM_STALLS_LIMIT + i] = (double)h->sum.reclaim[i].stalls;
	}
}
