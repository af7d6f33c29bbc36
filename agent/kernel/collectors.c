/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collectors.c - see collectors.h. */
#include "kernel/collectors.h"
#include "sysscope/abi/fact.h"

const struct collector_desc collectors[COLLECTORS] = {
	[COLLECTOR_TASKS] =
		{
			"tasks",
			"CPU, memory and state of every thread",
			true,
			{
				{"iter/task", {"snapshot_task"}, {}, true, ""},
				{"iter/task",
				 {"snapshot_task_plain"},
				 {},
				 false,
				 "no task-local state: CPU time of a moved task counts in its current cgroup only"},
			},
		},
	[COLLECTOR_LIFECYCLE] =
		{
			"lifecycle",
			"forks, execs, exits, and the CPU time of short-lived processes",
			false,
			{
				{"tp_btf",
				 {"lifecycle_newtask", "lifecycle_exec", "lifecycle_rename", "lifecycle_exit",
				  "lifecycle_free"},
				 {"task_newtask", "sched_process_exec", "task_rename", "sched_process_exit",
				  "sched_process_free"},
				 true,
				 ""},
				{.hook = "tp_btf",
				 .programs = {"lifecycle_newtask_plain", "lifecycle_exec_plain",
					      "lifecycle_free_plain"},
				 .tracepoints = {"task_newtask", "sched_process_exec", "sched_process_free"},
				 .lacks = "no task-local state: an exit counts when the process is reaped, and how a "
					  "container's first process ended is not known",
				 .only_without_task_storage = true,
				 .ends_unseen = true},
			},
		},
	[COLLECTOR_CGROUPS] =
		{
			"cgroups",
			"containers that start and end between two samples, and moves between cgroups",
			false,
			{
				{"tp_btf",
				 {"cgroup_mkdir", "cgroup_rmdir", "cgroup_attach_task"},
				 {"cgroup_mkdir", "cgroup_rmdir", "cgroup_attach_task"},
				 true,
				 ""},
				{"tp_btf",
				 {"cgroup_mkdir", "cgroup_rmdir"},
				 {"cgroup_mkdir", "cgroup_rmdir"},
				 false,
				 "no task-local state: moves between cgroups are not seen"},
			},
		},
	[COLLECTOR_SCHED] =
		{
			"sched",
			"waits for a CPU, what threads sleep for, which neighbour has the CPU meanwhile",
			false,
			{
				{"tp_btf",
				 {"sched_switch", "sched_wakeup", "sched_wakeup_new", "sched_migrate_task"},
				 {"sched_switch", "sched_wakeup", "sched_wakeup_new", "sched_migrate_task"},
				 true,
				 ""},
			},
		},
	[COLLECTOR_EPOLL] =
		{
			"epoll",
			"event loops: utilization, iterations and where their time goes, stalls",
			false,
			{
				/* Exits first: an exit without its entry is ignored, an entry without its exit counts as a loss. */
				{.hook = "fentry",
				 .programs = {"epoll_wait_fexit", "epoll_wait_fentry", "epoll_ctl_fentry",
					      "epoll_accept_fexit"},
				 .needs_task_storage = true,
				 .lacks = "",
				 .functions = {"do_epoll_wait", "do_epoll_ctl", "inet_accept"}},
				{.hook = "kprobe",
				 .programs = {"epoll_wait_kretprobe", "epoll_wait_kprobe", "epoll_ctl_kprobe",
					      "epoll_accept_kretprobe"},
				 .needs_task_storage = true,
				 .lacks = "",
				 .functions = {"do_epoll_wait", "do_epoll_ctl", "inet_accept"}},
				{.hook = "tracepoint",
				 .programs = {"epoll_wait_exit", "epoll_wait_exit", "epoll_wait_exit",
					      "epoll_wait_enter", "epoll_wait_enter", "epoll_wait_enter",
					      "epoll_ctl_enter", "epoll_accept_exit", "epoll_accept_exit",
					      "epoll_ctl_uring"},
				 .tracepoints = {"io_uring_submit_req"},
				 .needs_task_storage = true,
				 .lacks = "it slows down every system call of every process; "
					  "--collector.epoll=sched does not",
				 .events = {"syscalls/sys_exit_epoll_wait", "syscalls/sys_exit_epoll_pwait",
					    "syscalls/sys_exit_epoll_pwait2", "syscalls/sys_enter_epoll_wait",
					    "syscalls/sys_enter_epoll_pwait", "syscalls/sys_enter_epoll_pwait2",
					    "syscalls/sys_enter_epoll_ctl", "syscalls/sys_exit_accept",
					    "syscalls/sys_exit_accept4"}},
				{.hook = "tracepoint",
				 .programs = {"epoll_wait_exit", "epoll_wait_exit", "epoll_wait_exit",
					      "epoll_wait_enter", "epoll_wait_enter", "epoll_wait_enter",
					      "epoll_ctl_enter", "epoll_accept_exit", "epoll_accept_exit"},
				 .needs_task_storage = true,
				 .controls_unseen = true,
				 .lacks = "it slows down every system call of every process; "
					  "--collector.epoll=sched does not. What io_uring adds to instances and "
					  "removes "
					  "is not seen, so these numbers are absent",
				 .events = {"syscalls/sys_exit_epoll_wait", "syscalls/sys_exit_epoll_pwait",
					    "syscalls/sys_exit_epoll_pwait2", "syscalls/sys_enter_epoll_wait",
					    "syscalls/sys_enter_epoll_pwait", "syscalls/sys_enter_epoll_pwait2",
					    "syscalls/sys_enter_epoll_ctl", "syscalls/sys_exit_accept",
					    "syscalls/sys_exit_accept4"}},
				{.hook = "sched",
				 .needs_task_storage = true,
				 .lacks = "only what the scheduler sees: no events, iterations or stalls, and no loop "
					  "that never sleeps"},
			},
		},
	[COLLECTOR_NAMESPACES] =
		{
			"namespaces",
			"processes that enter other namespaces: setns, unshare, clone",
			false,
			{
				{.hook = "fentry",
				 .programs = {"namespace_set_fentry", "namespace_user_fentry"},
				 .needs_task_storage = true,
				 .lacks = "",
				 .functions = {"switch_task_namespaces", "commit_creds"}},
				{.hook = "kprobe",
				 .programs = {"namespace_set_kprobe", "namespace_user_kprobe"},
				 .needs_task_storage = true,
				 .lacks = "",
				 .functions = {"switch_task_namespaces", "commit_creds"}},
				{.hook = "compare",
				 .needs_task_storage = true,
				 .lacks =
					 "namespaces are compared at switches, forks, execs, exits and samples: a "
					 "thread that returns in between is not seen, and the call is often not known"},
			},
		},
	[COLLECTOR_CAPABILITIES] =
		{
			"capabilities",
			"which capabilities are used, and which are denied",
			false,
			{
				{.hook = "fexit",
				 .needs_current_task = true,
				 .programs = {"capability_fexit"},
				 .lacks = "",
				 .functions = {"cap_capable"}},
				{.hook = "kprobe",
				 .needs_current_task = true,
				 .programs = {"capability_kprobe", "capability_kretprobe"},
				 .lacks = "",
				 .functions = {"cap_capable"}},
				{.hook = "tp_btf",
				 .needs_current_task = true,
				 .programs = {"capability_tracepoint"},
				 .tracepoints = {"cap_capable"},
				 .lacks = "which checks are silent is guessed from the calling functions"},
			},
			"`sysscope capabilities` and capability_denied facts",
			1u << SS_FACT_CAPABILITY_DENIED,
		},
	[COLLECTOR_SOCKETS] =
		{
			"sockets",
			"owners of listening sockets, for the concurrency model of processes",
			false,
			{
				{.hook = "iter/task_file",
				 .needs_task_storage = true,
				 .programs = {"socket_listeners"},
				 .lacks = "",
				 .functions = {"bpf_sock_from_file"}},
				{.hook = "iter/task_file",
				 .programs = {"socket_tcp"},
				 .only_without_task_storage = true,
				 .lacks = "no task-local state: TCP sockets only, which processes listen is not known"},
			},
		},
	[COLLECTOR_TCP] =
		{
			"tcp",
			"TCP by container and port: connections, failures, resets, retransmits, queues",
			false,
			{
				{"tp_btf",
				 {"tcp_state", "tcp_retransmit", "tcp_retransmit_answer", "tcp_reset_sent",
				  "tcp_reset_received"},
				 {"inet_sock_set_state", "tcp_retransmit_skb", "tcp_retransmit_synack",
				  "tcp_send_reset", "tcp_receive_reset"},
				 true,
				 ""},
				{"tp_btf",
				 {"tcp_state_plain", "tcp_retransmit", "tcp_retransmit_answer", "tcp_reset_sent",
				  "tcp_reset_received"},
				 {"inet_sock_set_state", "tcp_retransmit_skb", "tcp_retransmit_synack",
				  "tcp_send_reset", "tcp_receive_reset"},
				 false,
				 ""},
			},
		},
	[COLLECTOR_BIRTHS] =
		{
			"births",
			"container starts: when each step was reached, and its time and CPU",
			false,
			{
				{.hook = "tp_btf", .needs_task_storage = true, .programs_of_tcp = true, .lacks = ""},
				{"tp_btf", {"start_listen"}, {"inet_sock_set_state"}, true, ""},
				{.hook = "sched",
				 .needs_task_storage = true,
				 .lacks = "a container counts as ready when it first sleeps in epoll or accept, not "
					  "when it listens"},
			},
		},
	[COLLECTOR_OOM] =
		{
			"oom",
			"processes that the OOM killer chose, each counted once, as it happens",
			false,
			{{.hook = "raw_tp", .programs = {"oom_victim"}, .tracepoints = {"mark_victim"}, .lacks = ""}},
		},
	[COLLECTOR_RECLAIM] =
		{
			"reclaim",
			"time that containers lose to taking memory back: of a limit's, and of the machine's",
			false,
			{{.hook = "tp_btf",
			  .programs = {"reclaim_limit_end", "reclaim_machine_end", "reclaim_limit_begin",
				       "reclaim_machine_begin"},
			  .tracepoints = {"mm_vmscan_memcg_reclaim_end", "mm_vmscan_direct_reclaim_end",
					  "mm_vmscan_memcg_reclaim_begin", "mm_vmscan_direct_reclaim_begin"},
			  .lacks = ""},
			 {.hook = "tp_btf",
			  .programs = {"reclaim_machine_end", "reclaim_machine_begin"},
			  .tracepoints = {"mm_vmscan_direct_reclaim_end", "mm_vmscan_direct_reclaim_begin"},
			  .lacks = "no stalls at a limit: this kernel has no memory controller"}},
		},
	[COLLECTOR_NETWORK] =
		{
			"network",
			"bytes and packets of containers, also on the host's network",
			false,
			{
				{.hook = "tp_btf",
				 .programs = {"network_tcp", "network_socket", "network_tcp_end", "network_sent",
					      "network_received"},
				 .tracepoints = {"tcp_destroy_sock", "sock_send_length", "sock_recv_length"},
				 .at_cgroup_root = true,
				 .counts_by_sockets = true,
				 .lacks = ""},
				{.hook = "cgroup_skb",
				 .programs = {"network_receive", "network_transmit"},
				 .at_cgroup_root = true,
				 .only_carrying_v2 = true,
				 .lacks = ""},
				/* Sockets first: whatever is opened from then on has an owner. */
				{.hook = "cgroup_skb",
				 .programs = {"network_socket", "network_receive", "network_transmit"},
				 .at_cgroup_root = true,
				 .lacks = ""},
			},
		},
	[COLLECTOR_DISK] =
		{
			"disk",
			"requests to block devices: latency, operations and bytes by container, and who fills a device",
			false,
			{{.hook = "tp_btf",
			  .programs = {"disk_complete"},
			  .tracepoints = {"block_rq_complete"},
			  .lacks = ""}},
		},
	[COLLECTOR_COUNTERS] =
		{
			"counters",
			"counters and limits of all cgroups in one pass",
			false,
			{{.hook = "iter/cgroup",
			  .programs = {"cgroup_values"},
			  .lacks = "",
			  .functions = {"bpf_iter_cgroup"}}},
			.instead = "the files of cgroups give the same numbers, which costs more",
		},
};
