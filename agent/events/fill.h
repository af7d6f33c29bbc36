/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fill.h - turns a fact into an event (exporters/events/events.h): one function per kind of detail. Used by feed.c;
 * decides nothing and owns nothing but the buffer for arguments that it is given.
 */
#ifndef SYSSCOPE_EVENT_FILL_H
#define SYSSCOPE_EVENT_FILL_H

#include "exporters/events/events.h"

struct identity;
struct redactor;
struct ss_fact;

/* Room for an OOM kill, in use as long as its event. */
struct event_oom {
	struct oom_row row;
	struct buf limit_of;
};

/* A fact with what is known about it. */
struct event_source {
	const struct ss_fact *fact;
	const struct identity *who; /* of its cgroup; NULL: not known */
	const char *path;	    /* the same */
	const struct snapshot *snapshot;
	const struct redactor *redactor; /* NULL: no arguments */
	struct buf *arguments;		 /* room for redacted arguments, in use as long as the event */
	struct event_oom *oom;		 /* needed for an OOM kill */
	int64_t wall_offset_ns;		 /* CLOCK_REALTIME less CLOCK_BOOTTIME */
};

/* Seconds since 1970; not a number for 0. */
double event_wall_time(int64_t wall_offset_ns, uint64_t boot_ns);

/* The victim of an OOM kill, if the fact has no more than its pid (before 6.8) and the snapshot knows it; else NULL. */
const struct process_row *event_victim(const struct event_source *s);

/* Everything but the lifetime of a container. */
void event_fill(struct event *e, enum event_type type, const struct event_source *s);

#endif
