/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extract.c - see extract.h. */
#include <errno.h>

#include "past/extract.h"
#include "record/facts/facts.h"

int extract_begin(struct recorder **ret, const char *folder, const struct extract_origin *of, struct pseudonyms *names,
		  struct buf *error)
{
	struct store_options o = {
		.path = folder, .interval = of->interval, .kernel = of->kernel, .fact_kinds = of->fact_kinds};
	int r;

	o.host = names ? pseudonym(names, "host", "hostname", of->host) : of->host;
	r = recorder_open(ret, &o, error);
	if (r == 0 && names)
		recorder_rename(*ret, pseudonym, names);
	return r;
}

/* ---- copying ---- */

struct extract {
	struct recorder *to;
	struct fact_reader reader;
	uint64_t lost;
};

/* They are behind the state at the end of their interval, and so come with the next one, or at the end. */
static int facts_copy(void *ctx, const void *bytes, size_t n)
{
	struct extract *x = ctx;
	struct fact_room room;
	int more;

	fact_reader_begin(&x->reader, bytes, n);
	while ((more = fact_reader_next(&x->reader, &room)) == 1)
		x->lost += recorder_fact(x->to, &room.event) < 0;
	/* Of bytes that are not sound, what is before them is. */
	return more == -ENOMEM ? more : 0;
}

int extract_copy(struct recorder *to, struct replay *from, const struct extract_choice *c, uint64_t *ret_lost)
{
	const struct snapshot_source *source = replay_source(from);
	struct extract x = {.to = to};
	const struct snapshot *s;
	size_t samples = 0;
	int error = replay_seek_before(from, c->from > 0 ? (uint64_t)(c->from * 1e9) : 0);

	replay_facts(from, facts_copy, &x);
	while (!error && !(c->stop && *c->stop) && (s = source->next(source->ctx, &error)) && s->time <= c->to) {
		error = recorder_note(to, s);
		samples++;
	}
	replay_facts(from, NULL, NULL);
	fact_reader_free(&x.reader);
	*ret_lost = x.lost;
	return error ?: samples ? 0 : -ENODATA;
}
