/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - the evidence on each process by itself: what each thread mostly sleeps for, which threads share a name or an
 * epoll instance. Called by tree.c; which processes belong together is tree.c's, the verdict verdict.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concurrency/tree.h"

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

static int note_add(struct concurrencies *all, struct member *m, const struct ss_thread_record *r, bool loops)
{
	struct thread_note *n;

	if (list_reserve(&all->notes, all->notes.n + 1) < 0)
		return -ENOMEM;
	n = &all->notes.at[all->notes.n++];
	*n = (struct thread_note){.member = m, .loops = loops, .idle = class_now(r) == SS_WAIT_FUTEX};
	name_without_digits(n->name, r->comm);
	return 0;
}

/* The first thread of a process stands for it, unless there are loops. */
static void leader_take(struct concurrency_evidence *e, const struct ss_thread_record *r, bool loops,
			const struct thread_sleep *sleep)
{
	unsigned int class = class_now(r);

	e->leader = sleep->class;
	e->leader_loops = loops;
	e->had_threads = r->dead_threads.exec_ns > 0;
	e->catches_all = r->flags & SS_THREAD_CATCHES;
	/* A thread that serves a client waits for a socket, a file, a child; one in a lock or semaphore waits for its turn. */
	e->idle |= class == SS_WAIT_FUTEX || class == SS_WAIT_OTHER || class == SS_WAIT_STOPPED;
	e->epolls = class == SS_WAIT_EPOLL;
	if (!e->loops) {
		e->asleep_ns = sleep->asleep_ns;
		e->main_ns = sleep->main_ns;
	}
}

static int evidence_add_thread(struct concurrencies *all, struct member *m, const struct ss_thread_record *r,
			       const struct settled_thread *t)
{
	struct concurrency_evidence *e = &m->concurrency.evidence;
	const struct thread_sleep *sleep = &t->sleep;
	bool loops = t->is_loop || (sleep->class == SS_WAIT_EPOLL && sleep->main_ns * 2 >= sleep->asleep_ns);

	e->threads++;
	e->accepting += !!(r->flags & SS_THREAD_ACCEPTS);
	e->polling += !!(r->flags & SS_THREAD_LISTENS);
	e->idle |= r->flags & (SS_THREAD_ACCEPTS | SS_THREAD_LISTENS);
	if (loops) {
		if (!e->loops++)
			e->asleep_ns = e->main_ns = 0;
		e->asleep_ns += sleep->asleep_ns;
		e->main_ns += sleep->epoll_ns;
	} else if (sleep->class < SS_WAIT_CLASSES) {
		e->classes[sleep->class]++;
	} else {
		e->awake++;
	}
	if (r->tid == r->tgid)
		leader_take(e, r, loops, sleep);
	/* The first thread is not part of a pool. */
	if (r->tid != r->tgid && (loops || sleep->class == SS_WAIT_FUTEX))
		return note_add(all, m, r, loops);
	return 0;
}

/* ---- threads that are alike ---- */

static int note_compare(const void *a, const void *b)
{
	const struct thread_note *x = a, *y = b;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	if (x->loops != y->loops)
		return x->loops < y->loops ? -1 : 1;
	return memcmp(x->name, y->name, sizeof(x->name));
}

static bool notes_alike(const struct thread_note *x, const struct thread_note *y)
{
	return x->member == y->member && x->loops == y->loops && memcmp(x->name, y->name, sizeof(x->name)) == 0;
}

/* n threads of one name. The notes on a process's pools come before those on its loops. */
static void notes_take(const struct thread_note *notes, uint32_t n)
{
	struct concurrency_evidence *e = &notes->member->concurrency.evidence;
	char own[SS_COMM_LEN];
	uint32_t idle = 0;

	if (notes->loops) {
		name_without_digits(own, notes->member->process->comm);
		e->pool_loops |= n == 1 && e->loops == 1 && e->pool && !e->leader_loops &&
				 memcmp(e->pool_name, notes->name, SS_COMM_LEN) == 0 &&
				 memcmp(own, notes->name, SS_COMM_LEN) != 0;
		return;
	}
	if (n <= e->pool)
		return;
	for (uint32_t i = 0; i < n; i++)
		idle += notes[i].idle;
	e->pool = n;
	e->pool_idle = idle;
	memcpy(e->pool_name, notes->name, SS_COMM_LEN);
}

static void alike_find(struct concurrencies *all)
{
	const struct thread_note *notes = all->notes.at;

	if (all->notes.n)
		qsort(all->notes.at, all->notes.n, sizeof(*all->notes.at), note_compare);
	for (size_t i = 0, n; i < all->notes.n; i += n) {
		for (n = 1; i + n < all->notes.n && notes_alike(&notes[i], &notes[i + n]); n++)
			;
		notes_take(&notes[i], (uint32_t)n);
	}
}

/* ---- all processes ---- */

static void member_begin(struct member *m, struct process *p)
{
	const struct process_loops *l = &p->loops;

	*m = (struct member){
		.process = p,
		.head = m,
		.concurrency.evidence = {.leader = CONCURRENCY_AWAKE,
					 .instances = l->instances,
					 .sharing = l->sharing,
					 .turns = l->turns,
					 .loop_busiest = l->busiest,
					 .loop_sum = l->sum,
					 .loops_measured = l->measured,
					 .wakeups = l->wakeups,
					 .empty = l->empty},
	};
}

int evidence_gather(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		    const struct sample *s)
{
	int r = 0;

	all->members.n = all->by_pid.n = all->notes.n = 0;
	if (!now->waits_known)
		return 0;
	if (list_reserve(&all->members, processes->rows.n) < 0 || list_reserve(&all->by_pid, processes->by_pid.n) < 0)
		return -ENOMEM;
	all->members.n = processes->rows.n;
	for (struct process *p = processes->all; p; p = p->hh.next)
		member_begin(&all->members.at[p->row], p);
	for (size_t i = 0; i < processes->by_pid.n; i++)
		all->by_pid.at[all->by_pid.n++] = &all->members.at[processes->by_pid.at[i]->row];
	for (size_t i = 0; i < s->n_threads && r >= 0; i++) {
		const struct ss_thread_record *record = &s->threads[i];
		const struct settled_thread *t = &processes->threads.at[i];

		if (t->sleep.known && !(record->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
			r = evidence_add_thread(all, &all->members.at[t->process->row], record, t);
	}
	alike_find(all);
	return r;
}
