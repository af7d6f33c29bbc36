/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces.c - see interfaces.h. A network namespace belongs to the home of the oldest process in it: of a pod's containers,
 * which share one, that is the pod, whose pause container made it. Called by model_update.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/interfaces.h"

/* The members of namespaces are in order of their inode numbers, which are unique among all kinds; the oldest is the first. */
static struct home *owner_of(const struct namespaces *ns, uint32_t inode)
{
	size_t low = 0, high = ns->members.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ns->members.at[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ns->members.n && ns->members.at[low].inode == inode ? ns->members.at[low].process->home : NULL;
}

static struct home_interface *interface_get(struct interface_totals *t, struct home *home, const char *name)
{
	struct home_interface *one, key = {.key.home = home};

	memcpy(key.key.name, name, strnlen(name, SS_INTERFACE_NAME - 1));
	HASH_FIND(hh, t->all, &key.key, sizeof(key.key), one);
	if (one)
		return one;
	one = calloc(1, sizeof(*one));
	if (!one)
		return NULL;
	one->key = key.key;
	for (int i = 0; i < INTERFACE_METRICS; i++)
		one->before[i] = VALUE_ABSENT;
	HASH_ADD(hh, t->all, key, sizeof(one->key), one);
	if (!one->hh.tbl) {
		free(one);
		return NULL;
	}
	return one;
}

static void counters_add(struct interface_counters *sum, const struct interface_counters *more)
{
	uint64_t *a = (uint64_t *)sum;
	const uint64_t *b = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*a); i++)
		a[i] += b[i];
}

/* Another interface of that name begins at 0: none of its counters is known to fall. */
static bool begins_anew(const struct home_interface *one, const struct sample_interface *now)
{
	const uint64_t *a = (const uint64_t *)&now->counters, *b = (const uint64_t *)&one->latest.counters;
	bool fell = false;

	for (size_t i = 0; i < sizeof(now->counters) / sizeof(*a); i++)
		fell |= a[i] < b[i];
	return fell || now->namespace_ != one->latest.namespace_;
}

static int interface_take(struct interface_totals *t, const struct namespaces *ns, const struct moment *now,
			  const struct sample_interface *sampled)
{
	struct home *home = owner_of(ns, sampled->namespace_);
	struct home_interface *one;

	if (!home)
		return 0;
	one = interface_get(t, home, sampled->name);
	if (!one)
		return -ENOMEM;
	/* Two namespaces of one home, each with an interface of this name: the first one counts. */
	if (one->seen == now->number)
		return 0;
	if (one->seen && begins_anew(one, sampled))
		counters_add(&one->past, &one->latest.counters);
	one->seen = now->number;
	one->latest = *sampled;
	return 0;
}

/* What a home that lives no longer has is forgotten at once; what a dead one had, with it. */
static void interfaces_forget(struct interface_totals *t, const struct moment *now)
{
	struct home_interface *one, *next;

	HASH_ITER (hh, t->all, one, next) {
		const struct home *h = one->key.home;

		if (one->seen == now->number || (h->dead_since_ns && !h->forgotten))
			continue;
		HASH_DEL(t->all, one);
		free(one);
	}
}

static void values_set(struct home_interface *one, const struct moment *now, double *v)
{
	static const int rates[][2] = {{INTERFACE_RECEIVE_RATE, INTERFACE_RECEIVE_BYTES},
				       {INTERFACE_TRANSMIT_RATE, INTERFACE_TRANSMIT_BYTES},
				       {INTERFACE_RECEIVE_PACKET_RATE, INTERFACE_RECEIVE_PACKETS},
				       {INTERFACE_TRANSMIT_PACKET_RATE, INTERFACE_TRANSMIT_PACKETS}};
	struct interface_counters c = one->latest.counters;

	counters_add(&c, &one->past);
	v[INTERFACE_RECEIVE_BYTES] = (double)c.receive_bytes;
	v[INTERFACE_RECEIVE_PACKETS] = (double)c.receive_packets;
	v[INTERFACE_RECEIVE_DROPPED] = (double)c.receive_dropped;
	v[INTERFACE_RECEIVE_ERRORS] = (double)c.receive_errors;
	v[INTERFACE_TRANSMIT_BYTES] = (double)c.transmit_bytes;
	v[INTERFACE_TRANSMIT_PACKETS] = (double)c.transmit_packets;
	v[INTERFACE_TRANSMIT_DROPPED] = (double)c.transmit_dropped;
	v[INTERFACE_TRANSMIT_ERRORS] = (double)c.transmit_errors;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		v[rates[i][0]] = one->seen == now->number && now->interval > 0
					 ? (v[rates[i][1]] - one->before[rates[i][1]]) / now->interval
					 : VALUE_ABSENT;
	memcpy(one->before, v, sizeof(one->before));
}

static int interface_compare(const void *a, const void *b)
{
	const struct home_interface *x = *(struct home_interface *const *)a, *y = *(struct home_interface *const *)b;

	if (x->key.home->row != y->key.home->row)
		return x->key.home->row < y->key.home->row ? -1 : 1;
	return memcmp(x->key.name, y->key.name, sizeof(x->key.name));
}

static void rows_write(struct interface_totals *t, const struct moment *now, struct container_row *containers)
{
	t->sorted.n = t->rows.n = 0;
	for (struct home_interface *one = t->all; one; one = one->hh.next)
		if (one->key.home->row != HOME_NO_ROW)
			t->sorted.at[t->sorted.n++] = one;
	if (t->sorted.n)
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
		qsort(t->sorted.at, t->sorted.n, sizeof(*t->sorted.at), interface_compare);
	for (size_t i = 0; i < t->sorted.n; i++) {
		struct home_interface *one = t->sorted.at[i];
		struct interface_row *row = &t->rows.at[t->rows.n++];
		struct container_row *c = &containers[one->key.home->row];

		*row = (struct interface_row){.container = one->key.home->row,
					      .name = one->key.name,
					      .host_interface = one->latest.host_interface,
					      .bridge = one->latest.bridge};
		values_set(one, now, row->v);
		if (!c->n_interfaces++)
			c->interfaces = row;
	}
}

int interface_rows_fill(struct interface_totals *t, const struct namespaces *ns, const struct moment *now,
			const struct sample *s, struct container_row *containers, struct snapshot *snapshot)
{
	int r = 0;

	for (size_t i = 0; i < s->n_interfaces && r == 0; i++)
		r = interface_take(t, ns, now, &s->interfaces[i]);
	interfaces_forget(t, now);
	if (r < 0 || list_fit(&t->rows, HASH_COUNT(t->all)) < 0 || list_fit(&t->sorted, HASH_COUNT(t->all)) < 0)
		return -ENOMEM;
	rows_write(t, now, containers);
	snapshot->interfaces = t->rows.at;
	snapshot->n_interfaces = t->rows.n;
	return 0;
}

void interface_totals_free(struct interface_totals *t)
{
	struct home_interface *one, *next;

	HASH_ITER (hh, t->all, one, next) {
		HASH_DEL(t->all, one);
		free(one);
	}
	list_free(&t->rows);
	list_free(&t->sorted);
}
