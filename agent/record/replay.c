/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay.c - see replay.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/replay.h"
#include "record/when.h"

struct replay {
	struct archive *archive;
	struct decoder *decoder;
	struct snapshot_source source;
	const struct snapshot *ahead; /* found by replay_seek: the next one */
	uint64_t read;		      /* how many have been delivered or are ahead */
};

/* 1: *ret is the next state. 0: there is none. Facts are passed over. */
static int state_next(struct replay *r, bool within, const struct snapshot **ret, uint64_t *ret_time_ns)
{
	struct archive_block b;
	int n;

	while ((n = archive_next(r->archive, within, &b)) == 1) {
		int error;

		if (b.kind != BLOCK_STATE)
			continue;
		error = decode(r->decoder, b.bytes, b.n, ret);
		if (error == -ENOMEM)
			return error;
		if (error == 0) {
			*ret_time_ns = b.time_ns;
			r->read++;
			return 1;
		}
		archive_reject(r->archive);
	}
	return n;
}

static const struct snapshot *replay_next(void *ctx, int *ret_error)
{
	struct replay *r = ctx;
	const struct snapshot *s = r->ahead;
	uint64_t time_ns;

	*ret_error = 0;
	r->ahead = NULL;
	if (s)
		return s;
	*ret_error = state_next(r, false, &s, &time_ns);
	if (*ret_error == 0 && archive_growing(r->archive)) {
		*ret_error = archive_refresh(r->archive);
		if (*ret_error == 0)
			*ret_error = state_next(r, false, &s, &time_ns);
	}
	if (*ret_error == 1) {
		*ret_error = 0;
		return s;
	}
	return NULL;
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

const char *replay_host(const struct replay *r)
{
	return archive_header(r->archive, archive_frames(r->archive) - 1)->host;
}

/* The last state that a frame has, of its first `most`. 0: it has none that can be read. */
static int frame_last(struct replay *r, size_t frame, uint32_t most, const struct snapshot **ret)
{
	uint64_t time_ns;
	int found = 0, n;

	archive_rewind(r->archive, frame);
	for (uint32_t i = 0; i < most; i++) {
		n = state_next(r, true, ret, &time_ns);
		if (n != 1)
			return n < 0 ? n : found;
		found = 1;
	}
	return found;
}

int replay_seek(struct replay *r, uint64_t time_ns)
{
	const struct snapshot *s = NULL;
	uint64_t at_ns;
	int n;

	r->ahead = NULL;
	archive_rewind(r->archive, archive_frame_at(r->archive, time_ns));
	while ((n = state_next(r, false, &s, &at_ns)) == 1 && at_ns < time_ns)
		;
	/* Behind the end its last snapshot is decoded still. */
	for (size_t f = archive_frames(r->archive); n == 0 && !s && f-- > 0;)
		n = frame_last(r, f, UINT32_MAX, &s);
	r->ahead = s;
	return n < 0 ? n : 0;
}

bool replay_found(const struct replay *r)
{
	return r->read > 0;
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
	return *then;
}
