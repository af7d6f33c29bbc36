/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorder.c - see recorder.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/facts/facts.h"
#include "record/recorder.h"
#include "record/state/codec.h"

/*
 * What events may take in five seconds: a flood of them is cut off there, so that it neither takes the memory of the agent nor
 * drives out the past. Half of it is left when it is compressed. All of it may come in one interval.
 */
#define FACTS_BYTES	    (1u << 20)
#define FACTS_BYTES_MIN	    (16u << 10)
#define FACTS_SECONDS	    5.0
#define FACTS_SHARE_OF_KEPT 2048

struct recorder {
	struct store_options options;
	char host[72], kernel[72]; /* of these; longer ones find no room in a header either */
	struct store *store;	   /* NULL: not open */
	struct encoder *encoder;
	struct buf state;			   /* that was taken */
	uint64_t time_ns;			   /* its time */
	bool whole;				   /* it needs none before */
	bool torn;				   /* the latest one is not in the recording */
	struct fact_pack pack;			   /* since the latest snapshot that was taken */
	size_t facts_most, facts_room, facts_more; /* bytes: in all, at the moment, what an interval adds */
	struct buf facts;			   /* those before it, until they are written */
	uint64_t n_facts;			   /* in these */
	struct store_counts sum;		   /* of this store, and of those before it */
	struct store_counts before;
};

static void facts_limit(struct recorder *r)
{
	const struct store_options *o = &r->options;

	r->facts_most = FACTS_BYTES;
	if (o->keep_bytes && o->keep_bytes / FACTS_SHARE_OF_KEPT < r->facts_most)
		r->facts_most = (size_t)(o->keep_bytes / FACTS_SHARE_OF_KEPT);
	if (r->facts_most < FACTS_BYTES_MIN)
		r->facts_most = FACTS_BYTES_MIN;
	r->facts_room = r->facts_more = r->facts_most;
	if (o->interval > 0 && o->interval < FACTS_SECONDS)
		r->facts_more = (size_t)((double)r->facts_most * o->interval / FACTS_SECONDS);
}

int recorder_new(struct recorder **ret, const struct store_options *o)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->options = *o;
	snprintf(r->host, sizeof(r->host), "%s", o->host ?: "");
	snprintf(r->kernel, sizeof(r->kernel), "%s", o->kernel ?: "");
	r->options.host = r->host;
	r->options.kernel = r->kernel;
	facts_limit(r);
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

void recorder_rename(struct recorder *r, codec_rename *rename, void *ctx)
{
	encoder_rename(r->encoder, rename, ctx);
	r->pack.rename = rename;
	r->pack.rename_ctx = ctx;
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

int recorder_fact(struct recorder *r, const struct event *e)
{
	return fact_pack_add(&r->pack, e, r->facts_room);
}

/* While earlier ones are not written yet, these wait. */
static void facts_take(struct recorder *r)
{
	if (r->facts.len || (!r->pack.n && !r->pack.broken))
		return;
	r->n_facts = r->pack.n;
	r->facts_room = sub_sat(r->facts_room, r->pack.bytes.len);
	fact_pack_take(&r->pack, &r->facts);
}

static int facts_put(struct recorder *r)
{
	int error = r->facts.len ? store_facts(r->store, r->time_ns, r->facts.data, r->facts.len) : 0;

	if (error < 0)
		return error;
	r->sum.facts += r->n_facts;
	r->n_facts = 0;
	buf_reset(&r->facts);
	return 0;
}

int recorder_take(struct recorder *r, const struct snapshot *s)
{
	int error;

	r->time_ns = (uint64_t)(s->time * 1e9);
	r->whole = r->torn || !r->store || store_wants_whole(r->store, r->time_ns);
	buf_reset(&r->state);
	facts_take(r);
	r->facts_room = r->facts_room + r->facts_more < r->facts_most ? r->facts_room + r->facts_more : r->facts_most;
	error = encode(r->encoder, s, r->whole, &r->state);
	if (error < 0) {
		r->torn = true;
		r->sum.lost++;
	}
	return error;
}

int recorder_put(struct recorder *r)
{
	_cleanup_buf_ struct buf why = {};
	int error = recorder_begin(r, &why);

	error = error ?: store_state(r->store, r->time_ns, r->whole, r->state.data, r->state.len);
	r->torn = error < 0;
	r->sum.lost += r->torn;
	error = error ?: facts_put(r);
	counts_renew(r);
	if (error < 0 && !error_is_room(error))
		store_end(r);
	return error;
}

int recorder_note(struct recorder *r, const struct snapshot *s)
{
	return recorder_take(r, s) ?: recorder_put(r);
}

const struct store_counts *recorder_counts(const struct recorder *r)
{
	return &r->sum;
}

uint64_t recorder_flush(struct recorder *r)
{
	for (int i = 0; i < 2 && r->store; i++) {
		facts_take(r);
		if (facts_put(r) < 0)
			break;
	}
	counts_renew(r);
	return r->n_facts + r->pack.n;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	recorder_flush(r);
	store_close(r->store);
	encoder_free(r->encoder);
	fact_pack_free(&r->pack);
	buf_free(&r->state);
	buf_free(&r->facts);
	free(r);
}
