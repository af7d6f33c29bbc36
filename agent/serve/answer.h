/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - responses to requests: their headers, and those that the configuration adds. Called by the pages. Repeats nothing
 * that a client sent.
 */
#ifndef SYSSCOPE_SERVE_ANSWER_H
#define SYSSCOPE_SERVE_ANSWER_H

#include "serve/http_internal.h"

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"

struct asked {
	struct http *http;
	struct client *client;
	struct MHD_Connection *connection;
	bool head;
};

struct header {
	const char *name, *value; /* name NULL: the end */
};

/* `more`: further headers, up to one without a name; NULL: none. Takes ownership of the response, which may be NULL. */
enum MHD_Result answer_queue(const struct asked *r, unsigned int status, struct MHD_Response *response,
			     const char *type, const struct header *more);

/* `text` must outlive the connection. */
enum MHD_Result answer_text(const struct asked *r, unsigned int status, const char *text);
enum MHD_Result answer_text_with(const struct asked *r, unsigned int status, const char *text,
				 const struct header *more);

#endif
