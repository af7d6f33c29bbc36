/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - the HTTP server of `sysscope serve`: metrics, landing page, health. Called by agent/cli/serve/. Everything,
 * sampling included, runs on the thread that calls http_run, so that nothing needs a lock: responses are quick, and a slow
 * client delays only its own socket. Never logs.
 */
#ifndef SYSSCOPE_SERVE_HTTP_H
#define SYSSCOPE_SERVE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "exporters/prometheus/prometheus.h"
#include "sysscope/source.h"

#define HTTP_LISTEN_MAX		  8
#define HTTP_LISTEN_DEFAULT	  "127.0.0.1:10435"
#define HTTP_TELEMETRY_DEFAULT	  "/metrics"
#define HTTP_MAX_REQUESTS_DEFAULT 40

struct http_options {
	const char *listen[HTTP_LISTEN_MAX]; /* HOST:PORT, [IPV6]:PORT, :PORT */
	size_t n_listen;		     /* at least 1 */
	bool systemd_sockets;		     /* listen on those that systemd passes on, and not on `listen` */
	const char *telemetry_path;
	const char *web_config; /* path of a file with TLS, users, headers; NULL: none */
	uint64_t max_requests;	/* scrapes at the same time; more get 503. 0: no limit */
	bool no_self;		/* no process_* families */
	bool detail;		/* all families and buckets */
	bool minimal;		/* few labels, and chosen ones: prometheus_labels */
	const char *const *chosen;
	size_t n_chosen;
	bool named;			    /* process-exporter's families */
	uint32_t headers_ms;		    /* time for all headers of a request to arrive */
	uint32_t answer_ms;		    /* time for a client to receive its response */
	uint32_t between_ms;		    /* time that a connection stays open for the next request */
	uint32_t share_ms;		    /* scrapes this soon after a sample get the same text */
	uint32_t idle_ms;		    /* longest time between two calls of the source's idle() */
	uint32_t rest_ms;		    /* time without a scrape after which the source frees memory */
	uint32_t drain_ms;		    /* time for pending responses when the server stops */
	int wake_fd;			    /* `wake` is called when it is readable; -1: none */
	bool (*wake)(void *ctx);	    /* true: stop */
	bool (*reload)(void *ctx);	    /* true, once: look at web_config now, and tell; NULL: never */
	double (*map_bytes)(void *ctx);	    /* for sysscope_bpf_map_memory_bytes; NULL: unknown */
	double (*storage_bytes)(void *ctx); /* for sysscope_bpf_task_storage_bytes; NULL: unknown */
	/*
	 * web_config was looked at: 1, a new version is in force; 0, after `reload` only: there is none; negative: it is wrong, and
	 * the one before stays. NULL: nobody wants to know.
	 */
	void (*web_looked)(void *ctx, int result, const char *wrong);
	bool (*config)(void *ctx, struct prometheus_config *ret); /* false: there is no file; NULL: never */
	const char *record_path; /* the folder of the recording, for /api/v1/range; NULL: none */
	void (*recording)(void *ctx, struct prometheus_recording *ret); /* NULL: nothing is recorded */
	void *ctx;
};
void http_options_init(struct http_options *o);

struct http;

/*
 * Binds and listens; answers nothing before http_run. Negative errno with a one-line message in `error`; -EINVAL: an
 * option is wrong. `o` is copied, but its strings must stay.
 */
int http_open(struct http **ret, const struct http_options *o, struct buf *error);
const char *http_address(const struct http *h, size_t i); /* as bound: "127.0.0.1:10435"; NULL after the last one */

/* Whether these options could be used, as far as one can tell without listening. 0 or negative errno with one line in `error`. */
int http_check(const struct http_options *o, struct buf *error);
/* What may change while it serves. */
void http_change(struct http *h, uint64_t max_requests, bool no_self);
/* Whether the present version of web_config is wrong, and an earlier one is in force. */
bool http_web_is_wrong(const struct http *h);

/* Whether the bound address can be reached from other machines, and whether clients have to prove who they are. */
bool http_is_open(const struct http *h, size_t i);
bool http_is_tls(const struct http *h);

/* Serves until `wake` returns true, completes pending responses, and returns 0; negative errno if it cannot continue. */
int http_run(struct http *h, const struct snapshot_source *source);
void http_close(struct http *h);

#endif
