/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.c - chooses the hierarchy whose ids and paths name cgroups, and describes the choice. Called by
 * cgroupfs_open(). Opens nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/layout.h"

const char *cgroup_layout_name(enum cgroup_layout layout)
{
	static const char *const names[] = {[CGROUP_V2] = "v2", [CGROUP_V1] = "v1", [CGROUP_HYBRID] = "hybrid"};

	return names[layout];
}

bool cgroup_turned_off(const char *text, const char *controller)
{
	static const char option[] = "cgroup_disable=";

	for (const char *word = text; *word; word += strspn(word, " \n")) {
		size_t length = strcspn(word, " \n");
		char list[256];

		if (strncmp(word, option, sizeof(option) - 1) == 0) {
			snprintf(list, sizeof(list), "%.*s", (int)(length - (sizeof(option) - 1)),
				 word + sizeof(option) - 1);
			if (cgroup_list_has(list, controller))
				return true;
		}
		word += length;
	}
	return false;
}

static bool slot_mounted(const struct cgroup_mounts *mounts, enum cgroup_slot slot)
{
	return mounts->slots[slot].fd >= 0;
}

/* In the order of preference. */
static const enum cgroup_slot v1_order[] = {CGROUP_SLOT_CPU, CGROUP_SLOT_MEMORY, CGROUP_SLOT_PIDS, CGROUP_SLOT_CPUACCT,
					    CGROUP_SLOT_CPUSET};

static bool slot_lacking(const struct cgroup_mounts *mounts, enum cgroup_slot slot)
{
	return !slot_mounted(mounts, slot) && !mounts->v2_controls[slot];
}

static bool v2_controlled(const struct cgroup_mounts *mounts)
{
	return mounts->v2_controls[CGROUP_SLOT_CPU] || mounts->v2_controls[CGROUP_SLOT_MEMORY];
}

bool cgroup_layout_open(const struct cgroup_mounts *mounts)
{
	int mounted = 0;

	for (int slot = 0; slot < CGROUP_SLOTS; slot++)
		mounted += slot_mounted(mounts, slot);
	return mounted > 1;
}

static int carrying_choose(const struct cgroup_mounts *mounts, const struct cgroup_census *census,
			   enum cgroup_slot *ret)
{
	bool v2 = slot_mounted(mounts, CGROUP_SLOT_V2), controlled = v2_controlled(mounts);
	const uint64_t *cgroups = census->cgroups;
	enum cgroup_slot best = CGROUP_SLOT_V2;
	bool any = v2 && controlled;

	if (!v2 && !slot_mounted(mounts, CGROUP_SLOT_CPU) && !slot_mounted(mounts, CGROUP_SLOT_MEMORY))
		return -ENODEV;
	for (size_t i = 0; i < ARRAY_SIZE(v1_order); i++) {
		if (!slot_mounted(mounts, v1_order[i]) || (any && cgroups[v1_order[i]] <= cgroups[best]))
			continue;
		best = v1_order[i];
		any = true;
	}
	/* Even without controllers it has cpu.stat. */
	if (v2 && !controlled && cgroups[CGROUP_SLOT_V2] > 0 && cgroups[CGROUP_SLOT_V2] >= 2 * cgroups[best])
		best = CGROUP_SLOT_V2;
	*ret = best;
	return 0;
}

bool cgroup_slot_read(const struct cgroup_mounts *mounts, enum cgroup_slot carrying, enum cgroup_slot slot)
{
	if (!slot_mounted(mounts, slot))
		return false;
	if (slot == CGROUP_SLOT_V2 || carrying != CGROUP_SLOT_V2)
		return (slot == CGROUP_SLOT_V2) == (carrying == CGROUP_SLOT_V2);
	/* v2's cpu.stat has the counters of cpuacct, and needs no controller. */
	return slot != CGROUP_SLOT_CPUACCT && !mounts->v2_controls[slot];
}

int cgroup_layout_choose(const struct cgroup_mounts *mounts, const struct cgroup_census *census,
			 enum cgroup_slot *ret_carrying, struct cgroup_layout_info *ret_info, struct buf *text)
{
	bool v1 = false, v2 = slot_mounted(mounts, CGROUP_SLOT_V2);
	enum cgroup_slot carrying;
	int r;

	r = carrying_choose(mounts, census, &carrying);
	if (r < 0)
		return r;
	for (int slot = 0; slot < CGROUP_SLOTS; slot++) {
		if (!slot_mounted(mounts, slot))
			continue;
		v1 |= slot != CGROUP_SLOT_V2;
		buf_printf(text, "%s%s %s\n", slot == CGROUP_SLOT_V2 ? "" : "v1 ", cgroup_slot_name(slot),
			   mounts->slots[slot].point);
	}
	if (text->failed)
		return -ENOMEM;
	*ret_carrying = carrying;
	*ret_info = (struct cgroup_layout_info){
		.layout = !v1  ? CGROUP_V2
			  : v2 ? CGROUP_HYBRID
			       : CGROUP_V1,
		.carrying_v2 = carrying == CGROUP_SLOT_V2,
		.carrying_controller = carrying == CGROUP_SLOT_V2 ? "" : cgroup_slot_name(carrying),
		.hierarchy_id = mounts->slots[carrying].hierarchy_id,
		.whole = mounts->slots[carrying].whole,
		.lacks_cpu = slot_lacking(mounts, CGROUP_SLOT_CPU),
		.lacks_memory = slot_lacking(mounts, CGROUP_SLOT_MEMORY),
		.lacks_pids = slot_lacking(mounts, CGROUP_SLOT_PIDS),
		.v2_root = v2 && mounts->slots[CGROUP_SLOT_V2].whole ? mounts->slots[CGROUP_SLOT_V2].point : NULL,
		.mounts = text->data,
	};
	return 0;
}
