/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lives.c - rules about births and deaths: processes that pile up, containers that are started again and again. Called by judge.c
 * through the table in rules.def.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/case/advice.h"
#include "diagnose/case/index.h"

/* ---- fork_storm ---- */

/* What the births in a container have left there. */
struct pile {
	double births, exits, before, now, limit, threads; /* births and exits a second */
	bool full;					   /* it is at its limit */
	uint32_t newborn, named, started; /* new processes; those called `comm`; those that `starter` started */
	const char *comm;
	const struct process_row *starter; /* NULL: nobody in particular, or only init, which has the orphans */
};

/* Most frequent name and parent of the new processes, by majority vote: right whenever one has more than half. */
static void pile_look(struct judging *j, uint32_t container, struct pile *p)
{
	uint32_t names = 0, parents = 0, parent = 0;
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	p->comm = "";
	for (size_t i = 0; i < n; i++) {
		const struct process_row *one = &j->now->processes[rows[i]];

		if (!window_is_new(j->w, WINDOW_PROCESSES, rows[i]))
			continue;
		p->newborn++;
		if (!names)
			p->comm = one->comm;
		names += strcmp(one->comm, p->comm) == 0 ? 1 : -1U;
		if (!parents)
			parent = one->ppid;
		parents += one->ppid == parent ? 1 : -1U;
	}
	for (size_t i = 0; i < n; i++) {
		const struct process_row *one = &j->now->processes[rows[i]];

		if (!window_is_new(j->w, WINDOW_PROCESSES, rows[i]))
			continue;
		p->named += strcmp(one->comm, p->comm) == 0;
		p->started += one->ppid == parent;
	}
	p->starter = parent && p->started > p->newborn / 2 ? index_pid(j, parent) : NULL;
	if (p->starter && (p->starter->container != container || p->starter->namespace_pid == 1))
		p->starter = NULL;
}

/* Whether they pile up, or, at the limit of the container, would if they could. */
static bool piles_up(struct judging *j, uint32_t i, struct pile *p)
{
	const struct container_row *c = &j->now->containers[i];
	bool fresh = window_is_new(j->w, WINDOW_CONTAINERS, i);
	double most = judge_threshold(j, FORK_STORM_GROWN) * (fresh ? 2 : 1), grown;

	p->births = judge_rate(j, window_container(j->w, i, CONTAINER_FORKS));
	p->exits = judge_rate(j, window_container(j->w, i, CONTAINER_EXITS));
	p->before = fresh ? 0 : window_before(j->w, WINDOW_CONTAINERS, i, CONTAINER_PROCESSES);
	p->now = c->v[CONTAINER_PROCESSES];
	p->threads = c->v[CONTAINER_THREADS];
	p->limit = c->v[CONTAINER_THREADS_LIMIT];
	grown = p->now - p->before;
	p->full = p->threads >= p->limit * judge_threshold(j, PIDS_LIMIT_SHARE);
	if (!(p->births >= judge_threshold(j, FORK_STORM_BIRTHS)))
		return false;
	/* Processes are what fills the limit, not the threads of one. */
	if (p->full && p->now >= p->threads * judge_threshold(j, FORK_STORM_SHARE))
		return true;
	if (grown >= most && p->now >= 2 * p->before)
		return true;
	judge_near(j, i, grown, most, "it has %.0f processes, %.0f more than at the begin, and starts %.0f a second",
		   p->now, grown, p->births);
	return false;
}

static void pile_advice(struct judging *j, struct finding *f, uint32_t i, const struct pile *p)
{
	const struct container_row *c = &j->now->containers[i];
	const char *pause = advice_pause(j, i);

	if (pause)
		finding_advice(j, f, "stop it from growing while you look: %s", pause);
	finding_advice(j, f, "see who starts them: %s",
		       advice_events(j, "--type process_start --container %s", advice_name(j, c->name)));
	if (value_absent(p->limit) && judge_is_own_home(c))
		finding_advice(j, f, "nothing bounds it but the machine, so give it a limit: %s",
			       advice_threads_limit(j, i, NULL, p->before < 50 ? 100 : 2 * p->before));
}

static void pile_say(struct judging *j, uint32_t i, const struct pile *p)
{
	const struct container_row *c = &j->now->containers[i];
	struct finding *f = judge_find(j, i, p->full && p->threads >= p->limit ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	if (p->starter) {
		f->culprit_process = p->starter->comm;
		f->culprit_pid = p->starter->pid;
	}
	if (p->full)
		finding_headline(j, f, judge_excess(p->births, judge_threshold(j, FORK_STORM_BIRTHS)),
				 "%s starts %.0f processes a second although its limit of %.0f is reached", c->name,
				 p->births, p->limit);
	else
		finding_headline(j, f, judge_excess(p->births, judge_threshold(j, FORK_STORM_BIRTHS)),
				 "%s starts %.0f processes a second, and they pile up: %.0f now", c->name, p->births,
				 p->now);
	finding_evidence(j, f, "processes", p->now, "count",
			 "it had %.0f %s when this began to watch, and %.0f at the end", p->before,
			 text_noun(p->before, "process", "processes"), p->now);
	finding_evidence(j, f, "forks_total", p->births, "rate", "%.0f processes were born each second, %.0f ended",
			 p->births, p->exits);
	if (p->named > p->newborn / 2)
		finding_evidence(j, f, "", p->named, "count", "%u of the %u new ones are called %s", p->named,
				 p->newborn, p->comm);
	if (p->starter)
		finding_evidence(j, f, "", p->started, "count", "%s (pid %u) started %u of them", p->starter->comm,
				 p->starter->pid, p->started);
	else if (p->newborn)
		finding_evidence(j, f, "", 0, "", "no single process that lives started most of them");
	finding_ruled_out(j, f, "threads: %.0f %s %.0f %s", p->now, text_noun(p->now, "process has", "processes have"),
			  p->threads, text_noun(p->threads, "thread", "threads"));
	pile_advice(j, f, i, p);
}

void judge_fork_storm(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		struct pile p = {};

		if (j->now->containers[i].dead || strcmp(j->now->containers[i].kind, "kernel") == 0 ||
		    !piles_up(j, i, &p))
			continue;
		pile_look(j, i, &p);
		pile_say(j, i, &p);
	}
}

/* ---- crash_loop ---- */

/* Ways to end that are told apart; the others are only counted. */
#define WAYS 3

/* Starts of one container in the watch. */
struct restarts {
	uint32_t container; /* its latest row */
	size_t starts, unready;
	double first, last; /* when */
	struct way {
		const struct start_row *like; /* one of those that ended so */
		size_t n;
	} ways[WAYS];
	size_t n_ways, ended; /* those whose end is known */
};

/* NULL: it is not shown any more. */
static const struct container_row *row_of_path(const struct snapshot *s, const char *path)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, path) == 0)
			return &s->containers[i];
	return NULL;
}

/* Whether it is the same one again: its path is, or, in a pod, where it gets another path each time, its name. */
static bool is_again(const struct container_row *a, const struct container_row *b)
{
	return a == b || (a->pod[0] && strcmp(a->pod, b->pod) == 0 && strcmp(a->name, b->name) == 0 &&
			  strcmp(a->namespace_, b->namespace_) == 0);
}

/* Whether one of it was there when this began to watch: then all starts are restarts. */
static bool was_there(struct judging *j, const struct container_row *c)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++)
		if (is_again(&j->now->containers[i], c) && !window_is_new(j->w, WINDOW_CONTAINERS, i))
			return true;
	return false;
}

static bool ended_alike(const struct start_row *a, const struct start_row *b)
{
	/* One of both is absent, which is equal to nothing. */
	return a->exit_status == b->exit_status || a->exit_signal == b->exit_signal;
}

static void restarts_end_take(struct restarts *r, const struct start_row *one)
{
	size_t way = 0;

	if (!one->exit_comm[0])
		return;
	r->ended++;
	while (way < r->n_ways && !ended_alike(r->ways[way].like, one))
		way++;
	if (way == WAYS)
		return;
	r->ways[way].like = one;
	r->ways[way].n++;
	r->n_ways += way == r->n_ways;
}

/* "with exit status 1", "killed by signal 9 (SIGKILL)" */
static const char *end_text(struct judging *j, const struct start_row *b)
{
	const char *name;

	if (value_absent(b->exit_signal))
		return judge_text(j, "with exit status %.0f", b->exit_status);
	name = sigabbrev_np((int)b->exit_signal);
	return name ? judge_text(j, "killed by signal %.0f (SIG%s)", b->exit_signal, name)
		    : judge_text(j, "killed by signal %.0f", b->exit_signal);
}

/* All of several that ended did so the same way. */
static bool ends_agree(const struct restarts *r)
{
	return r->n_ways == 1 && r->ways[0].n == r->ended && r->ended > 1;
}

static void restarts_evidence(struct judging *j, struct finding *f, const struct restarts *r)
{
	for (size_t i = 0; i < r->n_ways; i++) {
		const struct start_row *like = r->ways[i].like;

		bool by_signal = !value_absent(like->exit_signal);

		finding_evidence(j, f, by_signal ? "last_exit_signal" : "last_exit_status",
				 by_signal ? like->exit_signal : like->exit_status, "count",
				 "its first process (%s) %s %s: %zu of %zu %s known", like->exit_comm,
				 by_signal ? "was" : "ended", end_text(j, like), r->ways[i].n, r->ended,
				 text_noun((double)r->ended, "end that is", "ends that are"));
	}
	if (!r->ended)
		finding_evidence(j, f, "", 0, "", "with which exit status or signal it ended is not known");
}

static void restarts_advice(struct judging *j, struct finding *f, const struct container_row *c, bool known)
{
	const char *name = advice_name(j, c->name);

	if (c->pod[0])
		finding_advice(j, f, "see how it ended: kubectl logs --previous -n %s %s -c %s",
			       advice_name(j, c->namespace_), advice_name(j, c->pod), name);
	else if (c->dead)
		finding_advice(j, f, "its runtime has the log of what ended");
	else if (strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0)
		finding_advice(j, f, "see how it ended: %s logs --tail 50 %s", c->runtime, name);
	if (!c->dead && !known)
		finding_advice(j, f, "see the exit code or signal of %s: %s", j->o->recorded ? "each" : "the next one",
			       advice_events(j, "--type exit --container %s", name));
}

static void restarts_say(struct judging *j, const struct restarts *r, size_t again)
{
	const struct container_row *c = &j->now->containers[r->container];
	struct finding *f = judge_find(j, r->container, FINDING_WARNING);

	if (!f)
		return;
	finding_headline(j, f, judge_excess((double)again, judge_threshold(j, CRASH_LOOP_RESTARTS)),
			 "%s ends and is started again: %zu times in %.0f s%s%s", c->name, again, j->w->seconds,
			 ends_agree(r) ? ", each time " : "", ends_agree(r) ? end_text(j, r->ways[0].like) : "");
	if (r->starts > 1)
		finding_evidence(j, f, "", (r->last - r->first) / (double)(r->starts - 1), "seconds",
				 "from one start to the next it took %.1f s on average",
				 (r->last - r->first) / (double)(r->starts - 1));
	if (r->unready)
		finding_evidence(j, f, "births", (double)r->unready, "count",
				 "%zu of the %zu that were started ended before they waited for work", r->unready,
				 r->starts);
	restarts_evidence(j, f, r);
	restarts_advice(j, f, c, r->ended > 0);
}

static void restarts_find(struct judging *j, const struct start_row *b, size_t *counted, size_t n)
{
	const struct container_row *c = row_of_path(j->now, b->cgroup);
	struct restarts r = {};
	size_t again;

	if (!c)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct start_row *one = &b[i];
		const struct container_row *row = counted[i] ? NULL : row_of_path(j->now, one->cgroup);

		if (!row || !is_again(row, c))
			continue;
		counted[i] = 1;
		r.first = r.starts++ ? r.first : one->time;
		r.last = one->time;
		r.unready += strcmp(one->state, "ended") == 0;
		restarts_end_take(&r, one);
		r.container = (uint32_t)(row - j->now->containers);
	}
	again = r.starts - !was_there(j, c);
	if ((double)again >= judge_threshold(j, CRASH_LOOP_RESTARTS))
		restarts_say(j, &r, again);
	else
		judge_near(j, r.container, (double)again, judge_threshold(j, CRASH_LOOP_RESTARTS),
			   "it ended and was started again %zu %s", again, text_noun((double)again, "time", "times"));
}

void judge_crash_loop(struct judging *j)
{
	_cleanup_free_ size_t *counted = calloc(j->now->n_births + 1, sizeof(*counted));

	if (!counted) {
		j->failed = true;
		return;
	}
	/* The oldest come first. */
	for (size_t i = 0; i < j->now->n_births; i++)
		if (!counted[i] && j->now->births[i].time >= j->w->began)
			restarts_find(j, &j->now->births[i], &counted[i], j->now->n_births - i);
}
