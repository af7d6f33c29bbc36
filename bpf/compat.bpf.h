/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compat.bpf.h - one accessor per kernel change, with the commit that made it; differences between kernels are handled
 * here and nowhere else. An accessor tests whether a field exists, never which version the kernel has.
 */
#ifndef SYSSCOPE_COMPAT_BPF_H
#define SYSSCOPE_COMPAT_BPF_H

#include "sysscope.bpf.h"
#include "sysscope/abi/values.h"

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

/* The same in one load, of a task that the verifier knows as one. */
static __always_inline __u32 compat_task_state_typed(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return old->state;
}

/* task_struct.on_cpu was an int until 7.2 made it one byte: it is read by the size that it has. */
static __always_inline bool compat_on_cpu(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(task, on_cpu);
}

/* The same in one load, of a task that the verifier knows as one. */
static __always_inline bool compat_on_cpu_typed(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, on_cpu);
}

/*
 * mm_struct.rss_stat was a struct of atomic counters until commit f1a7941243c1 (6.2) made it an array of
 * percpu_counter, whose count lacks what each CPU has not added yet (at most 32 pages, or twice the number of CPUs):
 * memory.bpf.h adds that. Macros, because the index must be a literal: as a function argument it would be multiplied by
 * the size of an element of the type in vmlinux.h, not of the running kernel's.
 */
struct mm_rss_stat___atomic {
	struct {
		__s64 counter;
	} count[4];
} __core;

struct mm_struct___atomic {
	struct mm_rss_stat___atomic rss_stat;
} __core;

#define compat_mm_count(mm, index)                                                        \
	({                                                                                \
		struct mm_struct___atomic *__old = (void *)(mm);                          \
		__s64 __n = bpf_core_field_exists(__old->rss_stat.count)                  \
				    ? BPF_CORE_READ(__old, rss_stat.count[index].counter) \
				    : BPF_CORE_READ(mm, rss_stat[index].count);           \
		__n;                                                                      \
	})

/*
 * The same in one load, of a pointer that the verifier knows as an mm_struct. Before 6.2 it knows no elements of this array ("Type
 * 'atomic_long_t' is not a struct"): a helper reads them.
 */
#define compat_mm_count_typed(mm, index)                                                  \
	({                                                                                \
		struct mm_struct___atomic *__old = (void *)(mm);                          \
		__s64 __n = bpf_core_field_exists(__old->rss_stat.count)                  \
				    ? BPF_CORE_READ(__old, rss_stat.count[index].counter) \
				    : (__s64)(mm)->rss_stat[index].count;                 \
		__n;                                                                      \
	})

/* With the part that CPUs have not added; a sum below 0 was read while pages moved. */
#define compat_mm_counter(mm, index, rest)                         \
	({                                                         \
		__s64 __sum = compat_mm_count(mm, index) + (rest); \
		__sum > 0 ? (__u64)__sum : 0;                      \
	})

/* Only with CONFIG_HUGETLB_PAGE. */
struct mm_struct___hugetlb {
	struct {
		__s64 counter;
	} hugetlb_usage;
} __core;

/* Pages of the ordinary size that huge pages of the process take; ~0: this kernel has none. */
static __always_inline __u64 compat_mm_hugetlb(struct mm_struct *mm)
{
	struct mm_struct___hugetlb *counting = (void *)mm;

	if (!bpf_core_field_exists(counting->hugetlb_usage))
		return ~0ULL;
	return BPF_CORE_READ(counting, hugetlb_usage.counter);
}

/* The same in one load, of a pointer that the verifier knows as an mm_struct. */
static __always_inline __u64 compat_mm_hugetlb_typed(struct mm_struct *mm)
{
	struct mm_struct___hugetlb *counting = (void *)mm;

	if (!bpf_core_field_exists(counting->hugetlb_usage))
		return ~0ULL;
	return counting->hugetlb_usage.counter;
}

static __always_inline bool compat_mm_by_cpu(void)
{
	struct percpu_counter *counter = NULL;
	struct mm_struct___atomic *old = NULL;

	return !bpf_core_field_exists(old->rss_stat.count) && bpf_core_field_exists(counter->counters);
}

/* The address that names the counter's parts on all CPUs; 0 without such parts. */
#define compat_mm_parts(mm, index) (compat_mm_by_cpu() ? (__u64)BPF_CORE_READ(mm, rss_stat[index].counters) : 0)

/* kernel_cap_t was an array of two __u32 until commit f122a08b197d (6.3): on little endian the same eight bytes. */
#define compat_capabilities(cred, field)                          \
	({                                                        \
		__u64 __v = 0;                                    \
		bpf_core_read(&__v, sizeof(__v), &(cred)->field); \
		__v;                                              \
	})

/*
 * How long a CPU quota, of this cgroup or of one above it, has kept the cgroup's tasks on this CPU from running; 0:
 * never. Since commit 677ea015f231 (6.6) the kernel measures it with the run queue's clock, and only while there are
 * runnable tasks. Before, it was measured from the moment of throttling, with PELT's clock since commit 64eaf50731ac
 * (5.19) and with clock_task before.
 */
struct cfs_rq___pelt {
	__u64 throttled_clock_pelt;
	__u64 throttled_clock_pelt_time;
} __core;

struct cfs_rq___task {
	__u64 throttled_clock_task;
	__u64 throttled_clock_task_time;
} __core;

struct rq___pelt {
	__u64 clock_pelt;
	unsigned long lost_idle_time;
} __core;

static __always_inline __u64 compat_throttled_ns(struct cfs_rq *queue, __u64 clock)
{
	struct cfs_rq___pelt *pelt = (void *)queue;
	struct cfs_rq___task *task = (void *)queue;
	__u64 now, began, total = 0;

	if (bpf_core_field_exists(queue->throttled_clock_self_time)) {
		began = queue->throttled_clock_self;
		total = queue->throttled_clock_self_time;
		return began && clock > began ? total + clock - began : total;
	}
	if (bpf_core_field_exists(pelt->throttled_clock_pelt_time)) {
		total = BPF_CORE_READ(pelt, throttled_clock_pelt_time);
		if (!queue->throttle_count)
			return total;
		now = BPF_CORE_READ((struct rq___pelt *)queue->rq, clock_pelt) -
		      BPF_CORE_READ((struct rq___pelt *)queue->rq, lost_idle_time);
		began = BPF_CORE_READ(pelt, throttled_clock_pelt);
		return now > began ? total + now - began : total;
	}
	if (bpf_core_field_exists(task->throttled_clock_task_time)) {
		total = BPF_CORE_READ(task, throttled_clock_task_time);
		if (!queue->throttle_count)
			return total;
		now = queue->rq->clock_task;
		began = BPF_CORE_READ(task, throttled_clock_task);
		return now > began ? total + now - began : total;
	}
	return 0;
}

/* Only with CONFIG_SCHEDSTATS. */
struct rq___schedstats {
	__u64 rq_cpu_time;
};

/* What the queue's CPU has spent on threads that have left it; false: this kernel does not count that. */
static __always_inline bool compat_queue_finished_ns(struct rq *queue, __u64 *ret)
{
	struct rq___schedstats *counting = (void *)queue;

	if (!bpf_core_field_exists(counting->rq_cpu_time))
		return false;
	*ret = BPF_CORE_READ(counting, rq_cpu_time);
	return true;
}

/*
 * The same for the cgroup's run queue on another CPU, without a throttling that is under way: load balancing moves no
 * task to a throttled queue (throttled_lb_pair). Read by helpers, because the verifier does not follow arrays of
 * pointers.
 */
static __always_inline __u64 compat_throttled_there_ns(struct cfs_rq *queue, __u32 cpu)
{
	struct cfs_rq *there = NULL, **queues = BPF_CORE_READ(queue, tg, cfs_rq);
	struct cfs_rq___pelt *pelt;
	struct cfs_rq___task *task;

	bpf_probe_read_kernel(&there, sizeof(there), &queues[cpu]);
	pelt = (void *)there;
	task = (void *)there;
	if (bpf_core_field_exists(queue->throttled_clock_self_time))
		return BPF_CORE_READ(there, throttled_clock_self_time);
	if (bpf_core_field_exists(pelt->throttled_clock_pelt_time))
		return BPF_CORE_READ(pelt, throttled_clock_pelt_time);
	if (bpf_core_field_exists(task->throttled_clock_task_time))
		return BPF_CORE_READ(task, throttled_clock_task_time);
	return 0;
}

/* The disk of a request moved from the request to its queue in 5.17, commit f3fa33acca9f; the queue has it since 5.15. */
struct request___disk {
	struct gendisk *rq_disk;
} __core;

/* Numbered as in abi/disk.h; a request on a partition counts for the disk. */
static __always_inline __u32 compat_request_device(struct request *rq)
{
	struct request___disk *old = (void *)rq;
	struct gendisk *disk;

	if (bpf_core_field_exists(old->rq_disk))
		disk = old->rq_disk;
	else
		disk = rq->q->disk;
	return (__u32)disk->major << 20 | (__u32)disk->first_minor;
}

/* What tasks read and write is counted only with CONFIG_TASK_IO_ACCOUNTING. */
static __always_inline bool compat_counts_io(void)
{
	struct task_struct *task = NULL;

	return bpf_core_field_exists(task->ioac.read_bytes);
}

/* Whether programs have stored something with the task, ours or others. Task storage came with 5.11. */
struct task_struct___stored {
	void *bpf_storage;
} __core;

static __always_inline bool compat_task_stored(struct task_struct *task)
{
	struct task_struct___stored *with = (void *)task;

	return bpf_core_field_exists(with->bpf_storage) && BPF_CORE_READ(with, bpf_storage);
}

/* Only with CONFIG_BLK_CGROUP. */
struct bio___charged {
	struct blkcg_gq *bi_blkg;
} __core;

static __always_inline __u64 compat_bio_cgroup_id(struct bio *bio)
{
	struct bio___charged *charged = (void *)bio;

	if (!bpf_core_field_exists(charged->bi_blkg))
		return SS_CGROUP_NONE;
	return bio->bi_blkg->blkcg->css.cgroup->kn->id;
}

/*
 * The v2 cgroup of a socket, by its kernfs id. It was one number with flags in its low bits until commit 8520e224f547 (5.15)
 * made it a pointer; a value that is none stands for the root.
 */
struct sock_cgroup_data___packed {
	__u64 val;
} __core;

struct sock___packed {
	struct sock_cgroup_data___packed sk_cgrp_data;
} __core;

static __always_inline __u64 compat_sock_cgroup_id(const struct sock *sk)
{
	struct cgroup *cgroup = NULL;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	} else {
		__u64 packed = BPF_CORE_READ((struct sock___packed *)sk, sk_cgrp_data.val);

		cgroup = packed & 3 ? NULL : (struct cgroup *)packed;
	}
	return cgroup ? BPF_CORE_READ(cgroup, kn, id) : KERNFS_ROOT_ID;
}

/*
 * What do_epoll_ctl is given as the descriptor to add or remove. io_uring called it, too, until 7.3; since then both call
 * do_epoll_ctl_file, which is hooked instead (cfg_epoll_keys) and is given the address of the file and its descriptor.
 */
struct epoll_key {
	struct file *file;
	int fd;
} __core;

static __always_inline __u32 compat_epoll_descriptor(__u64 given)
{
	struct epoll_key *key = (void *)given;

	if (!bpf_core_field_exists(key->fd) || !cfg_epoll_keys)
		return given;
	return BPF_CORE_READ(key, fd);
}

/* Quotas of CPU time: CONFIG_CFS_BANDWIDTH. */
static __always_inline bool compat_has_bandwidth(void)
{
	return bpf_core_field_exists(((struct cfs_bandwidth *)0)->throttled_time);
}

/* Quotas may be saved up for a burst, which is counted since commit bcb1704a1ed2 (5.16). */
static __always_inline bool compat_has_bursts(void)
{
	return bpf_core_field_exists(((struct cfs_bandwidth *)0)->burst_time);
}

/* cpuacct.cpuusage was an array of two numbers for each CPU until commit dd02d4234c9a (5.17). */
struct cpuacct_usage {
	__u64 usages[2];
} __core;

/* Another member may come to stand before its array. */
struct kernel_cpustat___array {
	__u64 cpustat[1];
} __core;

static __always_inline bool compat_cpuacct_is_one_number(void)
{
	return bpf_core_field_exists(((struct cpuacct *)0)->cpustat) && !bpf_core_type_exists(struct cpuacct_usage);
}

/*
 * memory.stat is made of mem_cgroup.vmstats since commit 410f8e82689e (6.2). Its arrays are of another length on each kernel, which
 * is asked: bpf_core_field_size.
 */
struct memcg_vmstats___sized {
	long state[1];
	unsigned long events[1], events_pending[1];
} __core;

static __always_inline bool compat_memory_stats_apart(void)
{
	return bpf_core_field_exists(((struct mem_cgroup *)0)->vmstats) &&
	       bpf_core_field_exists(((struct memcg_vmstats___sized *)0)->events_pending);
}

/* The last event of memory.events that is read has its number since commit b6bf9abb0aa4 (5.17). */
static __always_inline bool compat_memory_events_in_order(void)
{
	return bpf_core_field_exists(((struct mem_cgroup *)0)->memory_events) &&
	       bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM_GROUP_KILL) &&
	       bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM_GROUP_KILL) == SS_MEMORY_OOM_GROUP_KILL;
}

/* Since 6.11 only with CONFIG_MEMCG_V1. */
static __always_inline bool compat_memory_has_v1(void)
{
	return bpf_core_field_exists(((struct mem_cgroup *)0)->kmem) &&
	       bpf_core_field_exists(((struct mem_cgroup *)0)->soft_limit) &&
	       bpf_core_field_exists(((struct mem_cgroup *)0)->under_oom);
}

/* CONFIG_CGROUP_PIDS. */
static __always_inline bool compat_has_pids(void)
{
	return bpf_core_field_exists(((struct pids_cgroup *)0)->limit);
}

/* The number of the system call that the registers belong to, negative outside of one; and its first argument. */
#if defined(__TARGET_ARCH_x86)
static __always_inline long compat_syscall_number(struct pt_regs *regs)
{
	return (long)regs->orig_ax;
}

static __always_inline __u64 compat_syscall_argument(struct pt_regs *regs)
{
	return regs->di;
}

/* Whether the task is in a system call of the 32-bit table. */
static __always_inline bool compat_is_32_bit(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs___call {
	int syscallno;
	__u64 orig_x0;
} __core;

static __always_inline long compat_syscall_number(struct pt_regs *regs)
{
	return BPF_CORE_READ((struct pt_regs___call *)regs, syscallno);
}

static __always_inline __u64 compat_syscall_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ((struct pt_regs___call *)regs, orig_x0);
}

static __always_inline bool compat_is_32_bit(struct task_struct *task)
{
	return task->thread_info.flags >> TIF_32BIT & 1;
}
#endif

#endif
