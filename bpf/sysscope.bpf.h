/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysscope.bpf.h - the base that every file in bpf/ builds on: kernel types, BPF helpers, the contract with the agent,
 * the configuration, and the counters that the agent reads. state.bpf.c defines the variables that are declared here.
 * No map and no program is defined here.
 */
#ifndef SYSSCOPE_BPF_H
#define SYSSCOPE_BPF_H

#ifdef SYSSCOPE_FULL_VMLINUX /* while vmlinux/make-header makes vmlinux/vmlinux.h */
#include <vmlinux.h>
#else
#include <stdbool.h>
#include <linux/bpf.h>
#include "vmlinux.h"
#endif
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel_consts.bpf.h"
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/fact.h"
#include "sysscope/abi/network.h"
#include "sysscope/abi/task.h"
#include "sysscope/abi/tcp.h"

/* CPUs whose memory per CPU is read. */
#define SS_CPU_OFFSETS 1024

/* ---- configuration: the agent sets it between open and load ------------------------------------ */
extern const volatile bool cfg_cgroup_v1;	   /* the hierarchy that carries resources is a v1 controller's */
extern const volatile __u32 cfg_cgroup_subsys;	   /* index of that controller in css_set.subsys */
extern const volatile int cfg_cgroup_hierarchy;	   /* its cgroup_root.hierarchy_id; 0: the v2 hierarchy */
extern const volatile __u32 cfg_pid_namespace;	   /* inode number of the agent's, 0: it is the machine's own */
extern const volatile __u32 cfg_page_size;	   /* bytes */
extern const volatile __u32 cfg_cpus;		   /* that there may be */
extern const volatile __u64 cfg_tick_ns;	   /* sum_exec_runtime of a running task is at most this old */
extern const volatile bool cfg_sched;		   /* the scheduler hooks are loaded: ss_thread_state.waits is kept */
extern const volatile bool cfg_epoll_keys;	   /* see compat_epoll_descriptor() */
extern const volatile bool cfg_epoll;		   /* the epoll hooks are loaded: the map `loops` exists */
extern const volatile __u64 cfg_stall_ns;	   /* an iteration of an event loop this long is a stall */
extern const volatile bool cfg_namespaces;	   /* namespace transitions are counted */
extern const volatile bool cfg_namespaces_compare; /* no hook reports them: they are found by comparison */
extern const volatile bool cfg_socket_state;	   /* sockets' cgroups are kept in socket-local state */
extern const volatile bool cfg_tcp;		   /* collector `tcp`: the pass over open files describes TCP sockets */
extern const volatile bool cfg_births;		   /* collector `births`: starts of containers are followed */

/* ---- variables that are shared with the agent --------------------------------------------------- */
extern __u64 losses[SS_LOSS_KINDS];
/*
 * Tasks with state that exited, and those of them whose last use was charged. On 6.18, up to 4 of 1,000 tasks were seen
 * to exit without a call of the program at sched_process_free (perf counts the event, and the kernel reports no
 * recursion miss). With the scheduler hooks a task is charged at its last switch anyway. Without them its last use is
 * missing; the agent counts such a task as SS_LOSS_DEATH_UNSEEN once it can be neither a zombie nor waiting for RCU any
 * more.
 */
extern __u64 tasks_exited, tasks_ended;
extern __u32 gone_in_use; /* which of each pair of drained tables (gone_a or gone_b, ...) programs write to: 0 or 1 */
/*
 * From the address that names memory per CPU to where it is on each of them; 0: not known. Found by the first pass of the task
 * iterator, where the kernel counts memory by CPU (6.2).
 */
extern __u64 cpu_offsets[SS_CPU_OFFSETS];
extern __u32 values_noted; /* cgroups that this pass of the cgroup iterator has noted; cleared by the agent */
extern __u32 all_known;	   /* 1: the first pass of the task iterator is over, so every task has its state */

/* Living threads to which this pass of the iterator could give no state; the next pass tries again. Cleared by the agent. */
extern __u64 states_missing;

/* The OOM killer's tracepoint gives a pid, not a task (before 6.8), so kills are counted for no cgroup. */
extern bool oom_pids_only;

/* This kernel does not count what tasks read and write (CONFIG_TASK_IO_ACCOUNTING). Set by the iterator. */
extern bool io_unaccounted;
extern __u64 oom_kills[SS_OOM_KINDS]; /* victims by what was exhausted, whether or not their facts found room */

extern __u32 loops_watched;   /* enum ss_loops_watched */
extern __u32 facts_wanted;    /* bit per enum ss_fact_kind: a kind that nobody wants costs one load */
extern __u32 facts_unhurried; /* bit per kind: does not wake the agent before so many bytes wait; 0: the ring decides */
extern __u64 facts_waiting_most;
extern __u32 facts_arguments; /* SS_FACT_EXEC carries the arguments */
/* By kind: facts that were wanted, and those of them for which the ring had no room. The rest was sent. */
extern __u64 facts_produced[SS_FACT_KINDS], facts_lost[SS_FACT_KINDS];

extern __u32 told_epoch;      /* another number than before: what passes of the task iterator have told is forgotten */
extern __u64 pass_clock;      /* when the latest pass began: the clock of a run queue */
extern __u32 listeners_noted; /* how often another listening socket was noted with a process */

extern struct ss_run_queue run_queues[SS_RUN_QUEUES]; /* by CPU; the agent clears them before a pass */

/* First values of map entries: too large for the stack. */
extern const struct ss_gone gone_zero;
extern const struct ss_cgroup cgroup_zero;
extern const struct ss_loop loop_zero;
extern const struct ss_tcp tcp_zero;

static __always_inline void loss_count(enum ss_loss kind)
{
	__sync_fetch_and_add(&losses[kind], 1);
}

/* 1 or 0, without a branch: ten branches would be a thousand paths to the verifier. */
static __always_inline __u32 differs(__u64 a, __u64 b)
{
	__u64 d = a ^ b;

	/* Hidden twice, which keeps clang from making it a branch. */
	asm volatile("" : "+r"(d));
	d |= 0 - d;
	asm volatile("" : "+r"(d));
	return d >> 63;
}

/* A number in which every bit depends on every bit of `x`, the upper half of them most: for what is only compared. */
static __always_inline __u64 number_mix(__u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9ULL;
}

static __always_inline void comm_copy(char *to, const char *from)
{
	__builtin_memcpy(to, from, SS_COMM_LEN);
}

#endif
