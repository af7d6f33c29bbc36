/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.c - see match.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "view/match.h"

/* The name as a terminal shows it; "" when out of memory. */
static const char *match_shown(struct buf *out, const char *name)
{
	buf_reset(out);
	text_terminal(out, name, strlen(name));
	return out->data && !out->failed ? out->data : "";
}

/* As in the column of names: "pod/name" where there is a pod. */
static const char *match_shown_name(struct buf *out, const struct container_row *row)
{
	if (!row->pod[0])
		return match_shown(out, row->name);
	match_shown(out, row->pod);
	buf_char(out, '/');
	text_terminal(out, row->name, strlen(row->name));
	return out->data && !out->failed ? out->data : "";
}

bool container_matches(const struct container_row *row, const char *wanted)
{
	_cleanup_buf_ struct buf text = {}, name = {};
	size_t length = strlen(wanted);

	if (strcmp(row->name, wanted) == 0 ||
	    (length >= MATCH_ID_MIN && row->id[0] && strncmp(row->id, wanted, length) == 0))
		return true;
	/* A name copied from the screen has escapes in place of the bytes that they stand for. */
	match_shown(&text, wanted);
	return text.len && (strcmp(match_shown(&name, row->name), text.data) == 0 ||
			    (row->pod[0] && strcmp(match_shown_name(&name, row), text.data) == 0));
}

void match_filter_init(struct match_filter *f, const char *wanted)
{
	*f = (struct match_filter){};
	if (wanted)
		text_terminal(&f->wanted, wanted, strlen(wanted));
}

void match_filter_free(struct match_filter *f)
{
	buf_free(&f->wanted);
	buf_free(&f->text);
}

static bool filter_in(const struct match_filter *f, const char *text)
{
	return strcasestr(text, f->wanted.data) != NULL;
}

bool match_filter_row(struct match_filter *f, const struct container_row *home, const struct process_row *p)
{
	char pid[16];

	if (!f->wanted.len)
		return true;
	if (filter_in(f, match_shown_name(&f->text, home)) || filter_in(f, match_shown(&f->text, home->image)))
		return true;
	if (!p)
		return false;
	snprintf(pid, sizeof(pid), "%u", p->pid);
	return filter_in(f, match_shown(&f->text, p->comm)) || strcmp(pid, f->wanted.data) == 0;
}
