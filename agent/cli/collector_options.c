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

	*o = (struct collector_options){.epoll_hook = "auto", .stall_seconds = 0.1};
	for (enum collector c = 0; c < COLLECTORS; c++) {
		if (collector_required(c) || collector_on_request(c))
			continue;
		rows[n] = (struct option_row){.name = option_name(o, n, "", c),
					      .kind = OPTION_UNSET,
					      .target = &o->off[c],
					      .help = "run this collector (the default)"};
		if (c == COLLECTOR_EPOLL)
			rows[n] = (struct option_row){
				.name = rows[n].name,
				.kind = OPTION_CHOICE,
				.choices = "auto|fentry|kprobe|tracepoint|sched",
				.target = &o->epoll_hook,
				.argument = "HOOK",
				.help = "how waits in epoll are seen; see `sysscope doctor` for what each costs. sched "
					"costs nothing, and sees only loops that sleep"};
		n++;
		rows[n] = (struct option_row){.name = option_name(o, n, "no-", c),
					      .kind = OPTION_FLAG,
					      .target = &o->off[c],
					      .help = "do not run it"};
		n++;
	}
	rows[n++] = (struct option_row){.name = "loop.stall-threshold",
					.kind = OPTION_SECONDS,
					.min = 0.001,
					.max = 3600,
					.target = &o->stall_seconds,
					.argument = "SECONDS",
					.help = "an event loop that is away from epoll for longer is stalled"};
	return n;
}

void collector_options_apply(const struct collector_options *o, struct pipeline_options *ret)
{
	for (enum collector c = 0; c < COLLECTORS; c++)
		if (o->off[c])
			ret->disabled |= 1U << c;
	ret->epoll_hook = strcmp(o->epoll_hook, "auto") == 0 ? NULL : o->epoll_hook;
	ret->stall_ns = (uint64_t)(o->stall_seconds * 1e9);
}
