/* SPDX-License-Identifier: GPL-2.0-or-later */
/* turns.c - which threads take turns in one epoll instance, as those of Go do: such threads are no loops. */
#include <stdlib.h>

#include "loops/loops.h"

/*
 * Idle threads of Go are not seen taking turns; how they are known otherwise: see concurrency_of_process. A process of one
 * thread takes no turns.
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

static size_t instance_end(const struct loops *loops, size_t from)
{
	struct loop *const *list = loops->sorted.at;
	size_t to = from + 1;

	while (to < loops->sorted.n && list[to]->process == list[from]->process && list[from]->instance &&
	       list[to]->instance == list[from]->instance)
		to++;
	return to;
}

/*
 * Threads take turns in an epoll instance if several were in it over the same time (an instance that was closed may have
 * left its address to another) and if for at least one of them it is not the main business, or its descriptors are
 * edge-triggered, so that an event wakes one thread. If all threads of a pool sleep in one instance, each is a loop. The
 * list is in the order in which they first waited there.
 */
static void turns_find(struct loop **list, size_t n)
{
	uint64_t last = 0, last_odd = 0; /* when a thread before the current one last began or ended a wait */
	bool edge = false, any_odd = false;

	for (size_t i = 0; i < n; i++)
		edge |= list[i]->now.edge;
	for (size_t i = 0; i < n; i++) {
		const struct loop *l = list[i];
		uint64_t active = ss_loop_mark_began(l->now.mark);
		bool odd = edge || !l->is_loop;

		if ((odd && i && l->now.instance_ns <= last) || (any_odd && l->now.instance_ns <= last_odd))
			l->process->turns = true;
		last = active > last ? active : last;
		if (odd)
			last_odd = active > last_odd ? active : last_odd;
		any_odd |= odd;
	}
}

void loop_turns_find(struct loops *loops)
{
	if (loops->sorted.n) /* pointers are sorted */
		/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
		qsort(loops->sorted.at, loops->sorted.n, sizeof(*loops->sorted.at), by_instance);
	for (size_t i = 0; i < loops->sorted.n; i++)
		process_turns(loops->sorted.at[i]->process);
	for (size_t from = 0, to; from < loops->sorted.n; from = to) {
		to = instance_end(loops, from);
		turns_find(&loops->sorted.at[from], to - from);
	}
}
