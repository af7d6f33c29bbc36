/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.c - see keys.h. Called by window.c. Two rows of a machine with the same 64 bits do not happen; they would only share a
 * first value.
 */
#include "diagnose/case/keys.h"

static uint64_t text_add(const struct row_keys *k, uint64_t hash, const char *text)
{
	return hash_text(&k->seed, hash, text);
}

void homes_hash(struct row_keys *k)
{
	for (size_t i = 0; i < k->s->n_containers; i++)
		k->homes[i] = text_add(k, k->seed.begin, k->s->containers[i].cgroup);
}

/* That of a container, and of the other one, which may be several, or itself: two equal hashes must not cancel each other. */
static uint64_t pair_key(const struct row_keys *k, uint32_t one, uint32_t other)
{
	uint64_t first = hash_number(&k->seed, k->homes[one], 1);

	return other == NEIGHBOUR_OTHERS ? first : hash_number(&k->seed, first, k->homes[other]);
}

uint64_t container_key(const struct row_keys *k, size_t i)
{
	return k->homes[i];
}

uint64_t process_key(const struct row_keys *k, size_t i)
{
	const struct process_row *p = &k->s->processes[i];

	return hash_number(&k->seed, hash_number(&k->seed, k->seed.begin, p->pid), p->start_ns);
}

uint64_t outside_key(const struct row_keys *k, size_t i)
{
	const struct outsider_row *o = &k->s->outside[i];

	return hash_number(&k->seed, process_key(k, o->process), k->homes[o->container]);
}

uint64_t group_key(const struct row_keys *k, size_t i)
{
	const struct group_row *g = &k->s->groups[i];

	return text_add(k, k->homes[g->container], g->comm);
}

uint64_t loop_key(const struct row_keys *k, size_t i)
{
	const struct loop_row *l = &k->s->loops[i];

	return hash_number(&k->seed, process_key(k, l->process), l->tid);
}

uint64_t neighbour_key(const struct row_keys *k, size_t i)
{
	const struct neighbour_row *n = &k->s->neighbours[i];

	return pair_key(k, n->waiter, n->runner);
}

uint64_t disk_key(const struct row_keys *k, size_t i)
{
	const struct disk_row *d = &k->s->disks[i];

	return text_add(k, k->homes[d->container], d->device);
}

uint64_t disk_neighbour_key(const struct row_keys *k, size_t i)
{
	const struct disk_neighbour_row *n = &k->s->disk_neighbours[i];

	return text_add(k, pair_key(k, n->waiter, n->filler), n->device);
}

uint64_t device_key(const struct row_keys *k, size_t i)
{
	return text_add(k, k->seed.begin, k->s->devices[i].name);
}

uint64_t port_key(const struct row_keys *k, size_t i)
{
	const struct port_row *p = &k->s->ports[i];

	return text_add(k, hash_number(&k->seed, k->homes[p->container], p->port), p->direction);
}

uint64_t interface_key(const struct row_keys *k, size_t i)
{
	const struct interface_row *n = &k->s->interfaces[i];

	return text_add(k, k->homes[n->container], n->name);
}
