/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_internal.h - what http.c (sockets, the loop) and pages.c (what is answered) share. Included by nobody else.
 */
#ifndef SYSSCOPE_SERVE_HTTP_INTERNAL_H
#define SYSSCOPE_SERVE_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "exporters/prometheus/prometheus.h"
#include "serve/body.h"
#include "serve/clients.h"
#include "serve/http.h"

#define SEQUENCE_NONE 0 /* snapshots count from 1 */

/* An address: libmicrohttpd's daemons have one each. What they answer, and whom, they share. */
struct listener {
	struct MHD_Daemon *daemon;
	int fd, epoll_fd; /* epoll_fd is the daemon's */
	struct buf address;
};

struct http {
	struct http_options o;
	struct listener listeners[HTTP_LISTEN_MAX];
	size_t n_listeners;
	struct buf landing;
	struct clients clients;

	const struct snapshot_source *source;
	struct prometheus *prometheus;
	struct prometheus_self self;
	struct body *body;   /* of the last sample, for scrapes soon after it */
	uint64_t sequence;   /* of the last snapshot, SEQUENCE_NONE when the source may have made another */
	uint64_t sampled_ns; /* when it was taken */
	uint64_t asked_ns;   /* when one was taken for a scrape, 0: never */
	bool ready;	     /* there was a sample */
	uint64_t scrapes;    /* answers with a body of metrics under way */
	uint64_t idle_ns;    /* when the source's idle work was last done */
};

/*
 * Content-Length and Transfer-Encoding together are one message to us and another one to a proxy before us; nobody has
 * a reason to send a body here, so no connection is used again after one.
 */
bool request_has_body(struct MHD_Connection *connection);

/* Queues the answer to a request whose headers are complete. */
enum MHD_Result page_answer(struct http *h, struct client *c, struct MHD_Connection *connection, const char *path,
			    const char *method);

int landing_write(struct buf *out, const char *telemetry_path);
/* A path that stands in no other page's way and needs no escaping anywhere. */
bool telemetry_path_valid(const char *path);

/* Takes a sample: the snapshot, NULL with *ret_error. Valid until the next call. */
const struct snapshot *http_sample(struct http *h, int *ret_error);

#endif
