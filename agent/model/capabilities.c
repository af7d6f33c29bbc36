/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - sums the capabilities of each container's processes, and attributes capability checks to containers:
 * see capabilities.h. Called by model_update.c.
 */
#include <string.h>

#include "model/capabilities.h"
#include "view/expected.h"

/* The row of the process's home. NULL: not shown, or the process has no capabilities that count. */
static struct container_row *row_of(struct container_row *containers, const struct process *p)
{
	const struct ss_thread_record *r = p->leader;

	if (!(r->flags & SS_THREAD_LEADER) || r->flags & SS_THREAD_ZOMBIE || p->home->row == HOME_NO_ROW)
		return NULL;
	return &containers[p->home->row];
}

/* Also finds what this kernel has: the bounding set of kthreadd. */
static void oldest_find(const struct processes *processes, struct container_row *containers, struct snapshot *snapshot)
{
	snapshot->capabilities_all = 0;
	for (struct process *p = processes->all; p; p = p->hh.next) {
		const struct ss_thread_record *r = p->leader;
		struct container_row *c = row_of(containers, p);

		if (r->flags & SS_THREAD_KERNEL && r->tgid == 2)
			snapshot->capabilities_all = r->capabilities_bounding;
		if (!c)
			continue;
		if (!c->oldest_process || p->key.start_ns < processes->rows.at[c->oldest_process - 1].start_ns) {
			c->oldest_process = p->row + 1;
			c->user_namespace = r->ns_user;
			c->capabilities_bounding = r->capabilities_bounding;
		}
	}
}

static void sets_collect(const struct processes *processes, struct container_row *containers)
{
	for (struct process *p = processes->all; p; p = p->hh.next) {
		struct container_row *c = row_of(containers, p);

		/*
		 * A runtime on its way into the container has more in its bounding set, and is not counted: it is known by its
		 * name, or has not executed the container's program yet. A process that was started in it with more (docker exec
		 * --privileged) is.
		 */
		if (!c || (p->leader->capabilities_bounding & ~c->capabilities_bounding &&
			   (p->leader->flags & SS_THREAD_FORKED || runtime_named(p->comm, p->home->kind))))
			continue;
		c->capabilities_effective |= p->leader->capabilities_effective;
		c->capabilities_permitted |= p->leader->capabilities_permitted;
	}
}

int capability_rows_fill(struct capabilities *caps, const struct homes *homes, const struct processes *processes,
			 const struct sample *s, struct container_row *containers, struct snapshot *snapshot)
{
	if (list_reserve(&caps->checks, s->n_checks) < 0)
		return -ENOMEM;
	caps->checks.n = 0;
	oldest_find(processes, containers, snapshot);
	sets_collect(processes, containers);
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct ss_capability_key *key = &s->checks[i].key;
		struct home *h = home_known(homes, key->cgroup_id);
		struct check_row *row;

		/* The checks of a container that was forgotten have been in earlier snapshots. */
		if (!h || h->row == HOME_NO_ROW || key->capability > 63)
			continue;
		row = &caps->checks.at[caps->checks.n++];
		*row = (struct check_row){.container = h->row,
					  .user_namespace = key->user_namespace,
					  .capability = (uint8_t)key->capability,
					  .denied = key->denied != 0,
					  .early = h->kind == HOME_CONTAINER && key->signs & SS_RUNTIME_EARLY,
					  .foreign = h->kind == HOME_CONTAINER &&
						     key->bounding & ~containers[h->row].capabilities_bounding,
					  .count = s->checks[i].count};
		memcpy(row->comm, key->comm, SS_COMM_LEN);
	}
	snapshot->checks = caps->checks.at;
	snapshot->n_checks = caps->checks.n;
	return 0;
}

void capabilities_free(struct capabilities *caps)
{
	list_free(&caps->checks);
}
