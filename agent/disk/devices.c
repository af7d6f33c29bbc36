/* SPDX-License-Identifier: GPL-2.0-or-later */
/* devices.c - the block devices of the machine: see devices.h. Called by uses.c, waits.c and model_update.c. */
#include <stdio.h>

#include "base/util.h"
#include "disk/devices.h"

#define MINORS (1u << SS_DISK_MINOR_BITS)

struct disk_device *disk_device_get(struct disk_devices *d, const struct moment *now, uint32_t number)
{
	struct disk_device *e;

	HASH_FIND(hh, d->all, &number, sizeof(number), e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return NULL;
		e->number = number;
		snprintf(e->name, sizeof(e->name), "%u:%u", number >> SS_DISK_MINOR_BITS, number & (MINORS - 1));
		HASH_ADD(hh, d->all, number, sizeof(e->number), e);
		if (!e->hh.tbl) {
			free(e);
			return NULL;
		}
	}
	e->seen = now->number;
	return e;
}

int disk_devices_take(struct disk_devices *d, const struct moment *now, const struct sample *s)
{
	struct disk_device *e, *next;

	HASH_ITER (hh, d->all, e, next) {
		e->before = e->now;
		e->before_known = e->sampled;
		e->sampled = false;
		if (e->seen + 1 >= now->number)
			continue;
		HASH_DEL(d->all, e);
		free(e);
	}
	for (size_t i = 0; i < s->n_devices; i++) {
		e = disk_device_get(d, now, s->devices[i].device);
		if (!e)
			return -ENOMEM;
		memcpy(e->name, s->devices[i].name, sizeof(e->name));
		e->upon_others = s->devices[i].upon_others;
		e->flash = s->devices[i].flash;
		e->now = s->devices[i];
		e->sampled = true;
	}
	return 0;
}

/* Another device may have got the number: then nothing is known about before. */
static bool device_goes_on(const struct disk_device *e)
{
	return e->before_known && strcmp(e->before.name, e->now.name) == 0 && e->now.reads >= e->before.reads &&
	       e->now.writes >= e->before.writes;
}

static void device_row(const struct disk_device *e, const struct moment *now, struct device_row *row)
{
	const struct sample_device *n = &e->now, *b = &e->before;
	double *v = row->v, busy;

	*row = (struct device_row){.name = e->name,
				   .major = e->number >> SS_DISK_MINOR_BITS,
				   .minor = e->number & (MINORS - 1),
				   .upon_others = e->upon_others,
				   .flash = e->flash};
	for (int i = 0; i < DEVICE_METRICS; i++)
		v[i] = VALUE_ABSENT;
	v[DEVICE_IN_FLIGHT] = (double)n->in_flight;
	v[DEVICE_READS] = (double)n->reads;
	v[DEVICE_WRITES] = (double)n->writes;
	v[DEVICE_READ_BYTES] = (double)n->read_bytes;
	v[DEVICE_WRITE_BYTES] = (double)n->write_bytes;
	if (!device_goes_on(e) || !(now->interval > 0))
		return;
	busy = (double)sub_sat(n->busy_ns, b->busy_ns) / 1e9 / now->interval;
	/* The kernel counts in ticks. */
	v[DEVICE_BUSY] = busy < 1 ? busy : 1;
	v[DEVICE_READ_RATE] = (double)sub_sat(n->read_bytes, b->read_bytes) / now->interval;
	v[DEVICE_WRITE_RATE] = (double)sub_sat(n->write_bytes, b->write_bytes) / now->interval;
}

int device_rows_fill(struct disk_devices *d, const struct moment *now, struct snapshot *snapshot)
{
	if (list_reserve(&d->rows, HASH_COUNT(d->all)) < 0)
		return -ENOMEM;
	d->rows.n = 0;
	for (const struct disk_device *e = d->all; e; e = e->hh.next)
		if (e->sampled)
			device_row(e, now, &d->rows.at[d->rows.n++]);
	snapshot->devices = d->rows.at;
	snapshot->n_devices = d->rows.n;
	return 0;
}

void disk_devices_free(struct disk_devices *d)
{
	struct disk_device *e, *next;

	HASH_ITER (hh, d->all, e, next) {
		HASH_DEL(d->all, e);
		free(e);
	}
	list_free(&d->rows);
}
