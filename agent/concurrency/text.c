/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency/text.c - the sentences about a concurrency model: why it is this one, and how well the program does with it.
 * Called by views through sysscope/view.h; decides nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "concurrency/concurrency.h"
#include "sysscope/view.h"

/* From here on a loop has no room left. */
#define SATURATED 0.9
/* From here on it is said to be one. */
#define HERD 0.25

static void add(struct concurrency_lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct concurrency_lines *l, const char *format, ...)
{
	va_list args;

	if (l->n >= MODEL_LINES)
		return;
	va_start(args, format);
	vsnprintf(l->line[l->n++], sizeof(l->line[0]), format, args);
	va_end(args);
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* "in epoll", "waiting for a child": behind "asleep". The name of a class alone would say "in sleep". */
struct sleep_place {
	char text[32];
};

static struct sleep_place sleep_place_of(unsigned int class)
{
	static const char *const places[SS_WAIT_CLASSES] = {[SS_WAIT_SLEEP] = "in nanosleep",
							    [SS_WAIT_CHILD] = "waiting for a child",
							    [SS_WAIT_FAULT] = "in page faults",
							    [SS_WAIT_KERNEL] = "in the kernel",
							    [SS_WAIT_OTHER] = "in other calls"};
	struct sleep_place p;

	if (places[class])
		snprintf(p.text, sizeof(p.text), "%s", places[class]);
	else
		snprintf(p.text, sizeof(p.text), "in %s", wait_class_names[class]);
	return p;
}

/* "97 % of its sleep in epoll"; it does not say how long the thread slept. */
struct sleep_share {
	char text[64];
};

static struct sleep_share sleep_share_of(uint64_t part, uint64_t all, unsigned int class, const char *whose)
{
	struct sleep_share s = {"never seen asleep"};
	struct sleep_place place;

	if (class >= SS_WAIT_CLASSES)
		return s;
	place = sleep_place_of(class);
	if (!all)
		snprintf(s.text, sizeof(s.text), "asleep %s", place.text);
	else if (part == all)
		snprintf(s.text, sizeof(s.text), "all %s sleep %s", whose, place.text);
	else
		snprintf(s.text, sizeof(s.text), "%.0f %% of %s sleep %s", (double)part / (double)all * 100, whose,
			 place.text);
	return s;
}

struct port {
	char text[16];
};

static struct port port_name(uint32_t port)
{
	struct port p = {"(UNIX)"};

	if (port)
		snprintf(p.text, sizeof(p.text), ":%u", port);
	return p;
}

/* "10 in futex, 2 in network": where threads or workers mostly sleep, the most first. */
static void classes_text(char *to, size_t size, const uint32_t *classes, uint32_t awake)
{
	uint32_t left[SS_WAIT_CLASSES];
	size_t used = 0;

	memcpy(left, classes, sizeof(left));
	to[0] = '\0';
	for (int round = 0; round < 3; round++) {
		unsigned int most = 0;

		for (unsigned int i = 1; i < SS_WAIT_CLASSES; i++)
			if (left[i] > left[most])
				most = i;
		if (!left[most] || used >= size)
			break;
		used += (size_t)snprintf(to + used, size - used, "%s%u %s", used ? ", " : "", left[most],
					 sleep_place_of(most).text);
		left[most] = 0;
	}
	if (awake && used < size)
		snprintf(to + used, size - used, "%s%u never seen asleep", used ? ", " : "", awake);
}

static unsigned int class_most(const uint32_t *classes)
{
	unsigned int most = SS_WAIT_CLASSES;

	for (unsigned int i = 0; i < SS_WAIT_CLASSES; i++)
		if (classes[i] && (most == SS_WAIT_CLASSES || classes[i] > classes[most]))
			most = i;
	return most;
}

static void reasons_mn(const struct concurrency_evidence *e, struct concurrency_lines *l)
{
	if (e->turns && e->sharing > 1)
		add(l, "%u of %u threads take turns in one epoll instance", e->sharing, e->threads);
	if (e->catches_all)
		add(l,
		    "%u threads; it catches nearly all signals, SIGURG among them, with which Go's scheduler "
		    "interrupts threads",
		    e->threads);
	else if (e->pool_loops)
		add(l, "of %u threads named %s one waits in epoll, %u wait for it in futex", e->pool + e->loops,
		    e->pool_name, e->pool);
}

static void reasons_process(const struct concurrency *c, enum concurrency_verdict m, struct concurrency_lines *l)
{
	const struct concurrency_evidence *e = &c->evidence;
	unsigned int class = e->loops ? SS_WAIT_EPOLL : e->leader;
	uint32_t others = e->threads - e->loops - e->helpers - e->working;
	char where[96];

	classes_text(where, sizeof(where), e->classes, e->awake);
	switch (m) {
	case CONCURRENCY_SINGLE:
		add(l, "1 thread, %s",
		    e->stopped ? "stopped or frozen" : sleep_share_of(e->main_ns, e->asleep_ns, class, "its").text);
		break;
	case CONCURRENCY_THREADS:
		if (e->threads == 1)
			add(l, "it listens on %s and has 1 thread, %s; others have ended: one for each connection",
			    port_name(e->port).text, sleep_share_of(e->main_ns, e->asleep_ns, class, "its").text);
		else
			add(l, "%u threads, %u in an event loop; where they mostly sleep: %s", e->threads, e->loops,
			    where);
		if (e->accepting)
			add(l, "%u of them wait%s in accept", e->accepting, e->accepting == 1 ? "s" : "");
		break;
	case CONCURRENCY_LOOP:
	case CONCURRENCY_LOOP_POOL:
		add(l, "%u of %u thread%s live%s in an event loop, %s", e->loops, e->threads, plural(e->threads),
		    e->loops == 1 ? "s" : "",
		    sleep_share_of(e->main_ns, e->asleep_ns, class, e->loops == 1 ? "its" : "their").text);
		if (m == CONCURRENCY_LOOP_POOL && e->pool)
			add(l, "%u threads named %s %s: a pool", e->pool, e->pool_name,
			    e->pool_idle ? "mostly wait for work in futex" : "are all at work");
		else if (m == CONCURRENCY_LOOP_POOL)
			add(l, "its runtime makes a pool of threads at the first use: there is none yet");
		else if (others)
			add(l,
			    "no pool: %u more thread%s, no two of one name that wait for work; where they mostly "
			    "sleep: %s",
			    others, plural(others), where);
		break;
	case CONCURRENCY_LOOPS:
		add(l, "%u of %u threads live in event loops, %s", e->loops, e->threads,
		    sleep_share_of(e->main_ns, e->asleep_ns, class, "their").text);
		if (e->instances > 1)
			add(l, "they wait in %u epoll instances", e->instances);
		else if (e->instances)
			add(l, "they all wait in one epoll instance");
		break;
	case CONCURRENCY_MN:
		reasons_mn(e, l);
		break;
	default:
		break;
	}
	if (e->helpers)
		add(l, "%u more thread%s of its runtime's own: in no pool", e->helpers,
		    e->helpers == 1 ? " is" : "s are");
}

/* Who takes in the connections. */
static void reason_listening(const struct concurrency *c, struct concurrency_lines *l)
{
	const struct concurrency_tree *t = c->tree;
	const char *of = t->workers == 1 ? "process" : "processes";

	if (!c->listeners_known)
		add(l, "%u sibling %s of one parent; who listens is not known", t->workers, of);
	else if (t->listening > 1)
		add(l, "%u sibling %s of one parent; %u of them share the listening socket %s%s", t->workers, of,
		    t->listening, port_name(t->port).text, t->blocking ? ", in which one can sleep" : "");
	else if (t->listening)
		add(l, "1 of %u %s of one parent has the listening socket %s", t->workers, of, port_name(t->port).text);
	else
		add(l, "%u %s of one parent have no listening socket; the parent listens on %s", t->workers, of,
		    port_name(c->head ? c->head->port : 0).text);
}

/* Who belongs to it and is no worker. */
static void reason_helpers(const struct concurrency *c, struct concurrency_lines *l)
{
	const struct concurrency_tree *t = c->tree;

	if (t->helpers)
		add(l, "%u more process%s of the tree without that socket: no worker%s", t->helpers,
		    t->helpers == 1 ? "" : "es", plural(t->helpers));
	else if (c->verdict == CONCURRENCY_PREFORK && !t->listening && t->unconnected)
		add(l, "%u of them have no connection from there: no worker%s", t->unconnected, plural(t->unconnected));
}

static void reasons_tree(const struct concurrency *c, struct concurrency_lines *l)
{
	const struct concurrency_tree *t = c->tree;
	unsigned int class = t->looping * 2 > t->workers ? SS_WAIT_EPOLL : class_most(t->classes);
	char where[96];

	reason_listening(c, l);
	reason_helpers(c, l);
	classes_text(where, sizeof(where), t->classes, t->awake);
	add(l, "each: %s%u thread%s%s, %s", t->threads_max > 1 ? "up to " : "", t->threads_max, plural(t->threads_max),
	    t->pooled ? ", with a pool" : "", sleep_share_of(t->main_ns, t->asleep_ns, class, "its").text);
	if (c->verdict == CONCURRENCY_PREFORK && t->accepting + t->polling)
		add(l, "%u of %u wait%s for a connection %s", t->accepting + t->polling, t->workers,
		    t->accepting + t->polling == 1 ? "s" : "", t->polling ? "at a listening socket" : "in accept");
	else if (c->verdict == CONCURRENCY_PREFORK)
		add(l, "they mostly sleep: %s; one connection each", where);
	if (c->head && !c->head->loops)
		add(l, "the parent, pid %u, does no work of theirs: %s", t->head,
		    sleep_share_of(c->head->main_ns, c->head->asleep_ns, c->head->leader, "its").text);
}

/* A tree whose workers are more than one thread or loop each: what they are by themselves says it. */
static void reason_several(const struct concurrency_tree *t, struct concurrency_lines *l)
{
	uint32_t others = t->workers + !t->headless - t->several;

	add(l, "%u process%s of its tree: %s%s", t->several, t->several == 1 ? "" : "es", concurrency_name(t->each),
	    others ? "; the rest looks after that" : "");
}

void concurrency_reasons(const struct process_row *p, struct concurrency_lines *ret)
{
	const struct concurrency *c = p->concurrency;

	ret->n = 0;
	if (!c)
		return;
	if (c->in_tree && c->tree && c->tree->several * 2 <= c->tree->workers) {
		reasons_tree(c, ret);
		return;
	}
	reasons_process(c, c->alone, ret);
	if (c->in_tree && c->tree)
		reason_several(c->tree, ret);
}

static const char *worker_name(enum concurrency_verdict m)
{
	switch (m) {
	case CONCURRENCY_PREFORK:
	case CONCURRENCY_LOOP_WORKERS:
		return "worker process";
	case CONCURRENCY_LOOPS:
		return "loop";
	default:
		return "thread";
	}
}

/* The values are those of loops or of a tree, and its loops have a pool beside. A scheduler's threads are none. */
static bool pool_is_unsaid(const struct concurrency *c)
{
	return c->evidence.loops && c->alone != CONCURRENCY_MN &&
	       (c->alone == CONCURRENCY_LOOPS || (c->in_tree && c->tree->several * 2 <= c->tree->workers));
}

void concurrency_health(const struct process_row *p, struct concurrency_lines *ret)
{
	const struct concurrency *c = p->concurrency;
	const double *v = p->v;
	double workers = v[PROCESS_MODEL_WORKERS], idle = v[PROCESS_MODEL_IDLE],
	       busiest = v[PROCESS_MODEL_BUSIEST_LOOP], empty = v[PROCESS_MODEL_EMPTY];
	const char *name, *many;

	ret->n = 0;
	if (!c)
		return;
	name = worker_name(c->verdict);
	many = strcmp(name, "worker process") == 0 ? "es" : "s";
	if (idle <= 0)
		add(ret, "exhausted: none of %.0f %s%s waits for work", workers, name, many);
	else if (idle > 0)
		add(ret, "%.0f of %.0f %s%s wait for work", idle, workers, name, many);
	else if (c->verdict == CONCURRENCY_PREFORK && c->listeners_known && workers <= 0)
		add(ret, "no worker process now: one is made for each connection");
	else if (c->verdict == CONCURRENCY_PREFORK && c->listeners_known)
		add(ret, "%.0f %s%s, made as connections come: none has to wait for a free one", workers, name,
		    workers == 1 ? "" : many);
	if (c->evidence.pool && !c->evidence.pool_idle && pool_is_unsaid(c))
		add(ret, "its pool is exhausted: none of %u thread%s named %s waits for work", c->evidence.pool,
		    plural(c->evidence.pool), c->evidence.pool_name);
	if (!value_absent(busiest))
		add(ret, "the busiest event loop is %.*f %% busy%s", busiest < 0.0995, busiest * 100,
		    busiest >= SATURATED ? ": saturated" : "");
	if (!value_absent(v[PROCESS_MODEL_IMBALANCE]))
		add(ret, "the busiest of %.0f %s%s does %.2f times the work of the mean", workers, name, many,
		    v[PROCESS_MODEL_IMBALANCE]);
	/* Where one waits alone nobody else can have been woken for the same. */
	if (!value_absent(empty) && (workers > 1 || empty >= 0.005))
		add(ret, "%.0f %% of the wakeups found nothing%s", empty * 100,
		    empty >= HERD && workers > 1 ? ": a thundering herd" : "");
}
