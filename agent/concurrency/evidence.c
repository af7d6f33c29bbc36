/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency/evidence.c - the evidence on concurrency models, process by process: what each thread mostly sleeps for, which threads
 * share a name or an epoll instance. Part of the model (model_internal.h); what belongs together is concurrency/tree.c's, the
 * verdict concurrency/verdict.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

/* A thread that waits in futex, or in epoll (`loops`), by its name: those alike stand together once sorted. */
struct thread_note {
	struct process *process;
	bool loops;
	char name[SS_COMM_LEN]; /* without digits */
	bool idle;
};

/* ---- threads ---- */

/* "worker-1" and "worker-2" are of one kind. */
static void name_without_digits(char *to, const char *from)
{
	size_t n = 0;

	for (size_t i = 0; i < SS_COMM_LEN && from[i]; i++)
		if (from[i] < '0' || from[i] > '9')
			to[n++] = from[i];
	memset(to + n, 0, SS_COMM_LEN - n);
}

/* Asleep at this moment, and not woken yet: its class. */
static unsigned int class_now(const struct ss_thread_record *r)
{
	unsigned int class = ss_mark_class(r->mark);
	bool asleep = ss_mark_state(r->mark) == SS_MARK_BLOCKED && !r->open_wait_ns;

	return asleep && r->state != 'R' && class < SS_WAIT_CLASSES ? class : CONCURRENCY_AWAKE;
}

static int note_add(struct model *m, struct process *p, const struct ss_thread_record *r, bool loops)
{
	struct thread_note *n;

	if (array_reserve(&m->notes, &m->cap_notes, m->n_notes + 1, sizeof(*m->notes)) < 0)
		return -ENOMEM;
	n = &m->notes[m->n_notes++];
	*n = (struct thread_note){.process = p, .loops = loops, .idle = class_now(r) == SS_WAIT_FUTEX};
	name_without_digits(n->name, r->comm);
	return 0;
}

void sleep_take(struct thread_sleep *to, const struct ss_waits *w, const struct ss_thread_record *r)
{
	unsigned int most = 0, now = ss_mark_class(r->mark);
	uint64_t asleep = 0;

	for (unsigned int i = 0; i < SS_WAIT_CLASSES; i++) {
		asleep += w->blocked_ns[i];
		if (w->blocked_ns[i] > w->blocked_ns[most])
			most = i;
	}
	/* A sleep that began with the first sample has a class before it has a length. */
	if (!asleep)
		most = ss_mark_state(r->mark) == SS_MARK_BLOCKED && now < SS_WAIT_CLASSES ? now : CONCURRENCY_AWAKE;
	*to = (struct thread_sleep){
		.known = true,
		.class = (uint8_t)most,
		.asleep_ns = asleep,
		.main_ns = asleep ? w->blocked_ns[most] : 0,
		.epoll_ns = w->blocked_ns[SS_WAIT_EPOLL],
	};
}

static bool loop_known(struct model *m, const struct ss_thread_record *r)
{
	struct loop *l, key;

	if (!(r->blocks & SS_BLOCK_LOOP))
		return false;
	memset(&key, 0, sizeof(key));
	key.key.tid = r->tid;
	key.key.start_ns = r->start_ns;
	HASH_FIND(hh, m->loops, &key.key, sizeof(key.key), l);
	return l && l->seen == m->sequence && l->is_loop;
}

/* The first thread of a process speaks for it, unless loops do. */
static void leader_take(struct process *p, const struct ss_thread_record *r, bool loops,
			const struct thread_sleep *sleep)
{
	struct concurrency_facts *f = &p->concurrency.facts;
	unsigned int now = class_now(r);

	f->leader = sleep->class;
	f->leader_loops = loops;
	f->had_threads = r->dead_threads.exec_ns > 0;
	f->catches_all = r->flags & SS_THREAD_CATCHES;
	/* Whoever serves somebody waits for a socket, a file, a child; who waits in a lock or semaphore has its turn to come. */
	f->idle = r->flags & SS_THREAD_ACCEPTS || now == SS_WAIT_EPOLL || now == SS_WAIT_FUTEX || now == SS_WAIT_OTHER;
	if (!f->loops) {
		f->asleep_ns = sleep->asleep_ns;
		f->main_ns = sleep->main_ns;
	}
}

static int thread_take(struct model *m, struct process *p, const struct ss_thread_record *r,
		       const struct thread_sleep *sleep)
{
	struct concurrency_facts *f = &p->concurrency.facts;
	bool loops = loop_known(m, r) || (sleep->class == SS_WAIT_EPOLL && sleep->main_ns * 2 >= sleep->asleep_ns);

	f->threads++;
	f->accepting += !!(r->flags & SS_THREAD_ACCEPTS);
	if (loops) {
		if (!f->loops++)
			f->asleep_ns = f->main_ns = 0;
		f->asleep_ns += sleep->asleep_ns;
		f->main_ns += sleep->epoll_ns;
	} else if (sleep->class < SS_WAIT_CLASSES) {
		f->classes[sleep->class]++;
	} else {
		f->awake++;
	}
	if (r->tid == r->tgid)
		leader_take(p, r, loops, sleep);
	/* The first thread is no part of a pool. */
	if (r->tid != r->tgid && (loops || sleep->class == SS_WAIT_FUTEX))
		return note_add(m, p, r, loops);
	return 0;
}

/* ---- threads that are alike ---- */

static int note_compare(const void *a, const void *b)
{
	const struct thread_note *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->loops != y->loops)
		return x->loops < y->loops ? -1 : 1;
	return memcmp(x->name, y->name, sizeof(x->name));
}

static bool notes_alike(const struct thread_note *x, const struct thread_note *y)
{
	return x->process == y->process && x->loops == y->loops && memcmp(x->name, y->name, sizeof(x->name)) == 0;
}

/* n threads of one name. A process's pools come before its loops. */
static void notes_take(const struct thread_note *notes, uint32_t n)
{
	struct concurrency_facts *f = &notes->process->concurrency.facts;
	char own[SS_COMM_LEN];
	uint32_t idle = 0;

	if (notes->loops) {
		name_without_digits(own, notes->process->comm);
		f->pool_loops |= n == 1 && f->loops == 1 && f->pool && !f->leader_loops &&
				 memcmp(f->pool_name, notes->name, SS_COMM_LEN) == 0 &&
				 memcmp(own, notes->name, SS_COMM_LEN) != 0;
		return;
	}
	if (n <= f->pool)
		return;
	for (uint32_t i = 0; i < n; i++)
		idle += notes[i].idle;
	f->pool = n;
	f->pool_idle = idle;
	memcpy(f->pool_name, notes->name, SS_COMM_LEN);
}

/* Which epoll instances its loops wait in. The list is in the order of processes and instances. */
static void instances_take(struct model *m)
{
	struct loop *const *list = m->loop_list;

	for (size_t i = 0, n; i < m->n_loop_list; i += n) {
		struct concurrency_facts *f = &list[i]->process->concurrency.facts;

		for (n = 1; i + n < m->n_loop_list && list[i + n]->process == list[i]->process &&
			    list[i + n]->instance == list[i]->instance;
		     n++)
			;
		f->turns = list[i]->process->turns;
		if (!list[i]->instance)
			continue;
		f->instances++;
		if (n > f->sharing)
			f->sharing = (uint32_t)n;
	}
}

static void facts_reset(struct model *m, struct process *p)
{
	memset(&p->concurrency, 0, sizeof(p->concurrency));
	p->head = p;
	p->n_listeners = 0;
	p->headless = false;
	p->concurrency.facts.leader = CONCURRENCY_AWAKE;
	if (p->leader->flags & SS_THREAD_LEADER)
		m->in_order[m->n_in_order++] = p;
}

int concurrency_read(struct model *m, const struct sample *s)
{
	int r = array_reserve(&m->in_order, &m->cap_in_order, HASH_COUNT(m->processes), sizeof(struct process *));

	m->n_notes = m->n_in_order = 0;
	/* Leaders stand in the order of pids. */
	for (size_t i = 0; i < s->n_threads && r >= 0; i++)
		if (m->by_thread[i]->leader == &s->threads[i])
			facts_reset(m, m->by_thread[i]);
	if (r < 0 || !m->waits_known)
		return r;
	for (size_t i = 0; i < s->n_threads && r >= 0; i++) {
		const struct ss_thread_record *t = &s->threads[i];

		if (m->sleeps[i].known && !(t->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
			r = thread_take(m, m->by_thread[i], t, &m->sleeps[i]);
	}
	instances_take(m);
	if (m->n_notes && r >= 0)
		qsort(m->notes, m->n_notes, sizeof(*m->notes), note_compare);
	for (size_t i = 0, n; i < m->n_notes && r >= 0; i += n) {
		for (n = 1; i + n < m->n_notes && notes_alike(&m->notes[i], &m->notes[i + n]); n++)
			;
		notes_take(&m->notes[i], (uint32_t)n);
	}
	return r;
}
