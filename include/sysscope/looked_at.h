/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * looked_at.h - the part of a snapshot that is made only while somebody looks at it: threads, the latest events, courses of
 * containers. Included by view.h, whose rules are its own.
 */
#ifndef SYSSCOPE_LOOKED_AT_H
#define SYSSCOPE_LOOKED_AT_H

#include <stddef.h>
#include <stdint.h>

#include "sysscope/metric.h"

/* A thread, at the moment of the snapshot. */
struct thread_row {
	uint32_t process;   /* index into processes */
	uint32_t container; /* index into containers: where this thread is */
	uint32_t tid;
	uint32_t cpu;	   /* that it runs on, ran on last, or waits for */
	uint64_t start_ns; /* CLOCK_BOOTTIME */
	double start_time; /* seconds since 1970 */
	char comm[17];
	char state; /* 'R', 'S', 'D', ... as in /proc/PID/stat */
	/* One of wait_class_names; "cpu": others run on it; "quota": its CPU quota is used up; "": nothing, or not known. */
	const char *waits_for;
	double v[THREAD_METRICS];
};

/* Something that happened. Texts are raw; "": not known. */
struct event_row {
	uint64_t number;   /* counted from 1, of all kinds that are kept: those between are no longer kept */
	double time;	   /* seconds since 1970 */
	const char *type;  /* as in `sysscope events`: "exit", "oom_kill", ... */
	uint32_t pid, tid; /* 0: none */
	const char *comm;
	/* Of its container, as it was then. */
	const char *container, *cgroup, *id, *kind;
	const char *text; /* what `sysscope events` shows behind the process; safe for a terminal */
};

/*
 * The course of a container over the last two minutes: a ring of points, at most one a second, of which the oldest is at `next`
 * once there are MINUTES_POINTS. Kept by the live screen.
 */
#define MINUTES_SECONDS 120
#define MINUTES_POINTS	120
enum minutes_value {
	MINUTES_CPU,
	MINUTES_THROTTLED,
	MINUTES_WAIT,
	MINUTES_MEMORY,
	MINUTES_NETWORK,
	MINUTES_DISK,
	MINUTES_VALUES
};
struct minutes {
	unsigned int n, next;
	double time[MINUTES_POINTS];
	float v[MINUTES_POINTS][MINUTES_VALUES]; /* not a number: not known */
};

/* Rows that are made only while somebody looks at them. A reason says why there are none; NULL: there are. */
struct looked_at {
	const char *threads_reason, *events_reason;
	const struct thread_row *threads;
	size_t n_threads;
	const struct event_row *events; /* the latest first */
	size_t n_events;
	uint64_t events_dropped;	      /* older ones that are no longer kept */
	uint64_t events_lost;		      /* that the kernel had no room for; in a recording also others */
	const struct minutes *const *courses; /* of each of the containers, NULL: none; NULL: nobody keeps them */
	double events_since; /* when starts and ends of processes began to be noted; seconds since 1970 */
};

#endif
