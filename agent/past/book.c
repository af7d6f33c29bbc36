/* SPDX-License-Identifier: GPL-2.0-or-later */
/* book.c - see book.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "past/book.h"

/* ---- copies ---- */

/* Makes the text the book's own. */
static void text_own(struct book *b, const char **text)
{
	char *copy;

	if (!**text)
		return;
	copy = list_reserve(&b->texts, b->texts.n + 1) < 0 ? NULL : strdup(*text);
	if (copy)
		b->texts.at[b->texts.n++] = copy;
	else
		b->failed = true;
	*text = copy ?: "";
}

/* The names of rules, metrics and units are constants. */
static void finding_own(struct book *b, struct finding *f)
{
	text_own(b, &f->container);
	text_own(b, &f->container_cgroup);
	text_own(b, &f->comm);
	text_own(b, &f->culprit_container);
	text_own(b, &f->culprit_cgroup);
	text_own(b, &f->culprit_process);
	text_own(b, &f->headline);
	for (size_t i = 0; i < f->n_evidence; i++)
		text_own(b, &f->evidence[i].text);
	for (size_t i = 0; i < f->n_ruled_out; i++)
		text_own(b, &f->ruled_out[i]);
	for (size_t i = 0; i < f->n_advice; i++)
		text_own(b, &f->advice[i]);
	for (size_t i = 0; i < f->n_explains; i++) {
		text_own(b, &f->explains[i].container);
		text_own(b, &f->explains[i].container_cgroup);
		text_own(b, &f->explains[i].headline);
	}
	/* Rows of a snapshot that is gone. */
	f->home = f->culprit_home = 0;
}

/* ---- taking notes ---- */

static bool same_finding(const struct finding *a, const struct finding *b)
{
	return a->pid == b->pid && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->container_cgroup, b->container_cgroup) == 0;
}

static bool finding_worse(const struct finding *a, const struct finding *b)
{
	return a->severity != b->severity ? a->severity > b->severity : a->weight > b->weight;
}

static void finding_add(struct book *b, const struct finding *f, bool timed)
{
	if (list_reserve(&b->found, b->found.n + 1) < 0 || list_reserve(&b->timed, b->found.n + 1) < 0) {
		b->failed = true;
		return;
	}
	b->timed.at[b->found.n] = timed;
	b->found.at[b->found.n] = *f;
	finding_own(b, &b->found.at[b->found.n++]);
}

static void finding_note(struct book *b, const struct finding *f, double time, bool whole)
{
	struct finding now = *f;
	size_t i = 0;

	now.until = time;
	while (i < b->found.n && !same_finding(&b->found.at[i], f))
		i++;
	if (i == b->found.n) {
		finding_add(b, &now, !whole);
		return;
	}
	/* Windows know better when it was than the whole does. */
	if (b->timed.at[i]) {
		now.since = b->found.at[i].since;
		now.until = whole ? b->found.at[i].until : time;
	}
	b->timed.at[i] |= !whole;
	if (finding_worse(&now, &b->found.at[i])) {
		b->found.at[i] = now;
		finding_own(b, &b->found.at[i]);
	}
	b->found.at[i].since = now.since;
	b->found.at[i].until = now.until;
}

void book_note(struct book *b, const struct findings *f, bool whole)
{
	for (size_t i = 0; i < f->n; i++)
		finding_note(b, &f->all[i], f->time, whole);
}

void book_note_unjudged(struct book *b, const struct findings *f)
{
	for (size_t i = 0; i < f->n_unjudged; i++) {
		struct finding_unjudged u = f->unjudged[i];
		size_t k = 0;

		while (k < b->unjudged.n &&
		       (strcmp(b->unjudged.at[k].rule, u.rule) != 0 || strcmp(b->unjudged.at[k].reason, u.reason) != 0))
			k++;
		if (k < b->unjudged.n)
			continue;
		if (list_reserve(&b->unjudged, b->unjudged.n + 1) < 0) {
			b->failed = true;
			return;
		}
		text_own(b, &u.reason);
		b->unjudged.at[b->unjudged.n++] = u;
	}
}

/* ---- at the end ---- */

/* `b` is a consequence of `a`, which was found at the same time. */
static bool finding_explains(const struct finding *a, const struct finding *b)
{
	if (a->until < b->since || b->until < a->since || b->severity > a->severity)
		return false;
	for (size_t i = 0; i < a->n_explains; i++)
		if (strcmp(a->explains[i].rule, b->rule) == 0 &&
		    strcmp(a->explains[i].container_cgroup, b->container_cgroup) == 0)
			return true;
	return false;
}

static void consequences_drop(struct book *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->found.n; i++) {
		bool explained = false;

		for (size_t k = 0; k < b->found.n && !explained; k++)
			explained = k != i && b->found.at[k].rule && finding_explains(&b->found.at[k], &b->found.at[i]);
		if (explained)
			b->found.at[i].rule = NULL;
	}
	for (size_t i = 0; i < b->found.n; i++)
		if (b->found.at[i].rule)
			b->found.at[kept++] = b->found.at[i];
	b->found.n = kept;
}

static bool home_lives(const struct snapshot *last, const char *cgroup)
{
	for (size_t i = 0; i < last->n_containers; i++)
		if (!last->containers[i].dead && strcmp(last->containers[i].cgroup, cgroup) == 0)
			return true;
	return false;
}

/* Of what there is to say this is the last that may be missing. */
static void ended_add(struct book *b, struct finding *f, const char *name)
{
	char *text = NULL;

	if (f->n_evidence == FINDING_EVIDENCE)
		f->n_evidence--;
	if (list_reserve(&b->texts, b->texts.n + 1) < 0 || asprintf(&text, "%s has ended since", name) < 0) {
		b->failed = true;
		return;
	}
	b->texts.at[b->texts.n++] = text;
	f->evidence[f->n_evidence++] =
		(struct finding_evidence){.text = text, .metric = "", .value = VALUE_ABSENT, .unit = ""};
}

static void ended_find(struct book *b, struct finding *f, const struct snapshot *last)
{
	if (*f->container && !f->ended && !home_lives(last, f->container_cgroup)) {
		f->ended = true;
		ended_add(b, f, f->container);
	}
	if (*f->culprit_container && !f->culprit_ended && strcmp(f->culprit_cgroup, f->container_cgroup) != 0 &&
	    !home_lives(last, f->culprit_cgroup)) {
		f->culprit_ended = true;
		ended_add(b, f, f->culprit_container);
	}
}

static int worst_first(const void *a, const void *b)
{
	return finding_worse(b, a) - finding_worse(a, b);
}

void book_close(struct book *b, const struct snapshot *last)
{
	consequences_drop(b);
	for (size_t i = 0; i < b->found.n; i++)
		ended_find(b, &b->found.at[i], last);
	if (b->found.n)
		qsort(b->found.at, b->found.n, sizeof(*b->found.at), worst_first);
}

void book_free(struct book *b)
{
	for (size_t i = 0; i < b->texts.n; i++)
		free(b->texts.at[i]);
	list_free(&b->texts);
	list_free(&b->found);
	list_free(&b->timed);
	list_free(&b->unjudged);
}
