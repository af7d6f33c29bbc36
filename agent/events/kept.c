/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kept.c - see kept.h. */
#include "events/feed.h"
#include "events/kept.h"

uint32_t kept_events_kinds(uint32_t types)
{
	uint32_t kinds = 0;

#define FACT(kind, number, type, ...) kinds |= (types >> EVENT_##type & 1) << (number);
#define EVENT(...)
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
	return kinds | (types >> EVENT_CONTAINER_EXIT & 1);
}

#define KEPT_TYPES event_types_shown(true)

uint32_t kept_events_own_kinds(void)
{
	return kept_events_kinds(KEPT_TYPES);
}

int kept_events_open(struct event_feed **ret, bool (*sink)(void *ctx, const struct event *e), void *ctx,
		     struct pipeline_options *o)
{
	const struct event_choice choice = {.types = KEPT_TYPES, .sink = sink, .sink_ctx = ctx};
	bool no_socket_owners = o->no_socket_owners;
	int r = event_feed_new(ret, &choice);

	if (r < 0)
		return r;
	event_feed_options(&choice, o);
	o->no_socket_owners = no_socket_owners;
	/* They are recorded with the next sample. What tells of a container is not among them: its name is looked up while it lives. */
	o->facts_unhurried =
		1u << SS_FACT_PROCESS_START | 1u << SS_FACT_EXEC | 1u << SS_FACT_EXIT | 1u << SS_FACT_NAMESPACE;
	o->subscriber = (struct fact_subscriber){.take = event_feed_take, .ctx = *ret};
	return 0;
}

void kept_events_snapshot(struct event_feed *f, const struct pipeline *p, const struct snapshot *s)
{
	event_feed_clock(f);
	event_feed_snapshot(f, s);
	if (s)
		event_feed_lost(f, p);
}

uint64_t kept_events_lost(const struct event_feed *f, const struct pipeline *p)
{
	struct event_sums sums;

	event_feed_sums(f, p, &sums);
	return sums.lost_ring + sums.unread + sums.stalls.lost_ring + sums.stalls.unread;
}
