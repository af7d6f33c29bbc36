/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.c - see threads.h. Of 10,000 processes most sleep all the time: what they are part of is added up again only when
 * one of the threads there has changed.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/incarnations.h"
#include "model/threads.h"

/* ---- which threads are as they were ---- */

/* Where its home's cgroups have changed, all that is part of them is added up anew: see homes_look. */
void thread_leave(const struct settled_thread *t, uint64_t update)
{
	const struct home *h = t->group->key.home;

	t->process->changed = update;
	group_touch(t->group, update);
	if (t->incarnation && h->version == h->version_settled)
		incarnation_touch(t->incarnation, update);
}

/* The order and number of threads is that of the sample before. */
static bool threads_match(const struct processes *processes, const struct sample *s)
{
	if (processes->threads.n != s->n_threads)
		return false;
	for (size_t i = 0; i < s->n_threads; i++)
		if (processes->threads.at[i].tid != s->threads[i].tid)
			return false;
	return true;
}

/* Both lists are in the order of tids: whoever stands before this one has not been met again. */
static int threads_merge(struct processes *processes, const struct sample *s, uint64_t update)
{
	const settled_threads *before = &processes->threads;
	settled_threads now = {};
	size_t at = 0;

	if (list_reserve(&now, s->n_threads) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_threads; i++) {
		uint32_t tid = s->threads[i].tid;

		while (at < before->n && before->at[at].tid < tid)
			thread_leave(&before->at[at++], update);
		if (at < before->n && before->at[at].tid == tid)
			now.at[i] = before->at[at++];
		else
			now.at[i] = (struct settled_thread){.tid = tid};
	}
	while (at < before->n)
		thread_leave(&before->at[at++], update);
	now.n = s->n_threads;
	free(processes->threads.at);
	processes->threads.at = now.at;
	processes->threads.n = now.n;
	processes->threads.cap = now.cap;
	return 0;
}

/* Nothing is known of the sample before, or something that threads refer to is gone: everything is added up anew. */
static int threads_forget(struct processes *processes, struct homes *homes, const struct sample *s, uint64_t update)
{
	if (list_reserve(&processes->threads, s->n_threads) < 0)
		return -ENOMEM;
	processes->standings++;
	processes->threads.n = s->n_threads;
	for (size_t i = 0; i < s->n_threads; i++)
		processes->threads.at[i] = (struct settled_thread){.tid = s->threads[i].tid};
	for (struct group *g = homes->groups; g; g = g->hh.next)
		group_touch(g, update);
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		incarnation_touch(c, update);
	return 0;
}

static void homes_look(struct homes *homes, uint64_t update)
{
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		if (c->home && c->home->version != c->home->version_settled)
			incarnation_touch(c, update);
}

int threads_meet(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s)
{
	bool known = processes->complete && s->threads_pass == processes->pass + 1 &&
		     homes->references_lost == processes->references_lost;
	int r = 0;

	if (!known)
		r = threads_forget(processes, homes, s, now->number);
	else if (!threads_match(processes, s))
		r = threads_merge(processes, s, now->number);
	if (r < 0 || list_reserve(&processes->unsettled, s->n_threads) < 0)
		return -ENOMEM;
	processes->unsettled.n = 0;
	homes_look(homes, now->number);
	for (size_t i = 0; i < s->n_threads; i++) {
		struct settled_thread *t = &processes->threads.at[i];
		const struct home *h = t->group ? t->group->key.home : NULL;

		if (h && t->settled && s->threads[i].same && h->version == h->version_settled)
			continue;
		if (h)
			thread_leave(t, now->number);
		if (!s->threads[i].same)
			t->process = NULL;
		t->settled = false;
		processes->unsettled.at[processes->unsettled.n++] = (uint32_t)i;
	}
	return 0;
}

/* ---- what is added up ---- */

struct ss_totals thread_uncharged(const struct ss_thread_record *r)
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

void group_count_thread(struct group_tasks *g, const struct ss_thread_record *r)
{
	g->threads++;
	if (r->flags & SS_THREAD_STOPPED)
		g->stopped_threads++;
	else if (!(r->flags & SS_THREAD_ZOMBIE))
		g->free_threads++;
	switch (r->state) {
	case 'R':
		g->states[0]++;
		break;
	case 'S':
	case 'I':
	case 'P':
		g->states[1]++;
		break;
	case 'T':
	case 't':
		g->states[2]++;
		break;
	case 'D':
		g->states[3]++;
		break;
	}
	if (!g->oldest_start_ns || r->start_ns < g->oldest_start_ns)
		g->oldest_start_ns = r->start_ns;
}

/* ---- time goes by ---- */

/* What the thread mostly sleeps for. */
struct thread_sleep sleep_of(const struct ss_waits *w, const struct ss_thread_record *r)
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

/* In epoll, it also matters whether most of its sleep is there. */
void thread_sleep_take(struct settled_thread *t, struct thread_sleep sleep)
{
	t->process->sleeps_otherwise |=
		sleep.class != t->sleep.class || sleep.known != t->sleep.known || sleep.class == SS_WAIT_EPOLL;
	t->sleep = sleep;
}

/* A longer sleep of the class that it sleeps for mostly leaves that as it is. */
static void sleep_add(struct settled_thread *t, const struct told_thread *told, uint64_t longer_ns)
{
	const struct ss_thread_record *r = told->record;
	unsigned int class = ss_mark_class(r->mark);
	struct ss_waits open;

	if (class >= SS_WAIT_STOPPED)
		return;
	if (class != t->sleep.class || !t->sleep.asleep_ns || (int64_t)longer_ns < 0) {
		open = *told->waits;
		waits_add_open(&open, r);
		thread_sleep_take(t, sleep_of(&open, r));
		return;
	}
	t->process->sleeps_otherwise |= class == SS_WAIT_EPOLL;
	t->sleep.asleep_ns += longer_ns;
	t->sleep.main_ns += longer_ns;
	if (class == SS_WAIT_EPOLL)
		t->sleep.epoll_ns += longer_ns;
}

void thread_sleep_on(struct settled_thread *t, const struct told_thread *told, bool for_process, bool for_group)
{
	const struct ss_thread_record *r = told->record;
	uint64_t longer_ns = r->open_blocked_ns - t->open_blocked_ns;

	if (!told->waits || !longer_ns)
		return;
	if (for_group)
		waits_add_blocked(&t->group->tasks.waits, r->mark, longer_ns);
	if (for_process && !t->waits_apart)
		waits_add_blocked(process_waits_of(t->process), r->mark, longer_ns);
	sleep_add(t, told, longer_ns);
	t->open_blocked_ns = r->open_blocked_ns;
}
