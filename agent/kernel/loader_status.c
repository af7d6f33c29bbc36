/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loader_status.c - the result of loading: each collector's hook and programs, and the memory of all maps. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

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
