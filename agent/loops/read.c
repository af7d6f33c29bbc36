/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read.c - takes a sample's event loops: which threads use epoll, which live in it, and what the groups of their homes get.
 * Which of them take turns is turns.c's. Rows are made from it in rows.c; see loops.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "loops/loops.h"
#include "homes/arithmetic.h"

static void loop_begin(struct loop *l)
{
	UT_hash_handle hh = l->hh;

	free(l->runner);
	free(l->runner_cgroup);
	*l = (struct loop){.key = l->key, .hh = hh};
	for (int i = 0; i < LOOP_METRICS; i++)
		l->before[i] = l->held[i] = VALUE_ABSENT;
}

void loop_free(struct loop *l)
{
	free(l->runner);
	free(l->runner_cgroup);
	free(l);
}

static struct loop *loop_get(struct loops *loops, const struct ss_thread_record *r)
{
	struct loop *l, key;

	memset(&key, 0, sizeof(key));
	key.key.tid = r->tid;
	key.key.start_ns = r->start_ns;
	HASH_FIND(hh, loops->all, &key.key, sizeof(key.key), l);
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->key = key.key;
	loop_begin(l);
	HASH_ADD(hh, loops->all, key, sizeof(l->key), l);
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

	for (size_t i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
		a[i] += b[i];
	to->longest_ns = longest;
}

static void loop_subtract(struct ss_loop *from, const struct ss_loop *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = SS_LOOP_FIRST_SUM; i < SS_LOOP_FIELDS; i++)
		a[i] = sub_sat(a[i], b[i]);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/* How much of an iteration under way the thread was stopped, at most `limit`: no part of the iteration. */
static uint64_t stop_take(struct ss_loop *l, const struct ss_loop_begin *begin, const struct ss_waits *w,
			  uint64_t limit)
{
	uint64_t stopped = sub_sat(w->blocked_ns[SS_WAIT_STOPPED], begin->blocked_ns[SS_WAIT_STOPPED]);

	stopped = stopped < limit ? stopped : limit;
	l->blocked_ns[SS_WAIT_STOPPED] += stopped;
	return stopped;
}

/*
 * Adds what is in progress, as if it ended when it was read. Its split is what the scheduler's totals (`w`, NULL: not known)
 * have grown by since it began. They are a little older than the reading, so the rest, time on a CPU, may come out longer by
 * that much. Returns how long an iteration has been in progress.
 */
static uint64_t open_close(struct ss_loop *l, const struct sample_loop *sl, const struct ss_waits *w)
{
	uint64_t since = sub_sat(sl->read_ns, ss_loop_mark_began(l->mark)), left, waited = 0;

	if (w)
		waited = at_most(sub_sat(waits_total(w), sl->begin.runqueue_ns), since);
	switch (ss_loop_mark_phase(l->mark)) {
	case SS_LOOP_WAITING:
		l->wait_ns += since;
		l->wait_runqueue_ns += waited;
		break;
	case SS_LOOP_POLLING:
		l->poll_ns += since;
		l->poll_runqueue_ns += waited;
		break;
	case SS_LOOP_ITERATING:
		if (w)
			since -= stop_take(l, &sl->begin, w, since - waited);
		l->iteration_ns += since;
		l->runqueue_ns += waited;
		if (w)
			l->throttled_ns += at_most(sub_sat(w->throttled_ns, sl->begin.throttled_ns), waited);
		left = since - waited;
		/* No iteration sleeps in epoll: a growth of that class was read while the iteration began. */
		for (int i = SS_WAIT_EPOLL + 1; w && i < SS_WAIT_STOPPED; i++) {
			uint64_t part = at_most(sub_sat(w->blocked_ns[i], sl->begin.blocked_ns[i]), left);

			l->blocked_ns[i] += part;
			left -= part;
		}
		if (since > l->longest_ns)
			l->longest_ns = since;
		return since;
	}
	return 0;
}

/*
 * Whether epoll is its main business: most of its sleep is there. A loop that never sleeps has only its waits, and without
 * the scheduler's hooks they are all that is known.
 */
static bool is_loop(const struct ss_loop *l, const struct ss_waits *w)
{
	uint64_t asleep = 0, epoll;

	if (!w)
		return l->waits > 1;
	for (int i = 0; i < SS_WAIT_STOPPED; i++)
		asleep += w->blocked_ns[i];
	epoll = l->wait_ns > w->blocked_ns[SS_WAIT_EPOLL] ? l->wait_ns : w->blocked_ns[SS_WAIT_EPOLL];
	if (asleep < l->iteration_ns / 20)
		return l->waits > 1;
	return epoll * 2 > asleep;
}

/* What the thread waited, with what is in progress. NULL: not known. */
static const struct ss_waits *waits_of(const struct sample *s, size_t thread, struct ss_waits *open)
{
	const struct told_thread *told = s->threads[thread].told;

	if (!told->waits)
		return NULL;
	*open = *told->waits;
	waits_add_open(open, told->record);
	return open;
}

/* NULL: no memory. */
static struct group_loops *group_loops_get(struct group *g)
{
	if (!g->loops)
		g->loops = calloc(1, sizeof(*g->loops));
	return g->loops;
}

/* It has moved, or has taken another name: what it did before stays where it was. */
static void loop_move(struct loop *l, struct group *to)
{
	if (!l->counts)
		return;
	loop_add(&l->group->loops->carried, &l->now);
	loop_add(&to->loops->elsewhere, &l->now);
}

static int loop_take(struct loops *loops, struct settled_thread *t, const struct moment *now, const struct sample *s,
		     const struct sample_loop *sl)
{
	const struct ss_thread_record *r = s->threads[sl->thread].told->record;
	struct group *group = group_shown(t->group);
	struct ss_loop totals = sl->loop;
	const struct ss_waits *w;
	struct ss_waits with_open;
	uint64_t open_ns;
	struct loop *l;

	if (!ss_loop_mark_phase(totals.mark))
		return 0;
	w = waits_of(s, sl->thread, &with_open);
	open_ns = open_close(&totals, sl, w);
	l = loop_get(loops, r);
	if (!l || !group_loops_get(group))
		return -ENOMEM;
	if (l->guessed)
		loop_begin(l);
	/* Another program in the same thread: what the program before did has ended. */
	if (l->seen && totals.since_ns != l->now.since_ns) {
		/* Its first client begins a loop, too. */
		if (l->counts || !totals.serves)
			t->process->turns = false;
		loop_begin(l);
	}
	if (l->group && l->seen + 1 == now->number && l->group != group)
		loop_move(l, group);
	/* Its first client: what it did until the sample before was for nobody. */
	if (l->seen && !l->counts && totals.serves)
		loop_add(&group->loops->elsewhere, &l->now);
	l->counts = totals.serves;
	process_loops_of(t->process)->outside |= (totals.serves & SS_SERVES_OUTSIDE) != 0;
	l->group = group;
	l->seen = now->number;
	l->process = t->process;
	memcpy(l->comm, r->comm, SS_COMM_LEN);
	l->is_loop = t->is_loop = is_loop(&totals, w);
	l->now = totals;
	l->open_ns = open_ns;
	l->instance = totals.instance;
	l->read_ns = sl->read_ns;
	return 0;
}

/* Without hooks of its own: a thread that sleeps in epoll more than in everything else. */
static int loop_guess(struct loops *loops, const struct settled_thread *t, const struct moment *now,
		      const struct ss_thread_record *r)
{
	struct loop *l;

	if (!t->sleep.known || t->sleep.epoll_ns * 2 <= t->sleep.asleep_ns)
		return 0;
	l = loop_get(loops, r);
	if (!l)
		return -ENOMEM;
	if (!l->guessed)
		loop_begin(l);
	l->seen = now->number;
	l->process = t->process;
	memcpy(l->comm, r->comm, SS_COMM_LEN);
	l->now = (struct ss_loop){.wait_ns = t->sleep.epoll_ns};
	l->read_ns = now->boot_ns;
	l->guessed = l->is_loop = l->counts = true;
	return 0;
}

/* Loops of ended threads. `final`: from a table that was emptied, so these lines do not come again. */
static int gone_take(struct homes *homes, const struct sample_gone_loop *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		struct group *g = group_of_cgroup(homes, list[i].key.cgroup_id, list[i].key.comm, NULL);

		g = g ? group_shown(g) : NULL;
		if (!g || !group_loops_get(g))
			return -ENOMEM;
		loop_add(&g->loops->now, &list[i].value);
		if (final)
			loop_add(&g->loops->carried, &list[i].value);
	}
	return 0;
}

/* The loops of this sample in order, and which of them are threads that take turns. */
static int loops_sort(struct loops *loops, const struct moment *now)
{
	struct loop *l, *next;

	if (list_reserve(&loops->sorted, HASH_COUNT(loops->all)) < 0)
		return -ENOMEM;
	HASH_ITER (hh, loops->all, l, next) {
		if (l->seen == now->number) {
			loops->sorted.at[loops->sorted.n++] = l;
			continue;
		}
		/* Its last stalls may come one update after it. */
		if (l->seen + 1 == now->number)
			continue;
		HASH_DEL(loops->all, l);
		loop_free(l);
	}
	loop_turns_find(loops);
	return 0;
}

static void groups_take(struct loops *loops, struct homes *homes)
{
	for (size_t i = 0; i < loops->sorted.n; i++) {
		const struct loop *l = loops->sorted.at[i];

		/* Nobody waits behind it: what it does is no measure of a loop. */
		if (!l->group || !loop_counts(l))
			continue;
		l->group->loops->turns |= l->process->turns;
		loop_add(&l->group->loops->now, &l->now);
		l->group->loops->open_ns += l->open_ns;
	}
	for (struct group *g = homes->groups; g; g = g->hh.next)
		if (g->loops && (g->loops->elsewhere.waits || g->loops->elsewhere.wait_ns))
			loop_subtract(&g->loops->now, &g->loops->elsewhere);
}

static void groups_begin(struct homes *homes)
{
	for (struct group *g = homes->groups; g; g = g->hh.next) {
		if (!g->loops)
			continue;
		g->loops->now = g->loops->carried;
		g->loops->open_ns = 0;
	}
}

/*
 * The last sample before loops are let go: what they have done stays in the sums, also of the iterations under way, which end here
 * as far as time goes, but count neither as iterations nor as stalls. Those that are seen again later are others.
 */
static void loops_rest(const struct loops *loops)
{
	for (size_t i = 0; i < loops->sorted.n; i++) {
		const struct loop *l = loops->sorted.at[i];

		if (!l->group || !loop_counts(l))
			continue;
		loop_add(&l->group->loops->carried, &l->now);
		l->group->loops->unfinished_ns += l->open_ns;
		l->group->loops->open_ns -= l->open_ns;
	}
}

int loops_take(struct loops *loops, struct processes *processes, struct homes *homes, const struct moment *now,
	       const struct sample *s)
{
	int r;

	loops->sorted.n = loops->stalls.notes.n = 0;
	groups_begin(homes);
	if (!now->loops_known)
		return 0;
	r = gone_take(homes, s->gone_loops_final, s->n_gone_loops_final, true);
	if (r >= 0)
		r = gone_take(homes, s->gone_loops_open, s->n_gone_loops_open, false);
	for (size_t i = 0; i < s->n_loops && r >= 0; i++)
		r = loop_take(loops, &processes->threads.at[s->loops[i].thread], now, s, &s->loops[i]);
	for (size_t i = 0; i < s->n_threads && r >= 0 && s->loops_by_sleep; i++)
		r = loop_guess(loops, &processes->threads.at[i], now, s->threads[i].told->record);
	if (r >= 0)
		r = loops_sort(loops, now);
	if (r < 0)
		return r;
	groups_take(loops, homes);
	if (s->loops_last)
		loops_rest(loops);
	return stalls_take(loops, homes, now, s);
}
