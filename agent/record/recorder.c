/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorder.c - see recorder.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/recorder.h"
#include "record/state/codec.h"

struct recorder {
	struct store_options options;
	struct store *store; /* NULL: not open */
	struct encoder *encoder;
	struct buf state;	 /* that was taken */
	uint64_t time_ns;	 /* its time */
	bool whole;		 /* it needs none before */
	bool torn;		 /* the latest one is not in the recording */
	struct store_counts sum; /* of this store, and of those before it */
	struct store_counts before;
};

int recorder_new(struct recorder **ret, const struct store_options *o)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->options = *o;
	if (encoder_new(&r->encoder) < 0) {
		recorder_close(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

static void counts_renew(struct recorder *r)
{
	struct store_counts now = r->store ? *store_counts(r->store) : (struct store_counts){};

	r->sum.samples = r->before.samples + now.samples;
	r->sum.bytes = r->before.bytes + now.bytes;
	if (!r->store)
		return;
	r->sum.kept_bytes = now.kept_bytes;
	r->sum.oldest_ns = now.oldest_ns;
}

int recorder_begin(struct recorder *r, struct buf *error)
{
	int error_code = r->store ? 0 : store_open(&r->store, &r->options, error);

	if (error_code == 0)
		counts_renew(r);
	return error_code;
}

int recorder_open(struct recorder **ret, const struct store_options *o, struct buf *error)
{
	struct recorder *r = NULL;
	int error_code = recorder_new(&r, o);

	error_code = error_code ?: recorder_begin(r, error);
	if (error_code < 0) {
		if (!error->len)
			buf_str(error, strerror(-error_code));
		recorder_close(r);
		return error_code;
	}
	*ret = r;
	return 0;
}

static void store_end(struct recorder *r)
{
	if (!r->store)
		return;
	store_close(r->store);
	r->store = NULL;
	r->before.samples = r->sum.samples;
	r->before.bytes = r->sum.bytes;
}

/* What room would help against needs no new look at the folder. */
static bool error_is_room(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG || error == -ENOMEM;
}

static int sample_lost(struct recorder *r, int error)
{
	r->torn = true;
	r->sum.lost++;
	return error;
}

int recorder_take(struct recorder *r, const struct snapshot *s)
{
	int error;

	r->time_ns = (uint64_t)(s->time * 1e9);
	r->whole = r->torn || !r->store || store_wants_whole(r->store, r->time_ns);
	buf_reset(&r->state);
	error = encode(r->encoder, s, r->whole, &r->state);
	return error < 0 ? sample_lost(r, error) : 0;
}

int recorder_put(struct recorder *r)
{
	_cleanup_buf_ struct buf why = {};
	int error = recorder_begin(r, &why);

	error = error ?: store_state(r->store, r->time_ns, r->whole, r->state.data, r->state.len);
	counts_renew(r);
	if (error < 0) {
		if (!error_is_room(error))
			store_end(r);
		return sample_lost(r, error);
	}
	r->torn = false;
	return 0;
}

int recorder_note(struct recorder *r, const struct snapshot *s)
{
	return recorder_take(r, s) ?: recorder_put(r);
}

const struct store_counts *recorder_counts(const struct recorder *r)
{
	return &r->sum;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	store_close(r->store);
	encoder_free(r->encoder);
	buf_free(&r->state);
	free(r);
}
