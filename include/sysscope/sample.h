/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sample.h - one sample: what was read at one moment, raw and complete, so that the model can run from it without a
 * kernel. Filled by agent/sample, with the help of agent/cgroup and agent/identity. Nothing is subtracted or divided.
 */
#ifndef SYSSCOPE_SAMPLE_H
#define SYSSCOPE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/disk.h"
#include "sysscope/abi/fact.h"
#include "sysscope/abi/network.h"
#include "sysscope/abi/task.h"
#include "sysscope/abi/tcp.h"

/* A counter or a size that no cgroup file has. */
#define SS_UNKNOWN UINT64_MAX
/* A limit file that says "no limit". */
#define SS_UNLIMITED (UINT64_MAX - 1)

#define HUGE_PAGE_ONE(...) +1 /* NOLINT(bugprone-macro-parentheses): a term of a sum */
enum { HUGE_PAGE_SIZES = 0 HUGE_PAGE_LIST(HUGE_PAGE_ONE) };

/*
 * The contents of one cgroup's files, hierarchical (descendants included). SS_UNKNOWN: the file is missing or not
 * readable. Each field has its source on v2; then on v1.
 */
struct cgroup_counters {
	uint64_t cpu_usage_ns;	       /* cpu.stat usage_usec; cpuacct.usage */
	uint64_t cpu_user_ns;	       /* cpu.stat user_usec; cpuacct.usage_user, else cpuacct.stat */
	uint64_t cpu_system_ns;	       /* cpu.stat system_usec; cpuacct.usage_sys, else cpuacct.stat */
	uint64_t periods;	       /* cpu.stat nr_periods */
	uint64_t throttled_periods;    /* cpu.stat nr_throttled */
	uint64_t throttled_ns;	       /* cpu.stat throttled_usec; throttled_time */
	uint64_t bursts;	       /* cpu.stat nr_bursts */
	uint64_t burst_ns;	       /* cpu.stat burst_usec; burst_time */
	uint64_t cpu_quota_us;	       /* cpu.max first; cpu.cfs_quota_us. SS_UNLIMITED without quota */
	uint64_t cpu_period_us;	       /* cpu.max second; cpu.cfs_period_us */
	uint64_t cpu_weight;	       /* cpu.weight; none on v1 */
	uint64_t cpu_shares;	       /* none on v2; cpu.shares */
	uint64_t memory_usage;	       /* memory.current; memory.usage_in_bytes */
	uint64_t memory_peak;	       /* memory.peak; memory.max_usage_in_bytes */
	uint64_t memory_limit;	       /* memory.max; memory.limit_in_bytes. SS_UNLIMITED */
	uint64_t memory_reservation;   /* memory.low; memory.soft_limit_in_bytes. SS_UNLIMITED */
	uint64_t swap_limit;	       /* memory.swap.max; memory.memsw.limit_in_bytes. SS_UNLIMITED */
	uint64_t memory_swap;	       /* memory.swap.current; memory.stat total_swap or swap */
	uint64_t memory_rss;	       /* memory.stat anon; total_rss */
	uint64_t memory_cache;	       /* memory.stat file; total_cache */
	uint64_t memory_mapped;	       /* memory.stat file_mapped; total_mapped_file */
	uint64_t memory_kernel;	       /* memory.stat kernel; memory.kmem.usage_in_bytes */
	uint64_t memory_active_file;   /* memory.stat active_file; total_active_file */
	uint64_t memory_inactive_file; /* memory.stat inactive_file; total_inactive_file */
	uint64_t page_faults;	       /* memory.stat pgfault; total_pgfault */
	uint64_t major_page_faults;    /* memory.stat pgmajfault; total_pgmajfault */
	uint64_t memory_failcnt;       /* memory.events max; memory.failcnt */
	uint64_t oom_kills;	       /* memory.events oom_kill; memory.oom_control oom_kill */
	uint64_t pids;		       /* pids.current */
	uint64_t pids_limit;	       /* pids.max. SS_UNLIMITED */
	uint64_t memory_thp;	       /* memory.stat anon_thp; total_rss_huge */
	uint64_t memory_min;	       /* memory.min; none on v1. SS_UNLIMITED: all of it is protected */
	uint64_t memory_high;	       /* memory.high; none on v1. SS_UNLIMITED */
	uint64_t swap_high;	       /* memory.swap.high; none on v1. SS_UNLIMITED */
	uint64_t memory_shmem;	       /* memory.stat shmem; total_shmem */
	uint64_t slab_reclaimable;     /* memory.stat slab_reclaimable; none on v1 */
	uint64_t slab_unreclaimable;   /* memory.stat slab_unreclaimable; none on v1 */
	uint64_t memory_dirty;	       /* memory.stat file_dirty; total_dirty */
	uint64_t memory_writeback;     /* memory.stat file_writeback; total_writeback */
	uint64_t refaults_anon;	       /* memory.stat workingset_refault_anon; total_workingset_refault_anon */
	uint64_t refaults_file;	       /* memory.stat workingset_refault_file; total_workingset_refault_file */
	uint64_t pages_scanned;	       /* memory.stat pgscan; none on v1 */
	uint64_t pages_reclaimed;      /* memory.stat pgsteal; none on v1 */
	uint64_t events_low;	       /* memory.events low; none on v1 */
	uint64_t events_high;	       /* memory.events high; none on v1 */
	uint64_t events_oom;	       /* memory.events oom; none on v1 */
	uint64_t events_oom_group;     /* memory.events oom_group_kill; none on v1 */
	uint64_t under_oom;	       /* none on v2; memory.oom_control under_oom: 1: its tasks wait for memory */
	uint64_t oom_kill_disabled;    /* none on v2; memory.oom_control oom_kill_disable */
	/* Some of its tasks, all of its tasks waited. None on v1: */
	uint64_t pressure_cpu_some_ns, pressure_cpu_full_ns;	   /* cpu.pressure */
	uint64_t pressure_memory_some_ns, pressure_memory_full_ns; /* memory.pressure */
	uint64_t pressure_io_some_ns, pressure_io_full_ns;	   /* io.pressure */
	/* By size of huge page: */
	uint64_t hugetlb[HUGE_PAGE_SIZES];	   /* hugetlb.SIZE.current; hugetlb.SIZE.usage_in_bytes */
	uint64_t hugetlb_peak[HUGE_PAGE_SIZES];	   /* none on v2; hugetlb.SIZE.max_usage_in_bytes */
	uint64_t hugetlb_limit[HUGE_PAGE_SIZES];   /* hugetlb.SIZE.max; limit_in_bytes. SS_UNLIMITED */
	uint64_t hugetlb_failcnt[HUGE_PAGE_SIZES]; /* hugetlb.SIZE.events max; hugetlb.SIZE.failcnt */
	uint64_t
		io_charged; /* any number: requests to disks are charged to it. io.stat; it is in the blkio hierarchy */
	uint64_t cpuset_cpus; /* CPUs in cpuset.cpus.effective; in cpuset.effective_cpus */
};
#define CGROUP_COUNTERS_FIELDS (sizeof(struct cgroup_counters) / sizeof(uint64_t))

/* The kind of home that a cgroup belongs to. */
enum home_kind {
	HOME_HOST,   /* belongs to nothing below: the root, slices */
	HOME_KERNEL, /* kernel threads */
	HOME_CONTAINER,
	HOME_POD, /* processes directly in a pod's cgroup; pause containers */
	HOME_VM,
	HOME_SERVICE, /* systemd unit */
	HOME_SESSION, /* user session or a user's own units */
	HOME_RUNTIME, /* a container's monitor: conmon, lxc.monitor, nspawn supervisor */
	HOME_CGROUP,  /* any other cgroup */
	HOME_KINDS
};
const char *home_kind_name(enum home_kind kind); /* "host", "kernel", "container", ... */

/*
 * The identity of a home. Strings are never NULL ("" if not known) and raw: from outside, not sanitised. Owned by the
 * identity cache (agent/identity/), valid until the next call of that cache.
 */
struct identity {
	enum home_kind kind;
	const char *home;    /* path of the home's cgroup: prefix of the cgroup's own path; the key of the home */
	bool instances;	     /* units made for one connection each: `home` is that of their template, unit@.service */
	const char *parent;  /* home path of the container around this one, "" for none */
	const char *runtime; /* "docker", "podman", "containerd", "cri-o", "lxc", "nspawn", "libvirt", "systemd", ... */
	const char *id;	     /* the runtime's id, as long as it is */
	const char *name;    /* shown to users; never "" (runtime's name, unit, short id, path) */
	const char *image;
	const char *pod;
	const char *pod_namespace;
	const char *labels;  /* JSON object text from the runtime, "" for none; bounded */
	bool resolved;	     /* the name comes from the runtime's files */
	uint32_t generation; /* increased by each change of a field, such as a name that was found late */
	int64_t uid;	     /* owner of a rootless container or session, -1: none */
	uint64_t cpu_shares; /* that the runtime was asked for, 0: none, or not known */
};

/* One cgroup. The sample has every cgroup that its records name, the root included. */
struct sample_cgroup {
	uint64_t id;		    /* kernfs id */
	uint64_t parent_id;	    /* 0: root, or not known */
	const char *path;	    /* from the root of its hierarchy, "/" for the root; raw */
	const struct identity *who; /* never NULL */
	struct ss_cgroup counts;    /* from the kernel half; zero if it saw nothing */
	struct ss_network network;  /* the same, of sockets that belong to this cgroup itself */
	bool home_root;		    /* its path is its home's path: `files` is read */
	bool above; /* it is above such a cgroup: of `files`, its limits and how far they are used are read */
	bool alive;
	struct cgroup_counters files; /* all SS_UNKNOWN unless alive and one of these */
};

/* IFNAMSIZ of the kernel, the NUL included. */
#define SS_INTERFACE_NAME 16
/* The name of what stands for several interfaces. */
#define INTERFACE_OTHER "~other"

/* As in /proc/PID/net/dev. */
struct interface_counters {
	uint64_t receive_bytes, receive_packets, receive_errors, receive_dropped;
	uint64_t transmit_bytes, transmit_packets, transmit_errors, transmit_dropped;
};

/* An interface of a network namespace other than the host's. */
struct sample_interface {
	uint32_t namespace_; /* inode number */
	char name[SS_INTERFACE_NAME];
	char host_interface[SS_INTERFACE_NAME]; /* its other end on the host; "": there is none, or it is not known */
	char bridge[SS_INTERFACE_NAME];		/* that this is in; "": none */
	struct interface_counters counters;
};

/* One entry of a gone table. */
struct sample_gone {
	struct ss_gone_key key;
	struct ss_gone value;
};

/*
 * What the kernel half said of a thread when it last said anything: its record, and the blocks that followed it (enum
 * ss_thread_block; NULL: there was none). It stays at the same address as long as each sample has the thread.
 */
struct told_thread {
	struct ss_thread_record *record;
	char *name; /* SS_COMM_LEN bytes: what its process is called, if that is not its main thread's name */
	struct ss_waits *waits; /* from the scheduler hooks, like the next two */
	struct ss_waits *waits_charged, *waits_dead;
};

/* A thread of the sample. */
struct sample_thread {
	struct told_thread *told;
	uint32_t tid;
	bool same; /* what was told is the same as in the sample before, except for open_blocked_ns: only time has passed */
};

/* A living thread's event loop: a block that follows its record. */
struct sample_loop {
	uint32_t thread;  /* index into threads */
	uint64_t read_ns; /* CLOCK_MONOTONIC */
	struct ss_loop loop;
	struct ss_loop_begin begin;
};

/* Event loops of ended threads. */
struct sample_gone_loop {
	struct ss_gone_key key;
	struct ss_loop value;
};

/* One entry of a neighbour table. */
struct sample_pair {
	struct ss_pair_key key;
	struct ss_pair value;
};

/* One entry of a namespace transition table. */
struct sample_transition {
	struct ss_transition_key key;
	uint64_t count;
};

/* One entry of a table of TCP events. */
struct sample_tcp {
	struct ss_tcp_key key;
	struct ss_tcp value;
};

/* The TCP sockets of a cgroup with the same direction and port, each once, as the last pass over open files found them. */
struct sample_tcp_port {
	struct ss_tcp_key key;
	uint32_t established, connecting, close_wait, listening;
	uint32_t rtt_sockets; /* established ones whose round-trip time is known */
	uint32_t rtt_largest_us;
	uint64_t rtt_sum_us, unsent_bytes, unread_bytes;
	/* Of listening sockets: sums; the queue that is the fullest for its limit; drops since they were made. */
	uint64_t queue, queue_limit, drops;
	double queue_fullest;
	uint32_t unanswered; /* established ones whose last data waits for an answer of the side that accepted */
	uint32_t listener;   /* the lowest pid that has a listening socket open, 0: none */
};

/* One entry of the table of capability checks, counted since the programs were loaded. */
struct sample_check {
	struct ss_capability_key key;
	uint64_t count;
};

/* One entry of a disk table, and of a table of disk neighbours. The cgroups are those of the carrying hierarchy. */
struct sample_disk {
	struct ss_disk_key key; /* cgroup_id SS_CGROUP_OTHERS: it was gone before it could be looked up */
	struct ss_disk value;
};

struct sample_disk_pair {
	struct ss_disk_pair_key key;
	struct ss_disk_pair value;
};

/* One device in io.stat of a cgroup (v2), descendants included; counted when a request is sent, and as bios, not requests. */
struct sample_io {
	uint64_t cgroup_id;
	uint32_t device; /* as in abi/disk.h */
	uint64_t read_bytes, write_bytes, discard_bytes, reads, writes, discards;
	/* Of the controller io.cost, in us; 0: it is not turned on for the device, or the kernel is not told to say it. */
	uint64_t cost_usage_us, cost_wait_us, cost_indebt_us, cost_indelay_us;
	uint32_t costs; /* which of these are there, a bit each */
};

/*
 * What a cgroup may do at a device in a second: io.max (v2), blkio.throttle.* (v1). SS_UNLIMITED: there is no such limit. Devices
 * without any are left out.
 */
struct sample_io_limit {
	uint64_t cgroup_id;
	uint32_t device; /* as in abi/disk.h */
	bool alone;	 /* v1: it holds the cgroup's own tasks, and nothing below */
	uint64_t read_bytes, write_bytes, reads, writes;
};

/* A block device of the machine that has done something: /proc/diskstats, names from /sys/dev/block. No partitions. */
struct sample_device {
	uint32_t device;  /* as in abi/disk.h */
	char name[64];	  /* as lsblk shows it: "sda", "vg-root", "loop0" */
	bool upon_others; /* it lies upon other devices, or a file: dm, md, loop */
	bool flash;	  /* it says that nothing in it turns */
	uint64_t reads, read_bytes, read_ns, writes, write_bytes, write_ns;
	uint64_t in_flight; /* requests now */
	uint64_t busy_ns;   /* time with any request in flight */
};

/*
 * What the CPUs have spent on threads, by the clocks of their run queues: the second source beside the threads' own times.
 * It includes the time that interrupts, and a hypervisor, took from a running thread where the kernel tells these apart.
 */
struct sample_run_queues {
	uint64_t ns;   /* /proc/schedstat, plus runs that are under way; SS_UNKNOWN: the kernel has no such file */
	uint64_t cpus; /* hash of the CPUs' numbers: with other CPUs the sum is not comparable */
};

/* What the machine is: names of systemd-detect-virt(1). They live for ever. */
struct sample_virtualization {
	const char *machine;   /* "kvm", ..., "none": real; "" or NULL: not known */
	const char *container; /* "docker", ..., "none"; "" or NULL: not known */
};

/* What the command line of a process that runs a virtual machine calls it. */
struct sample_guest {
	uint64_t tgid, start_ns; /* of the process */
	char name[128];		 /* raw, never "" */
};

/* What a file of /proc/pressure says, in ns; SS_UNKNOWN: nothing. */
struct sample_pressure {
	uint64_t some_ns, full_ns;
};

/* A CPU's line of /proc/stat: busy as below, and with steal, idle and iowait. */
#define SAMPLE_CPUS_MAX 128
struct sample_cpu {
	uint32_t number;
	uint64_t busy_ns, all_ns;
};

struct sample_host {
	unsigned int cpus;   /* online */
	unsigned int n_each; /* elements of `each`; 0 also where the machine has more CPUs than there is room for */
	struct sample_cpu each[SAMPLE_CPUS_MAX];
	uint64_t cpu_busy_ns; /* /proc/stat user+nice+system+irq+softirq (guest is in user) */
	uint64_t steal_ns;    /* /proc/stat steal: a hypervisor ran something else; SS_UNKNOWN: not in the file */
	uint64_t cpu_all_ns;  /* busy, steal, idle and iowait */
	uint64_t memory_total, memory_available, swap_total, swap_free; /* /proc/meminfo, bytes */
	uint64_t hugetlb;						/* /proc/meminfo Hugetlb, of all sizes (4.19) */
	uint64_t swap_in, swap_out;					/* /proc/vmstat pswpin, pswpout: pages */
	uint64_t boot_wall_ns; /* wall clock at boot: CLOCK_REALTIME - CLOCK_BOOTTIME */
	double load1;	       /* /proc/loadavg */
	struct sample_pressure pressure_cpu, pressure_memory, pressure_io, pressure_irq;
	char kernel[65]; /* uname -r */
	char hostname[65];
};

/* PSS of the process that somebody looks at, in bytes, from /proc/PID/smaps_rollup; SS_UNKNOWN. */
struct sample_rollup {
	uint32_t tgid;		    /* 0: nobody looks */
	uint64_t start_ns, read_ns; /* of the process; when it was read: both CLOCK_BOOTTIME */
	uint64_t pss, pss_anonymous, pss_file, pss_shmem, swap_pss;
	const char *reason; /* why it is not known, static; NULL: it is */
};

struct sample {
	uint64_t boot_ns; /* CLOCK_BOOTTIME, in the middle of the reading */
	uint64_t
		sleeps_ns; /* the run queues' clock, until which those have slept that only slept since the sample before */
	uint64_t wall_ns; /* CLOCK_REALTIME then */
	struct sample_host host;
	struct sample_virtualization virtualization;
	struct sample_run_queues run_queues;
	struct sample_rollup rollup;

	struct sample_thread *threads; /* in the order of tids */
	size_t n_threads;
	uint64_t
		threads_pass; /* number of the pass that read them; 0: not counted. `same` compares with the pass before */

	/*
	 * Ended threads. `gone_final` is complete and comes once; `gone_open` is the content of the map in use so far, and
	 * comes again, grown, in a later sample. Both were read before the threads.
	 */
	struct sample_gone *gone_final, *gone_open;
	size_t n_gone_final, n_gone_open;

	/* In the order of threads; those of ended threads in two arrays like gone_final and gone_open. */
	struct sample_loop *loops;
	size_t n_loops;
	bool ends_unseen;	   /* how containers' first processes end is not noted */
	bool loop_controls_unseen; /* not every call of epoll_ctl, or request of io_uring, is seen */
	bool loops_by_sleep; /* the epoll collector has no programs in use: loops are seen by the scheduler's wait classes */
	bool loops_last; /* those that follow are by sleep, and loops that are seen later begin again */
	struct sample_gone_loop *gone_loops_final, *gone_loops_open;
	size_t n_gone_loops_final, n_gone_loops_open;
	/* SS_FACT_LOOP_STALL since the sample before. */
	struct ss_fact *stalls;
	size_t n_stalls;

	/* SS_FACT_OOM_KILL since the sample before; all victims since the programs were loaded, by enum ss_oom_exhausted. */
	struct ss_fact *oom_kills;
	size_t n_oom_kills;
	uint64_t oom_kills_of[SS_OOM_KINDS];

	/* Neighbours that waited for each other: two arrays, as above. */
	struct sample_pair *pairs_final, *pairs_open;
	size_t n_pairs_final, n_pairs_open;

	/* Threads that entered other namespaces: two arrays, as above. */
	struct sample_transition *transitions_final, *transitions_open;
	size_t n_transitions_final, n_transitions_open;

	/* TCP events: two arrays, as above. */
	struct sample_tcp *tcp_final, *tcp_open;
	size_t n_tcp_final, n_tcp_open;
	/* Read with the owners of listening sockets, which see. */
	struct sample_tcp_port *tcp_ports;
	size_t n_tcp_ports;
	uint64_t tcp_ports_ns; /* CLOCK_BOOTTIME of the reading, 0: not known */

	struct sample_check *checks;
	size_t n_checks;

	/* Completed requests, and who waited for whom at a device: two arrays each, as above. */
	struct sample_disk *disks_final, *disks_open;
	size_t n_disks_final, n_disks_open;
	struct sample_disk_pair *disk_pairs_final, *disk_pairs_open;
	size_t n_disk_pairs_final, n_disk_pairs_open;
	const struct sample_io *ios; /* in the order of cgroups */
	size_t n_ios;
	const struct sample_io_limit *io_limits; /* those of one cgroup are adjacent */
	size_t n_io_limits;
	bool io_unaccounted;	       /* the kernel does not count what tasks read and write */
	struct sample_device *devices; /* in the order of /proc/diskstats */
	size_t n_devices;

	/* Owners of listening sockets: read rarely, so they stay for many samples. */
	struct ss_socket_owner *socket_owners;
	size_t n_socket_owners;
	uint64_t socket_owners_ns; /* CLOCK_BOOTTIME of the reading, 0: not known */

	const struct sample_guest *guests;
	size_t n_guests;
	/* Those of one namespace are adjacent. */
	const struct sample_interface *interfaces;
	size_t n_interfaces;

	struct sample_cgroup *cgroups;
	size_t n_cgroups;
	const char *pressure_reason; /* why no cgroup has pressure; NULL: they have it. Static */
	/* Look-ups of names, from the identity cache. */
	struct sample_name_lookups {
		uint64_t unnamed; /* containers and pods without a name */
		uint64_t failed, refused;
	} name_lookups;

	uint64_t losses[SS_LOSS_KINDS];

	/* The collectors, and how long each took for this sample. */
	struct sample_collector {
		const char *name;
		bool ok;
		uint64_t duration_ns;
	} collectors[32];
	size_t n_collectors;
};

#endif
