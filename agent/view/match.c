/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.c - see match.h.
 */
#include <errno.h>
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

/* ---- --container ---- */

static bool name_matches(const struct container_row *row, const char *wanted)
{
	_cleanup_buf_ struct buf text = {}, name = {};

	if (strcmp(row->name, wanted) == 0 || (wanted[0] == '/' && wanted[1] && strcmp(row->name, wanted + 1) == 0))
		return true;
	/* A name copied from the screen has escapes in place of the bytes that they stand for. */
	match_shown(&text, wanted);
	return text.len && (strcmp(match_shown(&name, row->name), text.data) == 0 ||
			    (row->pod[0] && strcmp(match_shown_name(&name, row), text.data) == 0));
}

/* Some runtimes call the name an id, too: a few characters must look like those of a hash. */
#define ID_SURE 12
static bool id_begins(const struct container_row *row, const char *wanted)
{
	size_t length = strlen(wanted);

	return length && strncmp(row->id, wanted, length) == 0 &&
	       (length >= ID_SURE || strspn(wanted, "0123456789abcdef-") == length);
}

static bool wanted_matches(const struct match_wanted *w, const struct container_row *row)
{
	if (name_matches(row, w->text))
		return true;
	if (w->named || w->ambiguous)
		return false;
	/* Until a snapshot shows whose it is (a container that has just started): any id that begins like this. */
	return w->id[0] ? strcmp(row->id, w->id) == 0 : id_begins(row, w->text);
}

bool match_choice_row(const struct match_choice *c, const struct container_row *row)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (wanted_matches(&c->wanted[i], row))
			return true;
	return !c || !c->n;
}

void match_choice_init(struct match_choice *c, const char *const *names, size_t n)
{
	*c = (struct match_choice){.n = n < MATCH_WANTED_MAX ? n : MATCH_WANTED_MAX};
	for (size_t i = 0; i < c->n; i++)
		c->wanted[i].text = names[i];
}

void match_choice_free(struct match_choice *c)
{
	buf_free(&c->message);
}

static void message_text(struct buf *out, const char *text)
{
	text_terminal(out, text, strlen(text));
}

/* A candidate, in a list of at most CANDIDATES_SHOWN. */
#define CANDIDATES_SHOWN 5
#define ID_SHOWN	 12
static void candidate_add(struct buf *out, const struct container_row *row, size_t before)
{
	char id[ID_SHOWN + 1];

	if (before >= CANDIDATES_SHOWN) {
		if (before == CANDIDATES_SHOWN)
			buf_str(out, ", ...");
		return;
	}
	snprintf(id, sizeof(id), "%s", row->id);
	buf_str(out, before ? ", " : "");
	message_text(out, row->name);
	buf_str(out, " (");
	message_text(out, id);
	buf_char(out, ')');
}

/* By the beginning of an id. Two rows of one id are one container. */
static void wanted_look_id(struct match_wanted *w, const struct snapshot *s, struct buf *message)
{
	_cleanup_buf_ struct buf candidates = {};
	const struct container_row *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *row = &s->containers[i];

		if (!id_begins(row, w->text) || (found && strcmp(found->id, row->id) == 0))
			continue;
		found = row;
		candidate_add(&candidates, row, n++);
	}
	w->ambiguous = n > 1;
	w->seen |= n > 0;
	if (n == 1 && strlen(found->id) < sizeof(w->id))
		snprintf(w->id, sizeof(w->id), "%s", found->id);
	if (!w->ambiguous)
		return;
	buf_str(message, message->len ? "; '" : "'");
	message_text(message, w->text);
	buf_printf(message, "' is the beginning of %zu containers' ids: ", n);
	buf_str(message, candidates.data ? candidates.data : "");
}

static void wanted_look(struct match_wanted *w, const struct snapshot *s, struct buf *message)
{
	for (size_t i = 0; i < s->n_containers && !w->named && !w->id[0]; i++)
		w->named = name_matches(&s->containers[i], w->text);
	w->seen |= w->named;
	if (w->named)
		w->ambiguous = false;
	else if (!w->id[0])
		wanted_look_id(w, s, message);
	if (w->seen)
		return;
	buf_str(message, message->len ? "; there is no container '" : "there is no container '");
	message_text(message, w->text);
	buf_char(message, '\'');
}

int match_choice_look(struct match_choice *c, const struct snapshot *s)
{
	int r = 0;

	buf_reset(&c->message);
	for (size_t i = 0; i < c->n; i++) {
		wanted_look(&c->wanted[i], s, &c->message);
		if (c->wanted[i].ambiguous)
			r = -ENOTUNIQ;
		else if (!c->wanted[i].seen && r == 0)
			r = -ENOENT;
	}
	return r;
}

/* ---- the filter of top ---- */

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

bool match_filter_comm(struct match_filter *f, const struct container_row *home, const char *comm)
{
	return !f->wanted.len || filter_in(f, match_shown_name(&f->text, home)) ||
	       filter_in(f, match_shown(&f->text, home->image)) || filter_in(f, match_shown(&f->text, comm));
}

bool match_filter_row(struct match_filter *f, const struct container_row *home, const struct process_row *p)
{
	char pid[16];

	if (match_filter_comm(f, home, p ? p->comm : ""))
		return true;
	if (!p)
		return false;
	snprintf(pid, sizeof(pid), "%u", p->pid);
	return strcmp(pid, f->wanted.data) == 0;
}
