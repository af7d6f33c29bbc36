/* SPDX-License-Identifier: GPL-2.0-or-later */
/* use_row.c - the row of one home's use of one block device: counts, latencies and rates. */
#include <string.h>

#include "base/util.h"
#include "disk/uses.h"
#include "homes/arithmetic.h"

void disk_use_hook_counts(const struct disk_use *u, uint64_t *counts)
{
	static const enum ss_disk_operation operations[] = {SS_DISK_READ, SS_DISK_WRITE, SS_DISK_DISCARD};

	memset(counts, 0, IO_COUNTS * sizeof(*counts));
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		counts[IO_READ_BYTES + i] = u->now[operations[i]].bytes;
		counts[IO_READS + i] = u->now[operations[i]].requests;
	}
}

/* What a dead container did after its last reading: at most the requests that were under way then count twice. */
static void counts_fill(const struct disk_use *u, const struct moment *now, double *v)
{
	uint64_t counts[IO_COUNTS], hook[IO_COUNTS];

	disk_use_hook_counts(u, hook);
	for (int i = 0; i < IO_COUNTS; i++) {
		counts[i] = u->filed ? u->file[i] : hook[i];
		if (u->filed && u->key.home->dead_since_ns)
			counts[i] += sub_sat(hook[i], u->hook_then[i]);
	}
	if (!u->filed && !now->disks_known)
		return;
	v[DISK_READS] = (double)counts[IO_READS];
	v[DISK_READ_BYTES] = v[DISK_USAGE_READ] = (double)counts[IO_READ_BYTES];
	v[DISK_WRITES] = (double)counts[IO_WRITES];
	v[DISK_WRITE_BYTES] = v[DISK_USAGE_WRITE] = (double)counts[IO_WRITE_BYTES];
	v[DISK_DISCARDS] = (double)counts[IO_DISCARDS];
	v[DISK_USAGE_DISCARD] = (double)counts[IO_DISCARD_BYTES];
	for (int i = 0; i < IO_COUNTS - IO_COST_USAGE; i++)
		if (u->costs >> i & 1)
			v[DISK_COST_USAGE + i] = (double)counts[IO_COST_USAGE + i] * 1000;
}

#define BUCKET_BITS(NAME, LE, BITS, ...) BITS,
static const unsigned char bucket_bits[] = {DISK_BUCKETS(BUCKET_BITS, )};

/* `v`: where the lines of the operation begin. An operation that never was has none. */
static void histogram_fill(const struct ss_disk *d, double *v)
{
	size_t bucket = 0;
	uint64_t sum = 0;

	if (!d->requests)
		return;
	for (unsigned int slot = 0; slot < SS_DISK_SLOTS; slot++) {
		sum += d->slots[slot];
		/* Slot i ends at 2^(i+1). */
		if (bucket < ARRAY_SIZE(bucket_bits) && slot + 1 == bucket_bits[bucket])
			v[bucket++] = (double)sum;
	}
	v[bucket++] = (double)sum;
	v[bucket++] = (double)d->latency_ns;
	v[bucket] = (double)sum;
}

static void latencies_fill(const struct disk_use *u, double *v)
{
	uint64_t divided = 0, measured = 0, queued = 0, unmeasured = 0;

	for (int i = 0; i < SS_DISK_OPERATIONS; i++) {
		histogram_fill(&u->now[i], &v[DISK_READ_64US + i * (DISK_WRITE_64US - DISK_READ_64US)]);
		queued += u->now[i].queued_ns;
		divided += u->now[i].divided;
		unmeasured += u->now[i].unmeasured;
		measured += sub_sat(u->now[i].requests, u->now[i].unmeasured);
	}
	v[DISK_READ_TIME] = (double)u->now[SS_DISK_READ].latency_ns;
	v[DISK_WRITE_TIME] = (double)u->now[SS_DISK_WRITE].latency_ns;
	v[DISK_FLUSHES] = (double)u->now[SS_DISK_FLUSH].requests;
	v[DISK_UNMEASURED] = (double)unmeasured;
	if (divided >= measured)
		v[DISK_QUEUED] = (double)queued;
}

/* The upper edge of the slot in which this share of the interval's reads and writes lies. */
static double percentile(const uint64_t *counts, uint64_t percent)
{
	uint64_t total = 0, below = 0;

	for (int i = 0; i < SS_DISK_SLOTS; i++)
		total += counts[i];
	for (int i = 0; i < SS_DISK_SLOTS && total; i++) {
		below += counts[i];
		if (below * 100 >= total * percent)
			return (double)(2000ULL << i);
	}
	return VALUE_ABSENT;
}

static void latency_rates(struct disk_use *u, const struct moment *now, double *v, bool known)
{
	uint64_t latency = 0, counts[SS_DISK_SLOTS];

	for (int i = 0; i < SS_DISK_OPERATIONS; i++)
		latency += u->now[i].latency_ns;
	for (int i = 0; i < SS_DISK_SLOTS; i++) {
		uint64_t all = u->now[SS_DISK_READ].slots[i] + u->now[SS_DISK_WRITE].slots[i];

		counts[i] = sub_sat(all, u->slots_before[i]);
		if (all > u->slots_before[i])
			u->slots_before[i] = all;
	}
	if (known) {
		v[DISK_LATENCY_P50] = percentile(counts, 50);
		v[DISK_LATENCY_P99] = percentile(counts, 99);
		v[DISK_QUEUE] = (double)sub_sat(latency, u->latency_before_ns) / 1e9 / now->interval;
	}
	if (latency > u->latency_before_ns)
		u->latency_before_ns = latency;
}

/* A row that is new in this interval began at 0, unless its file tells of the time before. */
static void rates_fill(struct disk_use *u, const struct moment *now, double *v)
{
	const struct home *h = u->key.home;
	bool fresh = u->first == now->number && now->number > 1;
	bool since_zero = fresh && (!u->filed || (h->first_sample == now->number && h->born_ns >= now->before_ns));
	bool interval = now->interval > 0;

	if (since_zero)
		u->before[DISK_READS] = u->before[DISK_WRITES] = u->before[DISK_READ_BYTES] =
			u->before[DISK_WRITE_BYTES] = 0;
	if (interval) {
		v[DISK_READ_RATE] = (v[DISK_READ_BYTES] - u->before[DISK_READ_BYTES]) / now->interval;
		v[DISK_WRITE_RATE] = (v[DISK_WRITE_BYTES] - u->before[DISK_WRITE_BYTES]) / now->interval;
		v[DISK_OPERATION_RATE] =
			(v[DISK_READS] + v[DISK_WRITES] - u->before[DISK_READS] - u->before[DISK_WRITES]) /
			now->interval;
	}
	if (now->disks_known)
		latency_rates(u, now, v, interval && (fresh || u->known_before));
	u->known_before = true;
	memcpy(u->before, v, sizeof(u->before));
}

void disk_use_row(struct disk_use *u, struct disk_devices *devices, const struct moment *now, struct disk_row *row)
{
	const struct disk_device *d = NULL;

	*row = (struct disk_row){.container = u->key.home->row, .device = "~other"};
	if (u->key.device != DISK_OTHER_DEVICES)
		d = disk_device_get(devices, now, (uint32_t)u->key.device);
	if (d) {
		row->device = d->name;
		row->major = d->number >> SS_DISK_MINOR_BITS;
		row->minor = d->number & ((1u << SS_DISK_MINOR_BITS) - 1);
		row->upon_others = d->upon_others;
		row->flash = d->flash;
	}
	for (int i = 0; i < DISK_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	counts_fill(u, now, row->v);
	if (now->disks_known)
		latencies_fill(u, row->v);
	counters_hold(SCOPE_DISK, row->v, u->held, u->key.home->dead_since_ns != 0);
	rates_fill(u, now, row->v);
}
