/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.c - which processes belong together, which of them listen, and the verdict on each with its values. Called by
 * model_update.c; the evidence on each process is evidence.c's, the verdict verdict.c's.
 *
 * A tree is a process, those of its children that have its name, and theirs; or children of one parent that share a
 * listening socket. A process that came by exec and listens only on sockets of its own is nobody's worker. Nor is a child
 * without the listening socket that its siblings share, or, where only the parent listens, one without a connection from
 * there: such helpers have the tree's verdict, and are not counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concurrency/tree.h"

/* A loop's utilization, or a worker's CPUs: below this, a balance of work means nothing. */
#define WORTH_COMPARING 0.02
/* Listening sockets of one process that are compared with those of others. */
#define COMPARED_MAX 64

/* ---- which processes listen ---- */

static int listener_compare(const void *a, const void *b)
{
	const struct ss_socket_owner *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->connected != y->connected)
		return x->connected < y->connected ? -1 : 1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Processes that each open a socket with SO_REUSEPORT share only its port. */
static uint64_t socket_key(const struct ss_socket_owner *l)
{
	return l->port ? l->port : 1ULL << 32 | l->inode;
}

static int listeners_keep(struct concurrencies *all, const struct sample *s)
{
	if (s->socket_owners_ns == all->listeners_ns)
		return 0;
	all->listeners.n = 0;
	all->listeners_ns = 0;
	if (list_reserve(&all->listeners, s->n_socket_owners) < 0)
		return -ENOMEM;
	if (s->n_socket_owners) {
		memcpy(all->listeners.at, s->socket_owners, s->n_socket_owners * sizeof(*all->listeners.at));
		qsort(all->listeners.at, s->n_socket_owners, sizeof(*all->listeners.at), listener_compare);
	}
	all->listeners.n = s->n_socket_owners;
	all->listeners_ns = s->socket_owners_ns;
	return 0;
}

static void listener_assign(struct member *m, const struct ss_socket_owner *l)
{
	struct concurrency_evidence *e = &m->concurrency.evidence;

	if (l->connected) {
		m->n_connections++;
		return;
	}
	m->n_listeners++;
	e->blocking += !l->nonblocking;
	if (l->port)
		e->port = l->port;
}

static void listeners_assign(struct concurrencies *all)
{
	const struct ss_socket_owner *listeners = all->listeners.at;
	size_t at = 0, n = all->listeners.n;

	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];
		struct concurrency_evidence *e = &m->concurrency.evidence;
		uint64_t pid = m->process->key.tgid, start_ns = m->process->key.start_ns;

		/* Born since the last pass: whether it listens is not known yet. */
		m->concurrency.listeners_known = all->listeners_ns > start_ns;
		while (at < n && listeners[at].tgid < pid)
			at++;
		m->listeners_at = (uint32_t)at;
		for (; at < n && listeners[at].tgid == pid; at++)
			if (listeners[at].process_start_ns == start_ns)
				listener_assign(m, &listeners[at]);
		e->listeners = m->n_listeners;
		/* Of one that has no listening socket it is not known what it waits for there. */
		e->idle |= e->epolls && !e->listeners;
	}
}

static bool listeners_shared(const struct concurrencies *all, const struct member *m, const struct member *o)
{
	const struct ss_socket_owner *listeners = all->listeners.at;

	for (uint32_t i = 0; i < m->n_listeners && i < COMPARED_MAX; i++)
		for (uint32_t j = 0; j < o->n_listeners && j < COMPARED_MAX; j++)
			if (socket_key(&listeners[m->listeners_at + i]) == socket_key(&listeners[o->listeners_at + j]))
				return true;
	return false;
}

/* ---- which processes belong together ---- */

static struct member *parent_of(const struct concurrencies *all, const struct member *m)
{
	size_t low = 0, high = all->by_pid.n;
	uint32_t ppid = m->process->leader->ppid;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (all->by_pid.at[mid]->process->key.tgid < ppid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < all->by_pid.n && all->by_pid.at[low]->process->key.tgid == ppid && ppid ? all->by_pid.at[low]
											     : NULL;
}

static bool same_kind(const struct process *p, const struct process *q)
{
	return p->home == q->home && memcmp(p->comm, q->comm, SS_COMM_LEN) == 0;
}

/* Sets head to the parent where the two belong together; heads_follow goes on from there. */
static void head_find(const struct concurrencies *all, struct member *m)
{
	const struct process *p = m->process;
	struct member *parent;

	if (p->leader->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE))
		return;
	parent = parent_of(all, m);
	if (!parent || parent == m || !same_kind(p, parent->process))
		return;
	/* Another program of the same name, such as a script that starts others, comes by exec. */
	if (!(p->leader->flags & SS_THREAD_FORKED) && m->n_listeners && !listeners_shared(all, m, parent))
		return;
	m->head = parent;
}

static int socket_compare(const void *a, const void *b)
{
	const struct socket_note *x = a, *y = b;
	const struct process *p = x->member->process, *q = y->member->process;

	if (x->socket != y->socket)
		return x->socket < y->socket ? -1 : 1;
	if (p->leader->ppid != q->leader->ppid)
		return p->leader->ppid < q->leader->ppid ? -1 : 1;
	return (p->key.tgid > q->key.tgid) - (p->key.tgid < q->key.tgid);
}

/* Siblings that share a socket, and whose parent has another name: the first stands for the tree. */
static void siblings_find(struct concurrencies *all)
{
	struct socket_note *sockets = all->sockets.at;
	size_t n = 0;

	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];

		for (uint32_t j = 0; m->head == m && j < m->n_listeners && n < all->listeners.n; j++)
			sockets[n++] = (struct socket_note){socket_key(&all->listeners.at[m->listeners_at + j]), m};
	}
	if (n)
		qsort(sockets, n, sizeof(*sockets), socket_compare);
	for (size_t i = 1; i < n; i++) {
		struct member *m = sockets[i].member, *before = sockets[i - 1].member;

		if (sockets[i].socket == sockets[i - 1].socket && m != before && m->head == m &&
		    m->process->leader->ppid == before->process->leader->ppid &&
		    same_kind(m->process, before->process)) {
			m->head = before->head;
			m->head->headless = true;
		}
	}
}

/* From parents to heads; each path is followed once. Pids that are used again could make a circle. */
static void heads_follow(struct concurrencies *all)
{
	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i], *head = m, *next;
		size_t steps = 0;

		while (head->head != head && steps++ < all->by_pid.n)
			head = head->head;
		if (head->head != head)
			head->head = head;
		for (; m != head; m = next) {
			next = m->head;
			m->head = head;
		}
	}
}

/* ---- which of them work ---- */

static int shared_compare(const void *a, const void *b)
{
	const struct socket_note *x = a, *y = b;

	if (x->member->head != y->member->head)
		return x->member->head < y->member->head ? -1 : 1;
	if (x->socket != y->socket)
		return x->socket < y->socket ? -1 : 1;
	return (x->member > y->member) - (x->member < y->member);
}

static void shares_note(struct member *m)
{
	struct member *head = m->head;

	if (m->shares)
		return;
	m->shares = true;
	head->sharing += m != head || head->headless;
}

/* Who shares a listening socket with another process of its tree. */
static void sharing_find(struct concurrencies *all)
{
	struct socket_note *sockets = all->sockets.at;
	size_t n = 0;

	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];

		for (uint32_t j = 0; j < m->n_listeners && n < all->listeners.n; j++)
			sockets[n++] = (struct socket_note){socket_key(&all->listeners.at[m->listeners_at + j]), m};
	}
	if (n)
		qsort(sockets, n, sizeof(*sockets), shared_compare);
	for (size_t i = 1; i < n; i++) {
		struct member *m = sockets[i].member, *before = sockets[i - 1].member;

		if (m == before || m->head != before->head || sockets[i].socket != sockets[i - 1].socket)
			continue;
		shares_note(m);
		shares_note(before);
	}
}

static bool is_connection_of(const struct ss_socket_owner *c, const struct ss_socket_owner *l)
{
	return l->port ? c->port == l->port : c->address && c->address == l->address;
}

/* Whether it has a connection that came by a listening socket of the head. */
static bool is_connected(const struct concurrencies *all, const struct member *m, const struct member *head)
{
	const struct ss_socket_owner *own = &all->listeners.at[m->listeners_at + m->n_listeners],
				     *listeners = &all->listeners.at[head->listeners_at];

	for (uint32_t i = 0; i < m->n_connections; i++)
		for (uint32_t j = 0; j < head->n_listeners && j < COMPARED_MAX; j++)
			if (is_connection_of(&own[i], &listeners[j]))
				return true;
	return false;
}

/* One that was born since the last pass over open files may have anything. */
static bool is_helper(const struct member *m)
{
	return m->head->sharing && !m->shares && m->concurrency.listeners_known;
}

static void connection_find(const struct concurrencies *all, struct member *m)
{
	m->concurrency.unconnected = m->head != m && m->head->n_listeners && !m->n_listeners &&
				     m->concurrency.listeners_known && !is_connected(all, m, m->head);
}

/* ---- verdicts and values ---- */

static void worker_add(struct concurrency_tree *t, const struct member *m, const struct process_row *rows)
{
	double cpu = rows[m->process->row].v[PROCESS_CPU_CORES];

	if (is_helper(m)) {
		t->helpers++;
		return;
	}
	concurrency_add_worker(t, &m->concurrency, value_absent(cpu) ? 0 : cpu);
}

static void trees_make(struct concurrencies *all, const struct process_row *rows)
{
	all->trees.n = 0;
	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i], *head = m->head;
		struct concurrency_tree *t;

		if (head == m)
			continue;
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

static void member_conclude(struct member *m, struct process_row *row)
{
	struct concurrency *c = &m->concurrency;
	double *v = row->v, wakeups = c->evidence.wakeups, empty = c->evidence.empty,
	       busiest = c->evidence.loop_busiest;
	uint32_t measured = c->evidence.loops_measured;

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

/* A thread on a CPU says nothing at the first look; at the second, that it does not sleep. */
static bool was_seen(const struct member *m, const struct moment *now)
{
	const struct concurrency_evidence *e = &m->concurrency.evidence;

	return e->threads && (e->awake < e->threads || now->number > m->process->first_seen);
}

int concurrency_update(struct concurrencies *all, const struct processes *processes, const struct moment *now,
		       const struct sample *s)
{
	int r = listeners_keep(all, s);

	if (r >= 0)
		r = evidence_gather(all, processes, now, s);
	if (r < 0 || !now->waits_known)
		return r;
	/* At most half of all processes are heads with workers. */
	if (list_reserve(&all->sockets, all->listeners.n) < 0 || list_reserve(&all->trees, all->by_pid.n / 2 + 1) < 0)
		return -ENOMEM;
	listeners_assign(all);
	for (size_t i = 0; i < all->by_pid.n; i++) {
		all->by_pid.at[i]->concurrency.known = was_seen(all->by_pid.at[i], now);
		head_find(all, all->by_pid.at[i]);
	}
	siblings_find(all);
	heads_follow(all);
	sharing_find(all);
	for (size_t i = 0; i < all->by_pid.n; i++)
		connection_find(all, all->by_pid.at[i]);
	trees_make(all, processes->rows.at);
	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];

		if (!(m->process->leader->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
			member_conclude(m, &processes->rows.at[m->process->row]);
	}
	return 0;
}

void concurrencies_rest(struct concurrencies *all)
{
	list_free(&all->members);
	list_free(&all->by_pid);
	list_free(&all->notes);
	list_free(&all->sockets);
	list_free(&all->trees);
}

void concurrencies_free(struct concurrencies *all)
{
	concurrencies_rest(all);
	list_free(&all->listeners);
}
