/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency/verdict.c - the verdict: which concurrency model the evidence on a process and its tree shows. Pure; called by
 * concurrency/tree.c and by its unit test. The sentences that say why are concurrency/text.c's.
 *
 * Nothing here asks how busy a program is: an idle one has the same verdict as a loaded one.
 */
#include <math.h>

#include "concurrency/concurrency.h"

const char *concurrency_name(enum concurrency_verdict verdict)
{
	static const char *const names[CONCURRENCY_VERDICTS] = {
		[CONCURRENCY_UNKNOWN] = "",
		[CONCURRENCY_SINGLE] = "single",
		[CONCURRENCY_PREFORK] = "prefork",
		[CONCURRENCY_THREADS] = "threads",
		[CONCURRENCY_LOOP] = "loop",
		[CONCURRENCY_LOOP_WORKERS] = "loop+workers",
		[CONCURRENCY_LOOP_POOL] = "loop+pool",
		[CONCURRENCY_LOOPS] = "loops",
		[CONCURRENCY_MN] = "m:n",
	};

	return names[verdict];
}

/*
 * Threads that take turns in an epoll instance are a scheduler's, as those of Go. Idle ones are not seen doing so, but no
 * other runtime catches nearly all signals, SIGURG among them, with which Go interrupts its threads. Of a runtime that names
 * its threads (Tokio) one of the pool is in epoll while the others wait for it.
 */
static bool takes_turns(const struct concurrency_evidence *e)
{
	return e->threads > 1 && (e->turns || e->catches_all || e->pool_loops);
}

enum concurrency_verdict concurrency_of_process(const struct concurrency *c)
{
	const struct concurrency_evidence *e = &c->evidence;

	if (!c->known)
		return CONCURRENCY_UNKNOWN;
	if (takes_turns(e))
		return CONCURRENCY_MN;
	/* A server whose threads have all ended has one for each connection, and no connection now. */
	if (!e->loops)
		return e->threads - e->helpers > 1 || (e->had_threads && e->listeners) ? CONCURRENCY_THREADS
										       : CONCURRENCY_SINGLE;
	/* The loop only takes in the connections that threads then serve. */
	if (e->classes[SS_WAIT_NETWORK] > 1 && e->classes[SS_WAIT_NETWORK] > e->loops)
		return CONCURRENCY_THREADS;
	/* Node.js: one loop and its pool, which is made at the first use; with worker threads several loops, which share it. */
	if (e->platform)
		return e->loops > 1 ? CONCURRENCY_LOOPS : CONCURRENCY_LOOP_POOL;
	/* A pool goes with one loop, or with a second one for timers. */
	if (e->loops > 2 || (e->loops == 2 && e->pool < 2))
		return CONCURRENCY_LOOPS;
	return e->pool >= 2 ? CONCURRENCY_LOOP_POOL : CONCURRENCY_LOOP;
}

void concurrency_add_worker(struct concurrency_tree *t, const struct concurrency *worker, double cpu)
{
	const struct concurrency_evidence *e = &worker->evidence;
	enum concurrency_verdict by_itself = concurrency_of_process(worker);

	t->workers++;
	t->unconnected += worker->unconnected;
	if (by_itself == CONCURRENCY_LOOP || by_itself == CONCURRENCY_LOOP_POOL) {
		t->looping++;
		t->pooled += by_itself == CONCURRENCY_LOOP_POOL;
		t->threaded += e->threads > 1;
	} else if (by_itself != CONCURRENCY_SINGLE && by_itself != CONCURRENCY_UNKNOWN) {
		t->several++;
		t->each = by_itself;
	}
	if (e->threads > t->threads_max)
		t->threads_max = e->threads;
	if (e->leader < SS_WAIT_CLASSES)
		t->classes[e->leader]++;
	else
		t->awake++;
	t->listening += e->listeners > 0;
	t->blocking += e->blocking > 0;
	if (e->port)
		t->port = e->port;
	t->accepting += e->accepting > 0;
	t->polling += !e->accepting && e->polling;
	t->idle += e->idle;
	t->asleep_ns += e->asleep_ns;
	t->main_ns += e->main_ns;
	t->cpu += cpu;
	if (cpu > t->cpu_busiest)
		t->cpu_busiest = cpu;
}

void concurrency_add_loops(struct concurrency_tree *t, const struct concurrency_evidence *e)
{
	if (e->loops_measured && (!t->loops_measured || e->loop_busiest > t->loop_busiest))
		t->loop_busiest = e->loop_busiest;
	t->loops_measured += e->loops_measured;
	t->wakeups += e->wakeups;
	t->empty += e->empty;
}

/* Whether it serves anybody. Shells and build tools are trees of one name, too, and have no model of their own. */
static bool serves(const struct concurrency_tree *t, const struct concurrency_evidence *head, bool listeners_known)
{
	if (listeners_known)
		return t->listening || (head && head->listeners);
	if (t->several * 2 > t->workers)
		return t->each == CONCURRENCY_LOOPS;
	return t->looping * 2 > t->workers || t->classes[SS_WAIT_NETWORK] * 2 > t->workers;
}

/* The parent itself waits for connections. */
static bool head_accepts(const struct concurrency_evidence *head)
{
	return head && (head->loops || head->leader == SS_WAIT_POLL || head->leader == SS_WAIT_NETWORK);
}

/*
 * Each worker sleeps in epoll: is it an event loop, or does it wait there for its one connection? Loops take in connections
 * by themselves, from a listening socket in which nobody sleeps; or they have threads (cluster of Node.js).
 */
static enum concurrency_verdict of_looping(const struct concurrency_tree *t, const struct concurrency_evidence *head,
					   bool listeners_known)
{
	if (t->listening && t->blocking * 2 > t->listening)
		return CONCURRENCY_PREFORK;
	if ((t->listening || !listeners_known) && t->workers == 1 && head &&
	    head->loops) /* a supervisor and the one that it looks after */
		return t->pooled ? CONCURRENCY_LOOP_POOL : CONCURRENCY_LOOP;
	if (t->listening || t->threaded * 2 > t->looping)
		return CONCURRENCY_LOOP_WORKERS;
	return listeners_known || head_accepts(head) ? CONCURRENCY_PREFORK : CONCURRENCY_LOOP_WORKERS;
}

enum concurrency_verdict concurrency_of_tree(const struct concurrency_tree *t, const struct concurrency_evidence *head,
					     bool listeners_known)
{
	if (!t->workers || !serves(t, head, listeners_known))
		return CONCURRENCY_UNKNOWN;
	if (t->several * 2 > t->workers)
		return t->each;
	if (t->looping * 2 > t->workers)
		return of_looping(t, head, listeners_known);
	return t->awake == t->workers ? CONCURRENCY_UNKNOWN : CONCURRENCY_PREFORK;
}

void concurrency_conclude(struct concurrency *c)
{
	c->alone = concurrency_of_process(c);
	c->verdict = c->tree ? concurrency_of_tree(c->tree, c->head, c->listeners_known) : CONCURRENCY_UNKNOWN;
	c->in_tree = c->verdict != CONCURRENCY_UNKNOWN;
	if (!c->in_tree)
		c->verdict = c->alone;
}
