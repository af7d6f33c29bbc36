/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - the HTTP server of `sysscope serve`: metrics, landing page, health. Called by cmd_serve.c. Everything,
 * sampling included, happens on the thread that calls http_run, so that nothing needs a lock: answers are quick, and a
 * client that is slow only keeps its own socket waiting.
 */
#ifndef SYSSCOPE_SERVE_HTTP_H
#define SYSSCOPE_SERVE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sysscope/view.h"

#define HTTP_LISTEN_MAX		  8
#define HTTP_LISTEN_DEFAULT	  "127.0.0.1:10435"
#define HTTP_TELEMETRY_DEFAULT	  "/metrics"
#define HTTP_MAX_REQUESTS_DEFAULT 40

struct http_options {
	const char *listen[HTTP_LISTEN_MAX]; /* HOST:PORT, [IPV6]:PORT, :PORT */
	size_t n_listen;		     /* at least 1 */
	const char *telemetry_path;
	uint64_t max_requests;		/* scrapes under way at once, 503 beyond; 0: no limit */
	bool no_self;			/* no process_* families */
	uint32_t headers_ms;		/* for all headers of a request to come, however fast they trickle */
	uint32_t answer_ms;		/* for a client to take its answer */
	uint32_t between_ms;		/* that a connection is kept for a further request */
	uint32_t share_ms;		/* scrapes so soon after another's sample are given the same text */
	uint32_t idle_ms;		/* the source's idle work is done at least as often */
	uint32_t rest_ms;		/* without a scrape, until the source may give its memory back */
	uint32_t drain_ms;		/* for answers under way when it is told to stop */
	int wake_fd;			/* when readable, `wake` is called; -1: none */
	bool (*wake)(void *ctx);	/* true: stop */
	double (*map_bytes)(void *ctx); /* for sysscope_bpf_map_memory_bytes; NULL: not known */
	void *ctx;
};
void http_options_init(struct http_options *o);

struct http;

/*
 * Binds and listens; answers nothing before http_run. Negative errno with one line for people in `error`; -EINVAL: an
 * option makes no sense. `o` is copied, its strings have to stay.
 */
int http_open(struct http **ret, const struct http_options *o, struct buf *error);
const char *http_address(const struct http *h, size_t i); /* as bound: "127.0.0.1:10435"; NULL behind the last one */

/* Serves until `wake` says stop, finishes the answers under way, returns 0; negative errno if it cannot go on. */
int http_run(struct http *h, const struct snapshot_source *source);
void http_close(struct http *h);

#endif
