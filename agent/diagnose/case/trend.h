/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trend.h - how a few gauges went between the begin and the end of a window: whether they rose all the time or in one step, and
 * what they were on average. Fed with each snapshot by window.c, which rules ask, and by watch.c. Keeps no snapshot.
 */
#ifndef SYSSCOPE_DIAGNOSE_TREND_H
#define SYSSCOPE_DIAGNOSE_TREND_H

#include "diagnose/case/keys.h"

/* The course of one gauge. Times in seconds since 1970. */
struct course {
	double first, last, first_time, last_time;
	double jump; /* the largest rise between two snapshots */
	double area; /* under the course */
	uint32_t n, rises, falls;
};
enum course_gauge {
	COURSE_MEMORY, /* anonymous memory, with what of it is in swap */
	COURSE_THREADS,
	COURSES,
};

/* Gauges that are averages over the interval of their snapshot. */
#define TREND_AVERAGES(X)            \
	X(CONTAINER_CPU_CORES)       \
	X(CONTAINER_THROTTLED_RATIO) \
	X(CONTAINER_RUNNABLE)        \
	X(DEVICE_BUSY)
#define TREND_ONE(METRIC) TREND_##METRIC,
enum trend_average { TREND_AVERAGES(TREND_ONE) TREND_AVERAGE_COUNT };

/* A container, a process or a device, that may be gone. */
struct trend_row {
	uint64_t key;
	uint64_t seen;	   /* number of the last snapshot that had it */
	uint32_t pid;	   /* 0: no process */
	double start_time; /* of the process */
	struct course courses[COURSES];
	uint32_t averages; /* of a container or device: index + 1; 0: none */
};

struct trend_averages {
	double sums[TREND_AVERAGE_COUNT], seconds[TREND_AVERAGE_COUNT];
};

/* What is followed: a watch that goes on follows courses for longer than it averages. */
enum trend_part {
	TREND_BOTH,
	TREND_ONLY_AVERAGES,
	TREND_ONLY_COURSES,
};

struct trend {
	enum trend_part part;
	double began; /* time of the first snapshot */
	struct trend_row *rows;
	size_t n, cap;
	struct trend_averages *averages; /* of containers and devices, that may be gone */
	size_t n_averages, averages_cap;
	uint32_t *slots; /* a table of their keys: row + 1, 0: free */
	size_t n_slots;
	uint64_t notes, sequence; /* snapshots so far; the number of the latest one */
	double time, interval;	  /* of the latest one; from the one before it */
	double host_sums[HOST_METRICS], host_seconds[HOST_METRICS];
};

/* Forgets all but which part it follows; the memory is used again. */
void trend_begin(struct trend *t);
/* The next snapshot, of which `keys` are; one that was noted already is not noted again. 0 or -ENOMEM. */
int trend_note(struct trend *t, const struct row_keys *keys);
void trend_free(struct trend *t);

/* NULL: it was never seen. */
const struct trend_row *trend_find(const struct trend *t, uint64_t key);
/* A process by its number and start, which may be not a number, alive or not; the latest of several. NULL: it was never seen. */
const struct trend_row *trend_process(const struct trend *t, uint32_t pid, double start_time);
/* Averages over all snapshots but the first. Absent: in none of them it was known. */
double trend_average(const struct trend *t, const struct trend_row *row, enum trend_average which);
double trend_host_average(const struct trend *t, int metric);

/* By how much it rose in each second; absent with less than two values. */
double course_slope(const struct course *c);
/*
 * It rose nearly all the time: not in one step, not ever more slowly as what warms up, and seldom fell. With less than five values
 * nothing is steady.
 */
bool course_is_steady(const struct course *c);

#endif
