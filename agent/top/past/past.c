/* SPDX-License-Identifier: GPL-2.0-or-later */
/* past.c - see past.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/watch.h"
#include "record/folder.h"
#include "record/replay.h"
#include "top/past/past.h"

/* What is judged live: 10 to 20 seconds, and 10 to 20 snapshots. */
#define LEAD_NS	     ((uint64_t)(2 * WATCH_LONG * 1e9))
#define LEAD_SAMPLES ((size_t)2 * WATCH_COURSE)
/* What a course shows. */
#define COURSE_NS ((uint64_t)MINUTES_SECONDS * 1000000000ULL)

struct past {
	char *path;
	struct replay *replay; /* NULL: not open */
	struct snapshot_source source;
	struct finding_watch watch;
	struct snapshot judged; /* the latest one with its findings */
	uint64_t asked_ns;
	bool wanted;					   /* findings */
	void (*note)(void *ctx, const struct snapshot *s); /* NULL: nobody wants what was before */
	void *note_ctx;
	bool moved; /* the next snapshot does not follow the latest one */
};

/* ---- snapshots ---- */

static int place_compare(const struct replay_place *a, const struct replay_place *b)
{
	if (a->frame != b->frame)
		return a->frame < b->frame ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static const struct snapshot *past_read(struct past *p, int *ret_error)
{
	const struct snapshot_source *recorded = replay_source(p->replay);

	return recorded->next(recorded->ctx, ret_error);
}

/* The rules see what was before it, as they would have live. */
static const struct snapshot *lead_judge(struct past *p, int *ret_error)
{
	const struct replay_place to = *replay_place(p->replay);
	const struct snapshot *s;

	watch_forget(&p->watch);
	replay_lead(p->replay, &to, LEAD_SAMPLES, COURSE_NS);
	while ((s = past_read(p, ret_error))) {
		const struct replay_place *at = replay_place(p->replay);
		bool near = at->time_ns + LEAD_NS >= to.time_ns ||
			    (at->frame == to.frame && at->number + LEAD_SAMPLES >= to.number) ||
			    (at->frame != to.frame && to.number < LEAD_SAMPLES);

		if (place_compare(at, &to) >= 0)
			return s;
		if (p->note && at->time_ns + COURSE_NS >= to.time_ns)
			p->note(p->note_ctx, s);
		if (near && watch_note(&p->watch, s) < 0)
			watch_forget(&p->watch);
	}
	return NULL;
}

static const struct snapshot *past_next(void *ctx, int *ret_error)
{
	struct past *p = ctx;
	const struct snapshot *s;

	if (p->moved && p->wanted)
		s = lead_judge(p, ret_error);
	else
		s = past_read(p, ret_error);
	if (s && !p->moved)
		p->asked_ns = 0;
	if (!s && *ret_error == 0 && !replay_latest(p->replay)) {
		/* What followed is no state, and has cost the latest one. */
		*ret_error = replay_to(p->replay, replay_place(p->replay));
		s = *ret_error ? NULL : past_read(p, ret_error);
	} else if (!s && *ret_error == 0 && p->moved)
		s = replay_latest(p->replay);
	if (s)
		p->moved = false;
	if (!s || !p->wanted)
		return s;
	p->judged = *s;
	p->judged.findings = watch_note(&p->watch, s) < 0 ? NULL : watch_findings(&p->watch);
	return &p->judged;
}

static void past_published(void *ctx)
{
	(void)ctx;
}

static void past_idle(void *ctx, const struct snapshot **latest)
{
	(void)ctx;
	(void)latest;
}

static void past_judge(void *ctx, bool wanted)
{
	struct past *p = ctx;

	if (p->wanted && !wanted)
		watch_forget(&p->watch);
	p->wanted = wanted;
}

/* ---- the recording ---- */

int past_new(struct past **ret, const char *path)
{
	struct past *p = calloc(1, sizeof(*p));
	struct diagnosis_options options;

	if (p)
		p->path = strdup(path);
	if (!p || !p->path) {
		free(p);
		return -ENOMEM;
	}
	diagnosis_options_init(&options);
	options.recorded = true;
	options.recording = p->path;
	watch_init(&p->watch, &options);
	p->source = (struct snapshot_source){
		.next = past_next,
		.published = past_published,
		.idle = past_idle,
		.judge = past_judge,
		.fd = -1,
		.ctx = p,
	};
	*ret = p;
	return 0;
}

void past_free(struct past *p)
{
	if (!p)
		return;
	replay_close(p->replay);
	watch_forget(&p->watch);
	free(p->path);
	free(p);
}

bool past_there(const struct past *p)
{
	_cleanup_buf_ struct buf error = {};
	_cleanup_close_ int folder = -1;

	return p->replay || folder_open(p->path, &folder, &error) == 0;
}

int past_open(struct past *p, struct buf *error)
{
	int r = p->replay ? replay_refresh(p->replay) : replay_open(&p->replay, p->path, error);

	if (r < 0 && !error->len)
		buf_str(error, strerror(-r));
	return r;
}

const struct snapshot_source *past_source(struct past *p)
{
	return &p->source;
}

/* ---- moving ---- */

void past_note(struct past *p, void (*note)(void *ctx, const struct snapshot *s), void *ctx)
{
	p->note = note;
	p->note_ctx = ctx;
}

int past_go(struct past *p, uint64_t time_ns)
{
	p->moved = true;
	p->asked_ns = time_ns;
	return replay_seek(p->replay, time_ns);
}

int past_go_last(struct past *p)
{
	int r = past_go(p, UINT64_MAX);

	p->asked_ns = 0;
	return r;
}

int past_go_back(struct past *p)
{
	p->moved = true;
	p->asked_ns = 0;
	return replay_back(p->replay);
}

int past_go_again(struct past *p)
{
	p->moved = true;
	return replay_to(p->replay, replay_place(p->replay));
}

/* ---- where it is ---- */

bool past_shown(const struct past *p)
{
	return replay_latest(p->replay) != NULL;
}

void past_place(const struct past *p, struct past_place *ret)
{
	const struct replay_place *at = replay_place(p->replay);

	*ret = (struct past_place){.time_ns = at->time_ns,
				   .before_ns = at->before_ns,
				   .interval_ns = at->interval_ns,
				   .asked_ns = p->asked_ns,
				   .growing = replay_growing(p->replay)};
	replay_times(p->replay, &ret->first_ns, &ret->last_ns);
}

const char *past_host(const struct past *p)
{
	return replay_host(p->replay);
}

bool past_damage_text(const struct past *p, struct buf *out)
{
	return p->replay && replay_damage_text(p->replay, out);
}
