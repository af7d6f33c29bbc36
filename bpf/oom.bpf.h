/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.bpf.h - what was exhausted when the OOM killer chose a victim: whose limit, or the machine. Called by oom.bpf.c.
 *
 * The tracepoint has nothing but the victim. The kernel's own answer is in struct oom_control, which the caller of
 * out_of_memory() has on the stack of the very task that runs the hook, a few hundred bytes above the hook's context.
 * It is found there by its pointer to the chosen task, and believed only if all else in it makes sense: a memory cgroup
 * that the victim is in or below, with the constraint that belongs to it; or none, with the zones of the machine.
 * If it is not found, what was exhausted is not known.
 *
 * The kernel calls the hook with oom_lock held, so there is one call at a time on the whole machine.
 */
#ifndef SYSSCOPE_OOM_BPF_H
#define SYSSCOPE_OOM_BPF_H

#include "task.bpf.h"

/* How far the stack is searched: 24 pieces of 32 words, 6 KB. On 6.18 the structure is 560 to 900 bytes away. */
#define OOM_PIECES 24
#define OOM_WORDS  32
/* Cgroups above one another, and zones of all nodes, that are looked at. */
#define OOM_DEPTH 32
#define OOM_ZONES 64
/* A kernel without the memory controller (CONFIG_MEMCG) has none of its types. */
#define OOM_LIMITS bpf_core_type_exists(struct mem_cgroup)

static __u64 oom_words[OOM_WORDS], oom_word; /* a piece of the stack; the word in it that was found */
static volatile __u64 oom_context;	     /* by way of memory, where the verifier forgets that it is a pointer */
static __u64
	oom_chosen_before; /* the kernel ends the others of a group of the first victim's, with the same structure */

/* What the latest search found. Apart from each other: clang would split a struct, and the kernel refuses its type then. */
static struct mem_cgroup *oom_limited; /* NULL: no limit of a cgroup */
static __u64 oom_limit, oom_usage;     /* pages; ~0: not known */
static volatile __u32 oom_exhausted;   /* enum ss_oom_exhausted; volatile: the verifier wants the check of its range */

/* The victim's memory cgroup. */
static __always_inline struct cgroup_subsys_state *oom_memory_css(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;

	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) +
				      bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) * sizeof(css));
	return css;
}

static __always_inline bool oom_is_within(struct cgroup_subsys_state *css, struct mem_cgroup *above)
{
	for (int i = 0; i < OOM_DEPTH && css; i++) {
		if ((void *)css == (void *)above + bpf_core_field_offset(above->css))
			return true;
		css = BPF_CORE_READ(css, parent);
	}
	return false;
}

/* On v1 memory and swap together have a limit, too: the exhausted one is that with less room. */
static __always_inline void oom_limit_read(struct mem_cgroup *limited)
{
	__u64 both = BPF_CORE_READ(limited, memsw.max), both_used = BPF_CORE_READ(limited, memsw.usage.counter);
	bool v1 = BPF_CORE_READ(limited, css.cgroup, root, hierarchy_id) != 0;

	oom_limited = limited;
	oom_exhausted = SS_OOM_CGROUP;
	oom_limit = BPF_CORE_READ(limited, memory.max);
	oom_usage = BPF_CORE_READ(limited, memory.usage.counter);
	if (!v1 || both - both_used >= oom_limit - oom_usage)
		return;
	oom_exhausted = SS_OOM_CGROUP_WITH_SWAP;
	oom_limit = both;
	oom_usage = both_used;
}

/*
 * Whether this may be a pointer to kernel memory: the beginning of addresses is that of the victim's, which is one, or, with five
 * levels of page tables and on arm64, the kernel's half. Reading elsewhere fails, but a kernel was seen to warn of it in its log:
 * 5.10 on a CPU that could have five levels.
 */
__noinline int oom_is_address(__u64 word, __u64 task)
{
	return word >> 47 == task >> 47 || (task >> 47 != CANONICAL_47 && word >> 56 == task >> 56);
}

/* Pages of all zones that the allocation could have come from, and how many of them are in use. */
static __always_inline bool oom_machine_read(void *zones, __u64 task)
{
	__u64 all = 0, unused = 0;

	for (__u32 i = 0; i < OOM_ZONES; i++) {
		/* A list of zones is nothing but an array of references. */
		struct zoneref *reference = zones + ((i * bpf_core_type_size(struct zoneref)) & 4095);
		struct zone *zone = BPF_CORE_READ(reference, zone);

		if (!zone)
			break;
		if (!oom_is_address((__u64)zone, task))
			return false;
		all += BPF_CORE_READ(zone, managed_pages.counter);
		unused += BPF_CORE_READ(zone, vm_stat[NR_FREE_PAGES].counter);
	}
	oom_limit = all;
	oom_usage = all - unused;
	return all && unused <= all;
}

/*
 * Whether the structure is there, and what it says. This and the next two are global functions, which the verifier checks
 * once each, hence the addresses as numbers: on all paths through the loops together it gives up.
 */
__noinline int oom_control_read(__u64 address, __u64 task)
{
	struct oom_control *control = (void *)address;
	__u32 constraint = BPF_CORE_READ(control, constraint);
	struct mem_cgroup *limited = BPF_CORE_READ(control, memcg);
	void *zones = BPF_CORE_READ(control, zonelist);

	if (!BPF_CORE_READ(control, totalpages))
		return 0;
	if (OOM_LIMITS && constraint == bpf_core_enum_value(enum oom_constraint, CONSTRAINT_MEMCG)) {
		if (!limited || zones || !oom_is_within(oom_memory_css((void *)task), limited))
			return 0;
		oom_limit_read(limited);
		return 1;
	}
	if (limited || !oom_is_address((__u64)zones, task) || !oom_machine_read(zones, task))
		return 0;
	if (constraint == bpf_core_enum_value(enum oom_constraint, CONSTRAINT_NONE)) {
		oom_exhausted = SS_OOM_MACHINE;
		return 1;
	}
	if (constraint != bpf_core_enum_value(enum oom_constraint, CONSTRAINT_CPUSET) &&
	    constraint != bpf_core_enum_value(enum oom_constraint, CONSTRAINT_MEMORY_POLICY))
		return 0;
	/* Of the nodes that it may use the zones are not told apart. */
	oom_exhausted = SS_OOM_NODES;
	oom_limit = oom_usage = ~0ULL;
	return 1;
}

__noinline int oom_may_point(__u64 word, __u64 victim, __u64 leader)
{
	return word && (word == victim || word == leader || word == oom_chosen_before);
}

/* The first word of a piece of the stack, from this one on, that may point to the chosen task; OOM_WORDS: none. */
__noinline int oom_word_find(__u64 at, __u32 from, __u64 victim, __u64 leader)
{
	if (bpf_probe_read_kernel(oom_words, sizeof(oom_words), (void *)at) < 0)
		return OOM_WORDS;
	for (__u32 i = 0; i < OOM_WORDS; i++) {
		__u64 word = oom_words[i];

		if (i >= from && oom_may_point(word, victim, leader)) {
			oom_word = word;
			return i;
		}
	}
	return OOM_WORDS;
}

__noinline int oom_piece_search(__u64 at, __u64 victim, __u64 leader)
{
	struct oom_control *any = NULL;
	__u32 word = 0;

	for (int tries = 0; tries < 4; tries++) {
		word = oom_word_find(at, word, victim, leader);
		if (word >= OOM_WORDS)
			return 0;
		if (oom_control_read(at + word * sizeof(oom_words[0]) - bpf_core_field_offset(any->chosen), victim)) {
			oom_chosen_before = oom_word;
			return 1;
		}
		word++;
	}
	return 0;
}

/* Fills these variables. `context` is the program's: the kernel has it on the stack of the current task. */
static __always_inline void oom_cause_find(void *context, struct task_struct *victim)
{
	__u64 leader = (__u64)BPF_CORE_READ(victim, group_leader), at;

	oom_exhausted = SS_OOM_UNKNOWN;
	oom_limited = NULL;
	oom_context = (__u64)context;
	at = oom_context & ~(sizeof(oom_words) - 1);
	for (__u32 i = 0; i < OOM_PIECES; i++)
		if (oom_piece_search(at + i * sizeof(oom_words), (__u64)victim, leader))
			return;
	oom_limit = oom_usage = ~0ULL;
}

#endif
