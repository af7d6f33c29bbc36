/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - settles threads to processes, homes and groups, and keeps what a process has used from going down: see
 * processes.h. Called by model_update.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "model/machines.h"
#include "model/processes.h"

static void process_forget(struct process *p)
{
	free(p->pools);
	vm_free(p->vm);
	free(p);
}

static struct process *process_get(struct processes *processes, const struct moment *now,
				   const struct ss_thread_record *r)
{
	struct process *p, key = {.key = {r->tgid, r->process_start_ns}};

	HASH_FIND(hh, processes->all, &key.key, sizeof(key.key), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.tgid = r->tgid;
	p->key.start_ns = r->process_start_ns;
	p->first_seen = now->number;
	p->cpu_before_ns = p->switches_before = p->wait_before_ns = SS_UNKNOWN;
	for (int i = 0; i < PROCESS_METRICS; i++)
		p->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, processes->all, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	return p;
}

/*
 * At its first thread in this sample, which names the process, be it the leader or, without one, any thread, unless the
 * kernel half has another name for it.
 */
static void process_begin(struct processes *processes, const struct moment *now, struct process *p,
			  const struct told_thread *told)
{
	static const struct ss_totals none;
	const struct ss_thread_record *r = told->record;

	p->seen = now->number;
	p->leader = r;
	p->living = NULL;
	p->group = NULL;
	p->used = r->flags & SS_THREAD_LEADER ? r->dead_threads : none;
	p->waits = &processes->waits.at[processes->waits.n++];
	memset(p->waits, 0, sizeof(*p->waits));
	p->threads = 0;
	p->loops = (struct process_loops){};
	memcpy(p->comm, told->name ?: r->comm, SS_COMM_LEN);
	memcpy(p->thread, r->comm, SS_COMM_LEN);
}

/* What the gone tables do not hold yet. */
static struct ss_totals thread_uncharged(const struct ss_thread_record *r)
{
	struct ss_totals t = r->used;
	const __u64 *charged = (const __u64 *)&r->charged;
	__u64 *left = (__u64 *)&t;

	if (!(r->flags & SS_THREAD_STATE))
		return t;
	for (size_t i = 0; i < SS_TOTALS_FIELDS; i++)
		left[i] = sub_sat(left[i], charged[i]);
	return t;
}

static void home_count_thread(struct home *h, const struct ss_thread_record *r)
{
	h->threads++;
	if (r->flags & SS_THREAD_STOPPED)
		h->stopped_threads++;
	else if (!(r->flags & SS_THREAD_ZOMBIE))
		h->free_threads++;
	switch (r->state) {
	case 'R':
		h->states[0]++;
		break;
	case 'S':
	case 'I':
	case 'P':
		h->states[1]++;
		break;
	case 'T':
	case 't':
		h->states[2]++;
		break;
	case 'D':
		h->states[3]++;
		break;
	}
	if (!h->oldest_start_ns || r->start_ns < h->oldest_start_ns)
		h->oldest_start_ns = r->start_ns;
}

/* What the thread mostly sleeps for. */
static struct thread_sleep sleep_of(const struct ss_waits *w, const struct ss_thread_record *r)
{
	unsigned int most = 0, current = ss_mark_class(r->mark);
	uint64_t asleep = 0;

	/* A stop says nothing about what it waits for otherwise. */
	for (unsigned int i = 0; i < SS_WAIT_STOPPED; i++) {
		asleep += w->blocked_ns[i];
		if (w->blocked_ns[i] > w->blocked_ns[most])
			most = i;
	}
	/* A sleep that began with the first sample has a class before it has a length. */
	if (!asleep && (ss_mark_state(r->mark) != SS_MARK_BLOCKED || current >= SS_WAIT_STOPPED))
		most = SS_WAIT_CLASSES;
	else if (!asleep)
		most = current;
	return (struct thread_sleep){
		.known = true,
		.class = (uint8_t)most,
		.asleep_ns = asleep,
		.main_ns = asleep ? w->blocked_ns[most] : 0,
		.epoll_ns = w->blocked_ns[SS_WAIT_EPOLL],
	};
}

/*
 * What the thread waited. What was charged of it is in the gone tables already, so the group gets only the rest; what ended
 * threads of the process waited counts for the process alone.
 */
static void thread_waits(struct settled_thread *t, const struct told_thread *told)
{
	const struct ss_thread_record *r = told->record;
	const __u64 *charged = (const __u64 *)told->waits_charged;
	struct process *p = t->process;
	struct ss_waits uncharged;
	__u64 *left = (__u64 *)&uncharged;

	if (told->waits_dead)
		waits_add(p->waits, told->waits_dead);
	if (!told->waits)
		return;
	uncharged = *told->waits;
	waits_add_open(&uncharged, r);
	if (!(r->flags & SS_THREAD_ENDED))
		waits_add(p->waits, &uncharged);
	t->sleep = sleep_of(&uncharged, r);
	t->group->key.home->open_wait_ns += r->open_wait_ns;
	for (size_t i = 0; charged && i < SS_WAITS_FIELDS; i++)
		left[i] = sub_sat(left[i], charged[i]);
	waits_add(&t->group->now.waits, &uncharged);
}

static bool is_ended(const struct ss_thread_record *r)
{
	return r->flags & SS_THREAD_ZOMBIE;
}

static bool leader_outlived(const struct process *p)
{
	return is_ended(p->leader) && p->leader->flags & SS_THREAD_LEADER && p->leader->threads > 1;
}

/* A process is at home where its main thread is; once that has ended, where its living threads are. */
static void process_place(struct process *p, const struct ss_thread_record *r, struct group *g)
{
	if (r == p->leader && !p->living)
		p->group = g;
	if (!leader_outlived(p) || is_ended(r))
		return;
	if (!p->living || (r->state == 'R' && p->living->state != 'R')) {
		p->living = r;
		p->group = g;
	}
}

double process_bytes(uint32_t units)
{
	return units == SS_MEMORY_UNKNOWN ? VALUE_ABSENT : (double)units * SS_MEMORY_UNIT;
}

double process_rss(const struct ss_thread_record *r)
{
	return process_bytes(r->anonymous_units) + process_bytes(r->file_units) + process_bytes(r->shmem_units);
}

/* After all threads. A main thread that has ended is no thread of the home that the others have left. */
static void process_add_up(struct process *p)
{
	struct group *g = p->group;

	p->home = g->key.home;
	p->home->processes++;
	g->processes++;
	if (leader_outlived(p)) {
		g->threads++;
		home_count_thread(p->home, p->leader);
		p->home->init_ended |= p->living && p->leader->namespace_pid == 1;
	}
	p->home->main.seen |= p->leader->namespace_pid == 1;
	if (p->leader->flags & SS_THREAD_LEADER && !is_ended(p->leader)) {
		double rss = process_rss(p->leader);

		g->rss_bytes += value_absent(rss) ? 0 : (uint64_t)rss;
		g->memory_known += !value_absent(rss);
	}
}

static int thread_settle(struct settled_thread *t, struct homes *homes, const struct ss_thread_record *r)
{
	struct ss_totals uncharged = thread_uncharged(r);
	struct process *p = t->process;
	struct home_cgroup *incarnation;
	struct group *g = group_of_cgroup(homes, r->cgroup_id, p->comm, &incarnation);

	if (!g)
		return -ENOMEM;
	t->group = g;
	totals_add(&p->used, &r->used);
	p->threads++;
	totals_add(&g->now.totals, &uncharged);
	if (incarnation)
		totals_add(&incarnation->tasks, &uncharged);
	if (r != p->leader || !leader_outlived(p)) {
		g->threads++;
		home_count_thread(g->key.home, r);
	}
	process_place(p, r, g);
	homes->run_delay_kept |= r->used.run_delay_ns != 0;
	return 0;
}

/* Leaders first: they name the group that their threads are counted in, and may come after them. */
static int leaders_settle(struct processes *processes, const struct moment *now, const struct sample *s)
{
	processes->waits.n = processes->by_pid.n = 0;
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *r = s->threads[i].told->record;
		struct settled_thread *t = &processes->threads.at[i];

		*t = (struct settled_thread){};
		if (!(r->flags & SS_THREAD_LEADER))
			continue;
		t->process = process_get(processes, now, r);
		if (!t->process)
			return -ENOMEM;
		if (t->process->seen != now->number)
			processes->by_pid.at[processes->by_pid.n++] = t->process;
		process_begin(processes, now, t->process, s->threads[i].told);
	}
	return 0;
}

int processes_settle(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s)
{
	int r;

	/* Room for as many processes as there are threads costs nothing: pages exist once they are written. */
	if (list_reserve(&processes->threads, s->n_threads) < 0 || list_reserve(&processes->waits, s->n_threads) < 0 ||
	    list_reserve(&processes->by_pid, s->n_threads) < 0)
		return -ENOMEM;
	processes->threads.n = s->n_threads;
	r = leaders_settle(processes, now, s);
	for (size_t i = 0; i < s->n_threads && r >= 0; i++) {
		const struct told_thread *told = s->threads[i].told;
		struct settled_thread *t = &processes->threads.at[i];

		if (!t->process)
			t->process = process_get(processes, now, told->record);
		if (!t->process)
			return -ENOMEM;
		if (t->process->seen != now->number)
			process_begin(processes, now, t->process, told);
		r = thread_settle(t, homes, told->record);
		if (r >= 0)
			thread_waits(t, told);
	}
	for (struct process *p = processes->all; p && r >= 0; p = p->hh.next)
		if (p->seen == now->number)
			process_add_up(p);
	return r;
}

void processes_forget_unseen(struct processes *processes, const struct moment *now)
{
	struct process *p, *next;

	HASH_ITER (hh, processes->all, p, next)
		if (p->seen != now->number) {
			HASH_DEL(processes->all, p);
			process_forget(p);
		}
}

void processes_rest(struct processes *processes)
{
	list_free(&processes->threads);
	list_free(&processes->waits);
	list_free(&processes->by_pid);
	list_free(&processes->rows);
}

void processes_free(struct processes *processes)
{
	struct process *p, *next;

	HASH_ITER (hh, processes->all, p, next) {
		HASH_DEL(processes->all, p);
		process_forget(p);
	}
	processes_rest(processes);
}
