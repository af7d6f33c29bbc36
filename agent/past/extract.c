/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extract.c - see extract.h. */
#include <errno.h>

#include "past/extract.h"

int extract_begin(struct recorder **ret, const char *folder, const char *host, const char *kernel, double interval,
		  struct pseudonyms *names, struct buf *error)
{
	struct store_options o = {.path = folder, .interval = interval, .kernel = kernel};
	int r;

	o.host = names ? pseudonym(names, "host", "hostname", host) : host;
	r = recorder_open(ret, &o, error);
	if (r == 0 && names)
		recorder_rename(*ret, pseudonym, names);
	return r;
}

int extract_copy(struct recorder *to, struct replay *from, const struct extract_choice *c)
{
	const struct snapshot_source *source = replay_source(from);
	const struct snapshot *s;
	size_t samples = 0;
	int error = replay_seek_before(from, c->from > 0 ? (uint64_t)(c->from * 1e9) : 0);

	while (!error && !(c->stop && *c->stop) && (s = source->next(source->ctx, &error)) && s->time <= c->to) {
		error = recorder_note(to, s);
		samples++;
	}
	return error ?: samples ? 0 : -ENODATA;
}
