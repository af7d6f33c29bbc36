/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compat.bpf.h - one accessor per kernel change; kernel differences live here and nowhere else.
 * Asked by existence of the field, never by version.
 */
#ifndef SYSSCOPE_COMPAT_BPF_H
#define SYSSCOPE_COMPAT_BPF_H

#include "sysscope.bpf.h"

#define __core __attribute__((preserve_access_index))

/* task_struct.state became __state (and unsigned int) in 5.14, commit 2f064a59a11f. */
struct task_struct___state {
	long state;
} __core;

static __always_inline __u32 compat_task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ(old, state);
}

/*
 * mm_struct.rss_stat was a struct of atomic counters until 6.2, commit f1a7941243c1 made it an array of
 * percpu_counter. Both are read as the kernel's get_mm_counter does for statm: without what the CPUs still hold back
 * (at most 32 pages or twice the number of CPUs, per CPU). The index has to be a literal: as a function argument it
 * would be multiplied with the size of an element of *our* type, not of the running kernel's.
 */
struct mm_rss_stat___atomic {
	struct {
		__s64 counter;
	} count[4];
} __core;

struct mm_struct___atomic {
	struct mm_rss_stat___atomic rss_stat;
} __core;

#define compat_mm_counter(mm, index)                                                      \
	({                                                                                \
		struct mm_struct___atomic *__old = (void *)(mm);                          \
		__s64 __n = bpf_core_field_exists(__old->rss_stat.count)                  \
				    ? BPF_CORE_READ(__old, rss_stat.count[index].counter) \
				    : BPF_CORE_READ(mm, rss_stat[index].count);           \
		__n > 0 ? (__u64)__n : 0;                                                 \
	})

/* kernel_cap_t was an array of two __u32 until 6.3, commit f122a08b197d: the same eight bytes on little endian. */
#define compat_capabilities(cred, field)                          \
	({                                                        \
		__u64 __v = 0;                                    \
		bpf_core_read(&__v, sizeof(__v), &(cred)->field); \
		__v;                                              \
	})

#endif
