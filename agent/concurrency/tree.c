/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency/tree.c - which processes belong together, who of them listens, and what their concurrency model and its numbers
 * come to. Part of the model (model_internal.h); the evidence on each process is concurrency/evidence.c's, the verdict
 * concurrency/verdict.c's.
 *
 * A tree is a process, those of its children that have its name, and theirs; or children of one parent that share a
 * listening socket. Who came by exec and listens on sockets of its own only is nobody's worker.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

/* A loop's utilisation, or a worker's CPUs: below it there is no balance of work to speak of. */
#define WORTH_COMPARING 0.02
/* Listening sockets of one process that are compared with those of others. */
#define COMPARED_MAX 64

/* A process that has a listening socket. */
struct socket_note {
	uint64_t socket;
	struct process *process;
};

/* ---- who listens ---- */

static int listener_compare(const void *a, const void *b)
{
	const struct ss_socket_owner *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Those who open one each with SO_REUSEPORT share no more than its port. */
static uint64_t socket_key(const struct ss_socket_owner *l)
{
	return l->port ? l->port : 1ULL << 32 | l->inode;
}

static int listeners_keep(struct model *m, const struct sample *s)
{
	int r;

	if (s->socket_owners_ns == m->listeners_ns)
		return 0;
	m->n_listeners = 0;
	m->listeners_ns = 0;
	r = array_reserve(&m->listeners, &m->cap_listeners, s->n_socket_owners, sizeof(*m->listeners));
	if (r < 0)
		return r;
	if (s->n_socket_owners) {
		memcpy(m->listeners, s->socket_owners, s->n_socket_owners * sizeof(*m->listeners));
		qsort(m->listeners, s->n_socket_owners, sizeof(*m->listeners), listener_compare);
	}
	m->n_listeners = s->n_socket_owners;
	m->listeners_ns = s->socket_owners_ns;
	return 0;
}

static void listeners_assign(struct model *m)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n_in_order; i++) {
		struct process *p = m->in_order[i];
		struct concurrency_facts *f = &p->concurrency.facts;

		/* Born since the last pass: whether it listens is not known yet. */
		p->concurrency.listeners_known = m->listeners_ns > p->key.start_ns;
		while (at < m->n_listeners && m->listeners[at].tgid < p->key.tgid)
			at++;
		p->listeners_at = (uint32_t)at;
		for (; at < m->n_listeners && m->listeners[at].tgid == p->key.tgid; at++) {
			const struct ss_socket_owner *l = &m->listeners[at];

			if (l->process_start_ns != p->key.start_ns)
				continue;
			p->n_listeners++;
			f->blocking += !l->nonblocking;
			if (l->port)
				f->port = l->port;
		}
		f->listeners = p->n_listeners;
	}
}

static bool listeners_shared(const struct model *m, const struct process *p, const struct process *q)
{
	for (uint32_t i = 0; i < p->n_listeners && i < COMPARED_MAX; i++)
		for (uint32_t j = 0; j < q->n_listeners && j < COMPARED_MAX; j++)
			if (socket_key(&m->listeners[p->listeners_at + i]) ==
			    socket_key(&m->listeners[q->listeners_at + j]))
				return true;
	return false;
}

/* ---- who belongs together ---- */

static struct process *parent_of(const struct model *m, const struct process *p)
{
	size_t low = 0, high = m->n_in_order;
	uint32_t ppid = p->leader->ppid;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (m->in_order[mid]->key.tgid < ppid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_in_order && m->in_order[low]->key.tgid == ppid && ppid ? m->in_order[low] : NULL;
}

static bool same_kind(const struct process *p, const struct process *q)
{
	return p->home == q->home && memcmp(p->comm, q->comm, SS_COMM_LEN) == 0;
}

/* Sets head to the parent where the two belong together; heads_follow goes on from there. */
static void head_find(struct model *m, struct process *p)
{
	struct process *parent;

	if (p->leader->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE))
		return;
	parent = parent_of(m, p);
	if (!parent || parent == p || !same_kind(p, parent))
		return;
	/* Another program of the same name, as one script that starts others, comes by exec. */
	if (!(p->leader->flags & SS_THREAD_FORKED) && p->n_listeners && !listeners_shared(m, p, parent))
		return;
	p->head = parent;
}

static int socket_compare(const void *a, const void *b)
{
	const struct socket_note *x = a, *y = b;

	if (x->socket != y->socket)
		return x->socket < y->socket ? -1 : 1;
	if (x->process->leader->ppid != y->process->leader->ppid)
		return x->process->leader->ppid < y->process->leader->ppid ? -1 : 1;
	return (x->process->key.tgid > y->process->key.tgid) - (x->process->key.tgid < y->process->key.tgid);
}

/* Brothers that share a socket, and whose parent has another name: the first stands for the tree. */
static int brothers_find(struct model *m)
{
	size_t n = 0;

	if (array_reserve(&m->sockets, &m->cap_sockets, m->n_listeners, sizeof(*m->sockets)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_in_order; i++) {
		struct process *p = m->in_order[i];

		for (uint32_t j = 0; p->head == p && j < p->n_listeners && n < m->n_listeners; j++)
			m->sockets[n++] = (struct socket_note){socket_key(&m->listeners[p->listeners_at + j]), p};
	}
	if (n)
		qsort(m->sockets, n, sizeof(*m->sockets), socket_compare);
	for (size_t i = 1; i < n; i++) {
		struct process *p = m->sockets[i].process, *before = m->sockets[i - 1].process;

		if (m->sockets[i].socket == m->sockets[i - 1].socket && p != before && p->head == p &&
		    p->leader->ppid == before->leader->ppid && same_kind(p, before)) {
			p->head = before->head;
			p->head->headless = true;
		}
	}
	return 0;
}

/* From parents to heads, each way gone once. Pids that are used again could make a circle. */
static void heads_follow(struct model *m)
{
	for (size_t i = 0; i < m->n_in_order; i++) {
		struct process *p = m->in_order[i], *head = p, *next;
		size_t steps = 0;

		while (head->head != head && steps++ < m->n_in_order)
			head = head->head;
		if (head->head != head)
			head->head = head;
		for (; p != head; p = next) {
			next = p->head;
			p->head = head;
		}
	}
}

/* ---- what it comes to ---- */

static void loops_measure(struct model *m)
{
	for (size_t i = 0; i < m->n_loop_list; i++) {
		const struct loop *l = m->loop_list[i];
		struct concurrency_facts *f = &l->process->concurrency.facts;
		double busy = l->before[LOOP_UTILIZATION];

		if (l->is_loop && !value_absent(busy)) {
			f->loop_busiest = !f->loops_measured || busy > f->loop_busiest ? busy : f->loop_busiest;
			f->loop_sum += busy;
			f->loops_measured++;
		}
		if (!value_absent(l->wakeups)) {
			f->wakeups += l->wakeups;
			f->empty += l->empty;
		}
	}
}

static void worker_add(const struct model *m, struct concurrency_tree *t, const struct process *p)
{
	double cpu = m->process_rows[p->row].v[PROCESS_CPU_CORES];

	concurrency_add_worker(t, &p->concurrency, value_absent(cpu) ? 0 : cpu);
}

static int trees_make(struct model *m)
{
	m->n_trees = 0;
	/* At the most half of all processes are heads with workers. */
	if (array_reserve(&m->trees, &m->cap_trees, m->n_in_order / 2 + 1, sizeof(*m->trees)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_in_order; i++) {
		struct process *p = m->in_order[i], *head = p->head;
		struct concurrency_tree *t;

		if (head == p)
			continue;
		if (!head->concurrency.tree) {
			t = &m->trees[m->n_trees++];
			memset(t, 0, sizeof(*t));
			t->head = (uint32_t)head->key.tgid;
			t->headless = head->headless;
			head->concurrency.tree = t;
			head->tree = (uint32_t)(t - m->trees);
			concurrency_add_loops(t, &head->concurrency.facts);
			if (head->headless)
				worker_add(m, t, head);
		}
		t = &m->trees[head->tree];
		p->concurrency.tree = t;
		concurrency_add_loops(t, &p->concurrency.facts);
		worker_add(m, t, p);
	}
	return 0;
}

static void values_tree(const struct concurrency_tree *t, enum concurrency_model verdict, double *v)
{
	v[PROCESS_MODEL_WORKERS] = t->workers;
	/* One that has no socket of its own was made for its connection: it has no turn, and no share of the work. */
	if (verdict == CONCURRENCY_PREFORK && t->listening)
		v[PROCESS_MODEL_IDLE] = t->idle;
	if (t->cpu_busiest >= WORTH_COMPARING && t->workers > 1 && (t->listening || verdict != CONCURRENCY_PREFORK))
		v[PROCESS_MODEL_IMBALANCE] = t->cpu_busiest / (t->cpu / t->workers);
}

static void values_process(const struct concurrency_facts *f, enum concurrency_model verdict, double *v)
{
	switch (verdict) {
	case CONCURRENCY_THREADS:
		v[PROCESS_MODEL_WORKERS] = f->pool >= 2 ? f->pool : f->threads;
		if (f->pool >= 2)
			v[PROCESS_MODEL_IDLE] = f->pool_idle;
		break;
	case CONCURRENCY_LOOP_POOL:
		v[PROCESS_MODEL_WORKERS] = f->pool;
		v[PROCESS_MODEL_IDLE] = f->pool_idle;
		break;
	case CONCURRENCY_LOOP:
		v[PROCESS_MODEL_WORKERS] = f->loops;
		break;
	case CONCURRENCY_LOOPS:
		v[PROCESS_MODEL_WORKERS] = f->loops;
		if (f->loops_measured > 1 && f->loop_busiest >= WORTH_COMPARING)
			v[PROCESS_MODEL_IMBALANCE] = f->loop_busiest / (f->loop_sum / f->loops_measured);
		break;
	default:
		v[PROCESS_MODEL_WORKERS] = f->threads;
	}
}

static void process_conclude(struct model *m, struct process *p)
{
	struct concurrency *c = &p->concurrency;
	struct process_row *row = &m->process_rows[p->row];
	double *v = row->v, wakeups = c->facts.wakeups, empty = c->facts.empty, busiest = c->facts.loop_busiest;
	uint32_t measured = c->facts.loops_measured;

	if (c->tree) {
		c->head = c->tree->headless ? NULL : &p->head->concurrency.facts;
		c->listeners_known = p->head->concurrency.listeners_known;
		c->verdict = concurrency_of_tree(c->tree, c->head, c->listeners_known);
		c->in_tree = c->verdict != CONCURRENCY_UNKNOWN;
	}
	if (!c->in_tree)
		c->verdict = concurrency_of_process(c);
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
		values_process(&c->facts, concurrency_of_process(c), v);
	}
	/* What one of those that take turns does says nothing. */
	if (measured && c->verdict != CONCURRENCY_MN && c->verdict != CONCURRENCY_PREFORK)
		v[PROCESS_MODEL_BUSIEST_LOOP] = busiest;
	if (wakeups > 0)
		v[PROCESS_MODEL_EMPTY] = empty / wakeups;
}

/* A thread on a CPU says nothing at the first look; at the second, that it does not sleep. */
static bool was_seen(const struct model *m, const struct process *p)
{
	const struct concurrency_facts *f = &p->concurrency.facts;

	return f->threads && (f->awake < f->threads || m->sequence > p->first_seen);
}

int concurrency_finish(struct model *m, const struct sample *s)
{
	int r = listeners_keep(m, s);

	if (r < 0 || !m->waits_known)
		return r;
	listeners_assign(m);
	loops_measure(m);
	for (size_t i = 0; i < m->n_in_order; i++) {
		m->in_order[i]->concurrency.known = was_seen(m, m->in_order[i]);
		head_find(m, m->in_order[i]);
	}
	r = brothers_find(m);
	heads_follow(m);
	if (r >= 0)
		r = trees_make(m);
	for (size_t i = 0; i < m->n_in_order && r >= 0; i++)
		if (!(m->in_order[i]->leader->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
			process_conclude(m, m->in_order[i]);
	return r;
}

void concurrency_free(struct model *m)
{
	free(m->listeners);
	free(m->in_order);
	free(m->notes);
	free(m->sockets);
	free(m->trees);
}
