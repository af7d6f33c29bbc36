/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collector_options.c - see collector_options.h. */
#include <stdio.h>
#include <string.h>

#include "cli/collector_options.h"

static const char *option_name(struct collector_options *o, size_t row, const char *prefix, enum collector c)
{
	snprintf(o->names[row], sizeof(o->names[row]), "%scollector.%s", prefix, collector_name(c));
	return o->names[row];
}

size_t collector_options_rows(struct collector_options *o, struct option_row *rows)
{
	size_t n = 0;

	*o = (struct collector_options){.epoll_hook = "auto", .stall_seconds = 0.1, .epoll_idle_seconds = 300};
	for (enum collector c = 0; c < COLLECTORS; c++) {
		if (collector_required(c) || collector_on_request(c))
			continue;
		if (c == COLLECTOR_EPOLL)
			rows[n] = ROW_CHOICE(option_name(o, n, "", c), 0, "auto|fentry|kprobe|tracepoint|sched",
					     &o->epoll_hook, "HOOK",
					     "hook that sees waits in epoll (`sysscope doctor` shows what each costs; "
					     "sched costs nothing, but sees only loops that sleep)");
		else
			rows[n] = ROW_UNSET(option_name(o, n, "", c), 0, &o->off[c], "run this collector (default)");
		n++;
		rows[n] = ROW_FLAG(option_name(o, n, "no-", c), 0, &o->off[c], "do not run it");
		n++;
	}
	rows[n++] = ROW_SECONDS("loop.stall-threshold", 0, 0.001, 3600, &o->stall_seconds, "SECONDS",
				"an event loop that stays away from epoll for longer is stalled");
	rows[n++] = ROW_SECONDS(
		"collector.epoll.idle", 0, 0, 86400, &o->epoll_idle_seconds, "SECONDS",
		"where only tracepoints see waits in epoll, which slow down every system call: leave them attached for "
		"so long after somebody has looked at loops; 0: always");
	rows[0].heading = "collectors";
	return n;
}

void collector_options_apply(const struct collector_options *o, struct pipeline_options *ret)
{
	for (enum collector c = 0; c < COLLECTORS; c++)
		if (o->off[c])
			ret->disabled |= 1U << c;
	ret->epoll_hook = strcmp(o->epoll_hook, "auto") == 0 ? NULL : o->epoll_hook;
	/* A hook that was asked for by name is always attached. */
	ret->loops_idle_ns = ret->epoll_hook ? 0 : (uint64_t)(o->epoll_idle_seconds * 1e9);
	ret->stall_ns = (uint64_t)(o->stall_seconds * 1e9);
}
