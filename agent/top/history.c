/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history.c - see history.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* an element for which there was no memory has hh.tbl == NULL */
#include <uthash.h>

#include "base/list.h"
#include "top/history.h"

#define REMEMBERED_MOST 2000 /* containers: 8 MB */
#define POINT_SECONDS	0.9  /* a point a second, though a sample may come a little early */

struct remembered {
	struct minutes course;
	double seen; /* time of the latest snapshot that has it */
	UT_hash_handle hh;
	char cgroup[];
};

static void history_forget(struct history *h, double before)
{
	struct remembered *one, *next;

	HASH_ITER (hh, h->all, one, next) {
		if (one->seen >= before)
			continue;
		HASH_DEL(h->all, one);
		free(one);
		h->n--;
	}
}

/* Of what is unknown in both there is nothing to add. */
static double sum_known(double a, double b)
{
	return value_absent(a) ? b : value_absent(b) ? a : a + b;
}

static void point_add(struct minutes *c, const double *v, double time)
{
	float *to = c->v[c->next];

	c->time[c->next] = time;
	to[MINUTES_CPU] = (float)v[CONTAINER_CPU_CORES];
	to[MINUTES_THROTTLED] = (float)v[CONTAINER_THROTTLED_RATIO];
	to[MINUTES_WAIT] = (float)v[CONTAINER_WAIT_RATE];
	to[MINUTES_MEMORY] = (float)v[CONTAINER_MEMORY_USAGE];
	to[MINUTES_NETWORK] = (float)sum_known(v[CONTAINER_NETWORK_RECEIVE_RATE], v[CONTAINER_NETWORK_TRANSMIT_RATE]);
	to[MINUTES_DISK] = (float)sum_known(v[CONTAINER_DISK_READ_RATE], v[CONTAINER_DISK_WRITE_RATE]);
	c->next = (c->next + 1) % MINUTES_POINTS;
	c->n += c->n < MINUTES_POINTS;
}

/* NULL: there are too many, or there is no memory. */
static struct remembered *container_remember(struct history *h, const char *cgroup)
{
	size_t length = strlen(cgroup);
	struct remembered *one;

	HASH_FIND(hh, h->all, cgroup, length, one);
	if (one || h->n >= REMEMBERED_MOST)
		return one;
	one = calloc(1, sizeof(*one) + length + 1);
	if (!one)
		return NULL;
	memcpy(one->cgroup, cgroup, length);
	HASH_ADD_KEYPTR(hh, h->all, one->cgroup, length, one);
	if (!one->hh.tbl) {
		free(one);
		return NULL;
	}
	h->n++;
	return one;
}

const struct snapshot *history_note(struct history *h, const struct snapshot *s)
{
	bool point;

	if (!s)
		return NULL;
	if (s->time < h->time || s->time > h->time + MINUTES_SECONDS)
		history_forget(h, INFINITY);
	if (s->n_containers > h->cap && array_reserve(&h->courses, &h->cap, s->n_containers, sizeof(*h->courses)) < 0)
		return s;
	point = !h->n || s->time - h->time >= POINT_SECONDS;
	for (size_t i = 0; i < s->n_containers; i++) {
		struct remembered *one = container_remember(h, s->containers[i].cgroup);

		h->courses[i] = one ? &one->course : NULL;
		if (!one || !point || one->seen >= s->time)
			continue;
		one->seen = s->time;
		point_add(&one->course, s->containers[i].v, s->time);
	}
	if (point) {
		h->time = s->time;
		history_forget(h, s->time);
	}
	h->latest = *s;
	h->latest.looked.courses = h->courses;
	return &h->latest;
}

void history_free(struct history *h)
{
	history_forget(h, INFINITY);
	free(h->courses);
	*h = (struct history){};
}
