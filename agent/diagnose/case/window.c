/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window.c - see window.h. Called by judge.c and the rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/window.h"

/* FNV-1a. Two rows of a machine with the same 64 bits do not happen; they would only share a first value. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ p[i]) * 1099511628211ULL;
	return hash;
}

#define HASH_BEGIN 14695981039346656037ULL

static uint64_t text_add(uint64_t hash, const char *text)
{
	return hash_add(hash, text, strlen(text) + 1);
}

static uint64_t container_key(const struct snapshot *s, size_t i)
{
	return text_add(HASH_BEGIN, s->containers[i].cgroup);
}

/* That of a container, and of the other one, which may be several. */
static uint64_t pair_key(const struct snapshot *s, uint32_t one, uint32_t other)
{
	uint64_t hash = container_key(s, one);

	return other == NEIGHBOUR_OTHERS ? hash : text_add(hash, s->containers[other].cgroup);
}

static uint64_t process_key(const struct snapshot *s, size_t i)
{
	const struct process_row *p = &s->processes[i];
	uint64_t hash = hash_add(HASH_BEGIN, &p->pid, sizeof(p->pid));

	return hash_add(hash, &p->start_ns, sizeof(p->start_ns));
}

static uint64_t group_key(const struct snapshot *s, size_t i)
{
	return text_add(container_key(s, s->groups[i].container), s->groups[i].comm);
}

static uint64_t loop_key(const struct snapshot *s, size_t i)
{
	uint64_t hash = process_key(s, s->loops[i].process);

	return hash_add(hash, &s->loops[i].tid, sizeof(s->loops[i].tid));
}

static uint64_t neighbour_key(const struct snapshot *s, size_t i)
{
	return pair_key(s, s->neighbours[i].waiter, s->neighbours[i].runner);
}

static uint64_t disk_key(const struct snapshot *s, size_t i)
{
	return text_add(container_key(s, s->disks[i].container), s->disks[i].device);
}

static uint64_t disk_neighbour_key(const struct snapshot *s, size_t i)
{
	const struct disk_neighbour_row *n = &s->disk_neighbours[i];

	return text_add(pair_key(s, n->waiter, n->filler), n->device);
}

static uint64_t device_key(const struct snapshot *s, size_t i)
{
	return text_add(HASH_BEGIN, s->devices[i].name);
}

static uint64_t port_key(const struct snapshot *s, size_t i)
{
	const struct port_row *p = &s->ports[i];

	return text_add(hash_add(container_key(s, p->container), &p->port, sizeof(p->port)), p->direction);
}

/* Where the rows of each kind are, and what makes two of them the same. */
static const struct window_desc {
	size_t rows, n;	     /* offsets in a snapshot: the pointer to them, their number */
	size_t size, values; /* of a row; offset of its value array there */
	size_t metrics;	     /* values of a row */
	uint64_t (*key)(const struct snapshot *s, size_t i);
} descs[WINDOW_KINDS] = {
#define ROWS(KIND, rows, type, values, METRICS, key)            \
	[WINDOW_##KIND] = {offsetof(struct snapshot, rows),     \
			   offsetof(struct snapshot, n_##rows), \
			   sizeof(struct type),                 \
			   offsetof(struct type, values),       \
			   METRICS,                             \
			   key}
	ROWS(CONTAINERS, containers, container_row, v, CONTAINER_METRICS, container_key),
	ROWS(TCP, containers, container_row, tcp, TCP_SUM_METRICS, container_key),
	ROWS(PROCESSES, processes, process_row, v, PROCESS_METRICS, process_key),
	ROWS(GROUPS, groups, group_row, v, GROUP_METRICS, group_key),
	ROWS(LOOPS, loops, loop_row, v, LOOP_METRICS, loop_key),
	ROWS(NEIGHBOURS, neighbours, neighbour_row, v, NEIGHBOUR_METRICS, neighbour_key),
	ROWS(DISKS, disks, disk_row, v, DISK_METRICS, disk_key),
	ROWS(DISK_NEIGHBOURS, disk_neighbours, disk_neighbour_row, v, DISK_NEIGHBOUR_METRICS, disk_neighbour_key),
	ROWS(DEVICES, devices, device_row, v, DEVICE_METRICS, device_key),
	ROWS(PORTS, ports, port_row, v, PORT_METRICS, port_key),
#undef ROWS
};

static size_t rows_count(const struct window_desc *d, const struct snapshot *s)
{
	size_t n;

	memcpy(&n, (const char *)s + d->n, sizeof(n));
	return n;
}

static const double *row_values(const struct window_desc *d, const struct snapshot *s, size_t i)
{
	const char *rows;

	memcpy(&rows, (const char *)s + d->rows, sizeof(rows));
	return (const double *)(const void *)(rows + i * d->size + d->values);
}

static int key_order(const void *a, const void *b)
{
	uint64_t x = ((const struct window_key *)a)->key, y = ((const struct window_key *)b)->key;

	return x < y ? -1 : x > y;
}

static void scope_free(struct window_scope *scope)
{
	free(scope->keys);
	free(scope->values);
	free(scope->before);
	*scope = (struct window_scope){};
}

static int scope_begin(struct window_scope *scope, const struct window_desc *d, const struct snapshot *s)
{
	size_t n = rows_count(d, s);

	scope_free(scope);
	scope->keys = calloc(n + 1, sizeof(*scope->keys));
	scope->values = calloc(n * d->metrics + 1, sizeof(*scope->values));
	if (!scope->keys || !scope->values)
		return -ENOMEM;
	scope->n = n;
	for (size_t i = 0; i < n; i++) {
		scope->keys[i] = (struct window_key){d->key(s, i), (uint32_t)i};
		memcpy(scope->values + i * d->metrics, row_values(d, s, i), d->metrics * sizeof(double));
	}
	qsort(scope->keys, n, sizeof(*scope->keys), key_order);
	return 0;
}

static int scope_end(struct window_scope *scope, const struct window_desc *d, const struct snapshot *s)
{
	const struct window_key *found;
	struct window_key wanted = {};
	size_t n = rows_count(d, s);

	free(scope->before);
	scope->before = calloc(n + 1, sizeof(*scope->before));
	if (!scope->before)
		return -ENOMEM;
	scope->n_before = n;
	for (size_t i = 0; i < n; i++) {
		wanted.key = d->key(s, i);
		found = scope->n ? bsearch(&wanted, scope->keys, scope->n, sizeof(wanted), key_order) : NULL;
		scope->before[i] = found ? found->row : WINDOW_NEW;
	}
	return 0;
}

int watch_begin(struct window *w, const struct snapshot *s)
{
	int r = 0;

	w->began = s->time;
	w->seconds = 0;
	w->now = s;
	memcpy(w->host, s->v, sizeof(w->host));
	for (size_t i = 0; i < s->n_losses && i < WINDOW_LOSSES; i++)
		w->losses[i] = s->losses[i].count;
	for (int k = 0; r == 0 && k < WINDOW_KINDS; k++)
		r = scope_begin(&w->scopes[k], &descs[k], s);
	return r;
}

int watch_end(struct window *w, const struct snapshot *s)
{
	int r = w->began ? 0 : watch_begin(w, s);

	w->now = s;
	w->seconds = s->time > w->began ? s->time - w->began : 0;
	for (int k = 0; r == 0 && k < WINDOW_KINDS; k++)
		r = scope_end(&w->scopes[k], &descs[k], s);
	return r;
}

void window_free(struct window *w)
{
	for (int k = 0; k < WINDOW_KINDS; k++)
		scope_free(&w->scopes[k]);
}

bool window_is_new(const struct window *w, enum window_kind kind, uint32_t row)
{
	const struct window_scope *scope = &w->scopes[kind];

	return row >= scope->n_before || scope->before[row] == WINDOW_NEW;
}

double window_before(const struct window *w, enum window_kind kind, uint32_t row, int metric)
{
	const struct window_scope *scope = &w->scopes[kind];

	if (window_is_new(w, kind, row))
		return VALUE_ABSENT;
	return scope->values[scope->before[row] * descs[kind].metrics + (size_t)metric];
}

double window_gained(const struct window *w, enum window_kind kind, uint32_t row, int metric)
{
	double before, now;

	if (!(w->seconds > 0) || row >= w->scopes[kind].n_before)
		return VALUE_ABSENT;
	before = window_is_new(w, kind, row) ? 0 : window_before(w, kind, row, metric);
	now = row_values(&descs[kind], w->now, row)[metric];
	if (value_absent(before) || value_absent(now))
		return VALUE_ABSENT;
	return now > before ? now - before : 0;
}

double window_host(const struct window *w, int metric)
{
	return w->seconds > 0 ? w->now->v[metric] - w->host[metric] : VALUE_ABSENT;
}

double window_loss(const struct window *w, size_t kind)
{
	if (!(w->seconds > 0) || kind >= WINDOW_LOSSES || w->now->losses[kind].count < w->losses[kind])
		return VALUE_ABSENT;
	return (double)(w->now->losses[kind].count - w->losses[kind]);
}
