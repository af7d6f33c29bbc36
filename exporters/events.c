/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events.c - see events.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "events.h"
#include "sysscope/util.h"
#include "table.h"

/* Local time of day with milliseconds. */
static void event_time(struct buf *out, double seconds)
{
	time_t whole = (time_t)seconds;
	char text[16] = "";
	struct tm tm;

	if (localtime_r(&whole, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_printf(out, "%s.%03d", text, (int)((seconds - (double)whole) * 1000));
}

static void event_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

int event_stall_text(struct buf *out, const struct snapshot *s, const struct loop_row *l)
{
	const struct process_row *p = &s->processes[l->process];

	event_time(out, l->last_stall.time);
	buf_str(out, " loop_stall ");
	event_name(out, process_container(s, p)->name);
	buf_char(out, ' ');
	event_name(out, p->comm);
	buf_printf(out, " %u", p->pid);
	if (l->tid != p->pid)
		buf_printf(out, "/%u", l->tid);
	buf_str(out, ": ");
	stall_sentence(out, &l->last_stall);
	buf_char(out, '\n');
	return out->failed ? -ENOMEM : 0;
}
