/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_internal.h - what http.c (sockets), loop.c and pages.c (responses) share, and those who help them.
 */
#ifndef SYSSCOPE_SERVE_HTTP_INTERNAL_H
#define SYSSCOPE_SERVE_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "exporters/prometheus/prometheus.h"
#include "serve/text/body.h"
#include "serve/api/asks.h"
#include "serve/api/budget.h"
#include "serve/clients.h"
#include "serve/http.h"
#include "serve/text/pack.h"
#include "serve/secure/web.h"
#include "serve/service.h"

#define NS_PER_MS     1000000ULL
#define SEQUENCE_NONE 0 /* snapshots are numbered from 1 */

enum api_text { API_SNAPSHOT, API_FINDINGS, API_TEXTS };

/* A listening HTTP socket with its libmicrohttpd daemon. All of them share the pages and the table of clients. */
struct listener {
	struct MHD_Daemon *daemon;
	int fd, epoll_fd; /* epoll_fd is the daemon's */
	struct buf address;
};

struct http {
	struct http_options o;
	struct listener listeners[HTTP_LISTEN_MAX];
	size_t n_listeners;
	struct buf landing; /* the page's HTML */
	struct clients clients;
	struct service service;
	struct web *web; /* NULL: no file says who may ask */

	const struct snapshot_source *source;
	struct prometheus *prometheus;
	struct prometheus_self self;
	struct pack packs[2]; /* of compressed bodies: text 0.0.4, OpenMetrics */
	/* Of the latest samples, for scrapes soon after them: text 0.0.4, OpenMetrics, and one of some collectors. */
	struct body *bodies[3];
	uint64_t sequence;   /* of the latest snapshot; SEQUENCE_NONE if idle() may have made a newer one */
	uint64_t sampled_ns; /* when it was taken */
	uint64_t asked_ns;   /* when the latest one for a request was taken; 0: never */
	/* For the API: the latest snapshot, while it is there; and the latest text of each of its pages (enum api_text). */
	const struct snapshot *latest;
	struct budget budget;
	struct asks *asks; /* who reads the recording; NULL: there is none */
	struct body *texts[API_TEXTS];
	char *texts_of[API_TEXTS]; /* the parameters that it was made for */
	bool closing;		   /* no request is answered any more: the source may be gone */
	bool ready;		   /* a sample has been taken */
	uint64_t scrapes;	   /* responses with metrics that are being sent */
	uint64_t idle_ns;	   /* when the source's idle() was last called */
};

/*
 * Content-Length together with Transfer-Encoding may be read differently by a proxy in front (request smuggling). No page
 * takes a body, so a connection on which one was sent is not used again.
 */
bool request_has_body(struct MHD_Connection *connection);

/* Queues the response to a request whose headers are complete. */
enum MHD_Result page_answer(struct http *h, struct client *c, struct MHD_Connection *connection, const char *target,
			    const char *method);

/* Queues 401, or `busy` 429. */
enum MHD_Result page_refuse(struct http *h, struct client *c, struct MHD_Connection *connection, bool busy);

struct asked;
/* A path of the API; `allowed`: whether it was GET or HEAD. */
enum MHD_Result api_answer(const struct asked *r, const char *path, bool allowed);
/* Whether the path is that of one of the page's files, and the answer to it. */
bool page_file_there(const char *path);
enum MHD_Result page_file_answer(const struct asked *r, const char *path);
/* Whether the path is one of the API's, which answers in JSON. */
bool api_path(const char *path);
/* Once in each turn of the loop: what was read from the recording goes on. */
void api_turn(struct http *h);
/* Nobody waits for the recording afterwards: before the daemons are stopped. */
void api_stop(struct http *h);
/* The texts are not used any more. */
void api_forget(struct http *h);

int landing_write(struct buf *out, const char *telemetry_path, bool recorded);
/* Not the path of another page, and without characters that need escaping. */
bool telemetry_path_valid(const char *path);

/* Takes a sample and returns its snapshot, valid until the next call and until rest(); NULL with *ret_error. */
const struct snapshot *http_sample(struct http *h, int *ret_error);

#endif
