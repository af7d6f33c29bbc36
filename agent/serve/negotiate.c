/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * negotiate.c - reads Accept-Encoding. Pure: no allocation, one pass over text that anybody may have written. Whatever
 * it cannot read makes the answer plain, which every client understands. There is one text format so far, so nothing
 * has to be read out of Accept.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "serve/negotiate.h"

#define QUALITY_MAX 1000

struct text {
	const char *at;
	size_t len;
};

/* The text up to `separator`, without blanks around it; *rest goes behind the separator. */
static struct text text_next(struct text *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct text t = {rest->at, end ? (size_t)(end - rest->at) : rest->len};
	size_t used = t.len + (end ? 1 : 0);

	rest->at += used;
	rest->len -= used;
	while (t.len && (*t.at == ' ' || *t.at == '\t'))
		t.at++, t.len--;
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

static bool text_is(struct text t, const char *name)
{
	return t.len == strlen(name) && strncasecmp(t.at, name, t.len) == 0;
}

/* qvalue: 0, 1, 0.123, 1.000; at most three digits. -1 for anything else. */
static int quality_parse(struct text t)
{
	int q, unit = QUALITY_MAX / 10;

	if (!t.len || t.len > 5 || (*t.at != '0' && *t.at != '1') || (t.len > 1 && t.at[1] != '.'))
		return -1;
	q = (*t.at - '0') * QUALITY_MAX;
	for (size_t i = 2; i < t.len; i++, unit /= 10) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return -1;
		q += (t.at[i] - '0') * unit;
	}
	return q > QUALITY_MAX ? -1 : q;
}

/* Quality of one element "name;q=0.5"; what stands before the first ';' goes to *ret_name. */
static int element_quality(struct text element, struct text *ret_name)
{
	int q = QUALITY_MAX;

	*ret_name = text_next(&element, ';');
	while (element.len) {
		struct text parameter = text_next(&element, ';');

		if (parameter.len < 2 || (*parameter.at | 0x20) != 'q' || parameter.at[1] != '=')
			return -1;
		q = quality_parse((struct text){parameter.at + 2, parameter.len - 2});
		if (q < 0)
			return -1;
	}
	return q;
}

int accept_quality(const char *header, const char *name)
{
	struct text rest = {header ? header : "", header ? strlen(header) : 0};
	int others = ACCEPT_UNMENTIONED;

	while (rest.len) {
		struct text element = text_next(&rest, ','), named;
		int q = element_quality(element, &named);

		if (q < 0)
			continue;
		if (text_is(named, name))
			return q;
		if (others == ACCEPT_UNMENTIONED && text_is(named, "*"))
			others = q;
	}
	return others;
}

bool accept_gzip(const char *header)
{
	int gzip = accept_quality(header, "gzip");
	int plain = accept_quality(header, "identity");

	if (gzip == ACCEPT_UNMENTIONED)
		gzip = accept_quality(header, "x-gzip");
	return gzip > 0 && gzip >= plain;
}
