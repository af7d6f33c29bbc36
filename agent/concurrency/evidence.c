/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - the evidence on each process by itself: what each thread mostly sleeps for, which threads share a name or an
 * epoll instance. Called by tree.c; which processes belong together is tree.c's, the verdict verdict.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "concurrency/runtimes.h"
#include "concurrency/tree.h"

/* ---- threads ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "worker-1" and "worker-2" are of one kind, and "1_worker" and "2_worker"; "C1 worker" and "C2 worker" are not. */
static void name_of_kind(char *to, const char *comm)
{
	size_t from = 0, end = strnlen(comm, SS_COMM_LEN);

	while (end && is_digit(comm[end - 1]))
		end--;
	while (from < end && is_digit(comm[from]))
		from++;
	memset(to, 0, SS_COMM_LEN);
	memcpy(to, comm + from, end - from);
}

/* Asleep at this moment, and not woken yet: its class. */
static unsigned int class_now(const struct ss_thread_record *r)
{
	unsigned int class = ss_mark_class(r->mark);
	bool asleep = ss_mark_state(r->mark) == SS_MARK_BLOCKED && !r->open_wait_ns;

	return asleep && r->state != 'R' && class < SS_WAIT_CLASSES ? class : CONCURRENCY_AWAKE;
}

static int note_add(struct concurrencies *all, struct thread_note note, const struct ss_thread_record *r)
{
	if (list_reserve(&all->notes, all->notes.n + 1) < 0)
		return -ENOMEM;
	note.tid = r->tid;
	note.idle = class_now(r) == SS_WAIT_FUTEX;
	name_of_kind(note.name, r->comm);
	all->notes.at[all->notes.n++] = note;
	return 0;
}

/* A thread that nobody named has the name that its process had when it was made. */
static bool is_unnamed(const struct process *p, const char *comm)
{
	return memcmp(comm, p->leader->comm, SS_COMM_LEN) == 0 || strncmp(comm, p->comm, SS_COMM_LEN) == 0;
}

/* Whom the thread works for. */
static enum runtime_part part_of(struct member *m, const struct ss_thread_record *r, bool loops)
{
	if (r->tid == r->tgid)
		return RUNTIME_UNKNOWN;
	if (is_unnamed(m->process, r->comm))
		return runtime_part_unnamed(r->comm, ++m->unnamed, loops);
	return runtime_part_of(r->comm);
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
	e->stopped = r->flags & SS_THREAD_STOPPED;
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

	enum runtime_part part = part_of(m, r, loops);

	e->threads++;
	if (part == RUNTIME_HELPER || part == RUNTIME_PLATFORM) {
		e->helpers++;
		e->platform |= part == RUNTIME_PLATFORM;
		return 0;
	}
	e->accepting += !!(r->flags & SS_THREAD_ACCEPTS);
	e->polling += !!(r->flags & SS_THREAD_LISTENS);
	e->idle |= r->flags & (SS_THREAD_ACCEPTS | SS_THREAD_LISTENS);
	if (loops) {
		if (!e->loops++)
			e->asleep_ns = e->main_ns = 0;
		e->asleep_ns += sleep->asleep_ns;
		e->main_ns += sleep->epoll_ns;
	} else if (part == RUNTIME_POOL) {
		/* What it does for the loop, such as asking for a name, is no client of its own. */
		e->working++;
	} else if (sleep->class < SS_WAIT_CLASSES) {
		e->classes[sleep->class]++;
	} else {
		e->awake++;
	}
	if (r->tid == r->tgid) {
		leader_take(e, r, loops, sleep);
		return 0;
	}
	return note_add(all,
			(struct thread_note){.member = m,
					     .loops = loops,
					     .waits = !loops && sleep->class == SS_WAIT_FUTEX,
					     .works = !loops && part == RUNTIME_POOL},
			r);
}

/* ---- threads that are alike ---- */

static int note_compare(const void *a, const void *b)
{
	const struct thread_note *x = a, *y = b;
	int names;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	names = memcmp(x->name, y->name, sizeof(x->name));
	return names ? names : (x->tid > y->tid) - (x->tid < y->tid);
}

static bool notes_alike(const struct thread_note *x, const struct thread_note *y)
{
	return x->member == y->member && memcmp(x->name, y->name, sizeof(x->name)) == 0;
}

static struct pool_seen *pool_known(struct pools_seen *seen, const char *name)
{
	for (uint32_t i = 0; seen && i < seen->n; i++)
		if (memcmp(seen->pools[i].name, name, SS_COMM_LEN) == 0)
			return &seen->pools[i];
	return NULL;
}

/* Makes room for a further pool; the oldest one is forgotten. NULL: no memory, so it is a pool for as long as it looks like one. */
static struct pool_seen *pool_remember(struct member *m, const char *name)
{
	struct process *p = m->process;
	struct pools_seen *seen = p->pools;
	struct pool_seen *pool;

	m->pools_moved = true;
	if (!seen)
		seen = p->pools = calloc(1, sizeof(*seen));
	if (!seen)
		return NULL;
	if (seen->n == ARRAY_SIZE(seen->pools))
		memmove(&seen->pools[0], &seen->pools[1], --seen->n * sizeof(*pool));
	pool = &seen->pools[seen->n++];
	*pool = (struct pool_seen){.first = UINT32_MAX};
	memcpy(pool->name, name, SS_COMM_LEN);
	return pool;
}

static void pool_widen(struct member *m, struct pool_seen *pool, uint32_t tid)
{
	m->pools_moved = true;
	pool->first = tid < pool->first ? tid : pool->first;
	pool->last = tid > pool->last ? tid : pool->last;
}

/* Threads that nobody named need not be of one kind: those count that wait for work, and what is among them. */
static bool is_of_pool(const struct thread_note *t, bool unnamed, const struct pool_seen *seen)
{
	if (t->loops)
		return false;
	return !unnamed || t->waits || t->works || (seen && t->tid >= seen->first && t->tid <= seen->last);
}

/* The pool that is used up is the one that matters, else the largest. */
static bool matters_more(const struct concurrency_evidence *e, uint32_t n, uint32_t idle)
{
	if (!e->pool || !idle != !e->pool_idle)
		return !e->pool || !idle;
	return n > e->pool;
}

/* The pool among n threads of one name. False: they are none. */
static bool pool_take(const struct thread_note *notes, uint32_t n, bool unnamed)
{
	struct process *p = notes->member->process;
	struct concurrency_evidence *e = &notes->member->concurrency.evidence;
	struct pool_seen *seen = pool_known(p->pools, notes->name);
	uint32_t waits = 0, works = 0, of_pool = 0, idle = 0;

	for (uint32_t i = 0; i < n; i++) {
		waits += notes[i].waits;
		works += notes[i].works;
	}
	if (waits < 2 && !works && !seen)
		return false;
	if (!seen)
		seen = pool_remember(notes->member, notes->name);
	for (uint32_t i = 0; i < n; i++) {
		if (!is_of_pool(&notes[i], unnamed, seen))
			continue;
		of_pool++;
		idle += notes[i].idle;
		if (seen && (notes[i].tid < seen->first || notes[i].tid > seen->last))
			pool_widen(notes->member, seen, notes[i].tid);
	}
	if (of_pool < 2 && !works)
		return false;
	if (matters_more(e, of_pool, idle)) {
		e->pool = of_pool;
		e->pool_idle = idle;
		memcpy(e->pool_name, notes->name, SS_COMM_LEN);
	}
	return true;
}

/* n threads of one name. */
static void notes_take(const struct thread_note *notes, uint32_t n)
{
	struct concurrency_evidence *e = &notes->member->concurrency.evidence;
	const struct process *p = notes->member->process;
	char main[SS_COMM_LEN], own[SS_COMM_LEN];
	uint32_t loops = 0;
	bool unnamed;

	name_of_kind(main, p->leader->comm);
	name_of_kind(own, p->comm);
	unnamed = memcmp(main, notes->name, SS_COMM_LEN) == 0 || memcmp(own, notes->name, SS_COMM_LEN) == 0;
	for (uint32_t i = 0; i < n; i++)
		loops += notes[i].loops;
	if (pool_take(notes, n, unnamed))
		e->pool_loops |= loops == 1 && e->loops == 1 && !e->leader_loops && !unnamed;
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

	m->process = p;
	m->unnamed = 0;
	m->pools_moved = false;
	m->concurrency.evidence = (struct concurrency_evidence){.leader = CONCURRENCY_AWAKE,
								.instances = l->instances,
								.sharing = l->sharing,
								.turns = l->turns,
								.loop_busiest = l->busiest,
								.loop_sum = l->sum,
								.loops_measured = l->measured,
								.wakeups = l->wakeups,
								.empty = l->empty};
}

/*
 * The members of the update before, at the places of this one's rows: both are in the order in which the processes came. A process
 * that has loops is looked at in each update.
 */
static void members_meet(struct concurrencies *all, const struct processes *processes, const struct moment *now)
{
	size_t at = 0, before = all->update && all->update + 1 == now->number ? all->members.n : 0;

	for (size_t i = 0; i < processes->list.n; i++) {
		struct process *p = processes->list.at[i];
		struct member *m = &all->members.at[i];
		bool met = p->first_seen != now->number;

		while (met && at < before && all->members.at[at].process != p)
			at++;
		met = met && at < before;
		if (met && at != i)
			*m = all->members.at[at];
		else if (!met)
			*m = (struct member){.head = m};
		at += met;
		m->due = !m->kept || p->changed == now->number || p->sleeps_otherwise || p->has_loops;
		p->sleeps_otherwise = false;
		if (m->due)
			member_begin(m, p);
	}
	all->members.n = processes->list.n;
}

/* Its first thread has slept for longer, and nothing else has changed. */
static void member_sleep_on(struct member *m, const struct settled_thread *t)
{
	if (!t->leader || m->process->standing.flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE))
		return;
	m->concurrency.evidence.asleep_ns = t->sleep.asleep_ns;
	m->concurrency.evidence.main_ns = t->sleep.main_ns;
}

static int threads_look(struct concurrencies *all, const struct processes *processes, const struct sample *s)
{
	int r = 0;

	for (size_t i = 0; i < s->n_threads && r >= 0; i++) {
		const struct settled_thread *t = &processes->threads.at[i];
		struct member *m = &all->members.at[t->process->row];
		const struct ss_thread_record *record;

		if (!t->sleep.known)
			continue;
		if (!m->due) {
			member_sleep_on(m, t);
			continue;
		}
		record = s->threads[i].told->record;
		if (!(record->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
			r = evidence_add_thread(all, m, record, t);
	}
	return r;
}

/* A thread on a CPU says nothing at the first look; at the second, that it does not sleep. */
static bool was_seen(const struct member *m, const struct moment *now)
{
	const struct concurrency_evidence *e = &m->concurrency.evidence;

	return e->threads && (e->awake < e->threads || now->number > m->process->first_seen);
}

static void members_end(struct concurrencies *all, const struct moment *now)
{
	for (size_t i = 0; i < all->members.n; i++) {
		struct member *m = &all->members.at[i];
		const struct concurrency_evidence *e = &m->concurrency.evidence;

		if (!m->due)
			continue;
		m->idle = e->idle;
		m->concurrency.known = was_seen(m, now);
		m->kept =
			!e->loops && !m->pools_moved && !m->process->has_loops && (m->concurrency.known || !e->threads);
	}
}

int evidence_gather(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		    const struct sample *s)
{
	int r;

	all->notes.n = 0;
	if (!now->waits_known) {
		all->members.n = all->by_pid.n = 0;
		return 0;
	}
	if (list_reserve(&all->members, processes->rows.n) < 0 || list_reserve(&all->by_pid, processes->by_pid.n) < 0)
		return -ENOMEM;
	members_meet(all, processes, now);
	if (!all->families_stay) {
		all->by_pid.n = 0;
		for (size_t i = 0; i < processes->by_pid.n; i++)
			all->by_pid.at[all->by_pid.n++] = &all->members.at[processes->by_pid.at[i]->row];
	}
	r = threads_look(all, processes, s);
	alike_find(all);
	members_end(all, now);
	return r;
}
