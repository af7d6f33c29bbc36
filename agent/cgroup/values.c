/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.c - the kernel's counters of cgroups as the kernel half notes them: found by cgroup, and turned into what the files
 * print of them. Called by reading.c for every cgroup at every sample.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup/layout.h"
#include "cgroup/reading.h"
#include "cgroup/values.h"

#define NS_PER_US 1000
/* From this number on pids.max prints "max": one more than the kernel's largest pid. */
#define PIDS_NO_LIMIT 4194305
/* cpu.shares prints the weight without the bits that the scheduler adds, and at least 2. */
#define SHARES_BITS  10
#define SHARES_LEAST 2

/* ---- lists ---- */

/* Controllers of v1 that are mounted together share a hierarchy. */
static unsigned int values_of_root(struct cgroup_values *values, int root)
{
	struct stat st, other;

	if (root < 0 || fstat(root, &st) < 0)
		return CGROUP_SLOTS;
	for (unsigned int i = 0; i < values->n_lists; i++)
		if (fstat(values->lists[i].root, &other) == 0 && other.st_dev == st.st_dev)
			return i;
	values->lists[values->n_lists].root = root;
	return values->n_lists++;
}

void cgroup_values_open(struct cgroupfs *fs)
{
	bool wanted[CGROUP_SLOTS] = {};
	size_t n;
	const struct cgroup_file *table = cgroup_files(&n);

	for (size_t i = 0; i < n; i++)
		if (table[i].value && cgroup_slot_read(&fs->mounts, fs->carrying_slot, table[i].slot))
			wanted[table[i].slot] = true;
	wanted[fs->carrying_slot] = true;
	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		fs->values.of[slot] =
			wanted[slot] ? values_of_root(&fs->values, fs->mounts.slots[slot].fd) : CGROUP_SLOTS;
}

void cgroup_values_close(struct cgroupfs *fs)
{
	for (unsigned int i = 0; i < fs->values.n_lists; i++) {
		list_free(&fs->values.lists[i].noted);
		list_free(&fs->values.lists[i].index);
	}
	closep(&fs->values.stat);
}

int cgroupfs_values_root(const struct cgroupfs *fs, unsigned int i)
{
	return i < fs->values.n_lists ? fs->values.lists[i].root : -1;
}

void cgroupfs_values_begin(struct cgroupfs *fs)
{
	const struct cgroup_mount *v1 = &fs->mounts.slots[CGROUP_SLOT_MEMORY], *v2 = &fs->mounts.slots[CGROUP_SLOT_V2];
	const struct cgroup_mount *memory = fs->values.of[CGROUP_SLOT_MEMORY] < CGROUP_SLOTS ? v1 : v2;
	char some[64];

	if (fs->values.stat < 0 && memory->fd >= 0)
		fs->values.stat = openat(memory->fd, "memory.stat", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	/* That it is there was said above: a failure only means that the kernel sums up later. */
	if (fs->values.stat >= 0 && pread(fs->values.stat, some, sizeof(some), 0) < 0)
		closep(&fs->values.stat);
}

static uint64_t names_of(const struct ss_values *values, size_t n)
{
	uint64_t sum = n;

	for (size_t i = 0; i < n; i++)
		sum += (values[i].id ^ (uint64_t)values[i].name << 32) * 0x9e3779b97f4a7c15ULL;
	return sum;
}

void cgroupfs_values_give(struct cgroupfs *fs, unsigned int i, const struct ss_values *values, size_t n)
{
	struct cgroup_values_list *list = &fs->values.lists[i];
	uint64_t names = names_of(values, n);

	if (list_fit(&list->noted, n) < 0)
		n = 0;
	if (n > 0)
		memcpy(list->noted.at, values, n * sizeof(*values));
	list->noted.n = n;
	list->index.n = 0;
	if (i == fs->values.of[fs->carrying_slot])
		fs->values.names_changed = names != list->names;
	list->names = names;
}

static int key_compare(const void *a, const void *b)
{
	const struct cgroup_values_key *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool values_index(struct cgroup_values_list *list)
{
	if (list->index.n)
		return true;
	if (list_fit(&list->index, list->noted.n) < 0)
		return false;
	for (size_t i = 0; i < list->noted.n; i++)
		list->index.at[i] = (struct cgroup_values_key){list->noted.at[i].id, i};
	list->index.n = list->noted.n;
	qsort(list->index.at, list->index.n, sizeof(*list->index.at), key_compare);
	return true;
}

static const struct ss_values *list_find(struct cgroup_values_list *list, struct cgroup_values_place *place)
{
	const struct cgroup_values_key key = {.id = place->id}, *found;

	if (place->at < list->noted.n && list->noted.at[place->at].id == place->id)
		return &list->noted.at[place->at];
	if (!list->noted.n || !values_index(list))
		return NULL;
	found = bsearch(&key, list->index.at, list->index.n, sizeof(key), key_compare);
	if (!found)
		return NULL;
	place->at = found->at;
	return &list->noted.at[found->at];
}

const struct ss_values *cgroup_values_find(struct cgroupfs *fs, enum cgroup_slot slot, const char *path,
					   struct cgroup_values_place *place)
{
	const struct ss_values *found;
	struct stat st;

	if (fs->values.of[slot] == CGROUP_SLOTS || !fs->values.lists[fs->values.of[slot]].noted.n)
		return NULL;
	if (!place->id && cgroup_mount_stat(&fs->mounts.slots[slot], path, &st) == 0)
		place->id = st.st_ino;
	if (!place->id)
		return NULL;
	found = list_find(&fs->values.lists[fs->values.of[slot]], place);
	/* It was removed there, and perhaps made again with another id. */
	if (!found)
		place->id = 0;
	return found;
}

/* ---- values ---- */

static uint64_t bytes_of(uint64_t pages)
{
	static uint64_t page;

	if (!page)
		page = (uint64_t)sysconf(_SC_PAGESIZE);
	return pages * page;
}

/* No limit is the largest number of pages. */
static uint64_t limit_of(uint64_t pages)
{
	uint64_t bytes = bytes_of(pages);

	return pages >= 1ULL << 50 || bytes >= 1ULL << 62 ? SS_UNLIMITED : bytes;
}

static uint64_t shares_of(uint64_t weight)
{
	uint64_t shares = weight >> SHARES_BITS;

	return weight && shares < SHARES_LEAST ? SHARES_LEAST : shares;
}

bool cgroup_value_has(const struct ss_values *values, enum cgroup_value value)
{
	static const uint32_t needs[CGROUP_VALUES] = {
		[CGROUP_VALUE_CPU_MAX] = SS_VALUES_CPU,
		[CGROUP_VALUE_QUOTA] = SS_VALUES_CPU,
		[CGROUP_VALUE_PERIOD] = SS_VALUES_CPU,
		[CGROUP_VALUE_SHARES] = SS_VALUES_CPU,
		[CGROUP_VALUE_PERIODS] = SS_VALUES_CPU,
		[CGROUP_VALUE_USAGE] = SS_VALUES_CPUACCT,
		[CGROUP_VALUE_USER] = SS_VALUES_CPUACCT,
		[CGROUP_VALUE_SYSTEM] = SS_VALUES_CPUACCT,
		[CGROUP_VALUE_MEMORY] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_PEAK] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_MAX] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_MIN] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_LOW] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_HIGH] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_MEMORY_FAILED] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_SWAP] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_SWAP_MAX] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_SWAP_HIGH] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_EVENTS] = SS_VALUES_MEMORY,
		[CGROUP_VALUE_KERNEL_MEMORY] = SS_VALUES_MEMORY_V1,
		[CGROUP_VALUE_SOFT_LIMIT] = SS_VALUES_MEMORY_V1,
		[CGROUP_VALUE_OOM_CONTROL] = SS_VALUES_MEMORY | SS_VALUES_MEMORY_V1,
		[CGROUP_VALUE_MEMORY_STAT] = SS_VALUES_MEMORY_STAT,
		[CGROUP_VALUE_PIDS] = SS_VALUES_PIDS,
		[CGROUP_VALUE_PIDS_MAX] = SS_VALUES_PIDS,
	};

	return needs[value] && (values->has & needs[value]) == needs[value];
}

static void cpu_take(const struct ss_values *v, enum cgroup_value value, struct cgroup_counters *c)
{
	if (value == CGROUP_VALUE_CPU_MAX || value == CGROUP_VALUE_QUOTA)
		c->cpu_quota_us = v->quota_ns == UINT64_MAX ? SS_UNLIMITED : v->quota_ns / NS_PER_US;
	if (value == CGROUP_VALUE_CPU_MAX || value == CGROUP_VALUE_PERIOD)
		c->cpu_period_us = v->period_ns / NS_PER_US;
	if (value == CGROUP_VALUE_SHARES)
		c->cpu_shares = shares_of(v->shares);
	if (value == CGROUP_VALUE_PERIODS) {
		c->periods = v->periods;
		c->throttled_periods = v->throttled_periods;
		c->throttled_ns = v->throttled_ns;
		c->bursts = v->bursts;
		c->burst_ns = v->burst_ns;
	}
}

static void events_take(const struct ss_values *v, struct cgroup_counters *c)
{
	c->events_low = v->events[SS_MEMORY_LOW];
	c->events_high = v->events[SS_MEMORY_HIGH];
	c->memory_failcnt = v->events[SS_MEMORY_MAX];
	c->events_oom = v->events[SS_MEMORY_OOM];
	c->oom_kills = v->events[SS_MEMORY_OOM_KILL];
	c->events_oom_group = v->events[SS_MEMORY_OOM_GROUP_KILL];
}

static void oom_control_take(const struct ss_values *v, struct cgroup_counters *c)
{
	c->oom_kill_disabled = v->oom_kill_disabled;
	c->under_oom = v->under_oom != 0;
	c->oom_kills = v->events[SS_MEMORY_OOM_KILL];
}

/* Values that are one number each: its place in the counters and in what was noted, and how it is printed. */
static const struct {
	uint16_t to, from;
	uint64_t (*as)(uint64_t); /* NULL: as it is */
} numbers[CGROUP_VALUES] = {
#define NUMBER(value, field, noted, how) \
	[CGROUP_VALUE_##value] = {offsetof(struct cgroup_counters, field), offsetof(struct ss_values, noted), how},
	NUMBER(USAGE, cpu_usage_ns, usage_ns, NULL) NUMBER(USER, cpu_user_ns, user_ns,
							   NULL) NUMBER(SYSTEM, cpu_system_ns, system_ns, NULL)
		NUMBER(MEMORY, memory_usage, memory, bytes_of) NUMBER(MEMORY_PEAK, memory_peak, memory_peak, bytes_of)
			NUMBER(MEMORY_MAX, memory_limit, memory_max,
			       limit_of) NUMBER(MEMORY_MIN, memory_min, memory_min,
						limit_of) NUMBER(MEMORY_LOW, memory_reservation, memory_low, limit_of)
				NUMBER(MEMORY_HIGH, memory_high, memory_high,
				       limit_of) NUMBER(MEMORY_FAILED, memory_failcnt, memory_failed,
							NULL) NUMBER(SWAP, memory_swap, swap, bytes_of)
					NUMBER(SWAP_MAX, swap_limit, swap_max, limit_of) NUMBER(SWAP_HIGH, swap_high,
												swap_high, limit_of)
						NUMBER(KERNEL_MEMORY, memory_kernel, kernel_memory, bytes_of)
							NUMBER(SOFT_LIMIT, memory_reservation, soft_limit, limit_of)
								NUMBER(PIDS, pids, pids, NULL)
#undef NUMBER
};

void cgroup_value_take(const struct ss_values *values, enum cgroup_value value, struct cgroup_counters *c)
{
	uint64_t number;

	if (value == CGROUP_VALUE_PIDS_MAX)
		c->pids_limit = values->pids_max >= PIDS_NO_LIMIT ? SS_UNLIMITED : values->pids_max;
	else if (value == CGROUP_VALUE_EVENTS)
		events_take(values, c);
	else if (value == CGROUP_VALUE_OOM_CONTROL)
		oom_control_take(values, c);
	if (!numbers[value].from) {
		cpu_take(values, value, c);
		return;
	}
	memcpy(&number, (const char *)values + numbers[value].from, sizeof(number));
	if (numbers[value].as)
		number = numbers[value].as(number);
	memcpy((char *)c + numbers[value].to, &number, sizeof(number));
}

/* ---- in place of files ---- */

static uint64_t *stat_field(struct cgroup_counters *c, const struct cgroup_file *file, size_t key)
{
	return (uint64_t *)((char *)c + file->keys[key].offset);
}

void cgroup_stat_keep(struct cgroupfs *fs, struct open_cgroup *e, const char *path, const struct cgroup_file *file,
		      struct cgroup_counters *c)
{
	const struct ss_values *v = cgroup_values_find(fs, file->slot, path, &e->places[file->slot]);
	bool known = false;

	for (size_t key = 0; key < file->n_keys; key++)
		known |= *stat_field(c, file, key) != SS_UNKNOWN;
	if (!known || !v || !cgroup_value_has(v, file->value) || file->n_keys > STAT_KEYS_MAX) {
		e->stat_reads = 0;
		return;
	}
	if (e->stat_digest != v->memory_stat)
		e->stat_reads = 0;
	for (size_t key = 0; key < file->n_keys; key++) {
		if (e->stat[key] != *stat_field(c, file, key))
			e->stat_reads = 0;
		e->stat[key] = *stat_field(c, file, key);
	}
	e->stat_digest = v->memory_stat;
	if (e->stat_reads < STAT_READS_ENOUGH)
		e->stat_reads++;
}

bool cgroup_file_replaced(struct cgroupfs *fs, struct open_cgroup *e, const char *path, size_t i,
			  struct cgroup_counters *c)
{
	const struct cgroup_file *file = &fs->table[i];
	const struct ss_values *v;

	if (!file->value || !e->printed[i] || e->files[i] < FILE_CLOSED)
		return false;
	v = cgroup_values_find(fs, file->slot, path, &e->places[file->slot]);
	if (!v || !cgroup_value_has(v, file->value))
		return false;
	if (file->value != CGROUP_VALUE_MEMORY_STAT) {
		cgroup_value_take(v, file->value, c);
		return true;
	}
	if (e->stat_reads < STAT_READS_ENOUGH || e->stat_digest != v->memory_stat)
		return false;
	for (size_t key = 0; key < file->n_keys; key++)
		*stat_field(c, file, key) = e->stat[key];
	return true;
}
