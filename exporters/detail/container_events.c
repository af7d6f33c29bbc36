/* SPDX-License-Identifier: GPL-2.0-or-later */
/* container_events.c - what happened to a container lately, and how often it was started: see detail.h. */
#include <string.h>

#include "exporters/detail/detail.h"
#include "exporters/table/format.h"

#define EVENTS_SHOWN 10
#define STARTS_SHOWN 5

/* Only where there is more than the one that is shown in full. */
static void starts_line(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	size_t n = 0, shown = 0;

	for (size_t i = 0; i < s->n_births; i++)
		n += strcmp(s->births[i].cgroup, c->cgroup) == 0;
	if (n < 2)
		return;
	buf_printf(out, "starts         %zu, the latest at", n);
	for (size_t i = s->n_births; i-- > 0 && shown < STARTS_SHOWN;) {
		if (strcmp(s->births[i].cgroup, c->cgroup) != 0)
			continue;
		buf_str(out, shown++ ? ", " : " ");
		detail_clock(out, s->births[i].time);
	}
	buf_char(out, '\n');
}

static void event_line(struct buf *out, const struct event_row *e)
{
	buf_str(out, "  ");
	detail_clock(out, e->time);
	buf_printf(out, "     %s ", e->type);
	format_name(out, e->comm);
	if (e->pid)
		buf_printf(out, " %u", e->pid);
	buf_printf(out, ": %s\n", e->text);
}

void detail_container_events(struct buf *out, const struct snapshot *s, const struct container_row *c)
{
	const struct looked_at *l = &s->looked;
	size_t n = 0;

	starts_line(out, s, c);
	for (size_t i = 0; l->events && c->cgroup[0] && i < l->n_events; i++) {
		if (strcmp(l->events[i].cgroup, c->cgroup) != 0)
			continue;
		if (n++ == 0)
			buf_str(out, "lately         the latest first:\n");
		if (n <= EVENTS_SHOWN)
			event_line(out, &l->events[i]);
	}
	if (n > EVENTS_SHOWN)
		buf_printf(out, "               and %zu more in the view of events\n", n - EVENTS_SHOWN);
}
