/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.c - the trees of processes, and the verdict on each with its values. Called by model_update.c; the evidence on each
 * process is evidence.c's, who belongs to which tree is family.c's, the verdict verdict.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concurrency/tree.h"

/* A loop's utilization, or a worker's CPUs: below this, a balance of work means nothing. */
#define WORTH_COMPARING 0.02

/* ---- verdicts and values ---- */

static void worker_add(struct concurrency_tree *t, const struct member *m, const struct process_row *rows)
{
	double cpu = rows[m->process->row].v[PROCESS_CPU_CORES];

	if (family_is_helper(m)) {
		t->helpers++;
		return;
	}
	concurrency_add_worker(t, &m->concurrency, value_absent(cpu) ? 0 : cpu);
}

static void trees_make(struct concurrencies *all, const struct process_row *rows)
{
	all->trees.n = 0;
	for (size_t i = 0; i < all->in_trees.n; i++) {
		struct member *m = all->in_trees.at[i], *head = m->head;
		struct concurrency_tree *t;

		if (!head->concurrency.tree) {
			head->tree = (uint32_t)all->trees.n++;
			t = &all->trees.at[head->tree];
			*t = (struct concurrency_tree){.head = (uint32_t)head->process->key.tgid,
						       .headless = head->headless};
			head->concurrency.tree = t;
			concurrency_add_loops(t, &head->concurrency.evidence);
			if (head->headless)
				worker_add(t, head, rows);
		}
		t = &all->trees.at[head->tree];
		m->concurrency.tree = t;
		concurrency_add_loops(t, &m->concurrency.evidence);
		worker_add(t, m, rows);
	}
}

static void values_tree(const struct concurrency_tree *t, enum concurrency_verdict verdict, double *v)
{
	v[PROCESS_MODEL_WORKERS] = t->workers;
	if (verdict == CONCURRENCY_PREFORK && !t->listening)
		v[PROCESS_MODEL_WORKERS] = t->workers - t->unconnected;
	/* A worker without a socket of its own was made for its connection: it has no turn, and no share of the work. */
	if (verdict == CONCURRENCY_PREFORK && t->listening)
		v[PROCESS_MODEL_IDLE] = t->idle;
	if (t->cpu_busiest >= WORTH_COMPARING && t->workers > 1 && (t->listening || verdict != CONCURRENCY_PREFORK))
		v[PROCESS_MODEL_IMBALANCE] = t->cpu_busiest / (t->cpu / t->workers);
}

static void values_alone(const struct concurrency_evidence *e, enum concurrency_verdict verdict, double *v)
{
	switch (verdict) {
	case CONCURRENCY_THREADS:
		v[PROCESS_MODEL_WORKERS] = e->pool >= 2 ? e->pool : e->threads;
		if (e->pool >= 2)
			v[PROCESS_MODEL_IDLE] = e->pool_idle;
		break;
	case CONCURRENCY_LOOP_POOL:
		v[PROCESS_MODEL_WORKERS] = e->pool;
		if (e->pool)
			v[PROCESS_MODEL_IDLE] = e->pool_idle;
		break;
	case CONCURRENCY_LOOP:
		v[PROCESS_MODEL_WORKERS] = e->loops;
		break;
	case CONCURRENCY_LOOPS:
		v[PROCESS_MODEL_WORKERS] = e->loops;
		if (e->loops_measured > 1 && e->loop_busiest >= WORTH_COMPARING)
			v[PROCESS_MODEL_IMBALANCE] = e->loop_busiest / (e->loop_sum / e->loops_measured);
		break;
	default:
		v[PROCESS_MODEL_WORKERS] = e->threads;
	}
}

/* As in a row that has just been made. */
static void row_clear(struct process_row *row)
{
	row->model = NULL;
	row->concurrency = NULL;
	for (int i = PROCESS_MODEL_WORKERS; i <= PROCESS_MODEL_EMPTY; i++)
		row->v[i] = VALUE_ABSENT;
	_Static_assert(PROCESS_MODEL_EMPTY - PROCESS_MODEL_WORKERS == 4, "nothing else is between them");
}

static void member_conclude(struct member *m, struct process_row *row)
{
	struct concurrency *c = &m->concurrency;
	double *v = row->v, wakeups = c->evidence.wakeups, empty = c->evidence.empty,
	       busiest = c->evidence.loop_busiest;
	uint32_t measured = c->evidence.loops_measured;

	row_clear(row);
	if (c->tree) {
		c->head = c->tree->headless ? NULL : &m->head->concurrency.evidence;
		c->listeners_known = m->head->concurrency.listeners_known;
	}
	concurrency_conclude(c);
	/* Not the parent: all wait for it to take in their connections. */
	m->process->serves_one = c->in_tree && c->verdict == CONCURRENCY_PREFORK && (m->head != m || m->head->headless);
	if (c->verdict == CONCURRENCY_UNKNOWN)
		return;
	row->model = concurrency_name(c->verdict);
	row->concurrency = c;
	if (c->in_tree && c->tree->several * 2 <= c->tree->workers) {
		values_tree(c->tree, c->verdict, v);
		wakeups = c->tree->wakeups;
		empty = c->tree->empty;
		busiest = c->tree->loop_busiest;
		measured = c->tree->loops_measured;
	} else {
		values_alone(&c->evidence, c->alone, v);
	}
	/* Where threads or processes take turns, the utilization of one means nothing. */
	if (measured && c->verdict != CONCURRENCY_MN && c->verdict != CONCURRENCY_PREFORK)
		v[PROCESS_MODEL_BUSIEST_LOOP] = busiest;
	if (wakeups > 0)
		v[PROCESS_MODEL_EMPTY] = empty / wakeups;
}

/* What the row shows is of its evidence, and of its tree. */
static void members_conclude(const struct concurrencies *all, const struct processes *processes)
{
	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];
		const struct process *p = m->process;

		if (p->standing.flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE))
			continue;
		if (!all->families_stay || m->due || m->concurrency.tree || p->row_new)
			member_conclude(m, &processes->rows.at[p->row]);
	}
}

int concurrency_update(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		       const struct sample *s)
{
	bool goes_on = all->update && all->update + 1 == now->number;
	int r = family_listeners_keep(all, s);

	all->families_stay = goes_on && all->standings == processes->standings && all->families_ns == all->listeners_ns;
	if (r >= 0)
		r = evidence_gather(all, processes, now, s);
	all->update = 0;
	if (r < 0 || !now->waits_known)
		return r;
	/* At most half of all processes are heads with workers. */
	if (list_reserve(&all->sockets, all->listeners.n) < 0 || list_reserve(&all->in_trees, all->by_pid.n) < 0 ||
	    list_reserve(&all->trees, all->by_pid.n / 2 + 1) < 0)
		return -ENOMEM;
	if (all->families_stay)
		families_stay(all);
	else
		families_find(all);
	trees_make(all, processes->rows.at);
	members_conclude(all, processes);
	all->update = now->number;
	all->standings = processes->standings;
	all->families_ns = all->listeners_ns;
	return 0;
}

void concurrencies_rest(struct concurrencies *all)
{
	list_free(&all->members);
	list_free(&all->by_pid);
	list_free(&all->notes);
	list_free(&all->sockets);
	list_free(&all->trees);
	list_free(&all->in_trees);
	all->update = 0;
}

void concurrencies_free(struct concurrencies *all)
{
	concurrencies_rest(all);
	list_free(&all->listeners);
}
