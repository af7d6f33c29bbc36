/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sums.c - see sums.h. */
#include "base/util.h"
#include "events/sums.h"

static const char why_ring[] = "lost because the kernel's ring was full";
static const char why_unread[] = "lost because the reader was slow";

static void put_part(struct buf *out, uint64_t n, const char *what)
{
	buf_printf(out, ", %llu %s", (unsigned long long)n, what);
}

static void stalls_text(struct buf *out, const struct event_stall_sums *s)
{
	buf_printf(out, "%llu event-loop stall%s shown", (unsigned long long)s->told, s->told == 1 ? "" : "s");
	if (s->left_out)
		put_part(out, s->left_out, "filtered out");
	if (s->lost_ring)
		put_part(out, s->lost_ring, why_ring);
	if (s->unread)
		put_part(out, s->unread, why_unread);
}

static void facts_text(struct buf *out, const struct event_sums *s)
{
	buf_printf(out, "%llu fact%s: %llu shown", (unsigned long long)s->produced, s->produced == 1 ? "" : "s",
		   (unsigned long long)s->told);
	put_part(out, s->left_out, "filtered out");
	put_part(out, s->lost_ring, why_ring);
	put_part(out, s->unread, why_unread);
}

void event_sums_text(struct buf *out, const struct event_sums *s)
{
	if (s->stalls_chosen)
		stalls_text(out, &s->stalls);
	if (s->stalls_chosen && s->facts_chosen)
		buf_str(out, "; ");
	if (s->facts_chosen)
		facts_text(out, s);
}
