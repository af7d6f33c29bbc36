/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query.c - see query.h. Keeps no state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/api/query.h"

#define SECONDS_DIGITS 32

void query_init(struct query *q, const char *const *keys)
{
	*q = (struct query){};
	for (size_t i = 0; i < QUERY_PARAMETERS && keys[i]; i++)
		q->at[i].key = keys[i];
}

void query_free(struct query *q)
{
	for (size_t i = 0; i < QUERY_PARAMETERS; i++)
		buf_free(&q->at[i].value);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		return -1;
	return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

int query_decode(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (*text == '%') {
			int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);

			if (low < 0)
				return -EINVAL;
			c = (unsigned char)(high << 4 | low);
			text += 2;
		}
		if (c < ' ' || c == 0x7f || out->len >= QUERY_BYTES)
			return -EINVAL;
		buf_char(out, (char)c);
	}
	return out->failed ? -ENOMEM : 0;
}

bool query_take(struct query *q, const char *key, const char *value)
{
	struct query_parameter *p = q->at;

	if (q->wrong)
		return false;
	while (p < q->at + QUERY_PARAMETERS && p->key && strcmp(p->key, key) != 0)
		p++;
	if (p == q->at + QUERY_PARAMETERS || !p->key) {
		q->wrong = "there is no such parameter here; docs/api.md lists those that there are";
		return false;
	}
	if (p->given)
		q->wrong = "a parameter is given twice";
	else if (!value || !*value)
		q->wrong = "a parameter has no value";
	else if (query_decode(&p->value, value) < 0)
		q->wrong = "a value is too long, has a control character, or its %-encoding is wrong";
	p->given = true;
	return !q->wrong;
}

const char *query_value(const struct query *q, const char *key)
{
	for (size_t i = 0; i < QUERY_PARAMETERS && q->at[i].key; i++)
		if (strcmp(q->at[i].key, key) == 0)
			return q->at[i].given ? q->at[i].value.data : NULL;
	return NULL;
}

int query_seconds(const char *text, double least, double most, double *ret)
{
	size_t n = strlen(text), whole = strspn(text, "0123456789");
	size_t fraction = text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0;
	double v;

	if (!whole || whole + fraction != n || fraction == 1 || n > SECONDS_DIGITS)
		return -EINVAL;
	v = strtod(text, NULL);
	if (!(v >= least && v <= most))
		return -EINVAL;
	*ret = v;
	return 0;
}

size_t query_word(const char **at, const char **ret_word)
{
	size_t n = strcspn(*at, ",");

	*ret_word = *at;
	*at += n + ((*at)[n] == ',');
	return n;
}
