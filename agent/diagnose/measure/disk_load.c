/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disk_load.c - see disk_load.h. Called by disk.c. */
#include <math.h>
#include <string.h>

#include "diagnose/measure/disk_load.h"

/* Of fewer requests nothing is said about the slowest of 100. */
#define TAIL_REQUESTS 100

#define BOUND(NAME, LE, BITS, ...) (double)(1ULL << (BITS)) / 1e6,
static const double latency_bounds[] = {DISK_BUCKETS(BOUND, )};

/* An operation that never was has no values: what is there now was all done since. */
static double disk_gained(const struct judging *j, uint32_t row, int metric)
{
	double gained = window_gained(j->w, WINDOW_DISKS, row, metric), now = j->now->disks[row].v[metric];

	if (value_absent(gained) && j->w->seconds > 0 && !value_absent(now))
		gained = now;
	return value_absent(gained) ? 0 : gained;
}

double disk_tail(const struct judging *j, uint32_t row)
{
	double all = disk_gained(j, row, DISK_READ_COUNT) + disk_gained(j, row, DISK_WRITE_COUNT), within;

	if (all < TAIL_REQUESTS)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(latency_bounds); i++) {
		within = disk_gained(j, row, DISK_READ_64US + (int)i) + disk_gained(j, row, DISK_WRITE_64US + (int)i);
		if (within * 100 >= all * 99)
			return i ? latency_bounds[i - 1] : 0;
	}
	return latency_bounds[ARRAY_SIZE(latency_bounds) - 1];
}

/* What was gained, or by another count where this one is not kept: snapshots that were read from JSON have no histograms. */
static double disk_gained_or(const struct judging *j, uint32_t row, bool kept, int metric, int other)
{
	return disk_gained(j, row, kept ? metric : other);
}

struct disk_load disk_load(const struct judging *j, uint32_t row)
{
	const struct disk_row *d = &j->now->disks[row];
	bool nvme = strncmp(d->device, "nvme", 4) == 0;
	bool kept = !value_absent(d->v[DISK_READ_COUNT]) || !value_absent(d->v[DISK_WRITE_COUNT]) ||
		    !value_absent(d->v[DISK_FLUSH_COUNT]);
	struct disk_load l = {
		.reads = judge_rate(j, disk_gained_or(j, row, kept, DISK_READ_COUNT, DISK_READS)),
		.writes = judge_rate(j, disk_gained_or(j, row, kept, DISK_WRITE_COUNT, DISK_WRITES)),
		.flushes = judge_rate(j, disk_gained(j, row, DISK_FLUSH_COUNT)),
		.read_time = judge_seconds(j, disk_gained(j, row, DISK_READ_TIME)),
		.write_time = judge_seconds(j, disk_gained(j, row, DISK_WRITE_TIME)),
		.flush_time = judge_seconds(j, disk_gained(j, row, DISK_FLUSH_SUM)),
		.read_bytes = judge_rate(j, disk_gained(j, row, DISK_READ_BYTES)),
		.write_bytes = judge_rate(j, disk_gained(j, row, DISK_WRITE_BYTES)),
	};

	l.requests = l.reads + l.writes + l.flushes;
	l.time = l.read_time + l.write_time + l.flush_time;
	if (!(l.requests > 0))
		return l;
	l.mean = l.time / l.requests;
	/* The time is also how many requests there were at a time: each waits for the bytes of its own queue. */
	l.may_take = judge_threshold(j, nvme	   ? DISK_LATENCY_NVME
					: d->flash ? DISK_LATENCY_FLASH
						   : DISK_LATENCY_MEAN) +
		     (l.read_bytes + l.write_bytes) / l.requests * fmax(1, l.time) /
			     judge_threshold(j, DISK_LATENCY_TRANSFER);
	return l;
}

double disk_blocked(const struct judging *j, uint32_t container)
{
	return judge_seconds(j, window_container(j->w, container, CONTAINER_BLOCKED_FILE) +
					window_container(j->w, container, CONTAINER_BLOCKED_FAULT));
}

double disk_waited(const struct judging *j, uint32_t container, const struct disk_load *l)
{
	double blocked = disk_blocked(j, container);

	return value_absent(blocked) ? l->read_time : fmin(blocked, l->time);
}

uint32_t disk_row_find(const struct judging *j, uint32_t container, const char *device)
{
	const struct container_row *c = &j->now->containers[container];

	for (size_t i = 0; i < c->n_disks; i++)
		if (strcmp(c->disks[i].device, device) == 0)
			return (uint32_t)(&c->disks[i] - j->now->disks);
	return UINT32_MAX;
}
