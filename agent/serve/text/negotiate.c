/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * negotiate.c - see negotiate.h. One pass over untrusted text, without allocation. What it cannot parse is ignored, and the
 * response is plain, which every client understands.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "serve/text/negotiate.h"

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

/* A media range of an Accept header. */
struct range {
	struct span name, version; /* version: empty without one */
	bool escaping;
	int quality; /* -1: not valid */
};

static bool parameter_is(struct span parameter, const char *name, struct span *ret_value)
{
	size_t len = strlen(name);

	if (parameter.len <= len || parameter.at[len] != '=' || strncasecmp(parameter.at, name, len) != 0)
		return false;
	*ret_value = (struct span){parameter.at + len + 1, parameter.len - len - 1};
	if (ret_value->len >= 2 && ret_value->at[0] == '"' && ret_value->at[ret_value->len - 1] == '"')
		*ret_value = (struct span){ret_value->at + 1, ret_value->len - 2};
	return true;
}

static struct range range_parse(struct span element)
{
	struct range r = {.quality = QUALITY_MAX};
	struct span value;

	r.name = span_next(&element, ';');
	while (element.len) {
		struct span parameter = span_next(&element, ';');

		if (parameter_is(parameter, "q", &value))
			r.quality = quality_parse(value);
		else if (parameter_is(parameter, "version", &value))
			r.version = value;
		else if (parameter_is(parameter, "escaping", &value))
			r.escaping = true;
	}
	return r;
}

bool accept_openmetrics(const char *header, bool *ret_escaping)
{
	struct span rest = {header ? header : "", header ? strlen(header) : 0};
	int open = 0, text = 0, any = 0;

	*ret_escaping = false;
	while (rest.len) {
		struct range r = range_parse(span_next(&rest, ','));

		if (span_is(r.name, "application/openmetrics-text") && r.quality > open &&
		    (!r.version.len || span_is(r.version, "1.0.0"))) {
			open = r.quality;
			*ret_escaping = r.escaping;
		} else if (span_is(r.name, "text/plain") && r.quality > text &&
			   (!r.version.len || span_is(r.version, "0.0.4"))) {
			text = r.quality;
		} else if ((span_is(r.name, "*/*") || span_is(r.name, "text/*")) && r.quality > any) {
			any = r.quality;
		}
	}
	/* Of both alike it is the newer one; what only a wildcard would allow is not asked for. */
	return open > 0 && open >= text && open >= any;
}
