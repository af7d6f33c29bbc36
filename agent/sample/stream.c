/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.c - see stream.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "sample/stream.h"

/* A thread's memory: the blocks follow the record, as they were told. A loop is never kept: such a thread is told in full. */
struct kept_thread {
	struct told_thread told; /* first: this is what the sample points to */
	struct ss_thread_record record;
	char blocks[];
};

static size_t blocks_size(const struct ss_thread_record *r)
{
	size_t waits = (size_t)__builtin_popcountll(r->blocks & SS_BLOCK_WAITS_ALL);

	return (r->blocks & SS_BLOCK_NAME ? SS_COMM_LEN : 0) + waits * sizeof(struct ss_waits);
}

static size_t record_size(const struct ss_thread_record *r)
{
	size_t blocks = blocks_size(r), loop = 0;

	if (r->blocks & SS_BLOCK_LOOP)
		loop = sizeof(struct ss_loop) + sizeof(struct ss_loop_begin) + sizeof(__u64);
	return sizeof(*r) + blocks + loop + (blocks || loop ? sizeof(r->mark) : 0);
}

/* ---- what is kept of the sample before ---- */

/* What was told of this thread before, NULL: nothing. The threads before it did not come by: they are forgotten. */
static struct sample_thread *before_find(struct stream *t, uint32_t tid)
{
	struct sample_thread *one;

	for (; t->at < t->n_before; t->at++) {
		one = &t->before[t->at];
		if (one->tid == tid)
			return one;
		if (one->tid > tid)
			return NULL;
		free(one->told);
		one->told = NULL;
	}
	return NULL;
}

/* `told` belongs to the sample from now on. */
static int thread_append(struct stream *t, struct sample *p, struct sample_thread thread)
{
	if (array_reserve(&p->threads, &t->cap_threads, p->n_threads + 1, sizeof(*p->threads)) < 0) {
		free(thread.told);
		return -ENOMEM;
	}
	p->threads[p->n_threads++] = thread;
	return 0;
}

void stream_pass_begin(struct stream *t, struct sample *p)
{
	struct sample_thread *threads = t->before;
	size_t cap = t->cap_before;

	t->before = p->threads;
	t->n_before = p->n_threads;
	t->cap_before = t->cap_threads;
	t->at = 0;
	p->threads = threads;
	t->cap_threads = cap;
	p->n_threads = p->n_loops = 0;
}

void stream_pass_end(struct stream *t)
{
	for (; t->at < t->n_before; t->at++)
		free(t->before[t->at].told);
	t->n_before = t->at = 0;
}

void stream_drop(struct stream *t, struct sample *p)
{
	stream_pass_end(t);
	for (size_t i = 0; i < p->n_threads; i++)
		free(p->threads[i].told);
	free(p->threads);
	free(p->loops);
	free(t->before);
	p->threads = NULL;
	p->loops = NULL;
	p->n_threads = p->n_loops = 0;
	*t = (struct stream){};
}

/* ---- a thread that is told in full ---- */

static void kept_point(struct kept_thread *k)
{
	__u64 blocks = k->record.blocks;
	char *at = k->blocks;

	k->told = (struct told_thread){.record = &k->record};
	if (blocks & SS_BLOCK_NAME) {
		k->told.name = at;
		at += SS_COMM_LEN;
	}
	if (blocks & SS_BLOCK_WAITS) {
		k->told.waits = (struct ss_waits *)at;
		at += sizeof(struct ss_waits);
	}
	if (blocks & SS_BLOCK_WAITS_CHARGED) {
		k->told.waits_charged = (struct ss_waits *)at;
		at += sizeof(struct ss_waits);
	}
	if (blocks & SS_BLOCK_WAITS_DEAD)
		k->told.waits_dead = (struct ss_waits *)at;
}

/* Whether nothing has changed since it was told before, apart from how long it has slept. */
static bool kept_equals(const struct kept_thread *k, const struct ss_thread_record *r, const char *blocks)
{
	const struct ss_thread_record *before = &k->record;
	size_t part = offsetof(struct ss_thread_record, open_blocked_ns), rest = part + sizeof(r->open_blocked_ns);

	return !(r->blocks & SS_BLOCK_LOOP) && memcmp(before, r, part) == 0 &&
	       memcmp((const char *)before + rest, (const char *)r + rest, sizeof(*r) - rest) == 0 &&
	       memcmp(k->blocks, blocks, blocks_size(r)) == 0;
}

/* Keeps what is told of the thread, at the place where it was kept before if there is one. */
static int record_keep(struct stream *t, struct sample *p, const struct ss_thread_record *r, const char *blocks)
{
	struct sample_thread *before = before_find(t, r->tid), now = {.tid = r->tid};
	size_t blocks_bytes = blocks_size(r);
	struct kept_thread *k = NULL;

	if (before) {
		k = (struct kept_thread *)before->told;
		before->told = NULL;
		t->at++;
	}
	if (k && (blocks_size(&k->record) != blocks_bytes || k->record.start_ns != r->start_ns)) {
		free(k);
		k = NULL;
	}
	if (k) {
		now.same = kept_equals(k, r, blocks);
	} else {
		k = malloc(sizeof(*k) + blocks_bytes);
		if (!k)
			return -ENOMEM;
	}
	k->record = *r;
	if (!now.same) {
		memcpy(k->blocks, blocks, blocks_bytes);
		kept_point(k);
	}
	now.told = &k->told;
	return thread_append(t, p, now);
}

static int loop_take_bytes(struct stream *t, struct sample *p, const char *data)
{
	struct sample_loop *l;

	if (array_reserve(&p->loops, &t->cap_loops, p->n_loops + 1, sizeof(*p->loops)) < 0)
		return -ENOMEM;
	l = &p->loops[p->n_loops++];
	l->thread = (uint32_t)p->n_threads - 1;
	memcpy(&l->loop, data, sizeof(l->loop));
	data += sizeof(l->loop);
	memcpy(&l->begin, data, sizeof(l->begin));
	data += sizeof(l->begin);
	memcpy(&l->read_ns, data, sizeof(l->read_ns));
	return 0;
}

/* `data` is one whole record with its blocks, `bytes` long. */
static int record_take(struct stream *t, struct sample *p, const char *data, size_t bytes)
{
	const char *blocks = data + sizeof(struct ss_thread_record);
	struct ss_thread_record r;
	__u64 mark;
	int ret;

	memcpy(&r, data, sizeof(r));
	if (bytes > sizeof(r)) {
		memcpy(&mark, data + bytes - sizeof(mark), sizeof(mark));
		/* The thread was switched between the two reads of its mark: the totals may include the open wait already. */
		if (mark != r.mark)
			r.open_wait_ns = r.open_throttled_ns = r.open_blocked_ns = 0;
	}
	ret = record_keep(t, p, &r, blocks);
	if (ret == 0 && r.blocks & SS_BLOCK_LOOP)
		ret = loop_take_bytes(t, p, blocks + blocks_size(&r));
	return ret;
}

/* ---- a thread that only slept ---- */

static int same_take(struct stream *t, struct sample *p, const char *data)
{
	struct sample_thread *before, now;
	struct ss_thread_record *r;
	struct ss_thread_same same;

	memcpy(&same, data, sizeof(same));
	before = before_find(t, same.tid);
	if (!before)
		return -ESTALE;
	r = before->told->record;
	if (r->start_ns != same.start_ns || r->blocks & SS_BLOCK_LOOP)
		return -ESTALE;
	now = (struct sample_thread){.told = before->told, .tid = same.tid, .same = true};
	before->told = NULL;
	t->at++;
	if (ss_mark_state(r->mark) == SS_MARK_BLOCKED)
		r->open_blocked_ns = ss_mark_age(r->mark, t->clock);
	return thread_append(t, p, now);
}

ssize_t stream_take(struct stream *t, struct sample *p, const char *data, size_t bytes)
{
	size_t taken = 0, size;
	int r;

	while (bytes - taken >= sizeof(struct ss_thread_same)) {
		struct ss_thread_record record;

		memcpy(&record, data + taken, sizeof(struct ss_thread_same));
		if (record.tgid == SS_THREAD_SAME) {
			r = same_take(t, p, data + taken);
			size = sizeof(struct ss_thread_same);
		} else {
			if (bytes - taken < sizeof(record))
				break;
			memcpy(&record, data + taken, sizeof(record));
			size = record_size(&record);
			if (bytes - taken < size)
				break;
			r = record_take(t, p, data + taken, size);
		}
		if (r < 0)
			return r;
		taken += size;
	}
	return (ssize_t)taken;
}
