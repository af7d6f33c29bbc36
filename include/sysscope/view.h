/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.h - what a view may read: the snapshot, and the metric descriptors of metric.h. Read-only. A view never subtracts one
 * snapshot from another, never opens a file, never names a collector. Strings in a snapshot are raw names from outside: each
 * output passes them through its sanitiser (base/text.h).
 */
#ifndef SYSSCOPE_VIEW_H
#define SYSSCOPE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/looked_at.h"
#include "sysscope/metric.h"

/* Kinds of namespaces: a process's own, then those that its children will get. */
#define NAMESPACE_OWN	8
#define NAMESPACE_KINDS 10
extern const char *const namespace_names[NAMESPACE_KINDS]; /* pid mnt net uts ipc user cgroup time, ... */

/* Threads of a container that entered another namespace. */
struct transition_row {
	uint32_t container; /* index into containers */
	uint32_t kind;	    /* index into namespace_names */
	const char *how;    /* "clone", "unshare", "setns", "exec", "unknown" */
	bool expected;	    /* judged by its name, a runtime's own */
	double v[TRANSITION_METRICS];
};

/* A process that is in a container's namespaces but not in its cgroup. */
struct outsider_row {
	uint32_t container; /* whose namespaces: index into containers */
	uint32_t process;   /* index into processes */
	uint32_t kinds;	    /* bit per namespace_names */
};

/* TCP connections of a container to one remote port, or from others to one of its own. */
struct port_row {
	uint32_t container; /* index into containers */
	uint16_t port;	    /* 0: the ports of this container and direction that are not kept apart */
	const char
		*direction; /* "to": it called connect, the port is remote; "from": it listens, the port is its own */
	uint32_t listener;  /* the lowest pid that has a listening socket of it open, 0: none or not known */
	double v[PORT_METRICS];
};

/* An interface of a network namespace that the container owns: its oldest process is the container's. */
struct interface_row {
	uint32_t container;	    /* index into containers */
	const char *name;	    /* "eth0"; INTERFACE_OTHER: those beyond the first 63 */
	const char *host_interface; /* its other end on the host; "": none, or not known */
	const char *bridge;	    /* that this is in; "": none */
	double v[INTERFACE_METRICS];
};

/* A unit of a template whose units are made for one connection each. */
struct instance_row {
	uint32_t container; /* index into containers: its template */
	const char *name;
	bool dead;
	double cpu_ns, memory; /* absent: not known */
};

struct container_row {
	const char *name;					      /* never "" */
	const char *id, *runtime, *image, *pod, *namespace_, *labels; /* "" if unknown */
	const char *kind;					      /* home_kind_name() */
	const char *cgroup;					      /* path */
	const char *parent;					      /* name of the enclosing container, "" for none */
	const char *parent_cgroup;				      /* its path, "" for none */
	const char *state;					      /* "running", "paused", "empty", "dead" */
	int64_t uid;	 /* owner of a rootless container or session, -1: none */
	bool init_ended; /* its first process lives on without its main thread: runtimes call it stopped */
	bool dead;
	double dead_seconds; /* since its death */
	/* Whose limits hold: the cgroup's own path or that of one above. NULL: no limit, or not known. */
	const char *cpu_limit_of, *memory_limit_of;
	const char *throttled_by; /* whose quota ran out most often; NULL: none did */
	bool cpu_limit_is_cpuset; /* else it is a quota */
	/* Of cgroups above: the limit of processes with the least room, and what is in there; the smallest CPU quota. NULL: none. */
	const char *threads_limit_above_of, *quota_above_of;
	double threads_limit_above, threads_above, quota_above;
	double memory_limit_working_set;      /* of memory_limit_of */
	const struct instance_row *instances; /* the busiest first, the dead last; some of the dead may be forgotten */
	size_t n_instances;
	uint64_t instances_ended; /* since sysscope saw the first one; 0 also where there is no template */
	const struct transition_row *transitions;
	size_t n_transitions;
	const struct disk_row *disks;
	size_t n_disks;
	const struct interface_row *interfaces;
	size_t n_interfaces;
	const struct outsider_row *outside; /* processes in its namespaces from outside */
	size_t n_outside;
	double tcp[TCP_SUM_METRICS];
	const struct port_row *ports; /* "to" before "from", the most connections first, port 0 last */
	size_t n_ports;
	uint32_t host_namespaces; /* that its processes share with the host: bit per namespace_names */
	bool host_namespaces_known;
	/*
	 * Capabilities of any of its processes, bit per number; 0 without a process. Processes with a larger bounding
	 * set than the oldest one are left out: a runtime that is entering the container.
	 */
	uint64_t capabilities_effective, capabilities_permitted, capabilities_bounding;
	uint32_t oldest_process;	/* index into processes + 1; 0: none */
	uint32_t user_namespace;	/* of the oldest process: inode number */
	const struct oom_row *last_oom; /* of its processes, among the snapshot's; NULL: none */
	double v[CONTAINER_METRICS];
};

struct group_row {
	uint32_t container; /* index into containers */
	const char *comm;
	bool dead; /* no process of this name left */
	double v[GROUP_METRICS];
};

/* PSS of the process whose detail is open: each page is divided by the number of processes that map it. Bytes. */
struct rollup_row {
	uint32_t pid; /* 0: no detail is open, or it is not read yet */
	uint64_t start_ns;
	double age_seconds; /* since it was read */
	double pss, anonymous, file, shmem, swap;
	const char *reason; /* why it is not known; NULL: it is */
};

struct concurrency; /* the evidence for a concurrency model; agent/concurrency/ */

struct process_row {
	uint32_t pid, ppid, uid;
	uint32_t namespace_pid; /* pid inside its own pid namespace */
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	double start_time;	/* seconds since 1970 */
	const char *comm;	/* the name of the process */
	const char *thread;	/* that of its main thread */
	uint32_t container;	/* index into containers */
	char state;		/* 'R', 'S', 'D', ... as in /proc/PID/stat */
	bool kernel;		/* kernel thread */
	bool runs_machine;	/* it runs a virtual machine */
	const char *guest;	/* what it calls that; "" or NULL: not known */
	uint64_t capabilities_effective, capabilities_permitted, capabilities_bounding; /* bit per number */
	uint32_t namespaces[NAMESPACE_OWN];    /* inode numbers in the order of namespace_names, 0: not known */
	const char *model;		       /* concurrency model: "single", "prefork", ...; NULL: not known */
	const struct concurrency *concurrency; /* the evidence for it, NULL: none */
	double v[PROCESS_METRICS];
};

/* Capabilities by number, without the "CAP_" (include/uapi/linux/capability.h); an unknown one is its number. */
#define CAPABILITIES 41
extern const char *const capability_names[CAPABILITIES];
struct buf;
void capability_name(struct buf *out, unsigned int number);

/* Checks of one capability for threads of one name in a container, since the command started. */
struct check_row {
	uint32_t container;	 /* index into containers */
	uint32_t user_namespace; /* of the credentials: inode number */
	uint8_t capability;
	bool denied;  /* else it was used */
	bool early;   /* before the container's own program was executed: by the runtime that creates it */
	bool foreign; /* by a thread with a larger bounding set than the container's: the runtime that creates it */
	char comm[17];
	uint64_t count;
};

/* Plain sentences with figures and, as everywhere in a snapshot, raw names. */
#define MODEL_LINES 4
struct concurrency_lines {
	size_t n;
	char line[MODEL_LINES][200];
};
/* Why the process has its concurrency model, and how well it does. Made on request: most rows are never shown. */
void concurrency_reasons(const struct process_row *p, struct concurrency_lines *ret);
void concurrency_health(const struct process_row *p, struct concurrency_lines *ret);

/* A container that waited for a CPU, and the one that ran on it instead. */
struct neighbour_row {
	uint32_t waiter; /* index into containers */
	uint32_t runner; /* the same; NEIGHBOUR_OTHERS: several that were not kept apart, or unknown */
	double v[NEIGHBOUR_METRICS];
};
#define NEIGHBOUR_OTHERS UINT32_MAX

/* What a container did at one block device. Not necessarily shown by /proc/diskstats any more. */
struct disk_row {
	uint32_t container;    /* index into containers */
	const char *device;    /* as lsblk shows it; "~other": several that were not kept apart */
	uint32_t major, minor; /* 0, 0: several */
	bool upon_others;      /* it lies upon other devices, or a file: dm, md, loop */
	bool flash;	       /* it says that nothing in it turns */
	const char *
		limit_of; /* the cgroup above that limits it here, raw bytes; NULL: its limits are its own, or it has none */
	double v[DISK_METRICS];
};

/* A container whose requests waited at a block device, and the one that the device served instead. */
struct disk_neighbour_row {
	uint32_t waiter; /* index into containers */
	uint32_t filler; /* the same; NEIGHBOUR_OTHERS: several that were not kept apart, or unknown */
	const char *device;
	double v[DISK_NEIGHBOUR_METRICS];
};

/* A block device of the machine. */
struct device_row {
	const char *name;
	uint32_t major, minor;
	bool upon_others, flash; /* as in disk_row */
	double v[DEVICE_METRICS];
};

/* An iteration of an event loop over the threshold. Times in seconds; `blocked` in the order of wait_class_names. */
enum { WAIT_CLASSES = 0 WAIT_CLASS_LIST(LIST_ONE) };
extern const char *const wait_class_names[WAIT_CLASSES];   /* "epoll", "poll", ... */
extern const char *const wait_class_phrases[WAIT_CLASSES]; /* "in file I/O": behind a time */
struct stall {
	double time; /* seconds since 1970; 0: no stall */
	double seconds, oncpu, runqueue, throttled, blocked[WAIT_CLASSES];
	const char *cause;	   /* "oncpu", "runqueue", "throttled", "blocked" */
	const char *runner;	   /* container that ran on the CPU during its longest wait; "": none or unknown */
	const char *runner_cgroup; /* its path */
	uint64_t suppressed;	   /* stalls of the loop just before that are in its counters only */
};

/* A stall reported since the previous snapshot. Its loop may have ended. */
struct stall_row {
	uint32_t container; /* index into containers; STALL_NOWHERE: no container that is shown */
	uint32_t pid, tid;
	double start_time;	   /* of the thread, seconds since 1970 */
	const char *comm, *thread; /* the names of the process and of the thread */
	struct stall stall;
};
#define STALL_NOWHERE UINT32_MAX

/* A thread that runs an event loop, or the threads of a process that take turns in one. */
struct loop_row {
	uint32_t process;   /* index into processes */
	uint32_t tid;	    /* the lowest of them */
	const char *thread; /* its name; "": they take turns */
	uint32_t threads;   /* 1, or how many take turns */
	bool scheduler;	    /* they take turns: a single one says nothing about the whole */
	struct stall last_stall;
	double v[LOOP_METRICS];
};

/* The start of a container, in phases without gaps; see docs/starts.md. */
enum { BIRTH_PHASES = 0 START_PHASE_LIST(LIST_ONE) };
extern const char *const start_phase_names[BIRTH_PHASES]; /* "create", "setup", "init", "start" */
extern const char *const start_phase_texts[BIRTH_PHASES]; /* when each ends: "to the exec" */
struct start_row {
	const char *container; /* last name of its row; raw */
	const char *cgroup;    /* of its row */
	const char *id;	       /* "" if unknown */
	const char *state;     /* "starting", "ready", "ended" before it was ready, "unready" after five minutes */
	const char *ready_by;  /* "listen", "epoll", "accept"; "" while it is not ready */
	double time;	       /* creation of its cgroup, seconds since 1970 */
	/* Absent: not over, or not separable from the next phase. CPU: of its own processes; absent: unknown. */
	double seconds[BIRTH_PHASES], cpu_seconds[BIRTH_PHASES];
	double total_seconds, total_cpu_seconds; /* until it was ready */
	/* How its first process ended: a status or a signal; absent: it has not, or it is not known. */
	double exit_status, exit_signal;
	char exit_comm[17]; /* its name; "": neither */
};

/* A process that the OOM killer chose. */
#define OOM_LARGEST 5
struct oom_process {
	uint32_t pid;
	double rss;
	char comm[17], container[128]; /* names; that of the container may be cut */
};
struct oom_row {
	double time, start_time; /* of the kill; of the victim, not a number: not known; seconds since 1970 */
	uint32_t container;	 /* index into containers; OOM_NOWHERE: no container that is shown */
	const char *container_name, *container_cgroup; /* where the victim was; "": not known */
	uint32_t pid, tid;
	const char *comm, *thread; /* the names of the victim and of its thread; "": not known */
	double rss;		   /* its memory; absent: not known */
	int score_adjust;
	/* What was exhausted: "memory_limit", "memory_and_swap_limit", "machine", "nodes"; "": not known. */
	const char *exhausted;
	const char *limit_of; /* path of the cgroup whose limit it was; "": none, or not known */
	const char
		*limit_scope; /* "own", "nested" in the container, "ancestor" of it, "other"; "": none, or not known */
	double limit, usage;  /* of what was exhausted, at that moment */
	uint32_t asker_pid;   /* the process that wanted memory; 0: not known */
	const char *asker;    /* the name of its thread */
	/* The largest processes in `largest_of` (a cgroup; "": the machine), in the sample of so many seconds before. */
	struct oom_process largest[OOM_LARGEST];
	size_t n_largest;
	const char *largest_of;
	double largest_age; /* absent: none are known */
};
#define OOM_NOWHERE UINT32_MAX

struct loss_row {
	const char *kind;
	uint64_t count;
};

struct collector_row {
	const char *name;
	bool ok;
	double duration_seconds;
};

/* A CPU of the machine. */
struct cpu_row {
	uint32_t number;
	double busy; /* share of its time that it was busy over the interval; absent: not known */
};

struct findings; /* findings.h */

struct snapshot {
	uint64_t sequence; /* 1 for the first; rates are absent in that one */
	double time;	   /* seconds since 1970 */
	double began;	   /* time of the first one, from which on everything is counted; absent: not known */
	double interval;   /* seconds since the snapshot before, 0 in the first */
	uint64_t clock_ns; /* CLOCK_BOOTTIME: ages are those at this time */
	uint64_t
		sleeps_ns; /* the run queues' clock, until which those have slept that only slept since the snapshot before */
	const char *kernel, *hostname;
	const char *machine;	  /* "kvm", ..., "none": it is real; NULL: not known */
	const char *in_container; /* "docker", ...: the machine is a container; "none"; NULL: not known */
	const char *
		pressure_reason; /* why no container has pressure; NULL: they have it, unless it is turned off for one */
	const char *attributed_reason; /* why the share of attributed CPU time is not known; NULL: it is */
	double v[HOST_METRICS];
	const struct cpu_row *cpus; /* in the order of /proc/stat; not of a machine with more than 128 */
	size_t n_cpus;
	const struct container_row *containers; /* unsorted */
	size_t n_containers;
	const struct group_row *groups;
	size_t n_groups;
	uint64_t names_folded; /* of processes, into `~other` of their container; summed over samples, never falls */
	const struct process_row *processes;
	struct rollup_row rollup;
	size_t n_processes;
	const struct neighbour_row *neighbours;
	size_t n_neighbours;
	const struct disk_row *disks; /* those of one container are adjacent */
	size_t n_disks;
	const struct disk_neighbour_row *disk_neighbours; /* those of one waiter are adjacent */
	size_t n_disk_neighbours;
	const struct device_row *devices;
	size_t n_devices;
	const struct loop_row *loops;
	size_t n_loops;
	const struct stall_row *stalls;
	size_t n_stalls;
	const struct transition_row *transitions; /* those of one container are adjacent */
	size_t n_transitions;
	const struct outsider_row *outside; /* those of one container are adjacent */
	size_t n_outside;
	const struct port_row *ports; /* those of one container are adjacent */
	size_t n_ports;
	uint64_t ports_folded;			/* into port 0 of their container; summed over samples, never falls */
	const struct interface_row *interfaces; /* those of one container are adjacent */
	size_t n_interfaces;
	const struct check_row *checks; /* only where capability checks are counted */
	size_t n_checks;
	uint64_t capabilities_all;	/* that this kernel has; 0: unknown */
	const struct start_row *births; /* the last 100 starts since sysscope started, oldest first */
	size_t n_births;
	const struct oom_row *oom_kills; /* the last 100 since sysscope started, oldest first */
	size_t n_oom_kills;
	const struct loss_row *losses; /* every kind, also at 0 */
	size_t n_losses;
	const struct collector_row *collectors;
	size_t n_collectors;
	struct looked_at looked;
	const struct findings *findings; /* what is wrong; NULL: nobody asked for it, or it has not begun to watch */
};

/* The row of the process's container. */
static inline const struct container_row *process_container(const struct snapshot *s, const struct process_row *p)
{
	return &s->containers[p->container];
}

/* Without a process, dead or empty, nobody knows what its processes could do. */
static inline bool container_capabilities_known(const struct container_row *c)
{
	return c->oldest_process || c->capabilities_bounding;
}

static inline const char *disk_neighbour_filler(const struct snapshot *s, const struct disk_neighbour_row *n)
{
	return n->filler == NEIGHBOUR_OTHERS ? "~other" : s->containers[n->filler].name;
}

static inline const char *neighbour_runner(const struct snapshot *s, const struct neighbour_row *n)
{
	return n->runner == NEIGHBOUR_OTHERS ? "~other" : s->containers[n->runner].name;
}

#endif
