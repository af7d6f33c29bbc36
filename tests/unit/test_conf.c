/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_conf.c - configuration in YAML: what it becomes, and with which line each fault is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/conf.h"

static void conf_freep(struct conf **c)
{
	conf_free(*c);
}
#define _cleanup_conf_ cleanup(conf_freep)

static struct conf *parsed(const char *text)
{
	_cleanup_buf_ struct buf error = {};
	struct conf *c = NULL;

	if (conf_parse(&c, text, strlen(text), "a.yml", &error) < 0)
		fail_msg("%s", error.data);
	return c;
}

static void assert_refused(const char *text, size_t len, const char *want)
{
	_cleanup_buf_ struct buf error = {};
	struct conf *c = NULL;

	assert_int_equal(conf_parse(&c, text, len, "a.yml", &error), -EINVAL);
	assert_null(c);
	assert_string_equal(error.data, want);
}

static void test_tree(void **state)
{
	_cleanup_conf_ struct conf *c = parsed("# comment\n"
					       "one: 1\n"
					       "two:\n"
					       "  - a\n"
					       "  - 'b: c'\n"
					       "three: {x: \"\\u00e9\", y: }\r\n");
	const struct conf *two = conf_get(c, "two"), *three = conf_get(c, "three");

	(void)state;
	assert_int_equal(c->parts.n, 3);
	assert_string_equal(conf_get(c, "one")->text, "1");
	assert_int_equal(conf_get(c, "one")->line, 2);
	assert_int_equal(two->kind, CONF_LIST);
	assert_string_equal(two->parts.at[1].text, "b: c");
	assert_int_equal(two->parts.at[1].line, 5);
	assert_string_equal(conf_get(three, "x")->text, "\xc3\xa9");
	assert_true(conf_get(three, "x")->quoted);
	assert_string_equal(conf_get(three, "y")->text, "");
	assert_null(conf_get(three, "z"));
}

static void test_empty(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "{}\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_conf_ struct conf *c = parsed(texts[i]);

		assert_int_equal(c->kind, CONF_MAP);
		assert_int_equal(c->parts.n, 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a: &x 1\nb: *x\n", "a.yml:1: anchors (&name) are not supported here"},
		{"a: 1\nb: *x\n", "a.yml:2: aliases (*name) are not supported here"},
		{"a: !!binary aGk=\n", "a.yml:1: tags (!name) are not supported here"},
		{"a: 1\nb: 2\na: 3\n", "a.yml:3: the key 'a' is there twice, first in line 1"},
		{"a: 1\n---\nb: 2\n", "a.yml:2: more than one document"},
		{"- 1\n", "a.yml:1: expected 'key: value'"},
		{"text\n", "a.yml:1: expected 'key: value'"},
		{"'':\n  ? [a]\n  : b\n", "a.yml:2: a key has to be a text"},
		{"a: 1\n\tb: 2\n", "a.yml:2: found a tab character that violates indentation"},
		{"a: [1, 2\n", "a.yml:2: did not find expected ',' or ']'"},
		{"a: \"\\0\"\n", "a.yml:1: a NUL byte in a text"},
		{"a: '\xff'\n", "a.yml: byte 4: invalid leading UTF-8 octet"},
		{"\x1b[31m: 1\n", "a.yml: byte 0: control characters are not allowed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(rows[i].text, strlen(rows[i].text), rows[i].want);
}

static void test_bounds(void **state)
{
	_cleanup_buf_ struct buf deep = {}, many = {};

	(void)state;
	buf_str(&deep, "a: ");
	for (int i = 0; i < 10000; i++)
		buf_char(&deep, '[');
	assert_refused(deep.data, deep.len, "a.yml:1: more than 16 levels");
	for (int i = 0; i < 20000; i++)
		buf_printf(&many, "k%d: 1\n", i);
	assert_refused(many.data, many.len, "a.yml:10000: more than 10000 values");
}

static void test_fields(void **state)
{
	const struct conf *text = NULL, *texts = NULL, *named = NULL, *map = NULL;
	bool truth = false;
	const struct conf_field fields[] = {
		{"text", CONF_FIELD_TEXT, &text},    {"truth", CONF_FIELD_TRUTH, &truth},
		{"texts", CONF_FIELD_TEXTS, &texts}, {"named", CONF_FIELD_NAMED, &named},
		{"map", CONF_FIELD_MAP, &map},
	};
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"\n\ntxt: a\n", "a.yml:3: unknown key 'txt'; known here: text, truth, texts, named, map"},
		{"text: [a]\n", "a.yml:1: text: expected a text"},
		{"truth: 'true'\n", "a.yml:1: truth: expected true or false"},
		{"texts:\n  - a\n  - [b]\n", "a.yml:3: texts: expected a list of texts"},
		{"texts: a\n", "a.yml:1: texts: expected a list of texts"},
		{"named:\n  a: 1\n  b: {}\n", "a.yml:3: named: expected 'name: text' in each line"},
		{"map: 1\n", "a.yml:1: map: expected keys of its own"},
	};
	_cleanup_buf_ struct buf error = {};
	_cleanup_conf_ struct conf *right = parsed("text: a\ntruth: Yes\ntexts: [a]\nnamed: {a: b}\nmap:\n");

	(void)state;
	assert_int_equal(conf_fields(right, "a.yml", fields, ARRAY_SIZE(fields), &error), 0);
	assert_string_equal(text->text, "a");
	assert_true(truth);
	assert_int_equal(texts->parts.n, 1);
	assert_string_equal(conf_get(named, "a")->text, "b");
	assert_null(map); /* nothing stands behind it */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_conf_ struct conf *c = parsed(rows[i].text);

		assert_int_equal(conf_fields(c, "a.yml", fields, ARRAY_SIZE(fields), &error), -EINVAL);
		assert_string_equal(error.data, rows[i].want);
	}
}

/* ---- files ---- */

static char folder[] = "/tmp/sysscope-conf-XXXXXX", path[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/a.yml", mkdtemp(folder) ? folder : "");
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void file_make(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	close(fd);
	assert_int_equal(chmod(path, 0600), 0);
}

static void assert_path(const char *of, int want, const char *message)
{
	_cleanup_buf_ struct buf error = {};
	_cleanup_conf_ struct conf *c = NULL;

	assert_int_equal(conf_read(&c, of, &error), want);
	if (message)
		assert_non_null(strstr(error.data, message));
}

static void assert_file(int want, const char *message)
{
	assert_path(path, want, message);
}

/* The folder of each link, and those above, decide as well what the path means. */
static void test_links(void)
{
	char open_folder[64], inner[128], link[128], through[256];

	snprintf(open_folder, sizeof(open_folder), "%s/open", folder);
	snprintf(inner, sizeof(inner), "%s/inner", open_folder);
	snprintf(link, sizeof(link), "%s/link.yml", open_folder);
	assert_int_equal(mkdir(open_folder, 0700), 0);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_int_equal(symlink(path, link), 0);
	assert_path(link, 0, NULL);
	snprintf(through, sizeof(through), "%s/../../%s", inner, strrchr(path, '/') + 1);
	assert_path(through, 0, NULL);
	chmod(open_folder, 0777);
	assert_path(link, -EPERM, "others can replace it: they can write ");
	assert_path(through, -EPERM, "others can replace it: they can write ");
	assert_file(0, NULL);
	unlink(link);
	rmdir(inner);
	rmdir(open_folder);
}

static void test_files(void **state)
{
	(void)state;
	file_make("a: 1\n");
	assert_file(0, NULL);
	chmod(path, 0602);
	assert_file(-EPERM, "a.yml: others can write it");
	chmod(path, 0644);
	assert_file(0, NULL);
	chmod(folder, 0777);
	assert_file(-EPERM, "a.yml: others can replace it");
	chmod(folder, 01777);
	assert_file(0, NULL);
	chmod(folder, 0700);
	test_links();
	assert_int_equal(truncate(path, (off_t)CONF_BYTES_MAX + 1), 0);
	assert_file(-EINVAL, "a.yml: larger than 1024 kB");
	unlink(path);
	assert_file(-ENOENT, "a.yml: No such file");
	/* Nothing waits for a writer. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_file(-EINVAL, "a.yml: not a regular file");
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_file(-EINVAL, "a.yml: not a regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),   cmocka_unit_test(test_empty),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_fields), cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
