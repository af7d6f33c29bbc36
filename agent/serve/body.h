/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.h - the text of one scrape: rendered once, shared by all responses that carry it, compressed when the first client
 * asks for that. Called by http.c and pages.c; one thread.
 */
#ifndef SYSSCOPE_SERVE_BODY_H
#define SYSSCOPE_SERVE_BODY_H

#include "base/util.h"

struct prometheus;
struct prometheus_options;
struct snapshot;

struct body {
	unsigned int refs;
	uint64_t sequence; /* of the snapshot */
	uint64_t made_ns;  /* CLOCK_BOOTTIME, after the sample was taken */
	struct buf plain, gzip;
};

/* Renders the snapshot, which is not needed afterwards. 0 or -ENOMEM. The caller gets one reference. */
int body_new(struct body **ret, struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o);
struct body *body_ref(struct body *b);
void body_unref(struct body *b); /* NULL: does nothing */

/* Fills `gzip` if it is empty. 0 or negative errno; then only the plain text can be sent. */
int body_compress(struct body *b);

#endif
