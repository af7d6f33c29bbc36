/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - sums the capabilities of each container's processes, and attributes capability checks to containers:
 * see capabilities.h. Called by model_update.c.
 */
#include <string.h>

#include "model/capabilities.h"
#include "view/expected.h"

/* NULL: the process has no capabilities that count. */
static struct home_capabilities *capabilities_of(const struct process *p)
{
	bool counts = p->standing.flags & SS_THREAD_LEADER && !(p->standing.flags & SS_THREAD_ZOMBIE);

	return counts ? &p->home->capabilities : NULL;
}

/* Also finds what this kernel has: the bounding set of kthreadd. */
static void oldest_find(struct capabilities *caps, const struct processes *processes)
{
	caps->all = 0;
	for (size_t i = 0; i < processes->list.n; i++) {
		const struct process *p = processes->list.at[i];
		struct home_capabilities *c = capabilities_of(p);

		if (p->standing.flags & SS_THREAD_KERNEL && p->key.tgid == 2)
			caps->all = p->standing.capabilities_bounding;
		if (!c || (c->oldest && p->key.start_ns >= c->oldest->key.start_ns))
			continue;
		c->oldest = p;
		c->user_namespace = p->leader->ns_user;
		c->bounding = p->standing.capabilities_bounding;
	}
}

static void sets_collect(const struct processes *processes)
{
	for (size_t i = 0; i < processes->list.n; i++) {
		const struct process *p = processes->list.at[i];
		struct home_capabilities *c = capabilities_of(p);

		/*
		 * A runtime on its way into the container has more in its bounding set, and is not counted: it is known by its
		 * name, or has not executed the container's program yet. A process that was started in it with more (docker exec
		 * --privileged) is.
		 */
		if (!c || (p->standing.capabilities_bounding & ~c->bounding &&
			   (p->standing.flags & SS_THREAD_FORKED || runtime_named(p->comm, p->home->kind))))
			continue;
		c->effective |= p->standing.capabilities_effective;
		c->permitted |= p->standing.capabilities_permitted;
	}
}

/* They stay as long as no process comes, goes or stands otherwise. */
static void homes_collect(struct capabilities *caps, const struct homes *homes, const struct processes *processes)
{
	if (caps->standings == processes->standings && caps->described == homes->described)
		return;
	for (struct home *h = homes->all; h; h = h->hh.next)
		h->capabilities = (struct home_capabilities){};
	oldest_find(caps, processes);
	sets_collect(processes);
	caps->standings = processes->standings;
	caps->described = homes->described;
}

static void containers_complete(const struct homes *homes, struct container_row *containers)
{
	for (const struct home *h = homes->all; h; h = h->hh.next) {
		const struct home_capabilities *c = &h->capabilities;
		struct container_row *row;

		if (h->row == HOME_NO_ROW || !c->oldest)
			continue;
		row = &containers[h->row];
		row->oldest_process = c->oldest->row + 1;
		row->user_namespace = c->user_namespace;
		row->capabilities_bounding = c->bounding;
		row->capabilities_effective = c->effective;
		row->capabilities_permitted = c->permitted;
	}
}

int capability_rows_fill(struct capabilities *caps, const struct homes *homes, const struct processes *processes,
			 const struct sample *s, struct container_row *containers, struct snapshot *snapshot)
{
	if (list_reserve(&caps->checks, s->n_checks) < 0)
		return -ENOMEM;
	caps->checks.n = 0;
	homes_collect(caps, homes, processes);
	containers_complete(homes, containers);
	snapshot->capabilities_all = caps->all;
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
