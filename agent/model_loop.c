/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_loop.c - event loops: which threads are one, how busy they were, and what their homes' groups get of it. Part of the
 * model (model_internal.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_internal.h"

static const char *const cause_names[SS_STALL_CAUSES] = {"oncpu", "runqueue", "throttled", "blocked"};

static struct loop *loop_get(struct model *m, const struct ss_thread_record *r)
{
	struct loop *l, key;

	memset(&key, 0, sizeof(key));
	key.key.tid = r->tid;
	key.key.start_ns = r->start_ns;
	HASH_FIND(hh, m->loops, &key.key, sizeof(key.key), l);
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->key = key.key;
	for (int i = 0; i < LOOP_METRICS; i++)
		l->before[i] = l->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, m->loops, key, sizeof(l->key), l);
	if (!l->hh.tbl) {
		free(l);
		return NULL;
	}
	return l;
}

static void loop_add(struct ss_loop *to, const struct ss_loop *what)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)what;
	uint64_t longest = to->longest_ns > what->longest_ns ? to->longest_ns : what->longest_ns;

	/* The mark, the instance and what it is like are no numbers to add up. */
	for (size_t i = 3; i < SS_LOOP_FIELDS; i++)
		a[i] += b[i];
	to->longest_ns = longest;
}

/* What is under way, as if it ended now. `running`: the thread has or wants a CPU. */
static void open_close(struct ss_loop *l, uint64_t now, bool running)
{
	uint64_t since = sub_sat(now, l->mark >> SS_LOOP_SHIFT);

	switch (l->mark & SS_LOOP_PHASE) {
	case SS_LOOP_WAITING:
		l->wait_ns += since;
		break;
	case SS_LOOP_ITERATING:
		/* Its split is not known before it ends, but where the thread is now. */
		l->iteration_ns += since;
		if (!running)
			l->blocked_ns[SS_WAIT_OTHER] += since;
		if (since > l->longest_ns)
			l->longest_ns = since;
		break;
	}
}

/*
 * Whether epoll is its main business: most of what it sleeps is there; a loop that never sleeps has only its waits. Without
 * the scheduler's hooks a wait of its own is all that there is to go by.
 */
static bool is_loop(const struct ss_loop *l, const struct ss_waits *w)
{
	uint64_t asleep = 0, epoll;

	if (!w)
		return l->waits > 1;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		asleep += w->blocked_ns[i];
	epoll = l->wait_ns > w->blocked_ns[SS_WAIT_EPOLL] ? l->wait_ns : w->blocked_ns[SS_WAIT_EPOLL];
	if (asleep < l->iteration_ns / 20)
		return l->waits > 1;
	return epoll * 2 > asleep;
}

static const struct ss_waits *waits_of(const struct sample *s, uint32_t thread, size_t *at, struct ss_waits *open)
{
	const struct ss_thread_record *r = &s->threads[thread];

	while (*at < s->n_waits && s->waits[*at].thread < thread)
		(*at)++;
	for (size_t i = *at; i < s->n_waits && s->waits[i].thread == thread; i++) {
		if (s->waits[i].block != SS_BLOCK_WAITS)
			continue;
		*open = s->waits[i].waits;
		waits_add_open(open, r);
		return open;
	}
	return NULL;
}

static int loop_take(struct model *m, const struct sample *s, const struct sample_loop *sl, size_t *waits_at)
{
	const struct ss_thread_record *r = &s->threads[sl->thread];
	struct process *p = m->by_thread[sl->thread] ?: process_find(m, r);
	struct ss_loop now = sl->loop;
	const struct ss_waits *w;
	struct ss_waits open;
	struct loop *l;

	if (!p || p->seen != m->sequence || !(now.mark & SS_LOOP_PHASE))
		return 0;
	w = waits_of(s, sl->thread, waits_at, &open);
	open_close(&now, sl->read_ns, r->state == 'R');
	l = loop_get(m, r);
	if (!l)
		return -ENOMEM;
	l->group = group_get(m, home_of_cgroup(m, r->cgroup_id, NULL), p->comm);
	if (!l->group)
		return -ENOMEM;
	l->seen = m->sequence;
	l->process = p;
	l->is_loop = is_loop(&now, w);
	l->now = now;
	l->instance = now.instance;
	l->read_ns = sl->read_ns;
	return 0;
}

/* Without hooks of its own: a thread that sleeps in epoll more than in all else. */
static int loop_guess(struct model *m, const struct sample *s, uint32_t thread, const struct ss_waits *w)
{
	const struct ss_thread_record *r = &s->threads[thread];
	struct process *p = m->by_thread[thread] ?: process_find(m, r);
	uint64_t asleep = 0;
	struct loop *l;

	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		asleep += w->blocked_ns[i];
	if (!p || p->seen != m->sequence || w->blocked_ns[SS_WAIT_EPOLL] * 2 <= asleep)
		return 0;
	l = loop_get(m, r);
	if (!l)
		return -ENOMEM;
	l->seen = m->sequence;
	l->process = p;
	l->now = (struct ss_loop){.wait_ns = w->blocked_ns[SS_WAIT_EPOLL]};
	l->read_ns = s->boot_ns;
	l->guessed = l->is_loop = true;
	return 0;
}

static int gone_take(struct model *m, const struct sample_gone_loop *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		char comm[SS_COMM_LEN + 1] = "";
		struct group *g;

		memcpy(comm, list[i].key.comm, SS_COMM_LEN);
		g = group_get(m, home_of_cgroup(m, list[i].key.cgroup_id, NULL), comm);
		if (!g)
			return -ENOMEM;
		loop_add(&g->loops_now, &list[i].value);
		g->has_loops = true;
		if (final)
			loop_add(&g->loops_carried, &list[i].value);
	}
	return 0;
}

static void stall_take(struct model *m, const struct ss_fact *f)
{
	struct loop_key k = {.tid = f->stall.tid, .start_ns = f->stall.start_ns};
	uint64_t blocked = 0;
	struct loop *l;
	struct home *h;

	HASH_FIND(hh, m->loops, &k, sizeof(k), l);
	if (!l || l->seen != m->sequence || !l->is_loop || l->process->turns)
		return;
	l->stall = (struct stall){
		.time = (double)m->wall_ns / 1e9 - (double)sub_sat(m->boot_ns, f->time_ns) / 1e9,
		.seconds = (double)f->stall.wall_ns / 1e9,
		.runqueue = (double)f->stall.runqueue_ns / 1e9,
		.throttled = (double)f->stall.throttled_ns / 1e9,
		.cause = cause_names[f->stall.cause < SS_STALL_CAUSES ? f->stall.cause : 0],
	};
	for (int i = 0; i < SS_WAIT_CLASSES; i++) {
		l->stall.blocked[i] = (double)f->stall.blocked_ns[i] / 1e9;
		blocked += f->stall.blocked_ns[i];
	}
	l->stall.oncpu = (double)sub_sat(f->stall.wall_ns, f->stall.runqueue_ns + blocked) / 1e9;
	_Static_assert(WAIT_CLASSES == (int)SS_WAIT_CLASSES, "every class has a name");
	/* A cgroup that nobody knows is blamed on the host elsewhere; here it is not known. */
	h = cgroup_is_known(m, f->stall.runner) ? home_of_cgroup(m, f->stall.runner, NULL) : NULL;
	snprintf(l->runner, sizeof(l->runner), "%s", h ? h->name : "");
}

static int by_instance(const void *a, const void *b)
{
	const struct loop *x = *(struct loop *const *)a, *y = *(struct loop *const *)b;

	if (x->process != y->process)
		return x->process->key.tgid < y->process->key.tgid ? -1 : 1;
	if (x->instance != y->instance)
		return x->instance < y->instance ? -1 : 1;
	return (x->key.tid > y->key.tid) - (x->key.tid < y->key.tid);
}

static size_t instance_end(const struct model *m, size_t from)
{
	struct loop *const *list = m->loop_list;
	size_t to = from + 1;

	while (to < m->n_loop_list && list[to]->process == list[from]->process && list[from]->instance &&
	       list[to]->instance == list[from]->instance)
		to++;
	return to;
}

/*
 * Threads take turns in an epoll instance if several were in it and for one of them at least it is not the main business,
 * or if its descriptors are edge-triggered, so that one thread is told of an event. A pool of threads that all sleep in one
 * instance is a loop each.
 */
static void turns_find(struct model *m, size_t from, size_t to)
{
	bool some_not = false, edge = false;

	for (size_t i = from; i < to; i++) {
		some_not |= !m->loop_list[i]->is_loop;
		edge |= m->loop_list[i]->now.edge;
	}
	if (to - from > 1 && (some_not || edge))
		m->loop_list[from]->process->turns = true;
}

/* The loops of this sample in order, and which of them are threads that take turns. */
static int loops_sort(struct model *m)
{
	int r = array_reserve(&m->loop_list, &m->cap_loop_list, HASH_COUNT(m->loops), sizeof(*m->loop_list));
	struct loop *l, *next;

	m->n_loop_list = 0;
	if (r < 0)
		return r;
	HASH_ITER (hh, m->loops, l, next) {
		if (l->seen == m->sequence) {
			m->loop_list[m->n_loop_list++] = l;
			continue;
		}
		HASH_DEL(m->loops, l);
		free(l);
	}
	if (m->n_loop_list)
		qsort(m->loop_list, m->n_loop_list, sizeof(*m->loop_list), by_instance);
	for (size_t from = 0, to; from < m->n_loop_list; from = to) {
		to = instance_end(m, from);
		turns_find(m, from, to);
	}
	return 0;
}

static void groups_take(struct model *m)
{
	for (size_t i = 0; i < m->n_loop_list; i++) {
		struct loop *l = m->loop_list[i];

		if (!l->group)
			continue;
		l->group->turns |= l->process->turns;
		loop_add(&l->group->loops_now, &l->now);
		l->group->has_loops = true;
	}
}

int loops_read(struct model *m, const struct sample *s)
{
	size_t waits_at = 0;
	int r;

	m->loops_known = collector_ok(s, "epoll");
	m->n_loop_list = 0;
	for (struct group *g = m->groups; g; g = g->hh.next) {
		g->loops_now = g->loops_carried;
		g->has_loops = g->loops_carried.waits != 0;
	}
	if (!m->loops_known)
		return 0;
	r = gone_take(m, s->gone_loops_final, s->n_gone_loops_final, true);
	if (r >= 0)
		r = gone_take(m, s->gone_loops_open, s->n_gone_loops_open, false);
	for (size_t i = 0; i < s->n_loops && r >= 0; i++)
		r = loop_take(m, s, &s->loops[i], &waits_at);
	for (size_t i = 0; i < s->n_waits && r >= 0 && s->loops_by_sleep; i++) {
		struct ss_waits open = s->waits[i].waits;

		if (s->waits[i].block != SS_BLOCK_WAITS)
			continue;
		waits_add_open(&open, &s->threads[s->waits[i].thread]);
		r = loop_guess(m, s, s->waits[i].thread, &open);
	}
	if (r >= 0)
		r = loops_sort(m);
	if (r < 0)
		return r;
	groups_take(m);
	for (size_t i = 0; i < s->n_stalls; i++)
		stall_take(m, &s->stalls[i]);
	return 0;
}

/* ---- rows ---- */

static uint64_t blocked_sum(const struct ss_loop *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		sum += l->blocked_ns[i];
	return sum;
}

static uint64_t stalls_sum(const struct ss_loop *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < SS_STALL_CAUSES; i++)
		sum += l->stalls[i];
	return sum;
}

static double p99(const struct ss_loop *now, const uint64_t *before)
{
	uint64_t counts[SS_LOOP_SLOTS], total = 0, below = 0;

	for (int i = 0; i < SS_LOOP_SLOTS; i++) {
		counts[i] = sub_sat(now->slots[i], before[i]);
		total += counts[i];
	}
	for (int i = 0; i < SS_LOOP_SLOTS && total; i++) {
		below += counts[i];
		if (below * 100 >= total * 99)
			return (double)(2000ULL << i);
	}
	return VALUE_ABSENT;
}

static void loop_counters(const struct ss_loop *l, double *v)
{
	v[LOOP_STALLS] = (double)stalls_sum(l);
	v[LOOP_ITERATIONS] = (double)l->iterations;
	v[LOOP_EVENTS] = (double)l->events;
	v[LOOP_WAITS] = (double)l->waits;
	v[LOOP_POLLS] = (double)l->polls;
	v[LOOP_TIMEOUTS] = (double)l->timeouts;
	v[LOOP_INTERRUPTED] = (double)l->interrupted;
	v[LOOP_EMPTY_WAKEUPS] = (double)(l->empty_wakeups + l->taken);
	v[LOOP_ADDS] = (double)l->adds;
	v[LOOP_MODIFIES] = (double)l->modifies;
	v[LOOP_DELETES] = (double)l->deletes;
	v[LOOP_LONGEST] = (double)l->longest_ns;
	v[LOOP_RUNQUEUE] = (double)(l->runqueue_ns + l->wait_runqueue_ns);
	v[LOOP_THROTTLED] = (double)l->throttled_ns;
	v[LOOP_BLOCKED] = (double)blocked_sum(l);
	v[LOOP_ONCPU] = (double)sub_sat(l->iteration_ns, l->runqueue_ns + blocked_sum(l));
}

static double grown(const struct loop *l, const double *v, int metric)
{
	return v[metric] - l->before[metric];
}

static void loop_rates(struct loop *l, double *v)
{
	double interval = (double)sub_sat(l->read_ns, l->before_ns), wakeups, productive, wait;

	l->wakeups = VALUE_ABSENT;
	if (!l->before_ns || interval <= 0)
		return;
	wait = (double)sub_sat(l->now.wait_ns, l->wait_before_ns);
	v[LOOP_UTILIZATION] = wait >= interval ? 0 : 1 - wait / interval;
	if (l->guessed)
		return;
	productive = (double)sub_sat(l->now.productive, l->productive_before);
	wakeups = productive - (double)sub_sat(l->now.taken, l->taken_before) + grown(l, v, LOOP_TIMEOUTS) +
		  grown(l, v, LOOP_EMPTY_WAKEUPS);
	v[LOOP_ITERATION_RATE] = grown(l, v, LOOP_ITERATIONS) / interval * 1e9;
	if (productive > 0)
		v[LOOP_EVENTS_PER_WAIT] = grown(l, v, LOOP_EVENTS) / productive;
	l->wakeups = wakeups;
	l->empty = grown(l, v, LOOP_EMPTY_WAKEUPS);
	if (wakeups > 0)
		v[LOOP_EMPTY] = grown(l, v, LOOP_EMPTY_WAKEUPS) / wakeups;
	v[LOOP_ITERATION_P99] = p99(&l->now, l->slots_before);
}

static void loop_row(struct loop *l, struct loop_row *row)
{
	double *v = row->v;

	*row = (struct loop_row){
		.process = l->process->row, .tid = (uint32_t)l->key.tid, .threads = 1, .last_stall = l->stall};
	row->last_stall.runner = l->runner;
	for (int i = 0; i < LOOP_METRICS; i++)
		v[i] = VALUE_ABSENT;
	if (!l->guessed)
		loop_counters(&l->now, v);
	v[LOOP_ASLEEP] = (double)sub_sat(l->now.wait_ns, l->now.wait_runqueue_ns);
	counters_hold(SCOPE_LOOP, v, l->held);
	loop_rates(l, v);
	memcpy(l->before, v, sizeof(l->before));
	memcpy(l->slots_before, l->now.slots, sizeof(l->slots_before));
	l->before_ns = l->read_ns;
	l->wait_before_ns = l->now.wait_ns;
	l->productive_before = l->now.productive;
	l->taken_before = l->now.taken;
}

/* What of a thread that takes turns says something of the whole: how often it was in epoll, and what it found there. */
static const unsigned char turns_metrics[] = {
	LOOP_WAITS,	    LOOP_EVENTS, LOOP_POLLS,	LOOP_TIMEOUTS, LOOP_INTERRUPTED,
	LOOP_EMPTY_WAKEUPS, LOOP_ADDS,	 LOOP_MODIFIES, LOOP_DELETES,
};

/* One row for all threads of a process that take turns: the sum of what says something. */
static void scheduler_row(struct loop_row *into, const struct loop_row *one)
{
	double v[LOOP_METRICS];

	for (int i = 0; i < LOOP_METRICS; i++)
		v[i] = VALUE_ABSENT;
	for (size_t i = 0; i < ARRAY_SIZE(turns_metrics); i++) {
		int metric = turns_metrics[i];

		v[metric] = one->v[metric];
		if (into->scheduler && !value_absent(into->v[metric]) && !value_absent(v[metric]))
			v[metric] += into->v[metric];
	}
	if (!into->scheduler)
		*into = (struct loop_row){.process = one->process, .tid = one->tid, .scheduler = true};
	into->threads++;
	memcpy(into->v, v, sizeof(v));
}

int loops_finish(struct model *m)
{
	const struct process *scheduler = NULL; /* whose row is the last one */
	size_t n = 0;
	int r = array_reserve(&m->loop_rows, &m->cap_loops, m->n_loop_list, sizeof(*m->loop_rows));

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n_loop_list; i++) {
		struct loop *l = m->loop_list[i];
		struct loop_row row;

		loop_row(l, &row);
		if (l->process->turns) {
			if (l->process != scheduler)
				m->loop_rows[n++] = (struct loop_row){.scheduler = false};
			scheduler_row(&m->loop_rows[n - 1], &row);
			scheduler = l->process;
		} else if (l->is_loop) {
			m->loop_rows[n++] = row;
		}
	}
	m->snapshot.loops = m->loop_rows;
	m->snapshot.n_loops = n;
	return 0;
}

/* Upper bounds of the buckets as powers of two of microseconds; the last has none. */
static const unsigned char bucket_bits[] = {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 23};
_Static_assert(ARRAY_SIZE(bucket_bits) == GROUP_LOOP_INF - GROUP_LOOP_64US, "one bound per bucket");

void group_loop_values(const struct group *g, double *v)
{
	const struct ss_loop *l = &g->loops_now;
	uint64_t blocked = blocked_sum(l), sum = 0;
	size_t bucket = 0;

	if (!g->has_loops)
		return;
	v[GROUP_LOOP_EVENTS] = (double)l->events;
	v[GROUP_LOOP_WAKEUPS_EVENTS] = (double)sub_sat(l->productive, l->taken);
	v[GROUP_LOOP_WAKEUPS_TIMEOUT] = (double)l->timeouts;
	v[GROUP_LOOP_WAKEUPS_EMPTY] = (double)(l->empty_wakeups + l->taken);
	v[GROUP_LOOP_WAKEUPS_POLL] = (double)sub_sat(l->waits, l->productive + l->timeouts + l->interrupted);
	v[GROUP_LOOP_WAKEUPS_INTERRUPTED] = (double)l->interrupted;
	if (g->turns)
		return;
	v[GROUP_LOOP_ASLEEP] = (double)sub_sat(l->wait_ns, l->wait_runqueue_ns);
	v[GROUP_LOOP_ONCPU] = (double)sub_sat(l->iteration_ns, l->runqueue_ns + blocked);
	v[GROUP_LOOP_RUNQUEUE] = (double)(l->runqueue_ns + l->wait_runqueue_ns);
	v[GROUP_LOOP_BLOCKED] = (double)blocked;
	for (unsigned int slot = 0; slot < SS_LOOP_SLOTS; slot++) {
		sum += l->slots[slot];
		if (bucket < ARRAY_SIZE(bucket_bits) && slot + 1 == bucket_bits[bucket])
			v[GROUP_LOOP_64US + bucket++] = (double)sum;
	}
	v[GROUP_LOOP_INF] = v[GROUP_LOOP_COUNT] = (double)sum;
	v[GROUP_LOOP_SUM] = (double)l->iteration_ns;
	v[GROUP_LOOP_ITERATIONS] = (double)l->iterations;
	for (int i = 0; i < SS_STALL_CAUSES; i++)
		v[GROUP_LOOP_STALLS_ONCPU + i] = (double)l->stalls[i];
}

void loops_free(struct model *m)
{
	struct loop *l, *next;

	HASH_ITER (hh, m->loops, l, next) {
		HASH_DEL(m->loops, l);
		free(l);
	}
	free(m->loop_list);
}
