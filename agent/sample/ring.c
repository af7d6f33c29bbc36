/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ring.c - the ring: cgroups that come and go, stalls, and whatever somebody listens for. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "identity/identity.h"
#include "sample/fact.h"
#include "sample/sampler_internal.h"

/* Then whoever asked for them has a turn. */
#define FACTS_AT_ONCE 8192

static void fact_tell(struct sampler *s, const struct ss_fact *f)
{
	bool about_cgroup =
		f->kind == SS_FACT_CGROUP_CREATE || f->kind == SS_FACT_CGROUP_REMOVE || f->kind == SS_FACT_CGROUP_ENTER;
	const struct cgroup_entry *e = cgroup_table_find(s->table, about_cgroup ? f->cgroup.id : f->cgroup_id);

	s->listener.take(s->listener.ctx, f, e ? e->who : NULL, e ? e->path : NULL);
}

int sampler_fact_take(void *ctx, void *data, size_t size)
{
	struct sampler *s = ctx;
	uint64_t now = clock_boot_ns();
	struct ss_fact f;

	if (fact_decode(data, size, &f) < 0) {
		s->malformed++;
		return 0;
	}
	switch (f.kind) {
	case SS_FACT_CGROUP_CREATE:
		/* A name that may have been cut is left to the walk. */
		if (strlen(f.cgroup.name) + 1 == sizeof(f.cgroup.name) ||
		    cgroup_table_born(s->table, f.cgroup.id, f.cgroup.parent_id, f.cgroup.name, now) == -ENOENT)
			s->walk_needed = true;
		break;
	case SS_FACT_CGROUP_REMOVE:
		cgroup_table_removed(s->table, f.cgroup.id, now);
		break;
	case SS_FACT_LOOP_STALL:
		if (s->stalls_held < STALLS_MAX)
			s->sample.stalls[s->stalls_held++] = f;
		else
			s->stalls_dropped++;
		break;
	}
	if (s->listener.take)
		fact_tell(s, &f);
	/* Whoever makes them faster than they are read must not keep us here: the rest comes next time. */
	return ++s->facts_taken % FACTS_AT_ONCE ? 0 : -EAGAIN;
}

void sampler_facts(struct sampler *s)
{
	if (s->ring)
		ring_buffer__consume(s->ring);
	identities_refresh(s->ids, clock_boot_ns());
}

void sampler_listen(struct sampler *s, const struct fact_listener *listener)
{
	s->listener = *listener;
}

int sampler_facts_fd(const struct sampler *s)
{
	return s->ring ? ring_buffer__epoll_fd(s->ring) : -1;
}
