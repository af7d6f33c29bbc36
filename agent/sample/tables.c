/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tables.c - reads the drained tables (kernel/drained.h) into the sample: what ended threads used, who waited for whom,
 * which threads entered other namespaces, which capabilities were checked. And lets the kernel list the cgroups, with their
 * counters.
 *
 * Most tables are two maps that are written in turn. A sample empties the map that the programs have not written since
 * the sample before (`final`), moves the programs to it, and reads the other map without emptying it (`open`). So no
 * entry is deleted while a program may be adding to it, and a map holds at most what ended between two samples.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "kernel/loader.h"
#include "sample/sampler_internal.h"
#include "sysscope/abi/values.h"

/* A program that still used the old map when the programs were moved has finished long before this. */
#define SWAP_MIN_NS 200000000ULL
/* Entries of a removed cgroup are deleted after this time, when the samples have shown them for long enough. */
#define FORGET_AFTER_NS (60 * 1000000000ULL)
#define VALUES_BYTES	(SS_VALUES_MAX * sizeof(struct ss_values))

static char *array_rows(const struct sample *p, const struct sample_array *a)
{
	char *rows;

	memcpy(&rows, (const char *)p + a->rows, sizeof(rows));
	return rows;
}

static size_t *array_count(struct sample *p, const struct sample_array *a)
{
	return (size_t *)((char *)p + a->n);
}

static bool has_final(const struct drained_table *d)
{
	return d->n_maps == 2;
}

/* ---- room ---- */

static int array_open(struct sample *p, const struct sample_array *a, size_t cap, size_t row_size)
{
	char *rows = calloc(cap + 1, row_size);

	if (!rows)
		return -ENOMEM;
	memcpy((char *)p + a->rows, &rows, sizeof(rows));
	return 0;
}

int sampler_tables_open(struct sampler *s)
{
	size_t cgroups = bpf_map__max_entries(s->skeleton->maps.cgroups);
	size_t keys = cgroups * sizeof(uint64_t), values = cgroups * sizeof(struct ss_cgroup);
	int r = 0;

	for (int i = 0; i < DRAINED_TABLES && r == 0; i++) {
		const struct drained_table *d = &drained_tables[i];
		const struct bpf_map *map = drained_map(s->skeleton, d, 0);
		size_t entries = bpf_map__autocreate(map) ? bpf_map__max_entries(map) : 0;

		if (bpf_map__key_size(map) != d->key_size || bpf_map__value_size(map) != d->row_size - d->key_size)
			return -EINVAL;
		s->cap_drained[i] = d->n_maps * entries;
		keys = keys > entries * d->key_size ? keys : entries * d->key_size;
		values = values > entries * d->row_size ? values : entries * d->row_size;
		if (has_final(d))
			r = array_open(&s->sample, &d->final, s->cap_drained[i], d->row_size);
		if (r == 0)
			r = array_open(&s->sample, &d->open, s->cap_drained[i], d->row_size);
	}
	s->keys = malloc(keys);
	s->values = malloc(values);
	return s->keys && s->values ? r : -ENOMEM;
}

void sampler_tables_close(struct sampler *s)
{
	for (int i = 0; i < DRAINED_TABLES; i++) {
		const struct drained_table *d = &drained_tables[i];

		if (has_final(d))
			free(array_rows(&s->sample, &d->final));
		free(array_rows(&s->sample, &d->open));
	}
	free(s->keys);
	free(s->values);
}

/* ---- reading ---- */

int sampler_map_read(struct sampler *s, const struct bpf_map *map, bool empty_it)
{
	__u32 count = bpf_map__max_entries(map), batch = 0;
	int fd = bpf_map__fd(map), r;

	if (empty_it)
		r = bpf_map_lookup_and_delete_batch(fd, NULL, &batch, s->keys, s->values, &count, NULL);
	else
		r = bpf_map_lookup_batch(fd, NULL, &batch, s->keys, s->values, &count, NULL);
	/* -ENOENT: these were all entries. */
	return r < 0 && r != -ENOENT ? r : (int)count;
}

/* Deletes the entry if its cgroup was removed long enough ago. */
static bool entry_forget(struct sampler *s, const struct drained_table *d, const struct bpf_map *map, const char *key)
{
	const struct cgroup_entry *e;
	uint64_t id;

	if (!d->forgets_removed)
		return false;
	memcpy(&id, key, sizeof(id));
	e = cgroup_table_find(s->table, id);
	if (!e || e->alive || sub_sat(clock_boot_ns(), e->dead_ns) <= FORGET_AFTER_NS)
		return false;
	bpf_map__delete_elem(map, key, d->key_size, 0);
	return true;
}

/* From ids of the hierarchy that has the io controller to those of the carrying one. `drain`: the row does not come again. */
static void io_cgroups_find(struct sampler *s, const struct drained_table *d, char *row, bool drain)
{
	for (unsigned int c = 0; c < d->cgroups; c++) {
		uint64_t id;

		memcpy(&id, row + c * sizeof(id), sizeof(id));
		if (id == SS_CGROUP_NONE || id == SS_CGROUP_OTHERS)
			continue;
		if (cgroupfs_io_id(s->fs, id, &id) < 0) {
			id = SS_CGROUP_OTHERS;
			if (drain && d == &drained_tables[DRAINED_DISKS])
				s->disk_homeless += ((const struct sample_disk *)row)->value.requests;
		}
		memcpy(row + c * sizeof(id), &id, sizeof(id));
	}
}

static int table_read(struct sampler *s, const struct drained_table *d, unsigned int which, bool drain)
{
	const struct sample_array *to = drain ? &d->final : &d->open;
	const struct bpf_map *map = drained_map(s->skeleton, d, which);
	size_t cap = s->cap_drained[d - drained_tables], value_size = d->row_size - d->key_size;
	size_t *n = array_count(&s->sample, to);
	char *rows = array_rows(&s->sample, to);
	int count;

	if (!cap)
		return 0;
	count = sampler_map_read(s, map, drain);
	for (int i = 0; i < count && *n < cap; i++) {
		const char *key = (const char *)s->keys + (size_t)i * d->key_size;
		const char *value = (const char *)s->values + (size_t)i * value_size;
		char *row = rows + *n * d->row_size;

		if (!d->keep(value) || entry_forget(s, d, map, key))
			continue;
		memcpy(row, key, d->key_size);
		memcpy(row + d->key_size, value, value_size);
		if (d->io_cgroups)
			io_cgroups_find(s, d, row, drain);
		(*n)++;
	}
	return count < 0 ? count : 0;
}

/* Of each table the map with this number; of the tables with a single map that one, with `singles`. */
static int maps_read(struct sampler *s, unsigned int which, bool drain, bool singles)
{
	int r = 0;

	for (int i = 0; i < DRAINED_TABLES && r == 0; i++) {
		const struct drained_table *d = &drained_tables[i];

		if (has_final(d))
			r = table_read(s, d, which, drain);
		else if (singles)
			r = table_read(s, d, 0, false);
	}
	return r;
}

/* Empties the arrays, except for final rows of a sample that failed: the next one hands them over. Whether there are any. */
static bool arrays_reset(struct sampler *s)
{
	bool pending = false;

	for (int i = 0; i < DRAINED_TABLES; i++) {
		const struct drained_table *d = &drained_tables[i];

		*array_count(&s->sample, &d->open) = 0;
		if (!has_final(d))
			continue;
		if (s->delivered)
			*array_count(&s->sample, &d->final) = 0;
		pending |= *array_count(&s->sample, &d->final) > 0;
	}
	return pending;
}

int sampler_tables_read(struct sampler *s)
{
	unsigned int used = s->skeleton->bss->gone_in_use & 1;
	bool pending = arrays_reset(s), drain;
	uint64_t now = clock_boot_ns();
	int r;

	drain = !pending && now - s->swapped_ns >= SWAP_MIN_NS;
	r = maps_read(s, !used, drain, false);
	if (r < 0)
		return r;
	if (drain) {
		s->skeleton->bss->pairs_made[!used] = 0;
		s->skeleton->bss->tcp_made[!used] = 0;
		__atomic_store_n(&s->skeleton->bss->gone_in_use, !used, __ATOMIC_SEQ_CST);
		s->swapped_ns = now;
	}
	return maps_read(s, used, false, true);
}

/* ---- the cgroups in them ---- */

static int array_cgroups(struct sampler *s, const struct drained_table *d, const struct sample_array *a,
			 int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx)
{
	const char *row = array_rows(&s->sample, a);
	int r = 0;

	for (size_t i = 0; i < *array_count(&s->sample, a) && r == 0; i++, row += d->row_size)
		for (unsigned int c = 0; c < d->cgroups && r == 0; c++) {
			uint64_t id;

			memcpy(&id, row + c * sizeof(id), sizeof(id));
			r = use(s, id, ctx);
		}
	return r;
}

int sampler_tables_cgroups(struct sampler *s, int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx)
{
	int r = 0;

	for (int i = 0; i < DRAINED_TABLES && r == 0; i++) {
		const struct drained_table *d = &drained_tables[i];

		if (has_final(d))
			r = array_cgroups(s, d, &d->final, use, ctx);
		if (r == 0)
			r = array_cgroups(s, d, &d->open, use, ctx);
	}
	return r;
}

/* ---- counters of cgroups: the kernel lists each hierarchy, and cgroupfs need not read the files ---- */

static struct bpf_link *hierarchy_link(const struct sampler *s, int root)
{
	union bpf_iter_link_info info = {
		.cgroup = {.order = BPF_CGROUP_ITER_DESCENDANTS_PRE, .cgroup_fd = (__u32)root}};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(s->skeleton->progs.cgroup_values, &o);
}

void sampler_values_open(struct sampler *s)
{
	void *at;
	int root;

	if (!loader_status(s->loader, COLLECTOR_COUNTERS).loaded)
		return;
	at = mmap(NULL, VALUES_BYTES, PROT_READ, MAP_SHARED, bpf_map__fd(s->skeleton->maps.values), 0);
	if (at == MAP_FAILED)
		return;
	s->listed.at = at;
	for (unsigned int i = 0; i < SAMPLER_HIERARCHIES && (root = cgroupfs_values_root(s->fs, i)) >= 0; i++)
		s->listed.links[i] = hierarchy_link(s, root);
}

void sampler_values_close(struct sampler *s)
{
	for (unsigned int i = 0; i < SAMPLER_HIERARCHIES; i++)
		bpf_link__destroy(s->listed.links[i]);
	if (s->listed.at)
		munmap((void *)s->listed.at, VALUES_BYTES);
}

/* Returns how many were noted; 0 if the pass failed: the files are read then. */
static size_t hierarchy_list(struct sampler *s, const struct bpf_link *link)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	ssize_t n;

	s->skeleton->bss->values_noted = 0;
	if (fd < 0)
		return 0;
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? 0 : __atomic_load_n(&s->skeleton->bss->values_noted, __ATOMIC_RELAXED);
}

void sampler_values_read(struct sampler *s)
{
	if (!s->listed.at)
		return;
	cgroupfs_values_begin(s->fs);
	for (unsigned int i = 0; i < SAMPLER_HIERARCHIES && cgroupfs_values_root(s->fs, i) >= 0; i++)
		cgroupfs_values_give(s->fs, i, s->listed.at,
				     s->listed.links[i] ? hierarchy_list(s, s->listed.links[i]) : 0);
}
