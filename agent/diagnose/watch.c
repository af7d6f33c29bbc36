/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - see watch.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "diagnose/watch.h"

void watch_init(struct finding_watch *w, const struct diagnosis_options *o)
{
	*w = (struct finding_watch){.options = *o};
}

/* ---- since when ---- */

/* What makes a finding the same one at the next snapshot. A row that shares the key of another only shares its begin. */
static uint64_t finding_key(const struct finding *f)
{
	static const struct hash_seed seed = {0, 0x9e3779b97f4a7c15ULL};
	uint64_t hash = hash_text(&seed, hash_text(&seed, 0, f->rule), f->container_cgroup);

	return hash_number(&seed, hash, f->pid);
}

static int known_order(const void *a, const void *b)
{
	const struct watch_known *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->since < y->since ? -1 : x->since > y->since;
}

static const struct watch_known *known_find(const struct finding_watch *w, uint64_t key)
{
	size_t low = 0, high = w->n_known;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w->known[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->n_known && w->known[low].key == key ? &w->known[low] : NULL;
}

/* A finding that was there before keeps its begin, although the window has moved on. */
static int since_keep(struct finding_watch *w)
{
	size_t n = w->diagnosis.j.found.n;
	struct watch_known *known = calloc(n + 1, sizeof(*known));

	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct finding *f = &w->diagnosis.j.found.at[i];
		const struct watch_known *before;

		known[i].key = finding_key(f);
		before = known_find(w, known[i].key);
		if (before && before->since < f->since)
			f->since = before->since;
		known[i].since = f->since;
	}
	qsort(known, n, sizeof(*known), known_order);
	free(w->known);
	w->known = known;
	w->n_known = n;
	return 0;
}

/* ---- windows ---- */

static void diagnosis_forget(struct finding_watch *w)
{
	diagnosis_free(&w->diagnosis);
	w->diagnosis = (struct diagnosis){};
	w->judged = false;
}

static bool course_is_long(const struct trend *t, const struct snapshot *s)
{
	return t->notes >= WATCH_COURSE && s->time - t->began >= WATCH_LONG;
}

/* The snapshot of these keys, in the courses. */
static int courses_note(struct finding_watch *w, const struct row_keys *keys)
{
	struct trend *older = &w->courses[w->older_courses], *younger = &w->courses[!w->older_courses];
	int r;

	if (course_is_long(younger, keys->s)) {
		trend_begin(older);
		w->older_courses = !w->older_courses;
		older = younger;
		younger = &w->courses[!w->older_courses];
	}
	r = trend_note(older, keys);
	if (r == 0 && (younger->notes || course_is_long(older, keys->s)))
		r = trend_note(younger, keys);
	return r;
}

/* At the first snapshot, and when the clock was set back. */
static int watch_again(struct finding_watch *w, const struct snapshot *s)
{
	w->older = w->older_courses = 0;
	hash_seed_make(&w->windows[0].keys.seed);
	w->windows[1].keys.seed = w->windows[0].keys.seed;
	for (int i = 0; i < 2; i++) {
		w->windows[i].began = 0;
		w->windows[i].trend.part = TREND_ONLY_AVERAGES;
		w->courses[i].part = TREND_ONLY_COURSES;
		trend_begin(&w->courses[i]);
	}
	return watch_begin(&w->windows[0], s) ?: courses_note(w, &w->windows[0].keys);
}

/* Judges the older window up to this snapshot. */
static int window_judge(struct finding_watch *w, const struct snapshot *s)
{
	struct window *older = &w->windows[w->older];
	int r = watch_end(older, s);

	r = r ?: courses_note(w, &older->keys);
	older->courses = &w->courses[w->older_courses];
	r = r ?: diagnosis_run(&w->diagnosis, older, &w->options, w->containers);
	r = r ?: since_keep(w);
	if (r < 0)
		diagnosis_forget(w);
	else
		w->judged = true;
	return r;
}

static bool window_is_old(const struct window *window, const struct snapshot *s)
{
	return window->began > 0 && s->time - window->began >= WATCH_LONG;
}

int watch_note(struct finding_watch *w, const struct snapshot *s)
{
	struct window *older = &w->windows[w->older];
	int r;

	diagnosis_forget(w);
	if (!older->began || s->time < older->began)
		r = watch_again(w, s);
	else {
		if (window_is_old(&w->windows[!w->older], s)) {
			older->began = 0;
			w->older = !w->older;
			older = &w->windows[w->older];
		}
		r = s->time - older->began >= WATCH_SHORTEST ? window_judge(w, s)
							     : window_note(older, s) ?: courses_note(w, &older->keys);
		if (r == 0 && w->windows[!w->older].began > 0)
			r = window_note(&w->windows[!w->older], s);
		else if (r == 0 && window_is_old(older, s))
			r = watch_begin(&w->windows[!w->older], s);
	}
	if (!w->judged)
		w->diagnosis.findings = (struct findings){
			.time = s->time,
			.watched_seconds = s->time - w->windows[w->older].began,
			.too_short = true,
		};
	return r;
}

int watch_glance(struct finding_watch *w, const struct snapshot *s)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++)
		if (w->windows[i].began > 0 && s->time >= w->windows[i].began)
			r = window_note(&w->windows[i], s);
	return r;
}

const struct findings *watch_findings(const struct finding_watch *w)
{
	return w->windows[w->older].began > 0 ? &w->diagnosis.findings : NULL;
}

void watch_forget(struct finding_watch *w)
{
	const struct diagnosis_options options = w->options;
	const struct match_choice *containers = w->containers;

	diagnosis_forget(w);
	window_free(&w->windows[0]);
	window_free(&w->windows[1]);
	trend_free(&w->courses[0]);
	trend_free(&w->courses[1]);
	free(w->known);
	watch_init(w, &options);
	w->containers = containers;
}
