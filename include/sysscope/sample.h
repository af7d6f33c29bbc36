/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sample.h - one sample: what was read at one moment, raw and complete, so that the model can run
 * from it with no kernel at hand. Filled by agent/sampler.c (kernel half), agent/host.c and agent/cgroupfs.c.
 * Nobody here subtracts or divides.
 */
#ifndef SYSSCOPE_SAMPLE_H
#define SYSSCOPE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/fact.h"
#include "sysscope/abi/task.h"

/* A counter or a size that a cgroup file did not give. */
#define SS_UNKNOWN UINT64_MAX
/* A limit file that says "no limit". */
#define SS_UNLIMITED (UINT64_MAX - 1)

/*
 * What one cgroup's own files say, all of it hierarchical (descendants included). SS_UNKNOWN: no such file or
 * not readable. Sources, v2 then v1.
 */
struct cgroup_counters {
	uint64_t cpu_usage_ns;	       /* cpu.stat usage_usec; cpuacct.usage */
	uint64_t cpu_user_ns;	       /* cpu.stat user_usec; cpuacct.usage_user, else cpuacct.stat */
	uint64_t cpu_system_ns;	       /* cpu.stat system_usec; cpuacct.usage_sys, else cpuacct.stat */
	uint64_t periods;	       /* cpu.stat nr_periods */
	uint64_t throttled_periods;    /* cpu.stat nr_throttled */
	uint64_t throttled_ns;	       /* cpu.stat throttled_usec; throttled_time */
	uint64_t cpu_quota_us;	       /* cpu.max first; cpu.cfs_quota_us. SS_UNLIMITED without quota */
	uint64_t cpu_period_us;	       /* cpu.max second; cpu.cfs_period_us */
	uint64_t cpu_shares;	       /* from cpu.weight; cpu.shares */
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
};
#define CGROUP_COUNTERS_FIELDS (sizeof(struct cgroup_counters) / sizeof(uint64_t))

/* What kind of home a cgroup is part of. */
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
 * Who a home is. Strings are never NULL ("" when not known) and are raw: from outside, unsanitised.
 * Owned by the identity cache (agent/identity/), valid until the next call of that cache.
 */
struct identity {
	enum home_kind kind;
	const char *home;    /* path of the home's cgroup: prefix of the cgroup's own path; the key of the home */
	const char *parent;  /* home path of the container around this one, "" for none */
	const char *runtime; /* "docker", "podman", "containerd", "cri-o", "lxc", "nspawn", "libvirt", "systemd", ... */
	const char *id;	     /* the runtime's id, as long as it is */
	const char *name;    /* what people call it; never "" (runtime's name, unit, short id, path) */
	const char *image;
	const char *pod;
	const char *pod_namespace;
	const char *labels;  /* JSON object text from the runtime, "" for none; bounded */
	bool resolved;	     /* the runtime's own files gave the name */
	uint32_t generation; /* goes up whenever a field changed, as when a name was backfilled */
	int64_t uid;	     /* owner of a rootless container or session, -1: none */
};

/* One cgroup. The array holds every cgroup that was ever named in the same sample's records, root included. */
struct sample_cgroup {
	uint64_t id;		    /* kernfs id */
	uint64_t parent_id;	    /* 0: root, or not known */
	const char *path;	    /* from the root of its hierarchy, "/" for the root; raw */
	const struct identity *who; /* never NULL */
	struct ss_cgroup counts;    /* from the kernel half; zero where it saw nothing */
	bool home_root;		    /* its path is its home's path: `files` is read */
	bool alive;
	struct cgroup_counters files; /* all SS_UNKNOWN unless home_root and alive */
};

/* One line of a gone table. */
struct sample_gone {
	struct ss_gone_key key;
	struct ss_gone value;
};

/* What the scheduler hooks know of one thread: a block behind its record (enum ss_thread_block). */
struct sample_waits {
	uint32_t thread; /* index into threads */
	uint32_t block;	 /* one bit of enum ss_thread_block */
	struct ss_waits waits;
};

/* A living thread's event loop: a block behind its record. */
struct sample_loop {
	uint32_t thread;  /* index into threads */
	uint64_t read_ns; /* CLOCK_BOOTTIME */
	struct ss_loop loop;
	struct ss_loop_begin begin;
};

/* Event loops of ended threads. */
struct sample_gone_loop {
	struct ss_gone_key key;
	struct ss_loop value;
};

/* One line of a neighbour table. */
struct sample_pair {
	struct ss_pair_key key;
	struct ss_pair value;
};

/* One line of a transition table. */
struct sample_transition {
	struct ss_transition_key key;
	uint64_t count;
};

/* One line of the table of capability checks, counted since it was loaded. */
struct sample_check {
	struct ss_capability_key key;
	uint64_t count;
};

struct sample_host {
	unsigned int cpus;    /* online */
	uint64_t cpu_busy_ns; /* /proc/stat user+nice+system+irq+softirq (guest is in user) */
	uint64_t memory_total, memory_available, swap_total, swap_free; /* /proc/meminfo, bytes */
	uint64_t boot_wall_ns; /* wall clock at boot: CLOCK_REALTIME - CLOCK_BOOTTIME */
	double load1;	       /* /proc/loadavg */
	char kernel[65];       /* uname -r */
	char hostname[65];
};

struct sample {
	uint64_t boot_ns; /* CLOCK_BOOTTIME, in the middle of the reading */
	uint64_t wall_ns; /* CLOCK_REALTIME then */
	struct sample_host host;

	struct ss_thread_record *threads; /* in the order of tids */
	size_t n_threads;

	/* In the order of threads. Without the scheduler's hooks there are none. */
	struct sample_waits *waits;
	size_t n_waits;

	/*
	 * The dead. `gone_final` is added for good; `gone_open` is what the table now in use holds so far,
	 * and comes again, grown, in a later sample. Both were read before the threads.
	 */
	struct sample_gone *gone_final, *gone_open;
	size_t n_gone_final, n_gone_open;

	/* In the order of threads; those of the dead in the same two ways. */
	struct sample_loop *loops;
	size_t n_loops;
	bool loops_by_sleep; /* the epoll collector has no hooks of its own: the scheduler's wait classes have to do */
	struct sample_gone_loop *gone_loops_final, *gone_loops_open;
	size_t n_gone_loops_final, n_gone_loops_open;
	/* SS_FACT_LOOP_STALL since the sample before. */
	struct ss_fact *stalls;
	size_t n_stalls;

	/* Who waited for whom: in the same two ways. */
	struct sample_pair *pairs_final, *pairs_open;
	size_t n_pairs_final, n_pairs_open;

	/* Threads that came into other namespaces: in the same two ways. */
	struct sample_transition *transitions_final, *transitions_open;
	size_t n_transitions_final, n_transitions_open;

	struct sample_check *checks;
	size_t n_checks;
	/* Who listens: read seldom, so it stays over many samples. */
	struct ss_socket_owner *socket_owners;
	size_t n_socket_owners;
	uint64_t socket_owners_ns; /* CLOCK_BOOTTIME of the reading, 0: not known */

	struct sample_cgroup *cgroups;
	size_t n_cgroups;

	uint64_t losses[SS_LOSS_KINDS];

	/* How it was come by: collectors in order of agent/loader.h, durations of this reading. */
	struct sample_collector {
		const char *name;
		bool ok;
		uint64_t duration_ns;
	} collectors[16];
	size_t n_collectors;
};

#endif
