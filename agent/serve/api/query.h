/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - the parameters of a request, decoded and checked against those that a page has. Pure: knows nothing of HTTP's library.
 * What is wrong is said in a sentence that repeats nothing of the request. Called by api_pages.c and ask.c.
 */
#ifndef SYSSCOPE_SERVE_QUERY_H
#define SYSSCOPE_SERVE_QUERY_H

#include <stdbool.h>

#include "base/util.h"

#define QUERY_PARAMETERS 8
#define QUERY_BYTES	 4096 /* of a value, decoded */

struct query_parameter {
	const char *key;
	struct buf value;
	bool given;
};

struct query {
	struct query_parameter at[QUERY_PARAMETERS];
	const char *wrong; /* NULL: nothing so far */
};

/* `keys`: those that there may be, up to one that is NULL. */
void query_init(struct query *q, const char *const *keys);
void query_free(struct query *q);
/* One of the request, %-encoded as it came; `value` NULL: it has none. False: enough is known, q->wrong says what is wrong. */
bool query_take(struct query *q, const char *key, const char *value);
/* NULL: it was not given. */
const char *query_value(const struct query *q, const char *key);

/* The text decoded; -EINVAL: wrong %-encoding, a control character, or too long. -ENOMEM. */
int query_decode(struct buf *out, const char *text);

/* A number of seconds since 1970 or of a length: digits, perhaps with a fraction; nothing else. 0 or -EINVAL. */
int query_seconds(const char *text, double least, double most, double *ret);

/* The next word of a list with commas: its length, 0 at the end; *at goes on behind it. Words may be empty: length 0 ends. */
size_t query_word(const char **at, const char **ret_word);

#endif
