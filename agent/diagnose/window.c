/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window.c - see window.h. Called by judge.c and the rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/window.h"

/* FNV-1a. Two rows of a machine with the same 64 bits do not happen; they would only share a first value. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ p[i]) * 1099511628211ULL;
	return hash;
}

#define HASH_BEGIN 14695981039346656037ULL

static uint64_t key_of_text(const char *text)
{
	return hash_add(HASH_BEGIN, text, strlen(text));
}

static uint64_t container_key(const struct snapshot *s, size_t i)
{
	return key_of_text(s->containers[i].cgroup);
}

static uint64_t process_key(const struct snapshot *s, size_t i)
{
	const struct process_row *p = &s->processes[i];
	uint64_t hash = hash_add(HASH_BEGIN, &p->pid, sizeof(p->pid));

	return hash_add(hash, &p->start_ns, sizeof(p->start_ns));
}

static uint64_t loop_key(const struct snapshot *s, size_t i)
{
	uint64_t hash = process_key(s, s->loops[i].process);

	return hash_add(hash, &s->loops[i].tid, sizeof(s->loops[i].tid));
}

static uint64_t neighbour_key(const struct snapshot *s, size_t i)
{
	const struct neighbour_row *n = &s->neighbours[i];
	uint64_t hash = container_key(s, n->waiter);

	if (n->runner == NEIGHBOUR_OTHERS)
		return hash;
	return hash_add(hash, s->containers[n->runner].cgroup, strlen(s->containers[n->runner].cgroup));
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

typedef uint64_t row_key(const struct snapshot *s, size_t i);

/* `size` is that of a row, whose value array is `offset` bytes behind its begin. */
static int scope_begin(struct window_scope *scope, const struct snapshot *s, const void *rows, size_t n, size_t size,
		       size_t offset, size_t metrics, row_key *key)
{
	scope_free(scope);
	scope->keys = calloc(n + 1, sizeof(*scope->keys));
	scope->values = calloc(n * metrics + 1, sizeof(*scope->values));
	if (!scope->keys || !scope->values)
		return -ENOMEM;
	scope->n = n;
	scope->metrics = metrics;
	for (size_t i = 0; i < n; i++) {
		scope->keys[i] = (struct window_key){key(s, i), (uint32_t)i};
		memcpy(scope->values + i * metrics, (const char *)rows + i * size + offset, metrics * sizeof(double));
	}
	qsort(scope->keys, n, sizeof(*scope->keys), key_order);
	return 0;
}

static int scope_end(struct window_scope *scope, const struct snapshot *s, size_t n, row_key *key)
{
	const struct window_key *found;
	struct window_key wanted = {};

	free(scope->before);
	scope->before = calloc(n + 1, sizeof(*scope->before));
	if (!scope->before)
		return -ENOMEM;
	scope->n_before = n;
	for (size_t i = 0; i < n; i++) {
		wanted.key = key(s, i);
		found = scope->n ? bsearch(&wanted, scope->keys, scope->n, sizeof(wanted), key_order) : NULL;
		scope->before[i] = found ? found->row : WINDOW_NEW;
	}
	return 0;
}

int watch_begin(struct window *w, const struct snapshot *s)
{
	int r;

	w->began = s->time;
	w->seconds = 0;
	w->now = s;
	memcpy(w->host, s->v, sizeof(w->host));
	for (size_t i = 0; i < s->n_losses && i < WINDOW_LOSSES; i++)
		w->losses[i] = s->losses[i].count;
	r = scope_begin(&w->containers, s, s->containers, s->n_containers, sizeof(*s->containers),
			offsetof(struct container_row, v), CONTAINER_METRICS, container_key);
	r = r
		    ?: scope_begin(&w->processes, s, s->processes, s->n_processes, sizeof(*s->processes),
				   offsetof(struct process_row, v), PROCESS_METRICS, process_key);
	r = r
		    ?: scope_begin(&w->loops, s, s->loops, s->n_loops, sizeof(*s->loops), offsetof(struct loop_row, v),
				   LOOP_METRICS, loop_key);
	return r
		       ?: scope_begin(&w->neighbours, s, s->neighbours, s->n_neighbours, sizeof(*s->neighbours),
				      offsetof(struct neighbour_row, v), NEIGHBOUR_METRICS, neighbour_key);
}

int watch_end(struct window *w, const struct snapshot *s)
{
	int r = w->began ? 0 : watch_begin(w, s);

	w->now = s;
	w->seconds = s->time > w->began ? s->time - w->began : 0;
	r = r ?: scope_end(&w->containers, s, s->n_containers, container_key);
	r = r ?: scope_end(&w->processes, s, s->n_processes, process_key);
	r = r ?: scope_end(&w->loops, s, s->n_loops, loop_key);
	return r ?: scope_end(&w->neighbours, s, s->n_neighbours, neighbour_key);
}

void window_free(struct window *w)
{
	scope_free(&w->containers);
	scope_free(&w->processes);
	scope_free(&w->loops);
	scope_free(&w->neighbours);
}

static double gained(const struct window *w, const struct window_scope *scope, uint32_t row, int metric, double now)
{
	double before;

	if (!(w->seconds > 0) || row >= scope->n_before)
		return VALUE_ABSENT;
	before = scope->before[row] == WINDOW_NEW ? 0
						  : scope->values[scope->before[row] * scope->metrics + (size_t)metric];
	if (value_absent(before) || value_absent(now))
		return VALUE_ABSENT;
	return now > before ? now - before : 0;
}

double window_container(const struct window *w, uint32_t row, int metric)
{
	return gained(w, &w->containers, row, metric, w->now->containers[row].v[metric]);
}

double window_process(const struct window *w, uint32_t row, int metric)
{
	return gained(w, &w->processes, row, metric, w->now->processes[row].v[metric]);
}

double window_loop(const struct window *w, uint32_t row, int metric)
{
	return gained(w, &w->loops, row, metric, w->now->loops[row].v[metric]);
}

double window_neighbour(const struct window *w, uint32_t row, int metric)
{
	return gained(w, &w->neighbours, row, metric, w->now->neighbours[row].v[metric]);
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
