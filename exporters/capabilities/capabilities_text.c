/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities_text.c - the report of capabilities for people. Names pass through text_terminal.
 */
#include <string.h>

#include "base/text.h"
#include "exporters/capabilities/capabilities.h"
#include "sysscope/view.h"

static void add_watched_time(struct buf *out, double seconds)
{
	if (seconds < 120)
		buf_printf(out, "%.0f s", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%.0f min", seconds / 60);
	else if (seconds < 172800)
		buf_printf(out, "%.0f h", seconds / 3600);
	else
		buf_printf(out, "%.0f days", seconds / 86400);
}

static void add_set(struct buf *out, const struct capability_watch *w, uint64_t set)
{
	if (!set)
		buf_str(out, "none");
	else if (w->all && set == w->all)
		buf_str(out, "all");
	else
		capability_names_add(out, set, "", " ", "");
	buf_char(out, '\n');
}

static void add_counts(struct buf *out, const char *title, const uint64_t *counts)
{
	bool first = true;

	for (unsigned int i = 0; i < CAPABILITY_BITS; i++) {
		if (!counts[i])
			continue;
		buf_str(out, first ? title : ", ");
		first = false;
		capability_name(out, i);
		buf_printf(out, " %lu", counts[i]);
	}
	if (!first)
		buf_char(out, '\n');
}

static void add_watched(struct buf *out, const struct capability_report *r)
{
	buf_str(out, "  watched      ");
	add_watched_time(out, r->seconds);
	if (r->before_seconds == 0) {
		buf_str(out, ", since its start");
	} else if (r->before_seconds > 0) {
		buf_str(out, "; it had run for ");
		add_watched_time(out, r->before_seconds);
		buf_str(out, " before that; earlier use is unknown");
	} else {
		buf_str(out, "; earlier use is unknown");
	}
	buf_str(out, r->ended ? "; it has ended\n" : "\n");
}

static void capability_report_text(struct buf *out, const struct capability_watch *w, const struct capability_report *r)
{
	uint64_t used = capability_report_used(r);

	text_terminal(out, r->name, strlen(r->name));
	buf_printf(out, "  %s\n", *r->runtime ? r->runtime : r->kind);
	add_watched(out, r);
	buf_str(out, "  granted      ");
	add_set(out, w, r->effective | r->permitted);
	buf_str(out, "  bounding     ");
	add_set(out, w, r->bounding);
	if (used)
		add_counts(out, "  used         ", r->used);
	else
		buf_str(out, "  used         none\n");
	buf_str(out, "  unused       ");
	add_set(out, w, (r->effective | r->permitted) & ~used);
	add_counts(out, "  by runtime   ", r->runtime_used);
	add_counts(out, "  in user namespaces of its own: ", r->elsewhere_used);
	for (size_t i = 0; i < r->n_denials; i++) {
		const struct denial *d = &r->denials[i];

		buf_str(out, "  denied       ");
		capability_name(out, d->capability);
		buf_printf(out, " %lu, by ", d->count);
		text_terminal(out, d->comm, strlen(d->comm));
		buf_char(out, '\n');
	}
	if (r->denials_cut)
		buf_str(out, "  denied       and more\n");
	buf_str(out, "  docker       ");
	capability_docker(out, used);
	buf_str(out, "\n  kubernetes   ");
	capability_kubernetes(out, used, "               ");
	buf_str(out, "\n  systemd      ");
	capability_systemd(out, used);
	buf_str(out, "\n\n");
}

void capabilities_write_text(struct buf *out, const struct capability_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		capability_report_text(out, w, &w->reports[i]);
	buf_str(out, "Watched for ");
	add_watched_time(out, w->seconds);
	buf_printf(out,
		   " (%s). What is needed rarely, at startup or at shutdown may not have been used in that time.\n",
		   w->hook);
	if (*w->lacks)
		buf_printf(out, "Limit of this kernel's hook: %s.\n", w->lacks);
	if (w->lost)
		buf_printf(out, "LOST: %lu checks did not fit into the table.\n", w->lost);
}
