/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespaces.c - counts transitions, finds the owner of each namespace and its members from elsewhere: see namespaces.h.
 * Called by model_update.c.
 *
 * A namespace belongs to the container in which its oldest process is. If two containers share one, it belongs to the one
 * that was first; a namespace that a process outside of any container made, and whose older processes hold it, belongs to
 * none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/namespaces.h"
#include "view/expected.h"

_Static_assert((int)SS_NAMESPACES == NAMESPACE_KINDS, "one name for each kind");

/* Containers in containers are not nested deeper than this. */
#define NESTING_MAX 16

/* ---- transitions ---- */

static struct transition *transition_get(struct namespaces *ns, struct home *h, uint32_t kind, uint32_t how,
					 bool expected)
{
	struct transition *t, key;

	memset(&key, 0, sizeof(key));
	key.key.home = h;
	key.key.kind = (uint8_t)kind;
	key.key.how = (uint8_t)how;
	key.key.expected = expected;
	HASH_FIND(hh, ns->transitions, &key.key, sizeof(key.key), t);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = key.key;
	HASH_ADD(hh, ns->transitions, key, sizeof(t->key), t);
	if (!t->hh.tbl) {
		free(t);
		return NULL;
	}
	return t;
}

static int transitions_add(struct namespaces *ns, const struct homes *homes, const struct sample_transition *list,
			   size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_transition_key *key = &list[i].key;
		struct home *h = home_of_cgroup(homes, key->cgroup_id);
		bool expected = namespace_transition_expected(key->comm, h->kind, key->signs);

		for (uint32_t kind = 0; kind < SS_NAMESPACES; kind++) {
			struct transition *t;

			if (!(key->kinds >> kind & 1) || key->how >= SS_NS_HOWS)
				continue;
			t = transition_get(ns, h, kind, key->how, expected);
			if (!t)
				return -ENOMEM;
			t->now += list[i].count;
			if (final)
				t->carried += list[i].count;
		}
	}
	return 0;
}

int transitions_take(struct namespaces *ns, const struct homes *homes, const struct sample *s)
{
	struct transition *t, *next;
	int r;

	HASH_ITER (hh, ns->transitions, t, next) {
		t->now = t->carried;
		if (!t->key.home->forgotten)
			continue;
		HASH_DEL(ns->transitions, t);
		free(t);
	}
	r = transitions_add(ns, homes, s->transitions_final, s->n_transitions_final, true);
	return r < 0 ? r : transitions_add(ns, homes, s->transitions_open, s->n_transitions_open, false);
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

static void transition_rows(struct namespaces *ns, struct container_row *containers)
{
	struct transition_row *rows = ns->rows.at;
	size_t n = 0;

	for (struct transition *t = ns->transitions; t; t = t->hh.next) {
		if (t->key.home->row == HOME_NO_ROW)
			continue;
		/* The two tables change places while they are read, so a sum may be too small once. */
		if (t->now > t->held)
			t->held = t->now;
		rows[n++] = (struct transition_row){.container = t->key.home->row,
						    .kind = t->key.kind,
						    .how = namespace_how_name(t->key.how),
						    .expected = t->key.expected,
						    .v = {[TRANSITION_COUNT] = (double)t->held}};
	}
	if (n)
		qsort(rows, n, sizeof(*rows), transition_compare);
	for (size_t i = 0; i < n; i++) {
		struct container_row *c = &containers[rows[i].container];

		if (!c->n_transitions++)
			c->transitions = &rows[i];
	}
	ns->rows.n = n;
}

/* ---- which process is where ---- */

/*
 * The host's namespaces: those of init. Where the iterator does not see init, those of the kernel's threads, which never
 * leave them (except the mount namespace, since 7.1).
 */
static void host_inodes(const struct processes *processes, uint32_t *host)
{
	memset(host, 0, NAMESPACE_OWN * sizeof(*host));
	for (size_t i = 0; i < processes->list.n; i++) {
		const struct process *p = processes->list.at[i];

		if (p->key.tgid == 1 || (p->key.tgid == 2 && p->standing.flags & SS_THREAD_KERNEL))
			memcpy(host, p->standing.namespaces, NAMESPACE_OWN * sizeof(*host));
		if (p->key.tgid == 1)
			return;
	}
}

/* Kernel threads and zombies are in no namespace that matters. */
static bool process_counts(const struct process *p)
{
	return p->standing.flags & SS_THREAD_LEADER && !(p->standing.flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)) &&
	       p->standing.namespaces[SS_NS_MNT];
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

static void members_collect(struct namespaces *ns, const struct homes *homes, const struct processes *processes)
{
	uint32_t host[NAMESPACE_OWN];

	host_inodes(processes, host);
	for (struct home *h = homes->all; h; h = h->hh.next) {
		h->host_namespaces = 0;
		h->host_namespaces_known = false;
	}
	ns->members.n = 0;
	for (size_t i = 0; i < processes->list.n; i++) {
		struct process *p = processes->list.at[i];
		const uint32_t *inodes = p->standing.namespaces;

		if (!process_counts(p))
			continue;
		for (uint32_t kind = 0; kind < NAMESPACE_OWN; kind++) {
			if (!inodes[kind] || !host[kind])
				continue;
			p->home->host_namespaces_known = p->home->kind == HOME_CONTAINER;
			if (inodes[kind] == host[kind])
				p->home->host_namespaces |= 1u << kind;
			else
				ns->members.at[ns->members.n++] = (struct namespace_member){inodes[kind], kind, p};
		}
	}
	if (ns->members.n)
		qsort(ns->members.at, ns->members.n, sizeof(*ns->members.at), member_compare);
}

/* Whether `h` is the container itself or nested in it. */
static bool home_is_inside(const struct homes *homes, struct home *h, const struct home *container)
{
	for (int depth = 0; h && depth < NESTING_MAX; depth++) {
		const char *up = h->parent_path;

		if (h == container)
			return true;
		if (!up[0])
			return false;
		HASH_FIND(hh, homes->all, up, strlen(up), h);
	}
	return false;
}

/* Every member of a container's namespace that is not in the container, once for each kind. */
static void outsiders_find(struct namespaces *ns, const struct homes *homes)
{
	const struct namespace_member *members = ns->members.at;

	ns->found.n = 0;
	for (size_t first = 0, i; first < ns->members.n; first = i) {
		const struct home *owner = members[first].process->home;

		for (i = first; i < ns->members.n && members[i].inode == members[first].inode; i++) {
			const struct process *p = members[i].process;

			if (owner->kind == HOME_CONTAINER && !home_is_inside(homes, p->home, owner))
				ns->found.at[ns->found.n++] = (struct outsider){owner, p, members[i].kind};
		}
	}
}

/* Who is where stays as long as no process comes, goes or stands otherwise. */
static int places_keep(struct namespaces *ns, const struct homes *homes, const struct processes *processes)
{
	if (ns->standings == processes->standings && ns->described == homes->described)
		return 0;
	if (list_reserve(&ns->members, processes->rows.n * NAMESPACE_OWN) < 0)
		return -ENOMEM;
	members_collect(ns, homes, processes);
	if (list_reserve(&ns->found, ns->members.n) < 0)
		return -ENOMEM;
	outsiders_find(ns, homes);
	ns->standings = processes->standings;
	ns->described = homes->described;
	return 0;
}

static int outsider_compare(const void *a, const void *b)
{
	const struct outsider_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

/* One row per process instead of one per kind. */
static int outsider_rows(struct namespaces *ns, struct container_row *containers)
{
	struct outsider_row *rows;

	if (list_reserve(&ns->outsiders, ns->found.n) < 0)
		return -ENOMEM;
	rows = ns->outsiders.at;
	for (size_t i = 0; i < ns->found.n; i++)
		rows[i] = (struct outsider_row){ns->found.at[i].owner->row, ns->found.at[i].process->row,
						1u << ns->found.at[i].kind};
	ns->outsiders.n = 0;
	if (ns->found.n)
		qsort(rows, ns->found.n, sizeof(*rows), outsider_compare);
	for (size_t i = 0; i < ns->found.n; i++) {
		struct outsider_row *last = ns->outsiders.n ? &rows[ns->outsiders.n - 1] : NULL;

		if (last && outsider_compare(last, &rows[i]) == 0)
			last->kinds |= rows[i].kinds;
		else
			rows[ns->outsiders.n++] = rows[i];
	}
	for (size_t i = 0; i < ns->outsiders.n; i++) {
		struct container_row *c = &containers[rows[i].container];

		if (!c->n_outside++)
			c->outside = &rows[i];
	}
	return 0;
}

int namespace_rows_fill(struct namespaces *ns, const struct homes *homes, const struct processes *processes,
			struct container_row *containers, struct snapshot *snapshot)
{
	int r;

	if (list_reserve(&ns->rows, HASH_COUNT(ns->transitions)) < 0)
		return -ENOMEM;
	transition_rows(ns, containers);
	r = places_keep(ns, homes, processes);
	if (r >= 0)
		r = outsider_rows(ns, containers);
	if (r < 0)
		return r;
	for (const struct home *h = homes->all; h; h = h->hh.next) {
		if (h->row == HOME_NO_ROW)
			continue;
		containers[h->row].host_namespaces = h->host_namespaces;
		containers[h->row].host_namespaces_known = h->host_namespaces_known;
	}
	snapshot->transitions = ns->rows.at;
	snapshot->n_transitions = ns->rows.n;
	snapshot->outside = ns->outsiders.at;
	snapshot->n_outside = ns->outsiders.n;
	return 0;
}

void namespaces_free(struct namespaces *ns)
{
	struct transition *t, *next;

	HASH_ITER (hh, ns->transitions, t, next) {
		HASH_DEL(ns->transitions, t);
		free(t);
	}
	list_free(&ns->rows);
	list_free(&ns->members);
	list_free(&ns->found);
	list_free(&ns->outsiders);
}
