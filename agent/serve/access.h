/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access.h - who may ask what: sessions of TLS, passwords, and the file that says both. Called by http.c and pages.c. A request
 * whose password is being checked is suspended meanwhile, and answered in a later turn of the loop.
 */
#ifndef SYSSCOPE_SERVE_ACCESS_H
#define SYSSCOPE_SERVE_ACCESS_H

#include "serve/http_internal.h"

enum access {
	ACCESS_GO,
	ACCESS_WAIT,   /* suspended: return MHD_YES without an answer */
	ACCESS_DENIED, /* 401 */
	ACCESS_BUSY,   /* 429 */
};

/* For a connection that has just been accepted. False: it cannot be served. */
bool access_begin(struct http *h, struct client *c, struct MHD_Connection *connection);
void access_end(struct client *c);

enum access access_check(struct http *h, struct client *c, struct MHD_Connection *connection);

/* Once in each turn of the loop: what has been checked goes on. */
void access_turn(struct http *h);
/* Looks for a new version of the file; `now`: also if it was looked at a moment ago. */
void access_refresh(struct http *h, bool now);
/* Nobody waits for a check afterwards: before the daemons are stopped. */
void access_stop(struct http *h);

#endif
