/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loader_status.c - the result of loading: each collector's hook and programs, and the memory of all maps. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/util.h"
#include "kernel/loader_internal.h"

#define FDINFO_BYTES_MAX 4096

const char *collector_name(enum collector c)
{
	return collectors[c].name;
}

bool collector_required(enum collector c)
{
	return collectors[c].required;
}

bool collector_on_request(enum collector c)
{
	return collectors[c].only_for != NULL;
}

uint32_t collectors_for_facts(uint32_t kinds)
{
	uint32_t found = 0;

	for (int c = 0; c < COLLECTORS; c++)
		if (collectors[c].facts & kinds)
			found |= 1u << c;
	return found;
}

struct collector_status loader_status(const struct loader *l, enum collector c)
{
	const struct alternative *w = loader_way(l, c);

	return (struct collector_status){
		.name = collectors[c].name,
		.gives = collectors[c].gives,
		.instead = collectors[c].instead,
		.hook = w ? w->hook : "",
		.programs = l->state[c].programs,
		.has_programs = w && w->programs[0],
		.attached = l->state[c].links[0],
		.slows_calls = w && w->events[0],
		.controls_unseen = w && w->controls_unseen,
		.ends_unseen = w && w->ends_unseen,
		.loaded = w != NULL,
		.reason = l->state[c].reason,
		.tried = l->state[c].tried.data ?: "",
	};
}

uint64_t loader_skipped(const struct loader *l)
{
	uint64_t sum = 0;

	for (int c = 0; c < COLLECTORS; c++) {
		const struct alternative *w = loader_way(l, c);

		for (int p = 0; w && p < MAX_PROGRAMS && w->programs[p]; p++) {
			struct bpf_prog_info info = {};
			__u32 size = sizeof(info);

			if (alternative_repeats(w, p))
				continue;
			if (bpf_obj_get_info_by_fd(bpf_program__fd(loader_program(l, w->programs[p])), &info, &size) ==
			    0)
				sum += info.recursion_misses;
		}
	}
	return sum;
}

uint64_t loader_verified_instructions(const struct loader *l, enum collector c)
{
	const struct alternative *w = loader_way(l, c);
	uint64_t sum = 0;

	for (int p = 0; w && p < MAX_PROGRAMS && w->programs[p]; p++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (alternative_repeats(w, p))
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(loader_program(l, w->programs[p])), &info, &size) == 0)
			sum += info.verified_insns;
	}
	return sum;
}

/* The number after "memlock:"; bpf_map_info does not have it. */
static int fdinfo_memory(int fd, uint64_t *ret)
{
	static const char key[] = "\nmemlock:";
	_cleanup_free_ char *text = NULL;
	char path[64], *found, *end;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	r = read_file(path, FDINFO_BYTES_MAX, &text, NULL);
	if (r < 0)
		return r;
	found = strstr(text, key);
	if (!found)
		return -ENODATA;
	found += strlen(key);
	found += strspn(found, "\t ");
	end = strchr(found, '\n');
	if (end)
		*end = '\0';
	return parse_u64(found, 0, UINT64_MAX, ret);
}

/* Goes through the object's maps rather than /proc/self/fdinfo, which also lists ten files of each cgroup. */
int loader_map_memory(const struct loader *l, uint64_t *ret)
{
	const struct bpf_map *map;
	uint64_t sum = 0, one;

	bpf_object__for_each_map(map, l->skeleton->obj)
	{
		if (!bpf_map__autocreate(map))
			continue;
		if (fdinfo_memory(bpf_map__fd(map), &one) < 0)
			return -ENODATA;
		sum += one;
	}
	*ret = sum;
	return 0;
}

/* Where a member of a struct of the kernel begins, in bytes; UINT32_MAX: there is none. */
static uint32_t member_offset(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (__u32 i = 0; t && i < btf_vlen(t); i++)
		if (strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name) == 0)
			return btf_member_bit_offset(t, i) / 8;
	return UINT32_MAX;
}

/* The kernel allocates powers of two, from 8 on, and 96 and 192. */
static uint64_t allocated(uint64_t bytes)
{
	uint64_t size = 8;

	while (size < bytes)
		size *= 2;
	return size == 128 && bytes <= 96 ? 96 : size == 256 && bytes <= 192 ? 192 : size;
}

int loader_storage_memory(const struct loader *l, const struct stored_tasks *n, uint64_t *ret)
{
	const struct btf *btf = l->kernel->btf;
	int task = btf ? btf__find_by_name_kind(btf, "bpf_local_storage", BTF_KIND_STRUCT) : -1;
	uint32_t at, data, list = 0;

	if (!l->task_storage || task < 0)
		return -ENODATA;
	at = member_offset(btf, "bpf_local_storage_elem", "sdata");
	data = member_offset(btf, "bpf_local_storage_data", "data");
	if (at == UINT32_MAX || data == UINT32_MAX)
		return -ENODATA;
	/* From 6.4 to 6.18 they come from lists of BPF's own, each with a pointer before it. */
	if (member_offset(btf, "bpf_local_storage_map", "selem_ma") != UINT32_MAX)
		list = sizeof(void *);
	at += data + list;
	*ret = n->threads * (allocated(btf__type_by_id(btf, (__u32)task)->size + list) +
			     allocated(at + bpf_map__value_size(l->skeleton->maps.thread_state))) +
	       n->charged * allocated(at + bpf_map__value_size(l->skeleton->maps.thread_charges)) +
	       n->outlived * allocated(at + bpf_map__value_size(l->skeleton->maps.process_waits)) +
	       n->loops * allocated(at + bpf_map__value_size(l->skeleton->maps.loops));
	return 0;
}
