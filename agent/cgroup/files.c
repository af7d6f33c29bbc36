/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.c - the table of cgroup files and the parsers of their text, for v2 and v1. Called by cgroupfs.c for
 * every cgroup at every sample: one pass over the text, no copy, no allocation. Opens nothing.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "cgroup/files.h"

#define OFFSET(field) offsetof(struct cgroup_counters, field)
#define KEY(name, field, times)                                                                      \
	{                                                                                            \
		.key = (name), .length = sizeof(name) - 1, .offset = OFFSET(field), .scale = (times) \
	}
/* cpuacct.stat counts in USER_HZ, which is 100 on every supported architecture. */
#define NS_PER_TICK 10000000
/* More than any kernel can have; bounds the numbers of a list of CPUs. */
#define CPUS_MAX 65536

static const struct cgroup_key v2_cpu_stat[] = {
	KEY("usage_usec", cpu_usage_ns, 1000),	   KEY("user_usec", cpu_user_ns, 1000),
	KEY("system_usec", cpu_system_ns, 1000),   KEY("nr_periods", periods, 1),
	KEY("nr_throttled", throttled_periods, 1), KEY("throttled_usec", throttled_ns, 1000),
};

static const struct cgroup_key v2_memory_stat[] = {
	KEY("anon", memory_rss, 1),
	KEY("anon_thp", memory_thp, 1),
	KEY("file", memory_cache, 1),
	KEY("kernel", memory_kernel, 1),
	KEY("file_mapped", memory_mapped, 1),
	KEY("inactive_file", memory_inactive_file, 1),
	KEY("active_file", memory_active_file, 1),
	KEY("pgfault", page_faults, 1),
	KEY("pgmajfault", major_page_faults, 1),
};

static const struct cgroup_key v2_memory_events[] = {
	KEY("max", memory_failcnt, 1),
	KEY("oom_kill", oom_kills, 1),
};

static const struct cgroup_key v1_cpu_stat[] = {
	KEY("nr_periods", periods, 1),
	KEY("nr_throttled", throttled_periods, 1),
	KEY("throttled_time", throttled_ns, 1),
};

static const struct cgroup_key v1_cpuacct_stat[] = {
	KEY("user", cpu_user_ns, NS_PER_TICK),
	KEY("system", cpu_system_ns, NS_PER_TICK),
};

/* The total_ keys include descendants; "swap" comes before total_swap, which replaces it. */
static const struct cgroup_key v1_memory_stat[] = {
	KEY("swap", memory_swap, 1),
	KEY("total_cache", memory_cache, 1),
	KEY("total_rss", memory_rss, 1),
	KEY("total_rss_huge", memory_thp, 1),
	KEY("total_mapped_file", memory_mapped, 1),
	KEY("total_swap", memory_swap, 1),
	KEY("total_pgfault", page_faults, 1),
	KEY("total_pgmajfault", major_page_faults, 1),
	KEY("total_inactive_file", memory_inactive_file, 1),
	KEY("total_active_file", memory_active_file, 1),
};

/* On v1 of this cgroup alone: the kernel does not add the kills of its descendants. */
static const struct cgroup_key v1_oom_control[] = {
	KEY("oom_kill", oom_kills, 1),
};

#define HUGE_EVENTS(index, size, key_, kib) {KEY("max", hugetlb_failcnt[index], 1)},
static const struct cgroup_key v2_hugetlb_events[][1] = {HUGE_PAGE_LIST(HUGE_EVENTS)};

#define STAT(where, file, table)                                                            \
	{                                                                                   \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_STAT, .keys = (table), \
		.n_keys = ARRAY_SIZE(table)                                                 \
	}
#define COUNTER(where, file, field)                                                                  \
	{                                                                                            \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .offset = OFFSET(field) \
	}
/* Also read of a cgroup above a home's that has a quota, a memory limit. */
#define STAT_ABOVE(where, file, table, when)                                                                 \
	{                                                                                                    \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_STAT, .above = (when), .keys = (table), \
		.n_keys = ARRAY_SIZE(table)                                                                  \
	}
#define COUNTER_ABOVE(where, file, field, when)                                                                       \
	{                                                                                                             \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .above = (when), .offset = OFFSET(field) \
	}
#define LIMIT(where, file, how, field)                                                                 \
	{                                                                                              \
		.slot = (where), .name = (file), .kind = (how), .offset = OFFSET(field), .limit = true \
	}

#define HUGE_LIMIT(where, file, field, kib)                                                                         \
	{                                                                                                           \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_LIMIT, .offset = OFFSET(field), .limit = true, \
		.huge_kib = (kib)                                                                                   \
	}
#define HUGE_COUNTER(where, file, field, kib)                                                         \
	{                                                                                             \
		.slot = (where), .name = (file), .kind = CGROUP_FILE_NUMBER, .offset = OFFSET(field), \
		.huge_kib = (kib)                                                                     \
	}
#define HUGE_V2_LIMITS(index, size, key_, kib) \
	HUGE_LIMIT(CGROUP_SLOT_V2, "hugetlb." #size ".max", hugetlb_limit[index], kib),
#define HUGE_V2(index, size, key_, kib)                                                 \
	HUGE_COUNTER(CGROUP_SLOT_V2, "hugetlb." #size ".current", hugetlb[index], kib), \
		{                                                                       \
			.slot = CGROUP_SLOT_V2,                                         \
			.name = "hugetlb." #size ".events",                             \
			.huge_kib = (kib),                                              \
			.kind = CGROUP_FILE_STAT,                                       \
			.keys = v2_hugetlb_events[index],                               \
			.n_keys = 1,                                                    \
		},
#define HUGE_V1_LIMITS(index, size, key_, kib) \
	HUGE_LIMIT(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".limit_in_bytes", hugetlb_limit[index], kib),
#define HUGE_V1(index, size, key_, kib)                                                                              \
	HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".usage_in_bytes", hugetlb[index], kib),                  \
		HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".max_usage_in_bytes", hugetlb_peak[index], kib), \
		HUGE_COUNTER(CGROUP_SLOT_HUGETLB, "hugetlb." #size ".failcnt", hugetlb_failcnt[index], kib),

static const struct cgroup_file file_table[] = {
	LIMIT(CGROUP_SLOT_V2, "cpu.max", CGROUP_FILE_CPU_MAX, cpu_quota_us),
	LIMIT(CGROUP_SLOT_V2, "cpu.weight", CGROUP_FILE_NUMBER, cpu_weight),
	LIMIT(CGROUP_SLOT_V2, "memory.max", CGROUP_FILE_LIMIT, memory_limit),
	LIMIT(CGROUP_SLOT_V2, "memory.low", CGROUP_FILE_LIMIT, memory_reservation),
	LIMIT(CGROUP_SLOT_V2, "memory.swap.max", CGROUP_FILE_LIMIT, swap_limit),
	LIMIT(CGROUP_SLOT_V2, "pids.max", CGROUP_FILE_LIMIT, pids_limit),
	LIMIT(CGROUP_SLOT_V2, "cpuset.cpus.effective", CGROUP_FILE_CPUS, cpuset_cpus),
	HUGE_PAGE_LIST(HUGE_V2_LIMITS) STAT_ABOVE(CGROUP_SLOT_V2, "cpu.stat", v2_cpu_stat, CGROUP_ABOVE_QUOTA),
	COUNTER_ABOVE(CGROUP_SLOT_V2, "memory.current", memory_usage, CGROUP_ABOVE_MEMORY),
	COUNTER(CGROUP_SLOT_V2, "memory.peak", memory_peak),
	COUNTER(CGROUP_SLOT_V2, "memory.swap.current", memory_swap),
	STAT_ABOVE(CGROUP_SLOT_V2, "memory.stat", v2_memory_stat, CGROUP_ABOVE_MEMORY),
	STAT(CGROUP_SLOT_V2, "memory.events", v2_memory_events),
	COUNTER(CGROUP_SLOT_V2, "pids.current", pids),
	HUGE_PAGE_LIST(HUGE_V2)

		LIMIT(CGROUP_SLOT_CPU, "cpu.cfs_quota_us", CGROUP_FILE_QUOTA, cpu_quota_us),
	LIMIT(CGROUP_SLOT_CPU, "cpu.cfs_period_us", CGROUP_FILE_NUMBER, cpu_period_us),
	LIMIT(CGROUP_SLOT_CPU, "cpu.shares", CGROUP_FILE_NUMBER, cpu_shares),
	STAT_ABOVE(CGROUP_SLOT_CPU, "cpu.stat", v1_cpu_stat, CGROUP_ABOVE_QUOTA),

	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage", cpu_usage_ns),
	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage_user", cpu_user_ns),
	COUNTER(CGROUP_SLOT_CPUACCT, "cpuacct.usage_sys", cpu_system_ns),
	{
		.slot = CGROUP_SLOT_CPUACCT,
		.name = "cpuacct.stat",
		.kind = CGROUP_FILE_STAT,
		.cpu_backup = true,
		.keys = v1_cpuacct_stat,
		.n_keys = ARRAY_SIZE(v1_cpuacct_stat),
	},

	LIMIT(CGROUP_SLOT_MEMORY, "memory.limit_in_bytes", CGROUP_FILE_LIMIT, memory_limit),
	LIMIT(CGROUP_SLOT_MEMORY, "memory.soft_limit_in_bytes", CGROUP_FILE_LIMIT, memory_reservation),
	LIMIT(CGROUP_SLOT_MEMORY, "memory.memsw.limit_in_bytes", CGROUP_FILE_LIMIT, swap_limit),
	COUNTER_ABOVE(CGROUP_SLOT_MEMORY, "memory.usage_in_bytes", memory_usage, CGROUP_ABOVE_MEMORY),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.max_usage_in_bytes", memory_peak),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.kmem.usage_in_bytes", memory_kernel),
	COUNTER(CGROUP_SLOT_MEMORY, "memory.failcnt", memory_failcnt),
	{
		.slot = CGROUP_SLOT_MEMORY,
		.name = "memory.stat",
		.kind = CGROUP_FILE_STAT,
		.never_root = true,
		.above = CGROUP_ABOVE_MEMORY,
		.keys = v1_memory_stat,
		.n_keys = ARRAY_SIZE(v1_memory_stat),
	},
	STAT(CGROUP_SLOT_MEMORY, "memory.oom_control", v1_oom_control),

	LIMIT(CGROUP_SLOT_PIDS, "pids.max", CGROUP_FILE_LIMIT, pids_limit),
	COUNTER(CGROUP_SLOT_PIDS, "pids.current", pids),

	LIMIT(CGROUP_SLOT_CPUSET, "cpuset.effective_cpus", CGROUP_FILE_CPUS, cpuset_cpus),

	HUGE_PAGE_LIST(HUGE_V1_LIMITS) HUGE_PAGE_LIST(HUGE_V1)};
_Static_assert(ARRAY_SIZE(file_table) <= CGROUP_FILES_MAX, "room for every file");

const struct cgroup_file *cgroup_files(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(file_table);
	return file_table;
}

static uint64_t *counter_at(struct cgroup_counters *c, size_t offset)
{
	return (uint64_t *)((char *)c + offset);
}

void cgroup_counters_clear(struct cgroup_counters *c)
{
	for (size_t i = 0; i < CGROUP_COUNTERS_FIELDS; i++)
		*counter_at(c, i * sizeof(uint64_t)) = SS_UNKNOWN;
}

/* Digits only, to the end; times `scale`; less than SS_UNLIMITED and SS_UNKNOWN. */
static int digits_parse(const char *s, size_t length, uint32_t scale, uint64_t *ret)
{
	uint64_t v = 0;

	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return -ERANGE;
	if (__builtin_mul_overflow(v, scale, &v) || v >= SS_UNLIMITED)
		return -ERANGE;
	*ret = v;
	return 0;
}

static size_t without_newline(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == '\n' ? length - 1 : length;
}

static bool word_is(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

int cgroup_parse_number(const char *text, size_t length, uint64_t *ret)
{
	return digits_parse(text, without_newline(text, length), 1, ret);
}

int cgroup_parse_limit(const char *text, size_t length, uint64_t *ret)
{
	uint64_t v;
	int r;

	length = without_newline(text, length);
	if (word_is(text, length, "max")) {
		*ret = SS_UNLIMITED;
		return 0;
	}
	r = digits_parse(text, length, 1, &v);
	if (r < 0)
		return r;
	*ret = v >= 1ULL << 62 ? SS_UNLIMITED : v;
	return 0;
}

int cgroup_parse_quota(const char *text, size_t length, uint64_t *ret)
{
	length = without_newline(text, length);
	if (word_is(text, length, "-1")) {
		*ret = SS_UNLIMITED;
		return 0;
	}
	return digits_parse(text, length, 1, ret);
}

int cgroup_parse_cpu_max(const char *text, size_t length, uint64_t *ret_quota_us, uint64_t *ret_period_us)
{
	uint64_t quota = SS_UNLIMITED, period;
	const char *space;
	size_t first;
	int r;

	length = without_newline(text, length);
	space = memchr(text, ' ', length);
	if (!space)
		return -EINVAL;
	first = (size_t)(space - text);
	r = word_is(text, first, "max") ? 0 : digits_parse(text, first, 1, &quota);
	if (r < 0)
		return r;
	r = digits_parse(space + 1, length - first - 1, 1, &period);
	if (r < 0)
		return r;
	*ret_quota_us = quota;
	*ret_period_us = period;
	return 0;
}

/* One of the list: "5" or "0-3", which ends at `end`. */
static int cpu_range_parse(const char *text, const char *end, uint64_t *ret_count)
{
	const char *dash = memchr(text, '-', (size_t)(end - text));
	uint64_t first, last;
	int r = digits_parse(text, (size_t)((dash ?: end) - text), 1, &first);

	if (r < 0)
		return r;
	last = first;
	if (dash)
		r = digits_parse(dash + 1, (size_t)(end - dash - 1), 1, &last);
	if (r < 0)
		return r;
	if (last < first || last >= CPUS_MAX)
		return -EINVAL;
	*ret_count = last - first + 1;
	return 0;
}

/* A v1 cpuset that was never set up is empty: no task can be in it, so it limits nobody. */
int cgroup_parse_cpus(const char *text, size_t length, uint64_t *ret)
{
	const char *end = text + without_newline(text, length);
	uint64_t count = 0, more;

	if (text == end) {
		*ret = SS_UNKNOWN;
		return 0;
	}
	for (const char *next; text <= end; text = next + 1) {
		int r;

		next = memchr(text, ',', (size_t)(end - text)) ?: end;
		r = cpu_range_parse(text, next, &more);
		if (r < 0)
			return r;
		count += more;
	}
	*ret = count;
	return 0;
}

int cgroup_parse_stat(const char *text, size_t length, const struct cgroup_key *keys, size_t n_keys,
		      struct cgroup_counters *c)
{
	const char *end = text + length;
	int result = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *space;

		if (!newline)
			return result < 0 ? result : -EINVAL;
		space = memchr(text, ' ', (size_t)(newline - text));
		for (size_t i = 0; space && i < n_keys; i++) {
			int r;

			if (keys[i].length != space - text || memcmp(keys[i].key, text, keys[i].length) != 0)
				continue;
			r = digits_parse(space + 1, (size_t)(newline - space - 1), keys[i].scale,
					 counter_at(c, keys[i].offset));
			if (r < 0)
				result = r;
			break;
		}
		text = newline + 1;
	}
	return result;
}

int cgroup_file_parse(const struct cgroup_file *file, const char *text, size_t length, struct cgroup_counters *c)
{
	uint64_t *field = counter_at(c, file->offset);

	switch (file->kind) {
	case CGROUP_FILE_NUMBER:
		return cgroup_parse_number(text, length, field);
	case CGROUP_FILE_LIMIT:
		return cgroup_parse_limit(text, length, field);
	case CGROUP_FILE_QUOTA:
		return cgroup_parse_quota(text, length, field);
	case CGROUP_FILE_CPU_MAX:
		return cgroup_parse_cpu_max(text, length, &c->cpu_quota_us, &c->cpu_period_us);
	case CGROUP_FILE_STAT:
		return cgroup_parse_stat(text, length, file->keys, file->n_keys, c);
	case CGROUP_FILE_CPUS:
		return cgroup_parse_cpus(text, length, field);
	}
	return -EINVAL;
}
