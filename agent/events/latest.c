/* SPDX-License-Identifier: GPL-2.0-or-later */
/* latest.c - see latest.h. */
#include <stdlib.h>
#include <string.h>

#include "events/latest.h"

enum { TEXT_CONTAINER, TEXT_CGROUP, TEXT_ID, TEXT_COMM, TEXT_KIND, TEXT_HOW, TEXTS };

uint32_t latest_types(int ring)
{
	uint32_t processes = 1u << EVENT_PROCESS_START | 1u << EVENT_EXEC | 1u << EVENT_EXIT;

	return event_types_shown(true) & (ring == KEPT_PROCESSES ? processes : ~processes);
}

/* ---- an event comes ---- */

static char *texts_copy(const char *const texts[TEXTS], size_t *ret_bytes)
{
	size_t bytes = 0, at = 0;
	char *copy;

	for (int i = 0; i < TEXTS; i++)
		bytes += strlen(texts[i] ?: "") + 1;
	copy = malloc(bytes);
	for (int i = 0; copy && i < TEXTS; i++) {
		size_t n = strlen(texts[i] ?: "") + 1;

		memcpy(copy + at, texts[i] ?: "", n);
		at += n;
	}
	*ret_bytes = bytes;
	return copy;
}

bool latest_take(void *ctx, const struct event *e)
{
	struct latest_events *l = ctx;
	struct kept_ring *ring = &l->rings[latest_types(KEPT_PROCESSES) >> e->type & 1 ? KEPT_PROCESSES : KEPT_RARE];
	struct kept_event *place = &ring->events[ring->n % KEPT];
	const char *texts[TEXTS] = {[TEXT_CONTAINER] = e->container,
				    [TEXT_CGROUP] = e->container_cgroup,
				    [TEXT_ID] = e->container_id,
				    [TEXT_COMM] = e->comm,
				    [TEXT_KIND] = e->container_kind};
	size_t bytes;
	char *copy;

	for (int t = 0; e->type == EVENT_LOST && t < EVENT_TYPES; t++)
		l->lost += e->lost_ring[t] + e->lost_unread[t];
	if (e->type == EVENT_LOST)
		return true;
	buf_reset(&l->how);
	event_how(&l->how, e);
	texts[TEXT_HOW] = l->how.data;
	copy = l->how.failed ? NULL : texts_copy(texts, &bytes);
	if (!copy) {
		l->refused++;
		return false;
	}
	free(place->texts);
	*place = (struct kept_event){
		.row = {.number = ++l->number,
			.time = e->time,
			.type = event_type_names[e->type],
			.pid = e->pid,
			.tid = e->tid},
		.texts = copy,
		.bytes = bytes,
	};
	ring->n++;
	return true;
}

void latest_clear(struct latest_events *l, int ring)
{
	for (size_t i = 0; i < KEPT; i++)
		free(l->rings[ring].events[i].texts);
	l->rings[ring] = (struct kept_ring){};
}

/* ---- rows ---- */

/* When all of them have their place. */
static void row_texts(struct latest_events *l, size_t i)
{
	struct event_row *row = &l->rows[i];
	const char *at = l->texts.data + l->begins[i];

	row->container = at;
	row->cgroup = at += strlen(at) + 1;
	row->id = at += strlen(at) + 1;
	row->comm = at += strlen(at) + 1;
	row->kind = at += strlen(at) + 1;
	row->text = at + strlen(at) + 1;
}

/* The latest of both rings first. Copies, since events come while the snapshot is shown. */
size_t latest_rows(struct latest_events *l)
{
	uint64_t left[KEPT_RINGS];
	size_t n = 0;

	buf_reset(&l->texts);
	for (int i = 0; i < KEPT_RINGS; i++)
		left[i] = l->rings[i].n < KEPT ? l->rings[i].n : KEPT;
	for (;;) {
		const struct kept_event *latest = NULL;
		int of = 0;

		for (int i = 0; i < KEPT_RINGS; i++) {
			const struct kept_ring *ring = &l->rings[i];
			uint64_t oldest = ring->n < KEPT ? 0 : ring->n - KEPT;
			const struct kept_event *e = &ring->events[(oldest + left[i] - 1) % KEPT];

			if (left[i] && (!latest || e->row.number > latest->row.number)) {
				latest = e;
				of = i;
			}
		}
		if (!latest)
			break;
		left[of]--;
		l->rows[n] = latest->row;
		l->begins[n++] = l->texts.len;
		buf_add(&l->texts, latest->texts, latest->bytes);
	}
	if (l->texts.failed)
		return 0;
	for (size_t i = 0; i < n; i++)
		row_texts(l, i);
	return n;
}

uint64_t latest_dropped(const struct latest_events *l)
{
	uint64_t n = l->refused;

	for (int i = 0; i < KEPT_RINGS; i++)
		n += l->rings[i].n < KEPT ? 0 : l->rings[i].n - KEPT;
	return n;
}

void latest_free(struct latest_events *l)
{
	for (int i = 0; i < KEPT_RINGS; i++)
		latest_clear(l, i);
	buf_free(&l->how);
	buf_free(&l->texts);
}
