/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay.c - see replay.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/replay.h"
#include "record/when.h"

/* No frame has so many states. */
#define FRAME_ALL INT32_MAX

struct replay {
	struct archive *archive;
	struct decoder *decoder;
	struct snapshot_source source;
	const struct snapshot *ahead;  /* found by replay_seek: the next one */
	const struct snapshot *latest; /* of this place; NULL: it is gone */
	struct replay_place place;
	int (*facts)(void *ctx, const void *bytes, size_t n); /* NULL: nobody wants them */
	void *facts_ctx;
	uint64_t read;	  /* how many have been delivered or are ahead */
	uint64_t told_ns; /* of the first that was delivered, or of the one before it; 0: none was */
};

/* The frames follow each other; within one the sample before was read just before. */
static void place_note(struct replay *r, const struct archive_block *b)
{
	struct replay_place p = {.time_ns = b->time_ns};

	p.frame = archive_at(r->archive, &p.number);
	p.interval_ns = archive_header(r->archive, p.frame)->interval_ns;
	if (!b->begins_frame)
		p.before_ns = r->place.time_ns;
	else if (p.frame)
		p.before_ns = archive_frame(r->archive, p.frame - 1)->last_ns;
	r->place = p;
}

/* 1: *ret is the next state. 0: there is none. Facts are passed over. */
static int state_next(struct replay *r, bool within, const struct snapshot **ret, uint64_t *ret_time_ns)
{
	struct archive_block b;
	int n;

	while ((n = archive_next(r->archive, within, &b)) == 1) {
		int error;

		if (b.kind != BLOCK_STATE) {
			error = r->facts ? r->facts(r->facts_ctx, b.bytes, b.n) : 0;
			if (error < 0)
				return error;
			continue;
		}
		r->latest = NULL;
		error = decode(r->decoder, b.bytes, b.n, ret);
		if (error == -ENOMEM)
			return error;
		if (error == 0) {
			*ret_time_ns = b.time_ns;
			r->latest = *ret;
			place_note(r, &b);
			r->read++;
			return 1;
		}
		archive_reject(r->archive);
	}
	return n;
}

static const struct snapshot *replay_deliver(struct replay *r, int *ret_error)
{
	const struct snapshot *s = r->ahead;
	uint64_t time_ns;

	*ret_error = 0;
	r->ahead = NULL;
	if (s)
		return s;
	*ret_error = state_next(r, false, &s, &time_ns);
	if (*ret_error == 0 && archive_growing(r->archive)) {
		*ret_error = replay_refresh(r);
		if (*ret_error == 0)
			*ret_error = state_next(r, false, &s, &time_ns);
	}
	if (*ret_error == 1) {
		*ret_error = 0;
		return s;
	}
	return NULL;
}

static const struct snapshot *replay_next(void *ctx, int *ret_error)
{
	struct replay *r = ctx;
	const struct snapshot *s = replay_deliver(r, ret_error);

	if (s && !r->told_ns)
		r->told_ns = r->place.before_ns ?: r->place.time_ns;
	return s;
}

static void replay_published(void *ctx)
{
	(void)ctx;
}

static void replay_idle(void *ctx, const struct snapshot **latest)
{
	(void)ctx;
	(void)latest;
}

int replay_open(struct replay **ret, const char *path, struct buf *error)
{
	struct replay *r = calloc(1, sizeof(*r));
	int error_code = r ? archive_open(&r->archive, path, error) : -ENOMEM;

	error_code = error_code ?: decoder_new(&r->decoder);
	if (error_code < 0) {
		if (!error->len)
			buf_str(error, strerror(-error_code));
		replay_close(r);
		return error_code;
	}
	r->source = (struct snapshot_source){
		.next = replay_next, .published = replay_published, .idle = replay_idle, .fd = -1, .ctx = r};
	/* Before anything is read: that of the recording. */
	r->place.interval_ns = archive_header(r->archive, archive_frames(r->archive) - 1)->interval_ns;
	*ret = r;
	return 0;
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	archive_close(r->archive);
	decoder_free(r->decoder);
	free(r);
}

const struct snapshot_source *replay_source(struct replay *r)
{
	return &r->source;
}

void replay_times(const struct replay *r, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	*ret_first_ns = archive_frame(r->archive, 0)->first_ns;
	*ret_last_ns = archive_frame(r->archive, archive_frames(r->archive) - 1)->last_ns;
}

uint32_t replay_fact_kinds(const struct replay *r)
{
	return archive_header(r->archive, archive_frames(r->archive) - 1)->fact_kinds;
}

void replay_facts(struct replay *r, int (*take)(void *ctx, const void *bytes, size_t n), void *ctx)
{
	r->facts = take;
	r->facts_ctx = ctx;
}

const char *replay_kernel(const struct replay *r)
{
	return archive_header(r->archive, archive_frames(r->archive) - 1)->kernel;
}

const char *replay_host(const struct replay *r)
{
	return archive_header(r->archive, archive_frames(r->archive) - 1)->host;
}

/* Decodes the first `most` states of a frame. Returns how many could be, or negative errno. */
static int frame_read(struct replay *r, size_t frame, uint32_t most, const struct snapshot **ret)
{
	uint64_t time_ns;
	int n;

	archive_rewind(r->archive, frame);
	for (uint32_t i = 0; i < most; i++) {
		n = state_next(r, true, ret, &time_ns);
		if (n != 1)
			return n < 0 ? n : (int)i;
	}
	return (int)most;
}

/* The last state that a frame has, of its first `most`. 0: it has none that can be read. */
static int frame_last(struct replay *r, size_t frame, uint32_t most, const struct snapshot **ret)
{
	int n = frame_read(r, frame, most, ret);

	/* One that is no state has cost the one before it. */
	if (n > 0 && !r->latest)
		n = frame_read(r, frame, (uint32_t)n, ret);
	return n > 0 && !r->latest ? 0 : n;
}

int replay_to(struct replay *r, const struct replay_place *place)
{
	const struct snapshot *s = NULL;
	int n = frame_last(r, place->frame, place->number, &s);

	for (size_t f = place->frame; n == 0 && f-- > 0;)
		n = frame_last(r, f, FRAME_ALL, &s);
	r->ahead = n > 0 ? s : NULL;
	return n < 0 ? n : 0;
}

int replay_seek(struct replay *r, uint64_t time_ns)
{
	const struct replay_place end = {.frame = archive_frames(r->archive) - 1, .number = FRAME_ALL};
	const struct snapshot *s = NULL;
	uint64_t at_ns;
	int n;

	archive_rewind(r->archive, archive_frame_at(r->archive, time_ns));
	while ((n = state_next(r, false, &s, &at_ns)) == 1 && at_ns < time_ns)
		;
	r->ahead = n == 1 ? s : NULL;
	/* Behind the end: its last one. */
	if (n == 0)
		n = replay_to(r, &end);
	return n < 0 ? n : 0;
}

/* ---- places ---- */

const struct replay_place *replay_place(const struct replay *r)
{
	return &r->place;
}

const struct snapshot *replay_latest(const struct replay *r)
{
	return r->latest;
}

int replay_back(struct replay *r)
{
	const struct replay_place now = r->place;
	struct replay_place before = {now.frame, now.number - 1, 0, 0, 0};
	int n;

	if (!now.number)
		return -ENOENT;
	n = replay_to(r, &before);
	if (n < 0 || r->ahead)
		return n;
	n = replay_to(r, &now);
	return n < 0 ? n : -ENOENT;
}

/* Two hundred samples and more. */
#define LEAD_FRAMES 4

void replay_lead(struct replay *r, const struct replay_place *place, size_t samples, uint64_t ns)
{
	size_t frame = place->frame, there = place->number;

	while (frame > 0 && place->frame - frame < LEAD_FRAMES) {
		const struct frame_entry *first = archive_frame(r->archive, frame);

		if (there > samples && sub_sat(place->time_ns, first->first_ns) >= ns)
			break;
		there += archive_frame(r->archive, --frame)->samples;
	}
	r->ahead = NULL;
	archive_rewind(r->archive, frame);
}

int replay_refresh(struct replay *r)
{
	return archive_refresh(r->archive);
}

bool replay_growing(const struct replay *r)
{
	return archive_growing(r->archive);
}

/* How many states the frame has up to this time. */
static int frame_until(struct replay *r, size_t frame, uint64_t time_ns, uint32_t *ret)
{
	const struct snapshot *s;
	uint64_t at_ns;
	int n;

	archive_rewind(r->archive, frame);
	for (*ret = 0; (n = state_next(r, true, &s, &at_ns)) == 1 && at_ns <= time_ns; (*ret)++)
		;
	return n < 0 ? n : 0;
}

int replay_seek_before(struct replay *r, uint64_t time_ns)
{
	struct replay_place at = {.frame = archive_frame_at(r->archive, time_ns)};
	int n = frame_until(r, at.frame, time_ns, &at.number);

	r->ahead = NULL;
	n = n ?: replay_to(r, &at);
	if (n == 0 && !r->ahead)
		archive_rewind(r->archive, 0);
	return n;
}

bool replay_found(const struct replay *r)
{
	return r->read > 0;
}

size_t replay_holes(const struct replay *r, uint64_t from_ns, uint64_t to_ns, struct record_hole *ret, size_t most)
{
	return archive_holes(r->archive, from_ns, to_ns, ret, most);
}

bool replay_holes_text(const struct replay *r, struct buf *out)
{
	struct record_hole holes[WHEN_HOLES];
	size_t n = r->told_ns ? replay_holes(r, r->told_ns, r->place.time_ns, holes, WHEN_HOLES) : 0;

	if (n)
		when_holes_text(out, holes, n);
	return n;
}

bool replay_gone_text(const struct archive_damage *d, struct buf *out)
{
	if (d->removed)
		buf_str(out, "the recording was removed while it was read");
	else if (d->gone)
		buf_printf(out, "%llu %s removed while the recording was read, as it keeps no more",
			   (unsigned long long)d->gone, d->gone == 1 ? "sample was" : "samples were");
	return d->removed || d->gone;
}

bool replay_damage_text(const struct replay *r, struct buf *out)
{
	const struct archive_damage *d = archive_damage(r->archive);
	const char *then = "";

	if (d->samples) {
		buf_printf(out, "%llu samples cannot be read, because the recording is damaged",
			   (unsigned long long)d->samples);
		if (d->from_ns) {
			buf_str(out, ", from ");
			when_text(out, d->from_ns);
			buf_str(out, " to ");
			when_text(out, d->to_ns);
		}
		then = "; ";
	} else if (d->scarred) {
		buf_str(out, "bytes of the recording are damaged, outside of what was read");
		then = "; ";
	}
	if (d->segments) {
		buf_printf(out, "%s%llu of its files cannot be read at all", then, (unsigned long long)d->segments);
		then = "; ";
	}
	if (d->unended) {
		buf_printf(
			out,
			"%s%llu of its files were not ended, as after a crash: what came last in them may be missing",
			then, (unsigned long long)d->unended);
		then = "; ";
	}
	if (d->removed || d->gone) {
		buf_str(out, then);
		then = "; ";
		replay_gone_text(d, out);
	}
	return *then;
}
