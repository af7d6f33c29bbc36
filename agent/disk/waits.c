/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * waits.c - disk neighbours: sums the cgroups' pairs up to homes and keeps each pair for as long as both homes are known.
 * Called by model_update.c.
 */
#include "disk/waits.h"

/* Pairs kept apart; the rest of a waiter's fillers is NEIGHBOUR_OTHERS. */
#define DISK_WAITS_MAX 8192

/* `final`: the line does not come again, so a pair without room of its own is counted now. */
static struct disk_wait *disk_wait_get(struct disk_waits *waits, struct home *waiter, struct home *filler,
				       uint64_t device, bool final)
{
	struct disk_wait *w, key;

	memset(&key.key, 0, sizeof(key.key));
	key.key.waiter = waiter;
	key.key.filler = filler;
	key.key.device = device;
	HASH_FIND(hh, waits->all, &key.key, sizeof(key.key), w);
	if (w)
		return w;
	if (filler && HASH_COUNT(waits->all) >= DISK_WAITS_MAX) {
		waits->folded += final;
		return disk_wait_get(waits, waiter, NULL, device, final);
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->key = key.key;
	w->latency_before_ns = VALUE_ABSENT;
	HASH_ADD(hh, waits->all, key, sizeof(w->key), w);
	if (!w->hh.tbl) {
		free(w);
		return NULL;
	}
	return w;
}

static void disk_wait_add(struct ss_disk_pair *to, const struct ss_disk_pair *what)
{
	to->wait_ns += what->wait_ns;
	to->requests += what->requests;
}

static int disk_waits_add(struct disk_waits *waits, const struct homes *homes, const struct sample_disk_pair *list,
			  size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_disk_pair_key *key = &list[i].key;
		struct home *waiter, *filler = NULL;
		struct disk_wait *w;

		if (key->waiter == SS_CGROUP_OTHERS)
			continue;
		waiter = home_of_cgroup(homes, key->waiter);
		if (key->filler != SS_CGROUP_OTHERS)
			filler = home_of_cgroup(homes, key->filler);
		/* Two cgroups of one home: it waited for itself. */
		if (waiter == filler)
			continue;
		w = disk_wait_get(waits, waiter, filler, key->device, final);
		if (!w)
			return -ENOMEM;
		disk_wait_add(&w->now, &list[i].value);
		if (final)
			disk_wait_add(&w->carried, &list[i].value);
	}
	return 0;
}

int disk_waits_take(struct disk_waits *waits, const struct homes *homes, const struct sample *s)
{
	struct disk_wait *w, *next;
	int r;

	HASH_ITER (hh, waits->all, w, next) {
		w->now = w->carried;
		if (!w->key.waiter->forgotten && !(w->key.filler && w->key.filler->forgotten))
			continue;
		HASH_DEL(waits->all, w);
		free(w);
	}
	r = disk_waits_add(waits, homes, s->disk_pairs_final, s->n_disk_pairs_final, true);
	return r < 0 ? r : disk_waits_add(waits, homes, s->disk_pairs_open, s->n_disk_pairs_open, false);
}

static void disk_wait_row(struct disk_wait *w, const struct disk_uses *uses, const struct disk_device *d,
			  const struct moment *now, struct disk_neighbour_row *row)
{
	double latency = disk_use_latency_ns(uses, w->key.waiter, w->key.device), grown;
	uint64_t before_ns = w->held.wait_ns;

	*row = (struct disk_neighbour_row){.waiter = w->key.waiter->row,
					   .filler = w->key.filler ? w->key.filler->row : NEIGHBOUR_OTHERS,
					   .device = d ? d->name : "~other"};
	for (int i = 0; i < DISK_NEIGHBOUR_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	/* The two tables change places while they are read, so a sum may be too small once. */
	if (w->now.wait_ns > w->held.wait_ns)
		w->held.wait_ns = w->now.wait_ns;
	if (w->now.requests > w->held.requests)
		w->held.requests = w->now.requests;
	row->v[DISK_NEIGHBOUR_WAIT] = (double)w->held.wait_ns;
	row->v[DISK_NEIGHBOUR_WAITS] = (double)w->held.requests;
	/* A pair begins when it is first met, so all of it is new, except in the first sample. */
	if (now->number > 1 && now->interval > 0) {
		grown = (double)(w->held.wait_ns - before_ns);
		row->v[DISK_NEIGHBOUR_WAIT_RATE] = grown / now->interval;
		if (latency > w->latency_before_ns)
			row->v[DISK_NEIGHBOUR_SHARE] = fmin(grown / (latency - w->latency_before_ns), 1);
	}
	w->latency_before_ns = latency;
}

static int disk_waiter_compare(const void *a, const void *b)
{
	const struct disk_neighbour_row *x = a, *y = b;

	return (x->waiter > y->waiter) - (x->waiter < y->waiter);
}

int disk_wait_rows_fill(struct disk_waits *waits, const struct disk_uses *uses, struct disk_devices *devices,
			const struct moment *now, struct snapshot *snapshot)
{
	if (list_fit(&waits->rows, HASH_COUNT(waits->all)) < 0)
		return -ENOMEM;
	waits->rows.n = 0;
	for (struct disk_wait *w = waits->all; w; w = w->hh.next) {
		if (w->key.waiter->row == HOME_NO_ROW || (w->key.filler && w->key.filler->row == HOME_NO_ROW))
			continue;
		disk_wait_row(w, uses, disk_device_get(devices, now, (uint32_t)w->key.device), now,
			      &waits->rows.at[waits->rows.n++]);
	}
	if (waits->rows.n)
		qsort(waits->rows.at, waits->rows.n, sizeof(*waits->rows.at), disk_waiter_compare);
	snapshot->disk_neighbours = waits->rows.at;
	snapshot->n_disk_neighbours = waits->rows.n;
	return 0;
}

void disk_waits_free(struct disk_waits *waits)
{
	struct disk_wait *w, *next;

	HASH_ITER (hh, waits->all, w, next) {
		HASH_DEL(waits->all, w);
		free(w);
	}
	list_free(&waits->rows);
}
