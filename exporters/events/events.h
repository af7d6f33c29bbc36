/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.h - what happened, as a line of text or as a JSON object on a line. Called by `sysscope events`. Every line has the
 * time, the container, the process, when that started, and its name; keys are stable.
 */
#ifndef SYSSCOPE_EVENTS_H
#define SYSSCOPE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/view.h"

struct buf;

enum event_type {
	EVENT_PROCESS_START,
	EVENT_THREAD_START,
	EVENT_EXEC,
	EVENT_EXIT,
	EVENT_NAMESPACE,
	EVENT_CONTAINER_START,
	EVENT_CONTAINER_EXIT,
	EVENT_CGROUP_CREATE,
	EVENT_CGROUP_REMOVE,
	EVENT_OOM_KILL,
	EVENT_LOOP_STALL,
	EVENT_CAPABILITY_DENIED,
	EVENT_LOST,
	EVENT_TYPES
};
extern const char *const event_type_names[EVENT_TYPES];

/* Texts are raw; NULL or "": not known. Times are seconds since 1970, not a number: not known. */
struct event {
	enum event_type type;
	double time, start_time;
	const char *container, *comm;
	uint32_t pid, tid; /* 0: not known */

	/* process_start, thread_start */
	uint64_t clone_flags;
	uint32_t parent_pid, parent_tid;

	/* exec: `arguments` are texts one behind the other, each with its NUL; NULL: not asked for */
	const char *path;
	bool path_cut; /* it may be longer */
	const char *arguments;
	size_t arguments_bytes;
	bool arguments_cut;

	/* exit */
	int status; /* as wait(2) tells it */
	double lifetime, cpu;
	bool cpu_complete; /* what it used since the last ticks of its threads is in */
	double peak_rss, voluntary_switches, involuntary_switches, minor_faults, major_faults;

	/* namespace: bits and elements are kinds as in namespace_names */
	const char *how;
	uint32_t kinds;
	const uint32_t *from, *to; /* inode numbers */
	bool expected;		   /* a runtime's own way */

	/* container_*, cgroup_* */
	const char *cgroup, *runtime, *image, *id; /* `lifetime` of what has ended */

	/* oom_kill: `peak_rss` is what it had, not a number: not known */
	int score_adjust;

	/* capability_denied */
	uint32_t capability, user_namespace;

	/* loop_stall */
	const struct stall *stall;

	/* lost, by type */
	const uint64_t *lost_ring, *lost_unread; /* no room in the kernel's ring; nobody read the output in time */
};

/* One line with its line feed. 0 or -ENOMEM. */
int event_text(struct buf *out, const struct event *e);
int event_json(struct buf *out, const struct event *e);

/* What clone's flags say, in words: what is shared with the parent, and other properties. Ends at NULL. */
struct clone_flag {
	uint64_t flag;
	const char *shared; /* NULL: it shares nothing */
	const char *name;   /* "CLONE_VM" */
};
extern const struct clone_flag clone_flags[];
uint32_t clone_namespaces(uint64_t flags); /* bit per kind of namespace_names that is a new one */

#endif
