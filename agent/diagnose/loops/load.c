/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.c - rules about how much event loops have to do: too much, all of it for one of them, or nothing. stalls.c has those about
 * loops that stand still, starved.c the one about loops that wait for a CPU. Called by judge.c through the table in
 * rules.def.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/measure/cpu_use.h"
#include "diagnose/measure/loop_use.h"

/* ---- polls ---- */

/* The least share of its polls that found nothing: each that found something returned an event. */
static double empty_share(const struct judging *j, uint32_t row)
{
	double polls = window_loop(j->w, row, LOOP_POLLS), events = window_loop(j->w, row, LOOP_EVENTS);

	return polls > 0 ? fmax(1 - events / polls, 0) : 0;
}

static double busy_poll_measure(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	double polls = window_loop(j->w, row, LOOP_POLLS), each = polls > 0 ? u->oncpu / polls : 0;

	if (!(each > 0))
		return 0;
	return fmin(u->oncpu / j->w->seconds / judge_threshold(j, BUSY_POLL_CORES),
		    fmin(empty_share(j, row) / judge_threshold(j, BUSY_POLL_EMPTY),
			 judge_threshold(j, BUSY_POLL_ROUND) / each));
}

/* It asks epoll again and again without waiting, and finds next to nothing: what it does is no work. */
static bool loop_polls_only(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	return busy_poll_measure(j, row, u) >= 1;
}

/* ---- loop_saturated ---- */

/* The share of its time in which it was in an iteration or wanted to go on with one. */
static double busy_share(const struct loop_use *u)
{
	return u->time > 0 ? 1 - (u->asleep + u->stopped) / u->time : 0;
}

static double saturated_measure(const struct judging *j, uint32_t row, const struct loop_use *u)
{
	/* Mostly waiting for a CPU is no work, and a loop that is new was busy with its start. */
	if (u->oncpu + u->blocked < u->time / 2 || u->time < j->w->seconds / 2 || loop_polls_only(j, row, u))
		return 0;
	return busy_share(u) / judge_threshold(j, LOOP_SATURATED_BUSY);
}

static void saturated_find(struct judging *j, const struct loop_worst *w, const struct loop_use *u)
{
	double busy = busy_share(u), each = (u->oncpu + u->runqueue + u->blocked) / fmax(u->iterations, 1);
	bool slow = each >= judge_threshold(j, LOOP_SATURATED_LONG);
	struct finding *f = loop_finding(j, w->row, slow ? FINDING_WARNING : FINDING_NOTICE);

	if (!f)
		return;
	finding_headline(j, f, busy, "the event loop of %s in %s is full: iterations take %.0f %% of its time",
			 loop_name(j, w->row), f->container, busy * 100);
	finding_evidence(j, f, "", u->oncpu / u->time, "ratio",
			 "%.0f %% of its time it ran, %.0f %% it waited for a CPU, %.0f %% it was blocked elsewhere",
			 u->oncpu / u->time * 100, u->runqueue / u->time * 100, u->blocked / u->time * 100);
	finding_evidence(j, f, "iterations_total", judge_rate(j, u->iterations), "rate",
			 each < 0.01 ? "%.0f iterations a second of %.2f ms each: what comes in one waits for the next"
				     : "%.1f iterations a second of %.0f ms each: what comes in one waits for the next",
			 judge_rate(j, u->iterations), each * 1e3);
	loop_others(j, f, w->row, w->bad);
	finding_ruled_out(j, f, "polling without work: its iterations do something");
	finding_advice(
		j, f,
		"it cannot do more with one thread: run more workers (worker processes, cluster, shards), or make "
		"each request cheaper: perf top -t %u",
		j->now->loops[w->row].tid);
}

static const char *saturated_words(struct judging *j, uint32_t row, const struct loop_use *u)
{
	return judge_text(j, "iterations take %.0f %% of the time of the event loop of %s", busy_share(u) * 100,
			  loop_name(j, row));
}

void judge_loop_saturated(struct judging *j)
{
	loops_judge(j, saturated_measure, saturated_find, saturated_words);
}

/* ---- loop_imbalance ---- */

/* A loop among its kind: workers of one parent and name, or threads of one process and name. */
struct worker {
	uint32_t row;
	uint32_t parent; /* pid: of the parent of worker processes, of the process of threads */
	uint32_t container;
	const char *name;
	size_t name_length; /* without the number at its end */
	double busy;
};

static size_t name_stem(const char *name)
{
	size_t length = strlen(name);

	while (length > 1 && strchr("0123456789-_:#/", name[length - 1]))
		length--;
	return length;
}

static int worker_order(const void *a, const void *b)
{
	const struct worker *x = a, *y = b;
	int names;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	names = (x->name_length > y->name_length) - (x->name_length < y->name_length);
	return names ?: memcmp(x->name, y->name, x->name_length);
}

/* False: it is not one of several that serve the same clients. A process's first thread has another task than the others. */
static bool worker_take(const struct judging *j, uint32_t row, struct worker *w)
{
	const struct loop_row *l = &j->now->loops[row];
	const struct process_row *p = &j->now->processes[l->process];
	bool processes = p->model && strcmp(p->model, "loop+workers") == 0, first = l->tid == p->pid;
	struct loop_use u = loop_use(j, row);

	if (!p->model || (!processes && strcmp(p->model, "loops") != 0) || processes != first || !u.known ||
	    j->now->containers[p->container].dead || u.time < j->w->seconds * 0.9)
		return false;
	*w = (struct worker){.row = row,
			     .parent = processes ? p->ppid : p->pid,
			     .container = p->container,
			     .name = processes ? p->comm : l->thread,
			     .busy = loop_polls_only(j, row, &u) ? 0 : (u.oncpu + u.blocked) / u.time};
	w->name_length = processes ? strlen(p->comm) : name_stem(l->thread);
	return true;
}

/* Clients that its listening ports have or had in the window; absent: none of its ports is known. */
static double clients_of(const struct judging *j, uint32_t container)
{
	double clients = VALUE_ABSENT;

	for (uint32_t i = 0; i < j->now->n_ports; i++) {
		const struct port_row *p = &j->now->ports[i];
		double here = p->v[PORT_ESTABLISHED], came = window_gained(j->w, WINDOW_PORTS, i, PORT_ACCEPTS);
		double most = fmax(here, came); /* the one that is known */

		if (p->container == container && strcmp(p->direction, "from") == 0 && !value_absent(most))
			clients = most + (value_absent(clients) ? 0 : clients);
	}
	return clients;
}

static void imbalance_find(struct judging *j, const struct worker *busiest, size_t n, double others)
{
	double clients = clients_of(j, busiest->container);
	const struct container_row *c = &j->now->containers[busiest->container];
	const char *name = judge_text(j, "%.*s", (int)busiest->name_length, busiest->name);
	struct finding *f;

	/* One client cannot be spread. */
	if (clients < 2) {
		judge_near(j, busiest->container, clients / 2, 1,
			   "one of %zu event loops of %s does the work, for %.0f client", n, name, clients);
		return;
	}
	f = loop_finding(j, busiest->row, clients >= (double)n ? FINDING_WARNING : FINDING_NOTICE);
	if (!f)
		return;
	finding_headline(
		j, f, busiest->busy - others,
		"one of %zu event loops of %s in %s does the work: it is busy for %.0f %% of the time, the others "
		"for %.0f %%",
		n, name, c->name, busiest->busy * 100, others * 100);
	finding_evidence(j, f, "", busiest->busy, "ratio", "the busiest is %s", loop_name(j, busiest->row));
	if (!value_absent(clients))
		finding_evidence(j, f, "established", clients, "count", "its ports had %.0f client connections",
				 clients);
	else
		f->confidence = FINDING_MEDIUM;
	finding_ruled_out(j, f, "too few workers: the others had time");
	finding_advice(
		j, f,
		"give each worker a listening socket of its own (SO_REUSEPORT; `listen ... reuseport` in nginx), or "
		"let them take turns (accept_mutex in nginx, SCHED_RR in Node.js cluster)");
	finding_advice(j, f,
		       "connections that live long stay where they are: have clients connect anew from time to time");
	if (value_absent(clients))
		finding_advice(j, f, "how many clients it has is not known: the work of a single one cannot be spread");
}

/* The workers of one kind. */
static void imbalance_judge(struct judging *j, const struct worker *w, size_t n)
{
	const struct worker *busiest = w;
	double sum = 0, others;

	for (size_t i = 0; i < n; i++) {
		sum += w[i].busy;
		busiest = w[i].busy > busiest->busy ? &w[i] : busiest;
	}
	if (n < 2)
		return;
	others = (sum - busiest->busy) / (double)(n - 1);
	if (busiest->busy >= judge_threshold(j, LOOP_IMBALANCE_BUSIEST) &&
	    others <= judge_threshold(j, LOOP_IMBALANCE_OTHERS))
		imbalance_find(j, busiest, n, others);
	else if (others <= judge_threshold(j, LOOP_IMBALANCE_OTHERS))
		judge_near(j, busiest->container, busiest->busy, judge_threshold(j, LOOP_IMBALANCE_BUSIEST),
			   "the busiest of %zu event loops of %.*s is busy for %.0f %% of the time, the others for "
			   "%.0f %%",
			   n, (int)busiest->name_length, busiest->name, busiest->busy * 100, others * 100);
}

void judge_loop_imbalance(struct judging *j)
{
	_cleanup_free_ struct worker *workers = calloc(j->now->n_loops + 1, sizeof(*workers));
	size_t n = 0;

	if (!workers) {
		j->failed = true;
		return;
	}
	loops_cannot(j);
	for (uint32_t i = 0; i < j->now->n_loops; i++)
		n += worker_take(j, i, &workers[n]);
	qsort(workers, n, sizeof(*workers), worker_order);
	for (size_t i = 0, begin = 0; i < n; i++) {
		if (i + 1 < n && worker_order(&workers[i], &workers[i + 1]) == 0)
			continue;
		imbalance_judge(j, &workers[begin], i + 1 - begin);
		begin = i + 1;
	}
}

/* ---- thundering_herd ---- */

static uint32_t loops_called(const struct judging *j, uint32_t container, const char *comm)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < j->now->n_loops; i++) {
		const struct process_row *p = &j->now->processes[j->now->loops[i].process];

		n += !j->now->loops[i].scheduler && p->container == container && strcmp(p->comm, comm) == 0;
	}
	return n;
}

static void herd_find(struct judging *j, const struct group_row *g, uint32_t workers, double empty, double all)
{
	double rate = judge_rate(j, empty);
	struct finding *f = judge_find(
		j, g->container, rate >= judge_threshold(j, THUNDERING_HERD_MANY) ? FINDING_WARNING : FINDING_NOTICE);

	if (!f)
		return;
	f->comm = g->comm;
	finding_headline(j, f, empty / all,
			 "the %u event loops of %s in %s are woken for nothing in %.0f %% of their wakeups", workers,
			 g->comm, f->container, empty / all * 100);
	finding_evidence(j, f, "", rate, "rate",
			 "%.0f of %.0f wakeups a second found no event, or a connection that another worker had taken",
			 rate, judge_rate(j, all));
	finding_ruled_out(j, f, "timeouts and polls: they are no part of these");
	finding_advice(
		j, f,
		"wake one worker for one connection: EPOLLEXCLUSIVE for the listening socket, or a socket for each "
		"worker (SO_REUSEPORT; `listen ... reuseport` in nginx)");
	finding_advice(j, f, "or run fewer workers: each one more is woken as well");
}

void judge_thundering_herd(struct judging *j)
{
	loops_cannot(j);
	for (uint32_t i = 0; i < j->now->n_groups; i++) {
		const struct group_row *g = &j->now->groups[i];
		double empty = window_gained(j->w, WINDOW_GROUPS, i, GROUP_LOOP_WAKEUPS_EMPTY);
		double all = empty + window_gained(j->w, WINDOW_GROUPS, i, GROUP_LOOP_WAKEUPS_EVENTS) +
			     window_gained(j->w, WINDOW_GROUPS, i, GROUP_LOOP_WAKEUPS_TIMEOUT);
		double measure = fmin(empty / all / judge_threshold(j, THUNDERING_HERD_EMPTY),
				      judge_rate(j, empty) / judge_threshold(j, THUNDERING_HERD_RATE));
		uint32_t workers;

		if (!(empty > 0) || value_absent(all) || measure < 0.1 || j->now->containers[g->container].dead)
			continue;
		workers = loops_called(j, g->container, g->comm);
		if (workers < 2)
			continue;
		if (measure >= 1)
			herd_find(j, g, workers, empty, all);
		else
			judge_near(j, g->container, measure, 1,
				   "the %u event loops of %s were woken for nothing %.0f times a second", workers,
				   g->comm, judge_rate(j, empty));
	}
}

/* ---- busy_poll ---- */

static void busy_poll_find(struct judging *j, const struct loop_worst *w, const struct loop_use *u)
{
	double rate = judge_rate(j, window_loop(j->w, w->row, LOOP_POLLS)), cores = u->oncpu / j->w->seconds;
	bool full = machine_cpu(j).full;
	struct finding *f = loop_finding(j, w->row, full ? FINDING_WARNING : FINDING_NOTICE);

	if (!f)
		return;
	finding_headline(j, f, fmin(1, cores),
			 "the event loop of %s in %s spins: it uses %.2f CPU to ask for events and finds none",
			 loop_name(j, w->row), f->container, cores);
	finding_evidence(j, f, "polls_total", rate, "rate",
			 "it asks epoll %.0f times a second with a timeout of 0; at least %.1f %% find nothing", rate,
			 floor(empty_share(j, w->row) * 1000) / 10);
	finding_evidence(j, f, "", u->oncpu / j->w->seconds / rate, "seconds",
			 "there are %.1f us of CPU time from one poll to the next: too little for work",
			 cores / rate * 1e6);
	loop_others(j, f, w->row, w->bad);
	finding_ruled_out(j, f, "a loop that is full of work: its polls bring next to nothing");
	finding_advice(
		j, f,
		"let it wait: a timeout above 0 for epoll_wait, and no callback that schedules itself anew each time "
		"(setImmediate)");
	finding_advice(
		j, f,
		"if it is meant, as for trading or packets: give it a CPU of its own (docker update --cpuset-cpus)");
}

static const char *busy_poll_words(struct judging *j, uint32_t row, const struct loop_use *u)
{
	(void)u;
	return judge_text(j, "the event loop of %s polled %.0f times a second", loop_name(j, row),
			  judge_rate(j, window_loop(j->w, row, LOOP_POLLS)));
}

void judge_busy_poll(struct judging *j)
{
	loops_judge(j, busy_poll_measure, busy_poll_find, busy_poll_words);
}
