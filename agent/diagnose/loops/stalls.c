/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stalls.c - rules about event loops that stand still; load.c has those about loops that are full, or awake in vain. Called by
 * judge.c through the table in rules.def.
 *
 * The measure is the share of the time watched in which a loop stood in iterations longer than the threshold of stalls: of requests
 * that come at any moment as many find it standing still.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/measure/loop_use.h"

/* The share of the watched time in which it stood still for this. */
static double stalled_share(const struct judging *j, const struct loop_use *u, enum stall_cause cause)
{
	return fmin(u->stalled[cause] / j->w->seconds, 1);
}

static double stall_measure(const struct judging *j, const struct loop_use *u, enum stall_cause cause,
			    enum threshold ratio, enum threshold critical, enum threshold count)
{
	double share = stalled_share(j, u, cause), measure = share / judge_threshold(j, ratio);

	/* A single one may be a start, or one large request; not if most of the time goes to it. */
	if (share >= judge_threshold(j, critical))
		return measure;
	return fmin(measure, u->stalls[cause] / judge_threshold(j, count));
}

static double stall_cpu_measure(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	(void)row;
	return stall_measure(j, u, STALL_ONCPU, LOOP_STALL_CPU_STALLED, LOOP_STALL_CPU_CRITICAL, LOOP_STALL_CPU_COUNT);
}

static double stall_blocked_measure(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	(void)row;
	return stall_measure(j, u, STALL_BLOCKED, LOOP_STALL_BLOCKED_STALLED, LOOP_STALL_BLOCKED_CRITICAL,
			     LOOP_STALL_BLOCKED_COUNT);
}

/* How often and for how long it stood still, and what else there is to know of such a loop. */
static void stall_evidence(struct judging *j, struct finding *f, const struct loop_use *u, enum stall_cause cause)
{
	static const char *const metrics[STALL_CAUSES] = {"stall_seconds_total.oncpu", "stall_seconds_total.runqueue",
							  "stall_seconds_total.throttled",
							  "stall_seconds_total.blocked"};
	double share = stalled_share(j, u, cause);

	if (u->stalls[cause] > 1)
		finding_evidence(j, f, metrics[cause], share, "seconds_per_second",
				 "it stood still %.0f times, for %.2f s on average: %.1f s of the %.0f s watched",
				 u->stalls[cause], u->stalled[cause] / u->stalls[cause], share * j->w->seconds,
				 j->w->seconds);
	else if (!(u->open > 0))
		finding_evidence(j, f, metrics[cause], share, "seconds_per_second",
				 "it stood still once, for %.1f s of the %.0f s watched", share * j->w->seconds,
				 j->w->seconds);
	if (u->open > 0)
		finding_evidence(j, f, "current_iteration_seconds", u->open, "seconds",
				 "it has not been back in epoll for the last %.1f s", u->open);
}

static void stall_events(struct judging *j, struct finding *f)
{
	finding_advice(j, f, "%s: %s", j->o->recorded ? "each stall" : "each stall as it happens",
		       advice_events(j, "--type loop_stall --container %s", advice_name(j, f->container)));
}

static void stall_cpu_find(struct judging *j, const struct loop_worst *w, const struct loop_use *u)
{
	double share = stalled_share(j, u, STALL_ONCPU), waited = u->runqueue / j->w->seconds;
	const struct loop_row *l = &j->now->loops[w->row];
	struct finding *f = loop_finding(
		j, w->row, share >= judge_threshold(j, LOOP_STALL_CPU_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	finding_headline(j, f, share, "the event loop of %s in %s stands still for %.0f %% of the time: it computes",
			 loop_name(j, w->row), f->container, share * 100);
	stall_evidence(j, f, u, STALL_ONCPU);
	finding_evidence(j, f, "oncpu_seconds_total", u->oncpu / j->w->seconds, "cores",
			 "it used %.2f CPU, and was asleep in epoll for %.0f %% of the time", u->oncpu / j->w->seconds,
			 u->asleep / u->time * 100);
	loop_others(j, f, w->row, w->bad);
	if (u->blocked < u->oncpu / 2)
		finding_ruled_out(j, f, "files, locks and other waits: %.2f s in each second",
				  u->blocked / j->w->seconds);
	if (u->runqueue < u->oncpu / 2)
		finding_ruled_out(j, f, "neighbours and quotas: it waited %.2f s in each second for a CPU", waited);
	finding_advice(j, f, "see what it computes: perf top -t %u", l->tid);
	finding_advice(j, f,
		       "do long work in pieces, or give it to other threads or processes (worker_threads in Node.js, "
		       "a process pool in Python)");
	stall_events(j, f);
}

static const char *stall_cpu_words(struct judging *j, uint32_t row, const struct loop_use *u)
{
	return judge_text(j, "the event loop of %s stood still for %.1f %% of the time, computing", loop_name(j, row),
			  stalled_share(j, u, STALL_ONCPU) * 100);
}

void judge_loop_stall_cpu(struct judging *j)
{
	loops_judge(j, stall_cpu_measure, stall_cpu_find, stall_cpu_words);
}

#define CLASS_LIST(ID, NAME, ...) CLASS_##ID,
enum { WAIT_CLASS_LIST(CLASS_LIST) };
#undef CLASS_LIST
/* What to do about an event loop that sleeps in something else than epoll. */
static const char *const class_advice[WAIT_CLASSES] = {
	[CLASS_EPOLL] = "it runs a second event loop inside of the first: give that one a thread of its own",
	[CLASS_POLL] = "a library waits in it, mostly for a name server (getaddrinfo) or a database: use its "
		       "asynchronous form, "
		       "or another thread; a DNS cache on the machine makes look-ups short",
	[CLASS_FUTEX] =
		"another thread has the lock: hold it shortly there, and let the loop never wait for a thread's result",
	[CLASS_SLEEP] = "use a timer of the event loop in place of sleep",
	[CLASS_FILE] =
		"let other threads do file I/O: asynchronous calls and UV_THREADPOOL_SIZE in Node.js, `aio threads` in "
		"nginx, a thread pool elsewhere; a lock on a file (flock) counts as file I/O, then it is its holder "
		"that is late",
	[CLASS_NETWORK] =
		"the socket blocks: make it non-blocking, connect asynchronously, or give that client library another "
		"thread",
	[CLASS_PIPE] =
		"the other end of a pipe is slow: the reader of its log (docker run --log-opt mode=non-blocking), or a "
		"program that it reads from; make the pipe non-blocking",
	[CLASS_CHILD] =
		"let it not wait for child processes: start them with a callback in place of subprocess.run, system or "
		"waitpid",
	[CLASS_IO_URING] = "let completions wake it by an eventfd in epoll in place of waiting for them",
	[CLASS_FAULT] =
		"its memory comes back from the disk or swap, or has to be taken back first: give it more, or use less",
};

static int blocked_most(const struct loop_use *u)
{
	int most = CLASS_OTHER;

	for (int i = 0; i < WAIT_CLASSES; i++)
		if (i != CLASS_STOPPED && u->blocked_in[i] > u->blocked_in[most])
			most = i;
	return most;
}

static void stall_blocked_find(struct judging *j, const struct loop_worst *w, const struct loop_use *u)
{
	double share = stalled_share(j, u, STALL_BLOCKED);
	int class = blocked_most(u);
	struct finding *f = loop_finding(j, w->row,
					 share >= judge_threshold(j, LOOP_STALL_BLOCKED_CRITICAL) ? FINDING_CRITICAL
												  : FINDING_WARNING);

	if (!f)
		return;
	finding_headline(j, f, share, "the event loop of %s in %s stands still for %.0f %% of the time, %s",
			 loop_name(j, w->row), f->container, share * 100, wait_class_phrases[class]);
	/* First, because absorb.c tells by this metric which class it is. */
	finding_evidence(j, f, judge_text(j, "blocked_seconds_total.%s", wait_class_names[class]),
			 u->blocked_in[class] / j->w->seconds, "seconds_per_second",
			 "it was blocked outside of epoll for %.2f s in each second, %.2f s of it %s",
			 u->blocked / j->w->seconds, u->blocked_in[class] / j->w->seconds, wait_class_phrases[class]);
	stall_evidence(j, f, u, STALL_BLOCKED);
	loop_others(j, f, w->row, w->bad);
	if (u->oncpu < u->blocked / 2)
		finding_ruled_out(j, f, "computing: it used %.2f CPU", u->oncpu / j->w->seconds);
	if (u->runqueue < u->blocked / 2)
		finding_ruled_out(j, f, "neighbours and quotas: it waited %.2f s in each second for a CPU",
				  u->runqueue / j->w->seconds);
	finding_advice(j, f, "%s",
		       class_advice[class]
			       ?: judge_text(j, "see where it waits: cat /proc/%u/task/%u/stack", f->pid,
					     j->now->loops[w->row].tid));
	stall_events(j, f);
}

static const char *stall_blocked_words(struct judging *j, uint32_t row, const struct loop_use *u)
{
	return judge_text(j, "the event loop of %s stood still for %.1f %% of the time, %s", loop_name(j, row),
			  stalled_share(j, u, STALL_BLOCKED) * 100, wait_class_phrases[blocked_most(u)]);
}

void judge_loop_stall_blocked(struct judging *j)
{
	loops_judge(j, stall_blocked_measure, stall_blocked_find, stall_blocked_words);
}
