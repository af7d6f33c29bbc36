/* SPDX-License-Identifier: GPL-2.0-or-later */
/* span.c - see span.h. The span is read twice: where it is cut has to be known before the last snapshot ahead of a cut is gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/watch.h"
#include "past/span.h"
#include "record/when.h"

/* A part of the span in which all samples are of one run of sysscope. */
struct stretch {
	size_t samples;
	double from, to;
};

struct cuts {
	LIST(struct stretch) stretches;
};

/* Both count from the same begin on. A recording that does not say when sysscope began tells by the numbers of the samples. */
static bool same_run(const struct snapshot *s, double began, uint64_t sequence)
{
	if (s->sequence <= sequence)
		return false;
	return value_absent(began) || value_absent(s->began) || !(began > 0) || !(began < s->began || began > s->began);
}

static int snapshot_take(struct replay *r, const struct span_choice *c, const struct snapshot **ret)
{
	const struct snapshot_source *source = replay_source(r);
	int error = 0;

	*ret = c->stop && *c->stop ? NULL : source->next(source->ctx, &error);
	if (c->stop && *c->stop)
		return -EINTR;
	return error;
}

/* It begins with the sample before, unless there was none for long: that time was not asked for. */
static int span_seek(struct replay *r, const struct span_choice *c)
{
	uint64_t from_ns = c->from > 0 ? (uint64_t)(c->from * 1e9) : 0;
	int error = replay_seek_before(r, from_ns);
	const struct replay_place *at = replay_place(r);

	if (!error && at->number && when_hole(at->time_ns, from_ns, at->interval_ns))
		error = replay_seek(r, from_ns);
	return error;
}

static int cuts_find(struct replay *r, const struct span_choice *c, struct cuts *ret)
{
	double began = 0, time = 0;
	const struct snapshot *s;
	uint64_t sequence = 0;
	int error = span_seek(r, c);

	while (!error && !(error = snapshot_take(r, c, &s)) && s && s->time <= c->to) {
		if (!ret->stretches.n || !same_run(s, began, sequence) || s->time < time) {
			if (list_reserve(&ret->stretches, ret->stretches.n + 1) < 0)
				return -ENOMEM;
			ret->stretches.at[ret->stretches.n++] = (struct stretch){.from = s->time};
		}
		began = s->began;
		sequence = s->sequence;
		time = ret->stretches.at[ret->stretches.n - 1].to = s->time;
		ret->stretches.at[ret->stretches.n - 1].samples++;
	}
	return error;
}

/* ---- judging ---- */

static bool stretch_is_long(const struct stretch *t)
{
	return t->to - t->from > 2 * WATCH_LONG;
}

/* One of its windows ends with this snapshot. */
static int window_take(struct past_span *s, struct finding_watch *w, const struct snapshot *now)
{
	const struct findings *f;
	int error = watch_note(w, now);

	if (error)
		return error;
	f = watch_findings(w);
	/* In less than the others have, more seems to be wrong. */
	if (f && !f->too_short && f->watched_seconds >= WATCH_LONG)
		book_note(&s->book, f, false);
	return 0;
}

static int stretch_end(struct past_span *s, const struct span_choice *c, const struct snapshot *now)
{
	int error = watch_end(&s->window, now);

	diagnosis_free(&s->diagnosis);
	error = error ?: diagnosis_run(&s->diagnosis, &s->window, c->options, c->containers);
	if (error)
		return error;
	book_note(&s->book, &s->diagnosis.findings, true);
	book_note_unjudged(&s->book, &s->diagnosis.findings);
	s->findings.watched_seconds += s->diagnosis.findings.watched_seconds;
	return 0;
}

static int stretch_judge(struct past_span *s, struct replay *r, const struct span_choice *c, const struct stretch *t,
			 struct finding_watch *w)
{
	int error = 0;

	for (size_t i = 0; i < t->samples && !error; i++) {
		error = snapshot_take(r, c, &s->last);
		if (error || !s->last)
			return error ?: -ENODATA;
		if (match_choice_look(c->containers, s->last) == -ENOTUNIQ)
			return -ENOTUNIQ;
		if (t->samples == 1)
			break;
		if (stretch_is_long(t))
			error = window_take(s, w, s->last);
		if (i == 0)
			error = error ?: watch_begin(&s->window, s->last);
		else if (i + 1 < t->samples)
			error = error ?: window_note(&s->window, s->last);
		else
			error = error ?: stretch_end(s, c, s->last);
	}
	watch_forget(w);
	return error;
}

static void findings_take(struct past_span *s, const struct cuts *cuts)
{
	double watched = s->findings.watched_seconds;

	book_close(&s->book, s->last);
	s->findings = s->diagnosis.findings;
	s->findings.watched_seconds = watched;
	s->findings.from = cuts->stretches.at[0].from;
	s->findings.time = cuts->stretches.at[cuts->stretches.n - 1].to;
	s->findings.cuts = cuts->stretches.n - 1;
	s->findings.all = s->book.found.at;
	s->findings.n = s->book.found.n;
	s->findings.unjudged = s->book.unjudged.at;
	s->findings.n_unjudged = s->book.unjudged.n;
	/* The names of what was near are those of the snapshot that was judged last. */
	if (s->findings.n || cuts->stretches.at[cuts->stretches.n - 1].samples == 1)
		s->findings.n_near = 0;
}

/* Where samples are missing in what was judged. */
static int gaps_find(struct past_span *s, const struct replay *r)
{
	uint64_t from_ns = (uint64_t)(s->findings.from * 1e9), to_ns = (uint64_t)(s->findings.time * 1e9);
	size_t n = replay_holes(r, from_ns, to_ns, NULL, 0);
	_cleanup_free_ struct record_hole *holes = calloc(n + 1, sizeof(*holes));

	if (!holes || list_reserve(&s->gaps, n) < 0)
		return -ENOMEM;
	replay_holes(r, from_ns, to_ns, holes, n);
	for (size_t i = 0; i < n; i++)
		s->gaps.at[s->gaps.n++] =
			(struct findings_gap){(double)holes[i].from_ns / 1e9, (double)holes[i].to_ns / 1e9};
	s->findings.gaps = s->gaps.at;
	s->findings.n_gaps = s->gaps.n;
	return 0;
}

int span_judge(struct past_span *ret, struct replay *r, const struct span_choice *c)
{
	struct finding_watch watch;
	struct cuts cuts = {};
	int error;

	*ret = (struct past_span){};
	watch_init(&watch, c->options);
	watch.containers = c->containers;
	error = cuts_find(r, c, &cuts);
	error = error ?: span_seek(r, c);
	for (size_t i = 0; i < cuts.stretches.n && !error; i++)
		error = stretch_judge(ret, r, c, &cuts.stretches.at[i], &watch);
	if (!error && !(ret->findings.watched_seconds > 0))
		error = -ENODATA;
	if (!error) {
		findings_take(ret, &cuts);
		error = gaps_find(ret, r);
	}
	watch_forget(&watch);
	list_free(&cuts.stretches);
	return error ?: ret->book.failed ? -ENOMEM : 0;
}

void span_free(struct past_span *s)
{
	diagnosis_free(&s->diagnosis);
	window_free(&s->window);
	book_free(&s->book);
	list_free(&s->gaps);
}
