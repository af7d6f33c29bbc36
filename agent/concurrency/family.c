/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family.c - which processes listen, which of them belong together, and which are helpers of the others.
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

int family_listeners_keep(struct concurrencies *all, const struct sample *s)
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

/* The sockets of a process, which begin at m->listeners_at. */
static void listeners_take(const struct concurrencies *all, struct member *m)
{
	struct concurrency_evidence *e = &m->concurrency.evidence;
	const struct process *p = m->process;

	m->n_listeners = m->n_connections = e->blocking = e->port = 0;
	for (size_t at = m->listeners_at; at < all->listeners.n && all->listeners.at[at].tgid == p->key.tgid; at++)
		if (all->listeners.at[at].process_start_ns == p->key.start_ns)
			listener_assign(m, &all->listeners.at[at]);
	e->listeners = m->n_listeners;
	/* Of one that has no listening socket it is not known what it waits for there. */
	e->idle = m->idle || (e->epolls && !e->listeners);
}

/* Born since the last pass: whether it listens is not known yet. */
static void listeners_date(const struct concurrencies *all, struct member *m)
{
	m->concurrency.listeners_known = all->listeners_ns > m->process->key.start_ns;
}

static void listeners_assign(struct concurrencies *all)
{
	size_t at = 0;

	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];

		while (at < all->listeners.n && all->listeners.at[at].tgid < m->process->key.tgid)
			at++;
		m->listeners_at = (uint32_t)at;
		listeners_date(all, m);
		listeners_take(all, m);
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
bool family_is_helper(const struct member *m)
{
	return m->head->sharing && !m->shares && m->concurrency.listeners_known;
}

static void connection_find(const struct concurrencies *all, struct member *m)
{
	m->concurrency.unconnected = m->head != m && m->head->n_listeners && !m->n_listeners &&
				     m->concurrency.listeners_known && !is_connected(all, m, m->head);
}

static void member_alone(struct member *m)
{
	m->head = m;
	m->headless = m->shares = false;
	m->sharing = 0;
	m->concurrency.tree = NULL;
	m->concurrency.head = NULL;
}

void families_find(struct concurrencies *all)
{
	for (size_t i = 0; i < all->by_pid.n; i++)
		member_alone(all->by_pid.at[i]);
	listeners_assign(all);
	for (size_t i = 0; i < all->by_pid.n; i++)
		head_find(all, all->by_pid.at[i]);
	siblings_find(all);
	heads_follow(all);
	sharing_find(all);
	all->in_trees.n = 0;
	for (size_t i = 0; i < all->by_pid.n; i++) {
		struct member *m = all->by_pid.at[i];

		connection_find(all, m);
		if (m->head != m)
			all->in_trees.at[all->in_trees.n++] = m;
	}
}

void families_stay(struct concurrencies *all)
{
	for (size_t i = 0; i < all->by_pid.n; i++)
		if (all->by_pid.at[i]->due)
			listeners_take(all, all->by_pid.at[i]);
	for (size_t i = 0; i < all->in_trees.n; i++) {
		struct member *m = all->in_trees.at[i];

		m->concurrency.tree = m->head->concurrency.tree = NULL;
		/* The verdict on a tree goes by what is known of its head. */
		listeners_date(all, m);
	}
}
