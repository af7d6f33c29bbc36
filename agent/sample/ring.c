/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ring.c - takes facts from the ring: created and removed cgroups, stalls, and whatever a subscriber asked for. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "identity/identity.h"
#include "sample/fact.h"
#include "sample/sampler_internal.h"

/* Facts per turn; then the subscriber can write its output. */
#define FACTS_AT_ONCE 8192

static void fact_pass_on(struct sampler *s, const struct ss_fact *f)
{
	bool about_cgroup =
		f->kind == SS_FACT_CGROUP_CREATE || f->kind == SS_FACT_CGROUP_REMOVE || f->kind == SS_FACT_CGROUP_ENTER;
	const struct cgroup_entry *e = cgroup_table_find(s->table, about_cgroup ? f->cgroup.id : f->cgroup_id);

	s->subscriber.take(s->subscriber.ctx, f, e ? e->who : NULL, e ? e->path : NULL);
}

/* Keeps it for the next sample. */
static void fact_hold(struct sampler *s, struct ss_fact *facts, size_t *held, size_t max, const struct ss_fact *f)
{
	if (*held < max)
		facts[(*held)++] = *f;
	else
		s->facts_dropped++;
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
		/* The walk finds the full name if this one may have been cut. */
		if (strlen(f.cgroup.name) + 1 == sizeof(f.cgroup.name) ||
		    cgroup_table_born(s->table, f.cgroup.id, f.cgroup.parent_id, f.cgroup.name, now) == -ENOENT)
			s->walk_needed = true;
		/* Who takes facts gets the name with the first one. */
		else if (s->subscriber.take)
			identities_wait(s->ids);
		break;
	case SS_FACT_CGROUP_REMOVE:
		cgroup_table_removed(s->table, f.cgroup.id, now);
		break;
	case SS_FACT_LOOP_STALL:
		fact_hold(s, s->sample.stalls, &s->stalls_held, STALLS_MAX, &f);
		break;
	case SS_FACT_OOM_KILL:
		fact_hold(s, s->sample.oom_kills, &s->oom_kills_held, OOM_KILLS_MAX, &f);
		break;
	}
	if (s->subscriber.take)
		fact_pass_on(s, &f);
	/* If facts come faster than they are read, this would never end: the rest comes next time. */
	return ++s->facts_taken % FACTS_AT_ONCE ? 0 : -EAGAIN;
}

void sampler_facts(struct sampler *s)
{
	if (s->ring)
		ring_buffer__consume(s->ring);
	identities_refresh(s->ids, clock_boot_ns());
}

void sampler_subscribe(struct sampler *s, const struct fact_subscriber *subscriber)
{
	s->subscriber = *subscriber;
}

int sampler_facts_fd(const struct sampler *s)
{
	return s->ring ? ring_buffer__epoll_fd(s->ring) : -1;
}
