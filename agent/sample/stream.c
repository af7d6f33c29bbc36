/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.c - see stream.h.
 */
#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "sample/stream.h"

static size_t record_size(const struct ss_thread_record *r)
{
	size_t waits = (size_t)__builtin_popcountll(r->blocks & SS_BLOCK_WAITS_ALL);
	bool loop = r->blocks & SS_BLOCK_LOOP, name = r->blocks & SS_BLOCK_NAME;

	return sizeof(*r) + (name ? SS_COMM_LEN : 0) + waits * sizeof(struct ss_waits) +
	       (loop ? sizeof(struct ss_loop) + sizeof(struct ss_loop_begin) + sizeof(__u64) : 0) +
	       (name || waits || loop ? sizeof(r->mark) : 0);
}

/* `data` is one whole record with its blocks. */
static int record_take(struct stream_room *room, struct sample *p, const char *data)
{
	struct ss_thread_record *r;
	__u64 mark;

	if (array_reserve(&p->threads, &room->threads, p->n_threads + 1, sizeof(*p->threads)) < 0)
		return -ENOMEM;
	r = &p->threads[p->n_threads];
	memcpy(r, data, sizeof(*r));
	data += sizeof(*r);
	if (r->blocks & SS_BLOCK_NAME) {
		struct sample_name *name;

		if (array_reserve(&p->names, &room->names, p->n_names + 1, sizeof(*p->names)) < 0)
			return -ENOMEM;
		name = &p->names[p->n_names++];
		name->thread = (uint32_t)p->n_threads;
		memcpy(name->comm, data, sizeof(name->comm));
		data += sizeof(name->comm);
	}
	for (uint32_t bit = 1; bit & SS_BLOCK_WAITS_ALL; bit <<= 1) {
		struct sample_waits *w;

		if (!(r->blocks & bit))
			continue;
		if (array_reserve(&p->waits, &room->waits, p->n_waits + 1, sizeof(*p->waits)) < 0)
			return -ENOMEM;
		w = &p->waits[p->n_waits++];
		w->thread = (uint32_t)p->n_threads;
		w->block = bit;
		memcpy(&w->waits, data, sizeof(w->waits));
		data += sizeof(w->waits);
	}
	if (r->blocks & SS_BLOCK_LOOP) {
		struct sample_loop *l;

		if (array_reserve(&p->loops, &room->loops, p->n_loops + 1, sizeof(*p->loops)) < 0)
			return -ENOMEM;
		l = &p->loops[p->n_loops++];
		l->thread = (uint32_t)p->n_threads;
		memcpy(&l->loop, data, sizeof(l->loop));
		data += sizeof(l->loop);
		memcpy(&l->begin, data, sizeof(l->begin));
		data += sizeof(l->begin);
		memcpy(&l->read_ns, data, sizeof(l->read_ns));
		data += sizeof(l->read_ns);
	}
	p->n_threads++;
	if (!(r->blocks & (SS_BLOCK_NAME | SS_BLOCK_WAITS_ALL | SS_BLOCK_LOOP)))
		return 0;
	memcpy(&mark, data, sizeof(mark));
	/* The thread was switched between the two reads of its mark: the totals may include the open wait already. */
	if (mark != r->mark)
		r->open_wait_ns = r->open_throttled_ns = r->open_blocked_ns = 0;
	return 0;
}

ssize_t stream_take(struct stream_room *room, struct sample *p, const char *data, size_t bytes)
{
	size_t taken = 0;

	while (bytes - taken >= sizeof(struct ss_thread_record)) {
		struct ss_thread_record r;
		size_t size;

		memcpy(&r, data + taken, sizeof(r));
		size = record_size(&r);
		if (bytes - taken < size)
			break;
		if (record_take(room, p, data + taken) < 0)
			return -ENOMEM;
		taken += size;
	}
	return (ssize_t)taken;
}
