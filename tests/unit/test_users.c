/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_users.c - names of users from a file that anybody may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/users.h"
#include "base/util.h"

static char folder[] = "/tmp/sysscope-users-XXXXXX", path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/passwd", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void file_write(const char *text, size_t length)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static void assert_name(struct users *u, uint32_t uid, const char *want)
{
	const char *name = users_name(u, uid);

	if (!want ? name != NULL : !name || strcmp(name, want) != 0)
		fail_msg("%u: saw %s, true is %s", uid, name ? name : "none", want ? want : "none");
}

static void test_names(void **state)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
				   "toor:x:0:0::/:\n" /* the first one counts */
				   "# comment:x:5:5::/:\n"
				   "+nis:x:6:6::/:\n"
				   "-nis:x:7:7::/:\n"
				   ":x:8:8::/:\n"
				   "short:x\n"
				   "cut:x:9\n"
				   "\n"
				   "hex:x:0x10:1::/:\n"
				   "minus:x:-1:1::/:\n"
				   "huge:x:99999999999999999999:1::/:\n"
				   "nobody:x:65534:65534::/:\n"
				   "most:x:4294967294:1::/:\n"
				   "none:x:4294967295:1::/:\n"
				   "a\x1b[31m:x:10:1::/:\n"
				   "www-data:x:33:33::/:\n"
				   "last:x:1000:1000::/:"; /* without the end of its line */
	struct users *u = users_new(path);

	(void)state;
	assert_non_null(u);
	assert_name(u, 0, NULL); /* nothing read yet */
	file_write(text, sizeof(text) - 1);
	users_refresh(u);
	assert_name(u, 0, "root");
	assert_name(u, 33, "www-data");
	assert_name(u, 1000, "last");
	assert_name(u, 65534, "nobody");
	assert_name(u, 4294967294, "most");
	assert_name(u, 10, "a\x1b[31m");
	for (uint32_t uid = 5; uid < 10; uid++)
		assert_name(u, uid, NULL);
	assert_name(u, 16, NULL);
	assert_name(u, 1, NULL);
	assert_name(u, UINT32_MAX, NULL);
	users_free(u);
	users_free(NULL);
}

/* What changes is read again; what is gone, no file, or not readable as one gives no names and does not wait. */
static void test_changes(void **state)
{
	struct users *u = users_new(path);
	static const char nul[] = "a\0b:x:3:3::/:\nb:x:4:4::/:\n";
	_cleanup_buf_ struct buf many = {};

	(void)state;
	file_write("a:x:1:1::/:\n", 12);
	users_refresh(u);
	assert_name(u, 1, "a");
	file_write("bb:x:1:1::/:\n", 13);
	users_refresh(u);
	assert_name(u, 1, "bb");
	unlink(path);
	users_refresh(u);
	assert_name(u, 1, NULL);
	assert_int_equal(mkfifo(path, 0600), 0);
	users_refresh(u);
	assert_name(u, 1, NULL);
	file_write("", 0);
	users_refresh(u);
	assert_name(u, 1, NULL);
	file_write(nul, sizeof(nul) - 1); /* the text ends at the NUL */
	users_refresh(u);
	assert_name(u, 4, NULL);
	for (unsigned int i = 20000; i; i--)
		buf_printf(&many, "user%u:x:%u:1::/:\n", i, i);
	file_write(many.data, many.len);
	users_refresh(u);
	assert_name(u, 1, "user1");
	assert_name(u, 20000, "user20000");
	assert_name(u, 20001, NULL);
	users_free(u);
}

static void test_any_bytes(void **state)
{
	struct users *u = users_new(path);
	unsigned int seed = 7;

	(void)state;
	for (int round = 0; round < 200; round++) {
		static const char letters[] = "::::\n\n019ax+-#\x1b\xff";
		char text[400];

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		file_write(text, (size_t)rand_r(&seed) % sizeof(text));
		users_refresh(u);
		for (uint32_t uid = 0; uid < 20; uid++) {
			const char *name = users_name(u, uid);

			assert_true(!name || (name[0] && !strpbrk(name, ":\n")));
		}
	}
	users_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
