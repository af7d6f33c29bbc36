/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_redact.c - what is hidden of arguments, and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "events/redact.h"
#include "base/util.h"

/* Arguments are separated by | here. */
static void expect(const char *const *patterns, size_t n, const char *in, const char *out)
{
	_cleanup_buf_ struct buf got = {}, error = {};
	struct redactor *r;
	char text[512];
	size_t length = strlen(in) + 1;

	assert_true(length <= sizeof(text));
	for (size_t i = 0; i < length; i++)
		text[i] = in[i] == '|' ? '\0' : in[i];
	assert_int_equal(redactor_open(&r, patterns, n, &error), 0);
	redact(r, text, length, &got);
	assert_int_equal(got.len, strlen(out) + 1);
	for (size_t i = 0; i + 1 < got.len; i++)
		if (!got.data[i])
			got.data[i] = '|';
	assert_string_equal(got.data, out);
	redactor_close(r);
}

static void test_names(void **state)
{
	(void)state;
	expect(NULL, 0, "app|--password|hunter2|-v", "app|--password|***|-v");
	expect(NULL, 0, "app|--password=hunter2|-v", "app|--password=***|-v");
	expect(NULL, 0, "env|PGPASSWORD=hunter2|psql", "env|PGPASSWORD=***|psql");
	expect(NULL, 0, "env|AWS_SECRET_ACCESS_KEY=x|API_KEY=y|apikey=z|A=b",
	       "env|AWS_SECRET_ACCESS_KEY=***|API_KEY=***|apikey=***|A=b");
	expect(NULL, 0, "curl|-H|Authorization: Bearer abc def|http://h/", "curl|-H|Authorization: ***|http://h/");
	expect(NULL, 0, "curl|--header=X-Auth-Token: abc", "curl|--header=X-Auth-Token: ***");
	expect(NULL, 0, "sh|-c|x --token abc; y PASS=1 z", "sh|-c|x --token *** y PASS=*** z");
	expect(NULL, 0, "sh|-c|\"SECRET=a b\" c", "sh|-c|\"SECRET=*** c");
	expect(NULL, 0, "sh|-c|SECRET=\"a b\" c", "sh|-c|SECRET=*** c");
	expect(NULL, 0, "sh|-c|SECRET='a b", "sh|-c|SECRET=***"); /* cut, or a quote of its own */
	expect(NULL, 0, "sh|-c|x --token 'a b' c", "sh|-c|x --token *** c");
	expect(NULL, 0, "app|--password|two words|-v", "app|--password|***|-v");
	expect(NULL, 0, "curl|-H|Authorization:Bearer abc", "curl|-H|Authorization:*** ***");
	expect(NULL, 0, "curl|-d|{\"user\": \"me\", \"password\": \"a b\"}",
	       "curl|-d|{\"user\": \"me\", \"password\": ***");
	expect(NULL, 0, "curl|-u|me:hunter2|x", "curl|-u|me:***|x");
	expect(NULL, 0, "curl|--user=me:hunter2|x", "curl|--user=me:***|x");
	expect(NULL, 0, "sh|-c|curl -u me:hunter2 x", "sh|-c|curl -u me:*** x");
	expect(NULL, 0, "docker|run|-u|1000|x:y", "docker|run|-u|1000|x:y");
	expect(NULL, 0, "openssl|-passin|pass:hunter2|-x", "openssl|-passin|pass:***|-x");
	expect(NULL, 0, "az|DefaultEndpoints=https;AccountKey=abc==", "az|DefaultEndpoints=https;AccountKey=***");
	expect(NULL, 0, "passwd|root", "passwd|root"); /* a program's own name, and a word that is no option */
	expect(NULL, 0, "ls|-l|/etc/shadow", "ls|-l|/etc/shadow");
	expect(NULL, 0, "app||--token", "app||--token");
	expect(NULL, 0, "", "");
}

static void test_urls(void **state)
{
	(void)state;
	expect(NULL, 0, "psql|postgres://me:hunter2@db/x", "psql|postgres://me:***@db/x");
	expect(NULL, 0, "a|http://h:80/x|ftp://u:p@h,ftp://u:q@i", "a|http://h:80/x|ftp://u:***@i");
	expect(NULL, 0, "redis|redis://:p/w@x@h:1/0", "redis|redis://:***@h:1/0");
}

static void test_patterns(void **state)
{
	static const char *const patterns[] = {"^-p.+", "[0-9]{4,}", "x*"};
	static const char *const broken[] = {"fine", "("};
	_cleanup_buf_ struct buf error = {};
	struct redactor *r;

	(void)state;
	expect(patterns, 2, "mysql|-phunter2|-u|me|12345 and 678", "mysql|***|-u|me|*** and 678");
	expect(patterns, 3, "axxb", "a***b");
	assert_int_equal(redactor_open(&r, broken, 2, &error), -EINVAL);
	assert_true(error.len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
