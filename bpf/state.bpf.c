/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.bpf.c - defines what sysscope.bpf.h declares: the configuration and the shared counters; and the table of
 * system calls. No program here.
 */
#include "sysscope.bpf.h"
#define SYSCALL_TABLE
#include "syscalls.bpf.h"

/* The defaults make the verifier see the costliest path of every program. */
const volatile bool cfg_cgroup_v1 = true;
const volatile __u32 cfg_cgroup_subsys = 0;
const volatile int cfg_cgroup_hierarchy = 0;
const volatile __u32 cfg_pid_namespace = 0;
const volatile __u32 cfg_page_size = 4096;
const volatile __u32 cfg_cpus = 1;
const volatile __u64 cfg_tick_ns = 10000000;
const volatile bool cfg_sched = true;
const volatile bool cfg_epoll = true;
const volatile bool cfg_epoll_keys = false;
const volatile bool cfg_namespaces = true;
const volatile bool cfg_namespaces_compare = true;
const volatile bool cfg_tcp = true;
const volatile bool cfg_births = true;
const volatile bool cfg_socket_state = true;
const volatile __u64 cfg_stall_ns = 100000000;

__u64 losses[SS_LOSS_KINDS];
__u64 tasks_exited, tasks_ended;
__u32 gone_in_use;
__u64 cpu_offsets[SS_CPU_OFFSETS];
__u32 values_noted;
__u32 all_known;
__u32 facts_wanted, facts_arguments, facts_unhurried;
__u64 facts_waiting_most;
__u32 loops_watched = SS_LOOPS_WATCHED;
__u64 states_missing;
bool oom_pids_only;
bool io_unaccounted;
__u64 oom_kills[SS_OOM_KINDS];
__u64 facts_produced[SS_FACT_KINDS], facts_lost[SS_FACT_KINDS];

__u32 told_epoch, listeners_noted;
__u64 pass_clock;

struct ss_run_queue run_queues[SS_RUN_QUEUES];

const struct ss_gone gone_zero = {};
const struct ss_cgroup cgroup_zero = {};
const struct ss_loop loop_zero = {};
const struct ss_tcp tcp_zero = {};

char LICENSE[] SEC("license") = "GPL";
