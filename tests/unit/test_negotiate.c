/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_negotiate.c - what Accept-Encoding and Accept say, well written and not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "serve/text/negotiate.h"
#include "base/util.h"

static void test_quality(void **state)
{
	static const struct {
		const char *header, *name;
		int want;
	} rows[] = {
		{NULL, "gzip", ACCEPT_UNMENTIONED},
		{"", "gzip", ACCEPT_UNMENTIONED},
		{",,, ,", "gzip", ACCEPT_UNMENTIONED},
		{"gzip", "gzip", 1000},
		{"GZip", "gzip", 1000},
		{"deflate, gzip", "gzip", 1000},
		{"deflate,\tgzip\t", "gzip", 1000},
		{"gzip2", "gzip", ACCEPT_UNMENTIONED},
		{"gzi", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=0", "gzip", 0},
		{"gzip;q=0.000", "gzip", 0},
		{"gzip;Q=0.5", "gzip", 500},
		{"gzip ; q=0.25", "gzip", 250},
		{"gzip;q=0.001", "gzip", 1},
		{"gzip;q=1.000", "gzip", 1000},
		{"gzip;q=1.", "gzip", 1000},
		{"gzip;q=0, gzip", "gzip", 0},
		{"*", "gzip", 1000},
		{"*;q=0", "gzip", 0},
		{"*;q=0, gzip;q=0.1", "gzip", 100},
		{"gzip;q=0, *", "gzip", 0},
		/* cannot be read: passed over */
		{"gzip;q=x", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=-1", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=1.001", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=2", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=0.0001", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=0,5", "gzip", 0},
		{"gzip;level=9", "gzip", ACCEPT_UNMENTIONED},
		{"gzip;q=nan, *;q=0.3", "gzip", 300},
		{"*/*;q=x", "gzip", ACCEPT_UNMENTIONED},
		{"\xff\xfe;q=0.5,gzip", "gzip", 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int q = accept_quality(rows[i].header, rows[i].name);

		if (q != rows[i].want)
			fail_msg("'%s': %d, not %d", rows[i].header ? rows[i].header : "NULL", q, rows[i].want);
	}
}

static void test_gzip(void **state)
{
	static const struct {
		const char *header;
		bool want;
	} rows[] = {
		{NULL, false},
		{"", false},
		{"gzip", true},
		{"x-gzip", true},
		{"gzip, deflate, br", true}, /* curl --compressed */
		{"gzip;q=0", false},
		{"gzip;q=0, x-gzip", false},
		{"identity", false},
		{"identity, gzip", true},
		{"gzip;q=0.5, identity", false},
		{"gzip;q=0.5, identity;q=0.5", true},
		{"identity;q=0", false},
		{"*", true},
		{"*;q=0", false},
		{"deflate, br", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (accept_gzip(rows[i].header) != rows[i].want)
			fail_msg("'%s'", rows[i].header ? rows[i].header : "NULL");
}

static void test_openmetrics(void **state)
{
	static const struct {
		const char *header;
		bool want, escaping;
	} rows[] = {
		{NULL, false, false},
		{"", false, false},
		{"*/*", false, false}, /* curl */
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false, false},
		{"text/plain", false, false},
		{"application/openmetrics-text", true, false},
		{"application/openmetrics-text; version=1.0.0; charset=utf-8", true, false},
		{"application/openmetrics-text;version=0.0.1", false, false},
		{"Application/OpenMetrics-Text;Version=\"1.0.0\"", true, false},
		{"application/openmetrics-text;version=1.0.0;q=0", false, false},
		{"application/openmetrics-text;version=1.0.0;q=x", false, false},
		{"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", false, false},
		{"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", true, false},
		{"*/*;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5", false, false},
		/* Prometheus 2.42, 3.5, and one that wants protobuf first. */
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
		 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 true, false},
		{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
		 "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
		 "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 true, true},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", false,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool escaping = !rows[i].escaping;

		if (accept_openmetrics(rows[i].header, &escaping) != rows[i].want || escaping != rows[i].escaping)
			fail_msg("'%s'", rows[i].header ? rows[i].header : "NULL");
	}
}

/* 64 KiB of separators, and of one element, take no time and no memory. */
static void test_long(void **state)
{
	static char text[65537];

	(void)state;
	memset(text, ',', sizeof(text) - 1);
	assert_int_equal(accept_quality(text, "gzip"), ACCEPT_UNMENTIONED);
	memset(text, ';', sizeof(text) - 1);
	assert_int_equal(accept_quality(text, "gzip"), ACCEPT_UNMENTIONED);
	memset(text, 'g', sizeof(text) - 1);
	assert_int_equal(accept_quality(text, "gzip"), ACCEPT_UNMENTIONED);
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text + sizeof(text) - 5, "gzip", 4);
	assert_int_equal(accept_quality(text, "gzip"), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
