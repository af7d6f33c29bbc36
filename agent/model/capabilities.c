/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - capabilities: what each container's processes have, and which checks its threads have met. Part of
 * the model (internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"
#include "view/expected.h"

static struct container_row *row_of(struct model *m, const struct process *p)
{
	const struct ss_thread_record *r = p->leader;

	if (!(r->flags & SS_THREAD_LEADER) || r->flags & SS_THREAD_ZOMBIE || p->home->row == HOME_NO_ROW)
		return NULL;
	return &m->containers[p->home->row];
}

static void sets_collect(struct model *m)
{
	m->snapshot.capabilities_all = 0;
	for (struct process *p = m->processes; p; p = p->hh.next) {
		const struct ss_thread_record *r = p->leader;
		struct container_row *c = row_of(m, p);

		if (r->flags & SS_THREAD_KERNEL && r->tgid == 2)
			m->snapshot.capabilities_all = r->capabilities_bounding;
		if (!c)
			continue;
		if (!c->oldest_process || p->key.start_ns < m->process_rows[c->oldest_process - 1].start_ns) {
			c->oldest_process = p->row + 1;
			c->user_namespace = r->ns_user;
			c->capabilities_bounding = r->capabilities_bounding;
		}
	}
	for (struct process *p = m->processes; p; p = p->hh.next) {
		struct container_row *c = row_of(m, p);

		/* A runtime on its way into the container; who is let in with more (docker exec --privileged) has it. */
		if (!c || (p->leader->capabilities_bounding & ~c->capabilities_bounding &&
			   namespace_transition_expected(p->comm, p->home->kind)))
			continue;
		c->capabilities_effective |= p->leader->capabilities_effective;
		c->capabilities_permitted |= p->leader->capabilities_permitted;
	}
}

int capabilities_finish(struct model *m, const struct sample *s)
{
	size_t n = 0;
	int r = array_reserve(&m->check_rows, &m->cap_checks, s->n_checks, sizeof(*m->check_rows));

	if (r < 0)
		return r;
	sets_collect(m);
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct ss_capability_key *key = &s->checks[i].key;
		struct home *h = home_known(m, key->cgroup_id);
		struct check_row *row;

		/* Of a container that was forgotten: that has been told. */
		if (!h || h->row == HOME_NO_ROW || key->capability > 63)
			continue;
		row = &m->check_rows[n++];
		*row = (struct check_row){.container = h->row,
					  .user_namespace = key->user_namespace,
					  .capability = (uint8_t)key->capability,
					  .denied = key->denied != 0,
					  .foreign = h->kind == HOME_CONTAINER &&
						     key->bounding & ~m->containers[h->row].capabilities_bounding,
					  .count = s->checks[i].count};
		memcpy(row->comm, key->comm, SS_COMM_LEN);
	}
	m->snapshot.checks = m->check_rows;
	m->snapshot.n_checks = n;
	return 0;
}
