/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer.c - see answer.h. Keeps no state. */
#include <string.h>
#include <strings.h>

#include "config/conf.h"
#include "serve/answer.h"

bool request_has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static bool header_add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* What the configuration says of a header stands in place of what a page has. */
static bool header_own(const struct http *h, struct MHD_Response *response, const char *name, const char *value)
{
	const struct conf *headers = web_headers(h->web);

	for (size_t i = 0; headers && i < headers->parts.n; i++)
		if (headers->parts.at[i].text[0] && strcasecmp(headers->parts.at[i].key, name) == 0)
			return true;
	return header_add(response, name, value);
}

static bool headers_configured(const struct http *h, struct MHD_Response *response)
{
	const struct conf *headers = web_headers(h->web);

	for (size_t i = 0; headers && i < headers->parts.n; i++)
		if (headers->parts.at[i].text[0] &&
		    !header_add(response, headers->parts.at[i].key, headers->parts.at[i].text))
			return false;
	return true;
}

static bool headers_fill(const struct asked *r, struct MHD_Response *response, const char *type,
			 const struct header *more)
{
	if (!header_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) ||
	    !header_own(r->http, response, "X-Content-Type-Options", "nosniff"))
		return false;
	for (; more && more->name; more++)
		if (!header_own(r->http, response, more->name, more->value))
			return false;
	if (request_has_body(r->connection) && !header_add(response, MHD_HTTP_HEADER_CONNECTION, "close"))
		return false;
	return headers_configured(r->http, response);
}

enum MHD_Result answer_queue(const struct asked *r, unsigned int status, struct MHD_Response *response,
			     const char *type, const struct header *more)
{
	enum MHD_Result queued = MHD_NO;

	if (!response)
		return MHD_NO;
	if (headers_fill(r, response, type, more))
		queued = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

enum MHD_Result answer_text_with(const struct asked *r, unsigned int status, const char *text,
				 const struct header *more)
{
	return answer_queue(
		r, status,
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT),
		TYPE_TEXT, more);
}

enum MHD_Result answer_text(const struct asked *r, unsigned int status, const char *text)
{
	return answer_text_with(r, status, text, NULL);
}
