/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loops/read.c - event loops of a sample: which threads use epoll and which live in it, which of them take turns, and
 * what the groups of their homes get. Rows are made of it in loops/loops.c. Part of the model
 * (model_internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

static void loop_begin(struct loop *l)
{
	UT_hash_handle hh = l->hh;

	*l = (struct loop){.key = l->key, .hh = hh};
	for (int i = 0; i < LOOP_METRICS; i++)
		l->before[i] = l->held[i] = VALUE_ABSENT;
}

static struct loop *loop_get(struct model *m, const struct ss_thread_record *r)
{
	struct loop *l, key;

	memset(&key, 0, sizeof(key));
	key.key.tid = r->tid;
	key.key.start_ns = r->start_ns;
	HASH_FIND(hh, m->loops, &key.key, sizeof(key.key), l);
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->key = key.key;
	loop_begin(l);
	HASH_ADD(hh, m->loops, key, sizeof(l->key), l);
	if (!l->hh.tbl) {
		free(l);
		return NULL;
	}
	return l;
}

static void loop_add(struct ss_loop *to, const struct ss_loop *what)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)what;
	uint64_t longest = to->longest_ns > what->longest_ns ? to->longest_ns : what->longest_ns;

	for (size_t i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
		a[i] += b[i];
	to->longest_ns = longest;
}

static void loop_subtract(struct ss_loop *from, const struct ss_loop *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
		a[i] = sub_sat(a[i], b[i]);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/*
 * What is under way, as if it ended when it was read. Its split is what the scheduler's totals (`w`, NULL: not known) have
 * grown by since it began; they are a little older than the reading, so the rest, on a CPU, may come out as much too long.
 * Returns how long an iteration is under way.
 */
static uint64_t open_close(struct ss_loop *l, const struct sample_loop *sl, const struct ss_waits *w)
{
	uint64_t since = sub_sat(sl->read_ns, ss_loop_mark_began(l->mark)), left, waited = 0;

	if (w)
		waited = at_most(sub_sat(waits_total(w), sl->begin.runqueue_ns), since);
	switch (ss_loop_mark_phase(l->mark)) {
	case SS_LOOP_WAITING:
		l->wait_ns += since;
		l->wait_runqueue_ns += waited;
		break;
	case SS_LOOP_POLLING:
		l->poll_ns += since;
		l->poll_runqueue_ns += waited;
		break;
	case SS_LOOP_ITERATING:
		l->iteration_ns += since;
		l->runqueue_ns += waited;
		if (w)
			l->throttled_ns += at_most(sub_sat(w->throttled_ns, sl->begin.throttled_ns), waited);
		left = since - waited;
		/* No iteration sleeps in epoll: what looks like it was read while the iteration began. */
		for (int i = SS_WAIT_EPOLL + 1; w && i < SS_WAIT_CLASSES; i++) {
			uint64_t part = at_most(sub_sat(w->blocked_ns[i], sl->begin.blocked_ns[i]), left);

			l->blocked_ns[i] += part;
			left -= part;
		}
		if (since > l->longest_ns)
			l->longest_ns = since;
		return since;
	}
	return 0;
}

/*
 * Whether epoll is its main business: most of what it sleeps is there; a loop that never sleeps has only its waits. Without
 * the scheduler's hooks a wait of its own is all that there is to go by.
 */
static bool is_loop(const struct ss_loop *l, const struct ss_waits *w)
{
	uint64_t asleep = 0, epoll;

	if (!w)
		return l->waits > 1;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		asleep += w->blocked_ns[i];
	epoll = l->wait_ns > w->blocked_ns[SS_WAIT_EPOLL] ? l->wait_ns : w->blocked_ns[SS_WAIT_EPOLL];
	if (asleep < l->iteration_ns / 20)
		return l->waits > 1;
	return epoll * 2 > asleep;
}

static const struct ss_waits *waits_of(const struct sample *s, uint32_t thread, size_t *at, struct ss_waits *open)
{
	const struct ss_thread_record *r = &s->threads[thread];

	while (*at < s->n_waits && s->waits[*at].thread < thread)
		(*at)++;
	for (size_t i = *at; i < s->n_waits && s->waits[i].thread == thread; i++) {
		if (s->waits[i].block != SS_BLOCK_WAITS)
			continue;
		*open = s->waits[i].waits;
		waits_add_open(open, r);
		return open;
	}
	return NULL;
}

static int loop_take(struct model *m, const struct sample *s, const struct sample_loop *sl, size_t *waits_at)
{
	const struct ss_thread_record *r = &s->threads[sl->thread];
	struct process *p = m->by_thread[sl->thread] ?: process_find(m, r);
	struct ss_loop now = sl->loop;
	const struct ss_waits *w;
	struct ss_waits with_open;
	uint64_t open;
	struct group *g;
	struct loop *l;

	if (!p || p->seen != m->sequence || !ss_loop_mark_phase(now.mark))
		return 0;
	w = waits_of(s, sl->thread, waits_at, &with_open);
	open = open_close(&now, sl, w);
	l = loop_get(m, r);
	g = group_get(m, home_of_cgroup(m, r->cgroup_id, NULL), p->comm);
	if (!l || !g)
		return -ENOMEM;
	/* Another program in the same thread: what the one before did has ended. */
	if (l->seen && now.since_ns != l->now.since_ns) {
		loop_begin(l);
		p->turns = false;
	}
	/* It has moved, or taken another name: what it did before stays where it was. */
	if (l->group && l->seen + 1 == m->sequence && l->group != g) {
		loop_add(&l->group->loops_carried, &l->now);
		loop_add(&g->loops_elsewhere, &l->now);
	}
	l->group = g;
	l->seen = m->sequence;
	l->process = p;
	l->is_loop = is_loop(&now, w);
	l->now = now;
	l->open_ns = open;
	l->instance = now.instance;
	l->read_ns = sl->read_ns;
	return 0;
}

/* Without hooks of its own: a thread that sleeps in epoll more than in all else. */
static int loop_guess(struct model *m, const struct sample *s, uint32_t thread, const struct ss_waits *w)
{
	const struct ss_thread_record *r = &s->threads[thread];
	struct process *p = m->by_thread[thread] ?: process_find(m, r);
	uint64_t asleep = 0;
	struct loop *l;

	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		asleep += w->blocked_ns[i];
	if (!p || p->seen != m->sequence || w->blocked_ns[SS_WAIT_EPOLL] * 2 <= asleep)
		return 0;
	l = loop_get(m, r);
	if (!l)
		return -ENOMEM;
	l->seen = m->sequence;
	l->process = p;
	l->now = (struct ss_loop){.wait_ns = w->blocked_ns[SS_WAIT_EPOLL]};
	l->read_ns = s->boot_ns;
	l->guessed = l->is_loop = true;
	return 0;
}

static int gone_take(struct model *m, const struct sample_gone_loop *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		char comm[SS_COMM_LEN + 1] = "";
		struct group *g;

		memcpy(comm, list[i].key.comm, SS_COMM_LEN);
		g = group_get(m, home_of_cgroup(m, list[i].key.cgroup_id, NULL), comm);
		if (!g)
			return -ENOMEM;
		loop_add(&g->loops_now, &list[i].value);
		g->has_loops = true;
		if (final)
			loop_add(&g->loops_carried, &list[i].value);
	}
	return 0;
}

/*
 * Idle threads of Go are not seen taking turns; by what else they are known: see concurrency_of_process. One thread alone,
 * and another program, have nobody to take turns with.
 */
static void process_turns(struct process *p)
{
	if (p->threads < 2)
		p->turns = false;
	else if (p->leader && p->leader->flags & SS_THREAD_CATCHES)
		p->turns = true;
}

static int by_instance(const void *a, const void *b)
{
	const struct loop *x = *(struct loop *const *)a, *y = *(struct loop *const *)b;

	if (x->process != y->process)
		return x->process->key.tgid < y->process->key.tgid ? -1 : 1;
	if (x->instance != y->instance)
		return x->instance < y->instance ? -1 : 1;
	if (x->now.instance_ns != y->now.instance_ns)
		return x->now.instance_ns < y->now.instance_ns ? -1 : 1;
	return (x->key.tid > y->key.tid) - (x->key.tid < y->key.tid);
}

static size_t instance_end(const struct model *m, size_t from)
{
	struct loop *const *list = m->loop_list;
	size_t to = from + 1;

	while (to < m->n_loop_list && list[to]->process == list[from]->process && list[from]->instance &&
	       list[to]->instance == list[from]->instance)
		to++;
	return to;
}

/*
 * Threads take turns in an epoll instance if several were in it over the same time (one that was closed may have left its
 * address to another) and for one of them at least it is not the main business, or its descriptors are edge-triggered, so
 * that one thread is told of an event. A pool of threads that all sleep in one instance is a loop each. In the order of
 * when they first waited there.
 */
static void turns_find(struct model *m, size_t from, size_t to)
{
	uint64_t last = 0, last_odd = 0; /* when one of those before last began a wait or ended it */
	bool edge = false, any_odd = false;

	for (size_t i = from; i < to; i++)
		edge |= m->loop_list[i]->now.edge;
	for (size_t i = from; i < to; i++) {
		const struct loop *l = m->loop_list[i];
		uint64_t active = ss_loop_mark_began(l->now.mark);
		bool odd = edge || !l->is_loop;

		if ((odd && i > from && l->now.instance_ns <= last) || (any_odd && l->now.instance_ns <= last_odd))
			l->process->turns = true;
		last = active > last ? active : last;
		if (odd)
			last_odd = active > last_odd ? active : last_odd;
		any_odd |= odd;
	}
}

/* The loops of this sample in order, and which of them are threads that take turns. */
static int loops_sort(struct model *m)
{
	int r = array_reserve(&m->loop_list, &m->cap_loop_list, HASH_COUNT(m->loops), sizeof(*m->loop_list));
	struct loop *l, *next;

	m->n_loop_list = 0;
	if (r < 0)
		return r;
	HASH_ITER (hh, m->loops, l, next) {
		if (l->seen == m->sequence) {
			m->loop_list[m->n_loop_list++] = l;
			continue;
		}
		/* Of the one before: its last stalls may come now. */
		if (l->seen + 1 == m->sequence)
			continue;
		HASH_DEL(m->loops, l);
		free(l);
	}
	if (m->n_loop_list)
		qsort(m->loop_list, m->n_loop_list, sizeof(*m->loop_list), by_instance);
	for (size_t i = 0; i < m->n_loop_list; i++)
		process_turns(m->loop_list[i]->process);
	for (size_t from = 0, to; from < m->n_loop_list; from = to) {
		to = instance_end(m, from);
		turns_find(m, from, to);
	}
	return 0;
}

static void groups_take(struct model *m)
{
	for (size_t i = 0; i < m->n_loop_list; i++) {
		struct loop *l = m->loop_list[i];

		if (!l->group)
			continue;
		l->group->turns |= l->process->turns;
		loop_add(&l->group->loops_now, &l->now);
		l->group->loops_open_ns += l->open_ns;
		l->group->has_loops = true;
	}
	for (struct group *g = m->groups; g; g = g->hh.next)
		if (g->loops_elsewhere.waits)
			loop_subtract(&g->loops_now, &g->loops_elsewhere);
}

int loops_read(struct model *m, const struct sample *s)
{
	size_t waits_at = 0;
	int r;

	m->loops_known = collector_ok(s, "epoll");
	m->n_loop_list = m->n_stalls_told = 0;
	for (struct group *g = m->groups; g; g = g->hh.next) {
		g->loops_now = g->loops_carried;
		g->loops_open_ns = 0;
	}
	if (!m->loops_known)
		return 0;
	r = gone_take(m, s->gone_loops_final, s->n_gone_loops_final, true);
	if (r >= 0)
		r = gone_take(m, s->gone_loops_open, s->n_gone_loops_open, false);
	for (size_t i = 0; i < s->n_loops && r >= 0; i++)
		r = loop_take(m, s, &s->loops[i], &waits_at);
	for (size_t i = 0; i < s->n_waits && r >= 0 && s->loops_by_sleep; i++) {
		struct ss_waits open = s->waits[i].waits;

		if (s->waits[i].block != SS_BLOCK_WAITS)
			continue;
		waits_add_open(&open, &s->threads[s->waits[i].thread]);
		r = loop_guess(m, s, s->waits[i].thread, &open);
	}
	if (r >= 0)
		r = loops_sort(m);
	if (r < 0)
		return r;
	groups_take(m);
	return stalls_take(m, s);
}
