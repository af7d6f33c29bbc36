/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.h - the text of one scrape: rendered once, plain or compressed as the first client asks for it, and shared by all
 * responses that carry it. Called by http.c and by the pages; one thread.
 */
#ifndef SYSSCOPE_SERVE_BODY_H
#define SYSSCOPE_SERVE_BODY_H

#include "base/util.h"

struct pack;
struct prometheus;
struct prometheus_options;
struct snapshot;

struct body {
	unsigned int refs;
	uint64_t sequence; /* of the snapshot */
	uint64_t made_ns;  /* CLOCK_BOOTTIME, after the sample was taken */
	bool openmetrics;
	uint32_t without;	/* bits of collectors whose families are not in it */
	struct buf plain, gzip; /* one of them, or both once both were asked for */
	size_t *meter, metered; /* where its bytes are counted while it lives; NULL: nowhere */
};

/*
 * Renders the snapshot, which is not needed afterwards: compressed with `pack`, which remembers unchanged parts; plain without
 * (NULL). 0 or negative errno. The caller gets one reference.
 */
int body_new(struct body **ret, struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o,
	     struct pack *pack);
/* Of a text that was made elsewhere, which it takes over: `text` is empty afterwards, also after a failure. 0 or -ENOMEM. */
int body_of(struct body **ret, struct buf *text);
/* Its bytes, as many as they are now, are part of *meter until it is freed. */
void body_meter(struct body *b, size_t *meter);
struct body *body_ref(struct body *b);
void body_unref(struct body *b); /* NULL: does nothing */

/* Fill `gzip` or `plain` from the other if it is empty. 0 or negative errno; then only the other can be sent. */
int body_compress(struct body *b);
int body_expand(struct body *b);

#endif
