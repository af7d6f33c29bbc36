/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window.h - the time between two snapshots, for rules: what the counters of each row have gained in it. Keeps a copy of the
 * values of the first snapshot, because a snapshot is gone with the next one. Used by judge.c and the rules.
 */
#ifndef SYSSCOPE_DIAGNOSE_WINDOW_H
#define SYSSCOPE_DIAGNOSE_WINDOW_H

#include "diagnose/case/trend.h"

/* The kinds of rows that are compared. */
enum window_kind {
	WINDOW_CONTAINERS,
	WINDOW_TCP, /* of the containers: container_row.tcp */
	WINDOW_PROCESSES,
	WINDOW_OUTSIDE, /* has no values */
	WINDOW_GROUPS,
	WINDOW_LOOPS,
	WINDOW_NEIGHBOURS,
	WINDOW_DISKS,
	WINDOW_DISK_NEIGHBOURS,
	WINDOW_DEVICES,
	WINDOW_PORTS,
	WINDOW_INTERFACES,
	WINDOW_KINDS,
};

/* The rows of one kind in the first snapshot. What has a _cap is as large, and used again by the next window. */
struct window_scope {
	uint64_t *keys; /* of each row: hash of what makes it the same one in both snapshots */
	size_t keys_cap;
	uint32_t *slots; /* a table of these keys: row + 1, 0: free */
	size_t slots_cap, slots_mask;
	double *values; /* those that are kept, of all rows, one after the other */
	size_t values_cap;
	size_t n;
	uint32_t *before; /* for each row of the latest snapshot that of the first one; WINDOW_NEW: none */
	size_t before_cap, n_before;
	/*
	 * What each row of the latest snapshot has gained, one kept value of all rows after the other: rules go through all
	 * containers for one value, which are far apart in the snapshot. Of containers only.
	 */
	double *gained;
	size_t gained_cap;
};
#define WINDOW_NEW UINT32_MAX

/* Kinds of losses; further ones are not looked at. */
#define WINDOW_LOSSES 64

struct window {
	double began;	/* time of the first snapshot; 0: there was none yet */
	double seconds; /* from there to `now`; 0 if they are the same */
	double host[HOST_METRICS];
	uint64_t losses[WINDOW_LOSSES]; /* in the order of the snapshot's */
	const struct snapshot *now;
	struct window_scope scopes[WINDOW_KINDS];
	struct row_keys keys; /* of the latest snapshot that was noted */
	struct trend trend;   /* of all snapshots that were */
	/* Of a longer time than the window's, with keys of the same seed: what rises is looked for there. NULL: the window's own. */
	const struct trend *courses;
	size_t homes_cap;
	/* Where a value is noted that a rule asked for although kept.def does not have it; NULL: nowhere. */
	struct window_missed {
		enum window_kind kind;
		int metric; /* + 1; 0: none */
	} * missed;
};

/* Begins anew with this snapshot; the memory of the window before is used again. 0 or -ENOMEM. */
int watch_begin(struct window *w, const struct snapshot *s);
/* One between the first and the last, for trends and averages; it is needed no longer then. 0 or -ENOMEM. */
int window_note(struct window *w, const struct snapshot *s);
/* Ends, so far, with this one, which must stay valid while the rules run. 0 or -ENOMEM. */
int watch_end(struct window *w, const struct snapshot *s);
void window_free(struct window *w);

/*
 * What a counter of row `row` of the latest snapshot has gained, in the unit of its value array. Of a row that is new, all of
 * it. Absent if either value is, if nothing has been watched, or if kept.def does not have it.
 */
double window_gained(const struct window *w, enum window_kind kind, uint32_t row, int metric);
/* The value of a row at the begin. Absent if the row is new, or the value was. */
double window_before(const struct window *w, enum window_kind kind, uint32_t row, int metric);
/* It was not there at the begin. */
bool window_is_new(const struct window *w, enum window_kind kind, uint32_t row);

/* How everything went, what has ended as well. */
const struct trend *window_courses(const struct window *w);
/* How a container or a process of the latest snapshot went. NULL: not known. */
const struct trend_row *window_trend(const struct window *w, enum window_kind kind, uint32_t row);
/* The average of a gauge that is one over an interval itself. Absent: not known. */
double window_average(const struct window *w, enum window_kind kind, uint32_t row, enum trend_average which);
double window_host_average(const struct window *w, int metric);

static inline double window_container(const struct window *w, uint32_t row, int metric)
{
	return window_gained(w, WINDOW_CONTAINERS, row, metric);
}

static inline double window_process(const struct window *w, uint32_t row, int metric)
{
	return window_gained(w, WINDOW_PROCESSES, row, metric);
}

static inline double window_loop(const struct window *w, uint32_t row, int metric)
{
	return window_gained(w, WINDOW_LOOPS, row, metric);
}

static inline double window_neighbour(const struct window *w, uint32_t row, int metric)
{
	return window_gained(w, WINDOW_NEIGHBOURS, row, metric);
}

double window_loss(const struct window *w, size_t kind); /* index into losses */
double window_host(const struct window *w, int metric);

#endif
