/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorder.c - see recorder.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/state/codec.h"
#include "record/recorder.h"

struct recorder {
	struct store *store;
	struct encoder *encoder;
	struct buf state;
};

int recorder_open(struct recorder **ret, const struct store_options *o, struct buf *error)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int error_code = r ? store_open(&r->store, o, error) : -ENOMEM;

	error_code = error_code ?: encoder_new(&r->encoder);
	if (error_code < 0) {
		if (!error->len)
			buf_str(error, strerror(-error_code));
		recorder_close(r);
		return error_code;
	}
	*ret = r;
	return 0;
}

int recorder_note(struct recorder *r, const struct snapshot *s)
{
	uint64_t time_ns = (uint64_t)(s->time * 1e9);
	bool whole = store_wants_whole(r->store, time_ns);
	int error_code;

	buf_reset(&r->state);
	error_code = encode(r->encoder, s, whole, &r->state);
	if (error_code < 0) {
		store_state_lost(r->store);
		return error_code;
	}
	return store_state(r->store, time_ns, whole, r->state.data, r->state.len);
}

const struct store_counts *recorder_counts(const struct recorder *r)
{
	return store_counts(r->store);
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
