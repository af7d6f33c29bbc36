/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * negotiate.c - see negotiate.h. One pass over untrusted text, without allocation. What it cannot parse is ignored, and the
 * response is plain, which every client understands. There is only one text format, so Accept is not read.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "serve/negotiate.h"

#define QUALITY_MAX 1000

/* A part of the header, not terminated. */
struct span {
	const char *at;
	size_t len;
};

/* The text before `separator`, without surrounding blanks; *rest becomes what follows the separator. */
static struct span span_next(struct span *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct span t = {rest->at, end ? (size_t)(end - rest->at) : rest->len};
	size_t used = t.len + (end ? 1 : 0);

	rest->at += used;
	rest->len -= used;
	while (t.len && (*t.at == ' ' || *t.at == '\t'))
		t.at++, t.len--;
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

static bool span_is(struct span t, const char *name)
{
	return t.len == strlen(name) && strncasecmp(t.at, name, t.len) == 0;
}

/* qvalue: 0, 1, 0.123, 1.000; at most three digits. -1: anything else. */
static int quality_parse(struct span t)
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

/* The quality of one element "name;q=0.5"; *ret_name becomes what is before the first ';'. */
static int element_quality(struct span element, struct span *ret_name)
{
	int q = QUALITY_MAX;

	*ret_name = span_next(&element, ';');
	while (element.len) {
		struct span parameter = span_next(&element, ';');

		if (parameter.len < 2 || (*parameter.at | 0x20) != 'q' || parameter.at[1] != '=')
			return -1;
		q = quality_parse((struct span){parameter.at + 2, parameter.len - 2});
		if (q < 0)
			return -1;
	}
	return q;
}

int accept_quality(const char *header, const char *name)
{
	struct span rest = {header ? header : "", header ? strlen(header) : 0};
	int others = ACCEPT_UNMENTIONED;

	while (rest.len) {
		struct span element = span_next(&rest, ','), named;
		int q = element_quality(element, &named);

		if (q < 0)
			continue;
		if (span_is(named, name))
			return q;
		if (others == ACCEPT_UNMENTIONED && span_is(named, "*"))
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
