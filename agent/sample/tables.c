/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tables.c - the kernel half's tables of what has ended, of who waited for whom and of who came into other namespaces.
 *
 * Each is two, used in turn. A sample empties the one that has not been written since the sample before (`gone_final`),
 * makes the programs write there from now on, and reads the other one as far as it goes (`gone_open`). So no entry is
 * deleted while a program may be adding to it, and a table never holds more than what died between two samples.
 */
#include <errno.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "sample/sampler_internal.h"

/* A program that found the other table in use has certainly finished after this time. */
#define CHECKS_FORGET_AFTER_NS (60 * 1000000000ULL)
#define GONE_SWAP_MIN_NS       200000000ULL

int sampler_map_read(struct sampler *s, const struct bpf_map *map, bool empty_it)
{
	__u32 count = bpf_map__max_entries(map), batch = 0;
	int fd = bpf_map__fd(map), r;

	if (empty_it)
		r = bpf_map_lookup_and_delete_batch(fd, NULL, &batch, s->keys, s->values, &count, NULL);
	else
		r = bpf_map_lookup_batch(fd, NULL, &batch, s->keys, s->values, &count, NULL);
	/* -ENOENT: that was all of them. */
	return r < 0 && r != -ENOENT ? r : (int)count;
}

static bool gone_is_empty(const struct ss_gone *gone)
{
	const __u64 *field = (const __u64 *)gone;

	for (size_t i = 0; i < sizeof(*gone) / sizeof(*field); i++)
		if (field[i])
			return false;
	return true;
}

static int gone_read(struct sampler *s, const struct bpf_map *map, bool empty_it, struct sample_gone **list, size_t *n)
{
	const struct ss_gone_key *keys = s->keys;
	const struct ss_gone *values = s->values;
	int count = sampler_map_read(s, map, empty_it);

	if (count < 0)
		return count;
	for (int i = 0; i < count && *n < s->cap_gone; i++) {
		struct sample_gone *g = &(*list)[*n];

		if (gone_is_empty(&values[i]))
			continue;
		g->key = keys[i];
		g->value = values[i];
		(*n)++;
	}
	return 0;
}

static int pairs_read(struct sampler *s, uint32_t table, bool empty_it, struct sample_pair *list, size_t *n)
{
	const struct ss_pair_key *keys = s->keys;
	const struct ss_pair *values = s->values;
	int count;

	if (!s->cap_pairs)
		return 0;
	count = sampler_map_read(s, table ? s->skeleton->maps.pairs_b : s->skeleton->maps.pairs_a, empty_it);
	if (count < 0)
		return count;
	for (int i = 0; i < count && *n < s->cap_pairs; i++)
		if (values[i].wait_ns)
			list[(*n)++] = (struct sample_pair){keys[i], values[i]};
	return 0;
}

static int loops_read(struct sampler *s, uint32_t table, bool empty_it, struct sample_gone_loop *list, size_t *n)
{
	const struct ss_gone_key *keys = s->keys;
	const struct ss_loop *values = s->values;
	int count;

	if (!s->cap_gone_loops)
		return 0;
	count = sampler_map_read(s, table ? s->skeleton->maps.gone_loops_b : s->skeleton->maps.gone_loops_a, empty_it);
	if (count < 0)
		return count;
	for (int i = 0; i < count && *n < s->cap_gone_loops; i++)
		if (values[i].waits || values[i].wait_ns)
			list[(*n)++] = (struct sample_gone_loop){keys[i], values[i]};
	return 0;
}

static int transitions_read(struct sampler *s, uint32_t table, bool empty_it, struct sample_transition *list, size_t *n)
{
	const struct ss_transition_key *keys = s->keys;
	const uint64_t *values = s->values;
	int count;

	if (!s->cap_transitions)
		return 0;
	count = sampler_map_read(s, table ? s->skeleton->maps.transitions_b : s->skeleton->maps.transitions_a,
				 empty_it);
	if (count < 0)
		return count;
	for (int i = 0; i < count && *n < s->cap_transitions; i++)
		if (values[i])
			list[(*n)++] = (struct sample_transition){keys[i], values[i]};
	return 0;
}

/* What was counted of cgroups that are gone makes room once the samples have told it for long. */
int sampler_checks_read(struct sampler *s)
{
	const struct ss_capability_key *keys = s->keys;
	const uint64_t *values = s->values;
	struct sample *p = &s->sample;
	uint64_t now = clock_boot_ns();
	int count;

	p->n_checks = 0;
	if (!s->cap_checks)
		return 0;
	count = sampler_map_read(s, s->skeleton->maps.capability_checks, false);
	if (count < 0)
		return count;
	for (int i = 0; i < count && p->n_checks < s->cap_checks; i++) {
		const struct cgroup_entry *e = cgroup_table_find(s->table, keys[i].cgroup_id);

		if (e && !e->alive && sub_sat(now, e->dead_ns) > CHECKS_FORGET_AFTER_NS)
			bpf_map__delete_elem(s->skeleton->maps.capability_checks, &keys[i], sizeof(keys[i]), 0);
		else
			p->checks[p->n_checks++] = (struct sample_check){keys[i], values[i]};
	}
	return 0;
}

/* Both tables of a kind: the one that is not being written, to be emptied if `drain`, and the other. */
static int tables_read(struct sampler *s, uint32_t used, bool drain)
{
	const struct bpf_map *gone = used ? s->skeleton->maps.gone_a : s->skeleton->maps.gone_b;
	struct sample *p = &s->sample;
	int r;

	if (drain) {
		r = gone_read(s, gone, true, &p->gone_final, &p->n_gone_final);
		if (r >= 0)
			r = loops_read(s, !used, true, p->gone_loops_final, &p->n_gone_loops_final);
		if (r >= 0)
			r = transitions_read(s, !used, true, p->transitions_final, &p->n_transitions_final);
		if (r >= 0)
			r = pairs_read(s, !used, true, p->pairs_final, &p->n_pairs_final);
		if (r >= 0)
			s->skeleton->bss->pairs_made[!used] = 0;
		return r;
	}
	r = gone_read(s, gone, false, &p->gone_open, &p->n_gone_open);
	if (r >= 0)
		r = loops_read(s, !used, false, p->gone_loops_open, &p->n_gone_loops_open);
	if (r >= 0)
		r = transitions_read(s, !used, false, p->transitions_open, &p->n_transitions_open);
	return r < 0 ? r : pairs_read(s, !used, false, p->pairs_open, &p->n_pairs_open);
}

int sampler_tables_read(struct sampler *s)
{
	uint32_t used = s->skeleton->bss->gone_in_use & 1;
	uint64_t now = clock_boot_ns();
	struct sample *p = &s->sample;
	int r;

	/* What was taken out for a sample that then failed is handed over with this one. */
	if (s->delivered)
		p->n_gone_final = p->n_pairs_final = p->n_gone_loops_final = p->n_transitions_final = 0;
	p->n_gone_open = p->n_pairs_open = p->n_gone_loops_open = p->n_transitions_open = 0;
	if (p->n_gone_final || p->n_pairs_final || p->n_gone_loops_final || p->n_transitions_final ||
	    now - s->swapped_ns < GONE_SWAP_MIN_NS) {
		r = tables_read(s, used, false);
		return r < 0 ? r : tables_read(s, !used, false);
	}
	r = tables_read(s, used, true);
	if (r < 0)
		return r;
	__atomic_store_n(&s->skeleton->bss->gone_in_use, !used, __ATOMIC_SEQ_CST);
	s->swapped_ns = now;
	return tables_read(s, !used, false);
}
