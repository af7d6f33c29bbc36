/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uses.h - what each home does at each block device: its operations, bytes and latencies. */
#ifndef SYSSCOPE_DISK_USES_H
#define SYSSCOPE_DISK_USES_H

#include "disk/devices.h"
#include "homes/homes.h"
#include "homes/limits.h"

/* Counters that io.stat and the kernel half have in common, in the order of struct sample_io. */
enum io_count {
	IO_READ_BYTES,
	IO_WRITE_BYTES,
	IO_DISCARD_BYTES,
	IO_READS,
	IO_WRITES,
	IO_DISCARDS,
	/* of io.cost, in us; nobody else counts them */
	IO_COST_USAGE,
	IO_COST_WAIT,
	IO_COST_INDEBT,
	IO_COST_INDELAY,
	IO_COUNTS
};

struct disk_use {
	struct {
		struct home *home;
		uint64_t device; /* DISK_OTHER_DEVICES: several */
	} key;
	struct ss_disk carried[SS_DISK_OPERATIONS], now[SS_DISK_OPERATIONS];
	bool filed;		       /* io.stat had the device */
	uint32_t costs;		       /* sample_io.costs */
	uint64_t file[IO_COUNTS];      /* from io.stat, summed up over the home's cgroups */
	uint64_t hook_then[IO_COUNTS]; /* what the kernel half had counted when io.stat was last read */
	/* As last published. */
	bool known_before;
	uint64_t first; /* number of the update that made it */
	double before[DISK_METRICS], held[DISK_METRICS];
	uint64_t latency_before_ns, slots_before[SS_DISK_SLOTS];
	UT_hash_handle hh;
};
#define DISK_OTHER_DEVICES UINT64_MAX

/* What io.stat of a cgroup last said about a device. */
struct disk_file {
	struct {
		uint64_t cgroup_id, device;
	} key;
	uint64_t last[IO_COUNTS];
	UT_hash_handle hh;
};

struct disk_uses {
	struct disk_use *all;
	struct disk_file *files;
	uint64_t folded; /* final rows that had no room of their own */
	LIST(struct disk_row) rows;
};

/* Before homes_settle. 0 or -ENOMEM. */
int disk_uses_take(struct disk_uses *uses, const struct homes *homes, const struct moment *now, const struct sample *s);
/* After the rows of homes, which get their sums. 0 or -ENOMEM. */
int disk_rows_fill(struct disk_uses *uses, struct disk_devices *devices, const struct homes *homes,
		   const struct limits *limits, const struct moment *now, struct container_row *containers,
		   struct snapshot *snapshot);
/* Latency of the home's requests to the device in this interval, as published; absent if it has none. */
double disk_use_latency_ns(const struct disk_uses *uses, struct home *home, uint64_t device);
void disk_uses_free(struct disk_uses *uses);

/* ---- use_row.c ---- */
/* What the kernel half has counted of it so far. `counts`: IO_COUNTS values. */
void disk_use_hook_counts(const struct disk_use *u, uint64_t *counts);
/* Fills in `row`, and keeps what it published. Without memory for its name the device has none. */
void disk_use_row(struct disk_use *u, struct disk_devices *devices, const struct moment *now, struct disk_row *row);

#endif
