/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.h - one event as a line of text or as a JSON object on a line. Called by `sysscope events`. Every line has the
 * time, the container, and the process with its name and start time; keys are stable.
 */
#ifndef SYSSCOPE_EVENTS_H
#define SYSSCOPE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/view.h"

struct buf;

/* In the order of abi/facts.def, which has their rows. */
enum event_type {
#define FACT(kind, number, type, ...) EVENT_##type,
#define EVENT(type, ...)	      EVENT_##type,
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
	EVENT_TYPES
};
extern const char *const event_type_names[EVENT_TYPES];

/* The types that are shown if none were chosen, a bit each. `narrowed`: only a part of the machine is looked at. */
uint32_t event_types_shown(bool narrowed);

/* Texts are raw; NULL or "": not known. Times are seconds since 1970, not a number: not known. */
struct event {
	enum event_type type;
	double time, start_time;
	const char *container, *container_cgroup; /* its name and the path of its cgroup; NULL: not known */
	const char *comm, *thread;		  /* the names of the process and of the thread */
	uint32_t pid, tid;			  /* 0: not known */
	/* As in struct container_row; NULL: not known. */
	const char *container_kind, *container_id, *container_pod;

	/* process_start, thread_start */
	uint64_t clone_flags;
	uint32_t parent_pid, parent_tid;

	/* exec: `arguments` are strings in a row, each with its NUL; NULL: not asked for */
	const char *path;
	bool path_cut; /* it may be longer */
	const char *arguments;
	size_t arguments_bytes;
	bool arguments_cut;

	/* exit */
	int status; /* as wait(2) returns it */
	double lifetime, cpu;
	bool cpu_complete; /* `cpu` includes the last time slice of every thread */
	double peak_rss, voluntary_switches, involuntary_switches, minor_faults, major_faults;

	/* namespace: bits and elements are kinds as in namespace_names */
	const char *how;
	uint32_t kinds;
	const uint32_t *from, *to; /* inode numbers */
	bool expected;		   /* a container runtime at its usual work */

	/* container_*, cgroup_* */
	const char *cgroup, *runtime, *image, *id; /* container_exit has a `lifetime`, too */

	/* oom_kill */
	const struct oom_row *oom;
	double memory_limit;	     /* the smallest for its container; not a number: none, or not known */
	const char *memory_limit_of; /* whose: the path of a cgroup; NULL: the same */

	/* capability_denied */
	uint32_t capability, user_namespace;

	/* loop_stall */
	const struct stall *stall;

	/* lost, by type */
	const uint64_t *lost_ring, *lost_unread; /* the ring was full; the output was not read in time */

	bool recorded; /* it is of a recording: unread is what that had no room for */
};

/* One line with its line feed. 0 or -ENOMEM. */
int event_text(struct buf *out, const struct event *e);
int event_json(struct buf *out, const struct event *e);
/* Of the text only what is behind the process, without a line feed. */
void event_how(struct buf *out, const struct event *e);

/* The flags of clone, with what each shares with the parent, in words. The last has the flag 0. */
struct clone_flag {
	uint64_t flag;
	const char *shared; /* NULL: it shares nothing */
	const char *name;   /* "CLONE_VM" */
};
extern const struct clone_flag clone_flags[];
uint32_t clone_namespaces(uint64_t flags); /* new namespaces: bit per element of namespace_names */

#endif
