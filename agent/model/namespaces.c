/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespaces.c - namespaces: transitions counted by home, kind and call; who is in a container's namespaces without
 * being in its cgroup; which namespaces a container shares with the host. Part of the model (internal.h).
 *
 * A namespace belongs to the container in which its oldest process is. So of two containers that share one it is the
 * first one's, and what a process outside of any container made, and older ones hold, is nobody's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"
#include "view/expected.h"

_Static_assert((int)SS_NAMESPACES == NAMESPACE_KINDS, "one name for each kind");

/* Containers in containers are not nested deeper than that. */
#define NESTING_MAX 16

/* ---- transitions ---- */

static struct transition *transition_get(struct model *m, struct home *h, uint32_t kind, uint32_t how, bool expected)
{
	struct transition *t, key;

	memset(&key, 0, sizeof(key));
	key.key.home = h;
	key.key.kind = (uint8_t)kind;
	key.key.how = (uint8_t)how;
	key.key.expected = expected;
	HASH_FIND(hh, m->transitions, &key.key, sizeof(key.key), t);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = key.key;
	HASH_ADD(hh, m->transitions, key, sizeof(t->key), t);
	if (!t->hh.tbl) {
		free(t);
		return NULL;
	}
	return t;
}

static int transitions_add(struct model *m, const struct sample_transition *list, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_transition_key *key = &list[i].key;
		struct home *h = home_of_cgroup(m, key->cgroup_id, NULL);
		bool expected = namespace_transition_expected(key->comm, h->kind);

		for (uint32_t kind = 0; kind < SS_NAMESPACES; kind++) {
			struct transition *t;

			if (!(key->kinds >> kind & 1) || key->how >= SS_NS_HOWS)
				continue;
			t = transition_get(m, h, kind, key->how, expected);
			if (!t)
				return -ENOMEM;
			t->now += list[i].count;
			if (final)
				t->carried += list[i].count;
		}
	}
	return 0;
}

int transitions_take(struct model *m, const struct sample *s)
{
	int r;

	for (struct transition *t = m->transitions; t; t = t->hh.next)
		t->now = t->carried;
	r = transitions_add(m, s->transitions_final, s->n_transitions_final, true);
	return r < 0 ? r : transitions_add(m, s->transitions_open, s->n_transitions_open, false);
}

static int transition_compare(const void *a, const void *b)
{
	const struct transition_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->how, y->how) ?: (int)x->expected - (int)y->expected;
}

static int transition_rows(struct model *m)
{
	size_t n = 0;
	int r = array_reserve(&m->transition_rows, &m->cap_transitions, HASH_COUNT(m->transitions),
			      sizeof(*m->transition_rows));

	if (r < 0)
		return r;
	for (struct transition *t = m->transitions; t; t = t->hh.next) {
		if (t->key.home->row == HOME_NO_ROW)
			continue;
		/* The two tables change places while they are being read. */
		if (t->now > t->held)
			t->held = t->now;
		m->transition_rows[n++] = (struct transition_row){.container = t->key.home->row,
								  .kind = t->key.kind,
								  .how = namespace_how_name(t->key.how),
								  .expected = t->key.expected,
								  .v = {[TRANSITION_COUNT] = (double)t->held}};
	}
	if (n)
		qsort(m->transition_rows, n, sizeof(*m->transition_rows), transition_compare);
	m->snapshot.transitions = m->transition_rows;
	m->snapshot.n_transitions = n;
	for (size_t i = 0; i < n; i++) {
		struct container_row *c = &m->containers[m->transition_rows[i].container];

		if (!c->n_transitions++)
			c->transitions = &m->transition_rows[i];
	}
	return 0;
}

void transitions_forget_home(struct model *m, const struct home *h)
{
	struct transition *t, *next;

	HASH_ITER (hh, m->transitions, t, next) {
		if (t->key.home != h)
			continue;
		HASH_DEL(m->transitions, t);
		free(t);
	}
}

void transitions_free(struct model *m)
{
	struct transition *t, *next;

	HASH_ITER (hh, m->transitions, t, next) {
		HASH_DEL(m->transitions, t);
		free(t);
	}
	free(m->transition_rows);
	free(m->members);
	free(m->outsiders);
}

/* ---- who is where ---- */

/* In the order of namespace_names. */
static void record_inodes(const struct ss_thread_record *r, uint32_t *inodes)
{
	const uint32_t all[] = {r->ns_pid, r->ns_mnt,  r->ns_net,    r->ns_uts,
				r->ns_ipc, r->ns_user, r->ns_cgroup, r->ns_time};

	_Static_assert(ARRAY_SIZE(all) == NAMESPACE_OWN, "every kind that a process lives in");
	memcpy(inodes, all, sizeof(all));
}

/*
 * The host's: init's. Where no iterator is shown that one, those of the kernel's threads, which never leave them (but for
 * the mount namespace, since 7.1).
 */
static void host_inodes(const struct model *m, uint32_t *host)
{
	memset(host, 0, NAMESPACE_OWN * sizeof(*host));
	for (const struct process *p = m->processes; p; p = p->hh.next) {
		if (p->leader->tgid == 1) {
			record_inodes(p->leader, host);
			return;
		}
		if (p->leader->tgid == 2 && p->leader->flags & SS_THREAD_KERNEL)
			record_inodes(p->leader, host);
	}
}

/* A process that has namespaces of its own to be looked at. */
static bool process_counts(const struct process *p)
{
	return p->leader->flags & SS_THREAD_LEADER && !(p->leader->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)) &&
	       p->leader->ns_mnt;
}

static int member_compare(const void *a, const void *b)
{
	const struct namespace_member *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->process->key.start_ns != y->process->key.start_ns)
		return x->process->key.start_ns < y->process->key.start_ns ? -1 : 1;
	return (x->process->key.tgid > y->process->key.tgid) - (x->process->key.tgid < y->process->key.tgid);
}

static int members_collect(struct model *m, const uint32_t *host, size_t *ret_n)
{
	size_t n = 0;
	int r = array_reserve(&m->members, &m->cap_members, HASH_COUNT(m->processes) * NAMESPACE_OWN,
			      sizeof(*m->members));

	if (r < 0)
		return r;
	for (struct process *p = m->processes; p; p = p->hh.next) {
		uint32_t inodes[NAMESPACE_OWN];
		struct container_row *c;

		if (!process_counts(p) || p->home->row == HOME_NO_ROW)
			continue;
		c = &m->containers[p->home->row];
		record_inodes(p->leader, inodes);
		for (uint32_t kind = 0; kind < NAMESPACE_OWN; kind++) {
			if (!inodes[kind] || !host[kind])
				continue;
			c->host_namespaces_known = p->home->kind == HOME_CONTAINER;
			if (inodes[kind] == host[kind])
				c->host_namespaces |= 1u << kind;
			else
				m->members[n++] = (struct namespace_member){inodes[kind], kind, p};
		}
	}
	if (n)
		qsort(m->members, n, sizeof(*m->members), member_compare);
	*ret_n = n;
	return 0;
}

/* Whether `h` is the container itself or one inside of it. */
static bool home_is_inside(struct model *m, struct home *h, const struct home *container)
{
	for (int depth = 0; h && depth < NESTING_MAX; depth++) {
		const char *up = h->parent_path;

		if (h == container)
			return true;
		if (!up[0])
			return false;
		HASH_FIND(hh, m->homes, up, strlen(up), h);
	}
	return false;
}

static int outsider_compare(const void *a, const void *b)
{
	const struct outsider_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

/* Every member of a container's namespace that is not in the container, a row for each kind. */
static int outsiders_collect(struct model *m, size_t n_members, size_t *ret_n)
{
	size_t n = 0;
	int r = array_reserve(&m->outsiders, &m->cap_outsiders, n_members, sizeof(*m->outsiders));

	if (r < 0)
		return r;
	for (size_t first = 0, i; first < n_members; first = i) {
		const struct home *owner = m->members[first].process->home;

		for (i = first; i < n_members && m->members[i].inode == m->members[first].inode; i++) {
			struct process *p = m->members[i].process;

			if (owner->kind == HOME_CONTAINER && !home_is_inside(m, p->home, owner))
				m->outsiders[n++] = (struct outsider_row){owner->row, p->row, 1u << m->members[i].kind};
		}
	}
	*ret_n = n;
	return 0;
}

int namespaces_finish(struct model *m)
{
	uint32_t host[NAMESPACE_OWN];
	size_t n, rows = 0;
	int r = transition_rows(m);

	host_inodes(m, host);
	if (r >= 0)
		r = members_collect(m, host, &n);
	if (r >= 0)
		r = outsiders_collect(m, n, &n);
	if (r < 0)
		return r;
	if (n)
		qsort(m->outsiders, n, sizeof(*m->outsiders), outsider_compare);
	for (size_t i = 0; i < n; i++) {
		struct outsider_row *last = rows ? &m->outsiders[rows - 1] : NULL;

		if (last && outsider_compare(last, &m->outsiders[i]) == 0)
			last->kinds |= m->outsiders[i].kinds;
		else
			m->outsiders[rows++] = m->outsiders[i];
	}
	for (size_t i = 0; i < rows; i++) {
		struct container_row *c = &m->containers[m->outsiders[i].container];

		if (!c->n_outside++)
			c->outside = &m->outsiders[i];
	}
	return 0;
}
